//! The first pass over a thousand plugins, against the floor: cold, and with compiled code at hand.
//!
//! The real program and a bare Python loop take turns at loading the same folder, each from its
//! first line (the interpreter runs, nothing is read yet) to the line that says that all is live. Once
//! the plugins are of an ordinary size, once as small as can be.
//!
//! `cargo bench --bench first_pass -- plugins=1000 rounds=7`

mod support;

use std::fs;
use std::io::{self, Write};
use std::time::Duration;

use support::{Outcome, PLUGIN, Program, Times, argument};

fn main() -> Outcome<()> {
    let plugins = argument("plugins", 1000)?;
    let rounds = argument("rounds", 7)?;
    let mut out = io::stdout().lock();
    writeln!(out, "first pass over {plugins} plugins, {rounds} times each, in ms")?;
    for (kind, text) in [("ordinary", PLUGIN), ("tiny", include_str!("python/tiny.py"))] {
        let folder = tempfile::tempdir()?;
        let caches = tempfile::tempdir()?;
        for number in 0..plugins {
            let text = text.replace("{number}", &number.to_string()).replace("{round}", "0");
            let text = text.replace("com.example.bench", &format!("com.example.bench{number}"));
            fs::write(folder.path().join(format!("plugin{number}.py")), text)?;
        }
        let folder = folder.path();
        Program::floor("keep", folder)?.wait("ready")?;
        Program::replug_warm(folder, &["--once"], caches.path())?.wait("stopped")?;
        let mut times: [Times; 5] = Default::default();
        for _ in 0..rounds {
            let programs = [
                Program::replug(folder, &[]),
                Program::replug(folder, &["--isolation", "none"]),
                Program::floor("once", folder),
                Program::replug_warm(folder, &[], caches.path()),
                Program::floor("kept", folder),
            ];
            for (program, times) in programs.into_iter().zip(&mut times) {
                times.add(first_pass(program?)?);
            }
        }
        let [shared, none, floor, warm, kept] = &times;
        for (name, times, floor) in
            [("shared", shared, floor), ("none", none, floor), ("warm", warm, kept)]
        {
            let [ours, theirs] = [times, floor].map(|times| times.percentile(50));
            writeln!(
                out,
                "{kind:<9} {name:<7} p50 {ours:7.1}   floor {theirs:7.1}   ratio {:.2}",
                ours / theirs
            )?;
        }
    }
    Ok(())
}

fn first_pass(program: Program) -> Outcome<Duration> {
    let began = program.wait("starting")?;
    Ok(program.wait("ready")? - began)
}
