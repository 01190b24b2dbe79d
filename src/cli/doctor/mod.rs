//! `replug doctor`: whether saves will be noticed on this machine, how fast, and what to do if not.
//!
//! Arms everything as `watch` would, counts, measures, and lets go of it again. No plugin code runs.

mod interpreter;
mod limits;
mod roots;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{bounded, unbounded};

use super::args::Doctor;
use super::problem::{Problem, written};
use super::running::{Stopping, handle_signals};
use super::{Exit, screen, stdio, survey};
use crate::model::Health;
use crate::report::{Person, diagnosis_line};
use crate::watch::{self, Rules, Tree, place};

pub(super) fn run(arguments: &Doctor) -> Result<Exit, Problem> {
    let common = &arguments.common;
    let settings = survey::settings(common)?;
    let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
    // Whoever has enough shall not leave a file of ours behind.
    let stopping = Arc::new(Stopping::default());
    handle_signals(unbounded().0, stopping.clone()).map_err(|error| Problem::fault(&error))?;

    let before = place::in_use();
    // What happens meanwhile is of no interest, so it may be lost.
    let sender = watch::Sender::new(bounded(0).0);
    let rules = Rules::new(&survey::ignored(&common.layer, &settings));
    let mut tree = Tree::new(settings.roots.clone(), rules)
        .live(sender, survey::polling(settings.poll), Some(common.layer.config_path()))
        .until(stopping.asked.clone());
    tree.scan();
    let census = tree.census();
    // What is measured next needs a watch, too.
    drop(tree);

    let mut found = vec![interpreter::examine(&settings, &common.layer.cwd)];
    found.extend(limits::examine(&census, before, settings.poll));
    found.extend(roots::examine(&census, settings.poll, &stopping.asked));
    let fails = found.iter().any(|one| one.health == Health::Fail);
    written(if common.json {
        found.retain(|one| !common.quiet || one.health == Health::Fail);
        stdout.write_all(found.iter().map(diagnosis_line).collect::<String>().as_bytes())
    } else {
        let options = screen::options(common, &stdout);
        Person::new(stdout, options).diagnoses(&found)
    })?;
    Ok(if fails { Exit::Fault } else { Exit::Clean })
}

/// A time as a person reads it.
fn shown(time: Duration) -> String {
    let nanos = time.as_nanos();
    let (unit, name) = match nanos {
        0..1_000 => (1.0, "ns"),
        1_000..1_000_000 => (1e3, "µs"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let number = format!("{:.1}", time.as_secs_f64() * 1e9 / unit);
    format!("{} {name}", number.trim_end_matches(".0"))
}

/// So many of them, in words.
fn many(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (nanos, text) in [
            (1, "1 ns"),
            (4_000_000, "4 ms"),
            (137_400, "137.4 µs"),
            (2_000_000_000, "2 s"),
            (1_500_000, "1.5 ms"),
        ] {
            assert_eq!(shown(Duration::from_nanos(nanos)), text);
        }
    }
}
