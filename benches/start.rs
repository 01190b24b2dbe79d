//! The start of `watch`, with plugins in a child process (`shared`) against in its own (`none`).
//!
//! The two take turns at the same folder. Told are the time from the first line to the line that says
//! that all is live, and that from the start of the process on, which has the interpreter's in it.
//!
//! `cargo bench --bench start -- plugins=20 rounds=30`

mod support;

use std::fs;
use std::io::{self, Write};
use std::time::Instant;

use support::{Outcome, PLUGIN, Program, Times, argument};

fn main() -> Outcome<()> {
    let plugins = argument("plugins", 20)?;
    let rounds = argument("rounds", 30)?;
    let folder = tempfile::tempdir()?;
    for number in 0..plugins {
        let text = PLUGIN.replace("{round}", "0");
        let text = text.replace("com.example.bench", &format!("com.example.bench{number}"));
        fs::write(folder.path().join(format!("plugin{number}.py")), text)?;
    }
    let mut times: [[Times; 2]; 2] = Default::default();
    for round in 0..=rounds {
        for (isolation, [lines, whole]) in ["shared", "none"].into_iter().zip(&mut times) {
            let spawned = Instant::now();
            let program = Program::replug(folder.path(), &["--isolation", isolation])?;
            let starting = program.wait("starting")?;
            let ready = program.wait("ready")?;
            // The first round fills the system's caches.
            if round > 0 {
                lines.add(ready - starting);
                whole.add(ready - spawned);
            }
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "start with {plugins} plugins, {rounds} times each, p50 in ms")?;
    let [shared, none] = &times;
    for (what, shared, none) in
        [("starting to ready", &shared[0], &none[0]), ("process to ready", &shared[1], &none[1])]
    {
        let [shared, none] = [shared, none].map(|times| times.percentile(50));
        writeln!(
            out,
            "{what:<17} shared {shared:6.1}   none {none:6.1}   ratio {:.2}",
            shared / none
        )?;
    }
    Ok(())
}
