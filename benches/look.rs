//! Looking at a large tree, against ripgrep looking for the same marks in it.
//!
//! `replug list` and `rg -l` take turns on the same tree, in which every thirtieth file is a plugin.
//! `rg` has to be on PATH.
//!
//! `cargo bench --bench look -- files=30000 rounds=15`

mod support;

use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use support::{Outcome, Times, argument, replug};

/// What a file has in it to be worth a look.
const MARKS: &str = "PluginInterface|ServicePlugin|PLUGIN_METADATA|from qtforge|import qtforge";

/// How many files a folder has.
const IN_A_FOLDER: usize = 20;

fn main() -> Outcome<()> {
    let files = argument("files", 30_000)?;
    let rounds = argument("rounds", 15)?;
    let folder = tempfile::tempdir()?;
    for number in 0..files {
        let place = folder.path().join(format!("f{}", number / IN_A_FOLDER % 50));
        let place = place.join(format!("g{}", number / IN_A_FOLDER / 50));
        fs::create_dir_all(&place)?;
        let text = if number % 30 == 7 { plugin(number) } else { module(number) };
        fs::write(place.join(format!("m{number}.py")), text)?;
    }
    let [mut ours, mut theirs] = [Times::default(), Times::default()];
    let mut found = 0;
    for _ in 0..=rounds {
        let mut list = replug();
        list.args(["list", "--json"]).arg(folder.path());
        found = run(list, &mut ours)?;
        let mut search = Command::new("rg");
        search.args(["-l", MARKS]).arg(folder.path());
        run(search, &mut theirs).map_err(|error| format!("rg: {error}"))?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "looking at {files} files, {found} of them plugins, {rounds} times each, in ms")?;
    for (name, times) in [("replug", &ours), ("rg -l", &theirs)] {
        let [p50, fastest] = [50, 0].map(|percent| times.percentile(percent));
        writeln!(out, "{name:<7} p50 {p50:7.1}   fastest {fastest:7.1}")?;
    }
    writeln!(out, "ratio p50 = {:.2}", ours.percentile(50) / theirs.percentile(50))?;
    Ok(())
}

/// Runs a program and adds the time that it took; how many lines it wrote.
fn run(mut command: Command, times: &mut Times) -> Outcome<usize> {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    times.add(began.elapsed());
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(output.stdout.split(|byte| *byte == b'\n').count() - 1)
}

fn plugin(number: usize) -> String {
    include_str!("python/tiny.py").replace("{number}", &number.to_string())
}

/// A module as there are many: one to eight kilobytes, and nothing to do with plugins.
fn module(number: usize) -> String {
    let functions = (0..8 + number % 50).map(|function| {
        format!(
            "def function_{function}(argument):\n    \"\"\"Computes something.\"\"\"\n    \
             value = argument * {function} + {number}\n    return os.path.join(str(value))\n\n\n"
        )
    });
    format!("import os\n\n\n{}", functions.collect::<String>())
}
