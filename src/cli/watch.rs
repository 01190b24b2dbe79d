//! `replug watch`: puts the stages together and runs the supervisor.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use crossbeam_channel::{bounded, never, unbounded};

use super::args::Watch;
use super::problem::{Problem, written};
use super::running::{Stopping, cache_folder, handle_signals, policy, start_host};
use super::screen::{self, Screen};
use super::{Exit, stdio, survey};
use crate::debounce::Settle;
use crate::host::Printing;
use crate::keys::{self, Listener};
use crate::report::{JsonLines, Report};
use crate::settings::{self, CliLayer, Settings};
use crate::supervisor::{Configuration, Inputs, Options, Reread, Supervisor};
use crate::watch;

/// How many file events may wait while a reload runs; beyond that the disk is compared instead.
pub(crate) const RAW_EVENTS: usize = 16_384;

pub(super) fn run(arguments: &Watch) -> Result<Exit, Problem> {
    if arguments.print_config {
        let text = settings::print(&arguments.common.layer, &arguments.origins)
            .map_err(|error| Problem::usage(&error))?;
        let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
        written(stdout.write_all(text.as_bytes()))?;
        return Ok(Exit::Clean);
    }
    let settings =
        settings::load(&arguments.common.layer).map_err(|error| Problem::usage(&error))?;
    let stdout =
        stdio::private_stdout(arguments.common.json).map_err(|error| Problem::fault(&error))?;
    let (stop, stopped) = unbounded();
    let stopping = Arc::new(Stopping::default());
    // Before the interpreter starts: it leaves alone what is there already.
    handle_signals(stop.clone(), stopping.clone()).map_err(|error| Problem::fault(&error))?;
    // The same holds for the signals of this. It is held to the end: dropped, it gives the terminal
    // back.
    let listener = listen(arguments, &stdout);
    stdio::watch_reader(&stdout, stop).map_err(|error| Problem::fault(&error))?;

    let (raw_sender, raw) = bounded(RAW_EVENTS);
    let sender = watch::Sender::new(raw_sender);
    let (note_sender, notes) = unbounded();
    let (gone_sender, gone) = unbounded();
    let (report, printing) = report(arguments, stdout, listener.is_some())?;
    let cache = (!arguments.no_cache).then(cache_folder).flatten();
    let (host, hurry) =
        start_host(&arguments.common, &settings, printing, cache, note_sender, gone_sender)?;
    // Set once, here; nobody else does.
    let _ = stopping.hurry.set(hurry);
    let options = Options {
        once: arguments.once,
        timings: arguments.timings,
        python: host.version().to_owned(),
        configuration: configuration(&arguments.common.layer, settings),
        reread: reread(arguments.common.layer.clone()),
    };
    let keys = listener.as_ref().map_or_else(never, |listener| listener.keys.clone());
    let asked = stopping.asked.clone();
    let inputs = Inputs {
        raw,
        sender,
        notes,
        gone,
        keys,
        commands: never(),
        stop: stopped,
        stopping: asked,
    };
    let exit = Supervisor::new(options, inputs, host, report).run();
    Ok(if exit == 0 { Exit::Clean } else { Exit::Fault })
}

/// Who tells what happens, and where what plugins print goes, if not straight there.
fn report(
    arguments: &Watch,
    stdout: File,
    keys: bool,
) -> Result<(Box<dyn Report>, Option<Printing>), Problem> {
    if arguments.common.json {
        return Ok((Box::new(JsonLines::new(stdout)), None));
    }
    let options = screen::watch_options(arguments, &stdout, keys);
    let screen = Screen::new(stdout, options).map_err(|error| Problem::fault(&error))?;
    let printing = (!arguments.no_prefix).then(|| screen.printing());
    Ok((Box::new(screen), printing))
}

/// The keys, if there are any. Without them everything else works all the same.
fn listen(arguments: &Watch, stdout: &File) -> Option<Listener> {
    let listening = screen::has_keys(arguments, stdout).then(keys::listen)?;
    listening.inspect_err(|error| tracing::warn!(%error, "no keys: the terminal refuses")).ok()
}

fn reread(layer: CliLayer) -> Reread {
    Box::new(move || {
        let settings = settings::load(&layer).map_err(|error| error.to_string())?;
        Ok(configuration(&layer, settings))
    })
}

/// The part of the settings that may change while the program runs.
pub(crate) fn configuration(layer: &CliLayer, settings: Settings) -> Configuration {
    let policy = policy(&settings);
    Configuration {
        file: Some(layer.config_path()),
        ignored: survey::ignored(layer, &settings),
        interpreter: settings.python,
        roots: settings.roots,
        polling: survey::polling(settings.poll),
        settle: Settle::with_burst(settings.settle),
        policy,
    }
}
