//! Ten thousand reloads in a row: what they leave behind in memory, descriptors, threads, and files whose
//! lines `linecache` keeps.
//!
//! One plugin and its helper are saved in turns, the next save as soon as the last one is live.
//! The first thousand are the warm-up; the figures at its end are what the end is compared with.
//!
//! `cargo bench --bench soak -- reloads=10000`

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use support::{Outcome, PLUGIN, Program, argument, resident};

/// The processes of the program.
const NAMES: [&str; 2] = ["supervisor", "host"];

/// What a process holds.
#[derive(Clone, Copy)]
struct Held {
    kilobytes: i64,
    descriptors: usize,
    threads: usize,
}

impl Held {
    /// The program, and the process that plugins run in.
    fn by(program: &Program) -> Outcome<Vec<Self>> {
        program.processes()?.iter().map(|process| Self::by_process(process)).collect()
    }

    fn by_process(process: &str) -> Outcome<Self> {
        let place = Path::new("/proc").join(process);
        Ok(Self {
            kilobytes: resident(process)?,
            descriptors: fs::read_dir(place.join("fd"))?.count(),
            threads: fs::read_dir(place.join("task"))?.count(),
        })
    }
}

fn main() -> Outcome<()> {
    let reloads = argument("reloads", 10_000)?;
    let warm = reloads / 10;
    let folder = tempfile::tempdir()?;
    let plugin = folder.path().join("bench.py");
    let helper = folder.path().join("bench_helper.py");
    let told = tempfile::tempdir()?;
    let told = told.path().join("kept.txt");
    let plugin_text = |round: usize| {
        let text = PLUGIN.replace("{round}", &round.to_string());
        let text = text
            .replace("\nROUND =", "\nimport bench_helper\n\nHELPED = bench_helper.HELP\nROUND =");
        // A traceback makes `linecache` look at every file on the way.
        format!(
            "{text}\n\nimport linecache, traceback\n\ntraceback.format_stack()\n\
             with open({told:?}, \"w\") as file:\n    file.write(str(len(linecache.cache)))\n"
        )
    };
    let kept = || -> Outcome<usize> { Ok(fs::read_to_string(&told)?.parse()?) };
    let helper_text =
        |round: usize| format!("\"\"\"Helps, round {round}.\"\"\"\n\nHELP = {round}\n");
    fs::write(&helper, helper_text(0))?;
    fs::write(&plugin, plugin_text(0))?;
    // Without a burst's quiet time, which would only be slept away here.
    let program = Program::replug(folder.path(), &["--settle", "0"])?;
    program.wait("ready")?;
    let mut out = io::stdout().lock();
    let mut before = Held::by(&program)?;
    let mut kept_before = kept()?;
    for round in 1..=reloads {
        if round % 2 == 0 {
            program.save(&plugin, &plugin_text(round), "reloaded")?;
        } else {
            program.save(&helper, &helper_text(round), "reloaded")?;
        }
        if round % warm == 0 {
            for (name, held) in NAMES.iter().zip(Held::by(&program)?) {
                let Held { kilobytes, descriptors, threads } = held;
                writeln!(
                    out,
                    "{round:6} reloads: {name:<10} {kilobytes:7} kB, {descriptors} descriptors, \
                     {threads} threads"
                )?;
            }
            out.flush()?;
        }
        if round == warm {
            before = Held::by(&program)?;
            kept_before = kept()?;
        }
    }
    writeln!(out, "files in linecache: {kept_before} to {}", kept()?)?;
    for ((name, before), after) in NAMES.iter().zip(before).zip(Held::by(&program)?) {
        writeln!(
            out,
            "from {warm} to {reloads} reloads: {name:<10} {:+} kB, {} to {} descriptors, \
             {} to {} threads",
            after.kilobytes - before.kilobytes,
            before.descriptors,
            after.descriptors,
            before.threads,
            after.threads
        )?;
    }
    Ok(())
}
