//! `replug exec`: loads one plugin with what it depends on, runs code beside it, and shuts all of
//! it down again, in order.
//!
//! The value goes to stdout, everything about it to stderr. What plugins and the code print goes to
//! stdout as well, unless `--json` keeps that for the one object that it promises.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use crossbeam_channel::unbounded;

use super::args::Exec;
use super::problem::{Problem, written};
use super::running::{Stopping, handle_signals, policy, start_host};
use super::{Exit, screen, stdio, survey};
use crate::check::Survey;
use crate::host::Host;
use crate::loader::{Loader, Policy};
use crate::model::{Edit, Event, PluginFault};
use crate::report::{Person, Report, exec_line};

pub(super) fn run(arguments: &Exec) -> Result<Exit, Problem> {
    let Exec { common, id, code } = arguments;
    let settings = survey::settings(common)?;
    let mut stdout = stdio::private_stdout(common.json).map_err(|error| Problem::fault(&error))?;
    let survey = Survey::of(survey::files(&common.layer, &settings));
    let (stop, _stopped) = unbounded();
    let stopping = Arc::new(Stopping::default());
    handle_signals(stop, stopping.clone()).map_err(|error| Problem::fault(&error))?;
    // What the code imports is told there, and nobody needs to know; but who tells it must be heard.
    let (notes, _noted) = unbounded();
    let (gone, _gone) = unbounded();
    let (host, hurry) = start_host(common, &settings, None, None, notes, gone)?;
    // Set once, here; nobody else does.
    let _ = stopping.hurry.set(hurry);

    let policy = Policy { lazy: true, ..policy(&settings) };
    let mut loader = Loader::new(host, policy).until(stopping.asked.clone());
    let nearest = survey.nearest(id);
    let broken = survey.broken().into_iter().find(|broken| broken.id == Some(id));
    let broken = broken.map(|broken| broken.fault.clone());
    // Nothing is loaded before it is asked for, so nothing that fails here concerns us.
    loader.apply(Edit { units: survey.into_units(), ..Edit::nothing() }, &mut |_| {});

    let stderr = stdio::private_stderr().map_err(|error| Problem::fault(&error))?;
    let options = screen::options(common, &stderr);
    let mut person = Person::new(stderr, options);
    let mut why = None;
    let awake = loader.wake(id, &mut |event| why = tell(&mut person, event).or(why.take()));
    let outcome = match awake {
        Some(true) => loader.exec(id, code, &mut |event| drop(tell(&mut person, event))),
        Some(false) => Err(why.unwrap_or_else(|| interrupted(&stopping))),
        None => {
            end(loader, &mut person);
            let Some(fault) = broken else {
                let tip = nearest.map(|id| format!("; did you mean {id}?")).unwrap_or_default();
                let message = format!("there is no plugin {id}, or watch.toml disables it{tip}");
                return Err(Problem::fault(&message));
            };
            let _ = person.raised(id, &fault);
            return answer(arguments, &mut stdout, &Err(fault));
        }
    };
    if awake == Some(true)
        && let Err(fault) = &outcome
    {
        let _ = person.raised(id, fault);
    }
    // The value is there before a shutdown that hangs.
    let exit = answer(arguments, &mut stdout, &outcome);
    end(loader, &mut person);
    exit
}

/// Says what a person should know of a load; the fault, if it is one.
fn tell<W: Write + Send>(person: &mut Person<W>, event: Event) -> Option<PluginFault> {
    if matches!(event, Event::Failed { .. } | Event::Warned { .. }) {
        // If nobody can read it, there is nobody to tell.
        let _ = person.event(SystemTime::now(), &event);
    }
    match event {
        Event::Failed { fault, .. } => Some(fault),
        _ => None,
    }
}

fn interrupted(stopping: &Stopping) -> PluginFault {
    let asked = stopping.asked.load(std::sync::atomic::Ordering::Relaxed);
    let message = if asked { "interrupted before it was loaded" } else { "it was not loaded" };
    PluginFault::new(crate::model::Phase::Initialize, "PluginLoadError", message)
}

fn answer(
    arguments: &Exec,
    stdout: &mut impl Write,
    outcome: &Result<Option<String>, PluginFault>,
) -> Result<Exit, Problem> {
    let text = match outcome {
        _ if arguments.common.json => exec_line(&arguments.id, outcome),
        Ok(Some(value)) => format!("{value}\n"),
        Ok(None) | Err(_) => String::new(),
    };
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))?;
    Ok(if outcome.is_ok() { Exit::Clean } else { Exit::Fault })
}

/// Shuts everything down, dependents first.
fn end<W: Write + Send, H: Host>(mut loader: Loader<H>, person: &mut Person<W>) {
    loader.stop(&mut |event| drop(tell(person, event)));
    let _ = io::stderr().flush();
}
