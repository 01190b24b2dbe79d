//! From the close of a saved file to the line that says that it is live, against the floor.
//!
//! The real program, with its plugin in a child process (`shared`) or in its own (`none`), the same
//! beside thirty thousand other files (`large`), and a bare Python loop run side by side, each on its
//! own copy of one plugin.
//! Rounds alternate between them, so that whatever else the machine does meets all. Each save
//! is alone: the next one waits for the outcome of the last one and a moment more.
//!
//! `cargo bench --bench save_to_live -- rounds=300 hogs=0 files=30000`

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use support::{Hogs, Outcome, PLUGIN, Program, Times, argument, pause};

/// Saves that are not counted: caches are cold, and Python makes its last imports.
const WARM_UP: usize = 10;

/// One side of the comparison.
struct Side {
    name: &'static str,
    program: Program,
    file: PathBuf,
    times: Times,
}

fn main() -> Outcome<()> {
    let rounds = argument("rounds", 300)?;
    let hogs = argument("hogs", 0)?;
    let files = argument("files", 30_000)?;
    let folder = tempfile::tempdir()?;
    let mut sides = Vec::new();
    for name in ["shared", "none", "large", "floor"] {
        let folder = folder.path().join(name);
        fs::create_dir(&folder)?;
        if name == "large" {
            for number in 0..files {
                let place = folder.join(format!("f{}", number / 100));
                fs::create_dir_all(&place)?;
                fs::write(place.join(format!("m{number}.py")), format!("NUMBER = {number}\n"))?;
            }
        }
        let file = folder.join("bench.py");
        fs::write(&file, PLUGIN.replace("{round}", "0"))?;
        let program = match name {
            "floor" => Program::floor("watch", &folder)?,
            "none" => Program::replug(&folder, &["--isolation", "none"])?,
            _ => Program::replug(&folder, &[])?,
        };
        program.wait("ready")?;
        sides.push(Side { name, program, file, times: Times::default() });
    }
    let _hogs = Hogs::start(hogs);
    for round in 1..=WARM_UP + rounds {
        let text = PLUGIN.replace("{round}", &round.to_string());
        for side in &mut sides {
            pause(Duration::from_millis(30), Duration::from_millis(60));
            let time = side.program.save(&side.file, &text, "reloaded")?;
            if round > WARM_UP {
                side.times.add(time);
            }
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "save to live, {rounds} lone saves each, {hogs} CPU hogs beside")?;
    for side in &sides {
        let [p50, p90, p99] = [50, 90, 99].map(|percent| side.times.percentile(percent));
        let memory: Vec<String> =
            side.program.memory()?.iter().map(|kilobytes| format!("{kilobytes} kB")).collect();
        writeln!(
            out,
            "{:<7} p50 {p50:6.2} ms   p90 {p90:6.2} ms   p99 {p99:6.2} ms   memory {}",
            side.name,
            memory.join(" + ")
        )?;
    }
    if let [shared, none, large, floor] = &sides[..] {
        for (one, other) in [(shared, floor), (none, floor), (large, shared)] {
            let ratio = one.times.percentile(50) / other.times.percentile(50);
            writeln!(out, "{} / {}: p50 ratio {ratio:.2}", one.name, other.name)?;
        }
        let more = shared.times.percentile(50) - none.times.percentile(50);
        writeln!(out, "shared - none: p50 {more:+.2} ms")?;
    }
    Ok(())
}
