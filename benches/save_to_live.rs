//! From the close of a saved file to the line that says that it is live, against the floor.
//!
//! The real program and a bare Python loop run side by side, each on its own copy of one plugin.
//! Rounds alternate between the two, so that whatever else the machine does meets both. Each save
//! is alone: the next one waits for the outcome of the last one and a moment more.
//!
//! `cargo bench --bench save_to_live -- rounds=300 hogs=0`

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
    let folder = tempfile::tempdir()?;
    let mut sides = Vec::new();
    for name in ["replug", "floor"] {
        let folder = folder.path().join(name);
        fs::create_dir(&folder)?;
        let file = folder.join("bench.py");
        fs::write(&file, PLUGIN.replace("{round}", "0"))?;
        let program = match name {
            "replug" => Program::replug(&folder, &[])?,
            _ => Program::floor("watch", &folder)?,
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
        writeln!(out, "{:<8} p50 {p50:6.2} ms   p90 {p90:6.2} ms   p99 {p99:6.2} ms", side.name)?;
    }
    if let [replug, floor] = &sides[..] {
        for percent in [50, 90, 99] {
            let ratio = replug.times.percentile(percent) / floor.times.percentile(percent);
            writeln!(out, "ratio p{percent} = {ratio:.2}")?;
        }
    }
    Ok(())
}
