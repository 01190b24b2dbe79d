//! The first pass over a thousand tiny plugins, against the floor.
//!
//! The real program and a bare Python loop take turns at loading the same folder, each from its
//! first line (the interpreter runs, nothing is read yet) to the line that says that all is live.
//!
//! `cargo bench --bench first_pass -- plugins=1000 rounds=7`

mod support;

use std::fs;
use std::io::{self, Write};

use support::{Outcome, Program, Times, argument};

fn main() -> Outcome<()> {
    let plugins = argument("plugins", 1000)?;
    let rounds = argument("rounds", 7)?;
    let folder = tempfile::tempdir()?;
    for number in 0..plugins {
        let text = include_str!("python/tiny.py").replace("{number}", &number.to_string());
        fs::write(folder.path().join(format!("tiny{number}.py")), text)?;
    }
    let [mut replug, mut floor] = [Times::default(), Times::default()];
    for _ in 0..rounds {
        let program = Program::replug(folder.path(), &[])?;
        let began = program.wait("starting")?;
        replug.add(program.wait("ready")? - began);
        drop(program);
        let program = Program::floor("once", folder.path())?;
        let began = program.wait("starting")?;
        floor.add(program.wait("ready")? - began);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "first pass over {plugins} tiny plugins, {rounds} times each")?;
    for (name, times) in [("replug", &replug), ("floor", &floor)] {
        writeln!(
            out,
            "{name:<8} p50 {:7.1} ms   fastest {:7.1} ms",
            times.percentile(50),
            times.percentile(0)
        )?;
    }
    writeln!(out, "ratio p50 = {:.2}", replug.percentile(50) / floor.percentile(50))?;
    Ok(())
}
