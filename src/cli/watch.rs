//! `replug watch`: puts the stages together and runs the supervisor.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, never, unbounded};

use super::args::Watch;
use super::screen::{self, Screen};
use super::{Exit, exit, log, stdio};
use crate::debounce::Settle;
use crate::host::{self, ChildOptions, Client, Hurry, LocalOptions, Note, SpawnError};
use crate::keys::{self, Listener};
use crate::loader::{PluginPolicy, Policy};
use crate::model::Isolation;
use crate::python::StartupError;
use crate::report::{JsonLines, Report};
use crate::settings::{self, CliLayer, Settings};
use crate::supervisor::{Configuration, Inputs, Options, Reread, Supervisor};
use crate::watch::{self, Ignored, Watcher};

/// How many file events may wait while a reload runs; beyond that the disk is compared instead.
const RAW_EVENTS: usize = 16_384;

/// How long a call into a plugin may go on after somebody asked to stop.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &Watch) -> Exit {
    let color = screen::use_color(arguments.color, io::stderr().is_terminal());
    log::start(log_filter(arguments), color);
    match try_run(arguments) {
        Ok(exit) => exit,
        Err(Problem { message, exit }) => {
            // The last word of the program; if nobody can read it, there is nobody to tell.
            let _ = writeln!(io::stderr(), "replug: error: {message}");
            exit
        }
    }
}

/// Why there is nothing to run.
struct Problem {
    message: String,
    exit: Exit,
}

impl Problem {
    fn usage(error: &impl ToString) -> Self {
        Self { message: error.to_string(), exit: Exit::Usage }
    }

    fn fault(error: &impl ToString) -> Self {
        Self { message: error.to_string(), exit: Exit::Fault }
    }
}

fn try_run(arguments: &Watch) -> Result<Exit, Problem> {
    if arguments.print_config {
        let text = settings::print(&arguments.layer, &arguments.origins)
            .map_err(|error| Problem::usage(&error))?;
        let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
        return match stdout.write_all(text.as_bytes()) {
            // A reader that has gone away is no fault.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let message = format!("the output cannot be written: {error}");
                Err(Problem { message, exit: Exit::Fault })
            }
            _ => Ok(Exit::Clean),
        };
    }
    let settings = settings::load(&arguments.layer).map_err(|error| Problem::usage(&error))?;
    let stdout = stdio::private_stdout(arguments.json).map_err(|error| Problem::fault(&error))?;
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
    let watcher = if arguments.once {
        None
    } else {
        Some(Watcher::new(sender.clone()).map_err(|error| Problem::fault(&error))?)
    };
    let (note_sender, notes) = unbounded();
    let (gone_sender, gone) = unbounded();
    let (host, hurry) = start_host(arguments, &settings, note_sender, gone_sender)?;
    // Set once, here; nobody else does.
    let _ = stopping.hurry.set(hurry);
    let options = Options {
        once: arguments.once,
        python: host.version().to_owned(),
        configuration: configuration(&arguments.layer, settings),
        reread: reread(arguments.layer.clone()),
    };
    let report: Box<dyn Report> = if arguments.json {
        Box::new(JsonLines::new(stdout))
    } else {
        let options = screen::options(arguments, &stdout, listener.is_some());
        Box::new(Screen::new(stdout, options).map_err(|error| Problem::fault(&error))?)
    };
    let keys = listener.as_ref().map_or_else(never, |listener| listener.keys.clone());
    let asked = stopping.asked.clone();
    let inputs = Inputs { raw, sender, notes, gone, keys, stop: stopped, stopping: asked };
    let exit = Supervisor::new(options, inputs, watcher, host, report).run();
    Ok(if exit == 0 { Exit::Clean } else { Exit::Fault })
}

/// The keys, if there are any. Without them everything else works all the same.
fn listen(arguments: &Watch, stdout: &File) -> Option<Listener> {
    let listening = screen::has_keys(arguments, stdout).then(keys::listen)?;
    listening.inspect_err(|error| tracing::warn!(%error, "no keys: the terminal refuses")).ok()
}

/// The place where plugins run, as the settings have it.
fn start_host(
    arguments: &Watch,
    settings: &Settings,
    notes: Sender<Note>,
    gone: Sender<()>,
) -> Result<(Client, Hurry), Problem> {
    let python = settings.python.clone();
    if settings.isolation == Isolation::None {
        let options = LocalOptions { python, expendable: false };
        let (host, urgency) =
            host::in_this_process(&options, notes).map_err(|error| match error {
                StartupError::Failed(_) => Problem::fault(&error),
                StartupError::Missing { .. } | StartupError::OtherVersion { .. } => {
                    Problem::usage(&error)
                }
            })?;
        return Ok((host, Box::new(move |limit| urgency.hurry(limit))));
    }
    let options = ChildOptions { python, log: log_filter(arguments).to_owned() };
    host::spawn(options, notes, gone).map_err(|error| match error {
        SpawnError::Usage(_) => Problem::usage(&error),
        SpawnError::Failed(_) => Problem::fault(&error),
    })
}

/// Whether somebody asked to stop, and whom that concerns at once.
#[derive(Default)]
struct Stopping {
    asked: Arc<AtomicBool>,
    hurry: OnceLock<Hurry>,
}

/// The first SIGINT, SIGTERM or SIGHUP asks to stop; the second one does not ask.
fn handle_signals(stop: Sender<()>, stopping: Arc<Stopping>) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || {
        if stopping.asked.swap(true, Ordering::Relaxed) {
            exit::leave(Exit::Fault);
        }
        let _ = stop.send(());
        // A plugin that is being loaded, or that hangs, does not keep a person waiting.
        if let Some(hurry) = stopping.hurry.get() {
            hurry(PATIENCE);
        }
    })
}

fn reread(layer: CliLayer) -> Reread {
    Box::new(move || {
        let settings = settings::load(&layer).map_err(|error| error.to_string())?;
        Ok(configuration(&layer, settings))
    })
}

/// The part of the settings that may change while the program runs.
fn configuration(layer: &CliLayer, settings: Settings) -> Configuration {
    let policy = policy(&settings);
    let base = settings.config_file.as_deref().and_then(Path::parent).unwrap_or(&layer.cwd);
    Configuration {
        file: layer.config_path(),
        ignored: Ignored {
            base: base.to_owned(),
            patterns: settings.ignore,
            gitignore: settings.gitignore,
        },
        roots: settings.roots,
        settle: Settle::with_burst(settings.settle),
        policy,
    }
}

fn policy(settings: &Settings) -> Policy {
    let plugins = settings.plugins.iter().map(|(id, plugin)| {
        let policy = PluginPolicy {
            disabled: !plugin.enabled,
            activation: plugin.activation,
            timeout: plugin.timeout,
            configuration: plugin.configuration.clone(),
        };
        (id.clone(), policy)
    });
    Policy {
        timeout: settings.timeout,
        shutdown_timeout: settings.shutdown_timeout,
        mode: settings.mode,
        lazy: false,
        plugins: plugins.collect(),
    }
}

fn log_filter(arguments: &Watch) -> &'static str {
    match (arguments.quiet, arguments.verbose) {
        (true, _) => "error,notify=off",
        (false, 0) => "warn,notify=off",
        (false, 1) => "replug=info,warn,notify=off",
        (false, 2) => "replug=debug,warn,notify=off",
        (false, _) => "trace",
    }
}
