//! What every command that runs plugins needs: a place for them, a way to stop, and a policy.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::Sender;

use super::args::Common;
use super::problem::Problem;
use super::{Exit, exit, log};
use crate::host::{self, ChildOptions, Client, Hurry, LocalOptions, Note, Printing, SpawnError};
use crate::keys;
use crate::loader::{PluginPolicy, Policy};
use crate::model::Isolation;
use crate::python::StartupError;
use crate::settings::Settings;

/// How long a call into a plugin may go on after somebody asked to stop.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where compiled code is kept from one start of the program to the next; `None` if nobody says where
/// such things go.
pub(super) fn cache_folder() -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let home = || Some(absolute(env::var_os("HOME")?)?.join(".cache"));
    let caches = env::var_os("XDG_CACHE_HOME").and_then(absolute).or_else(home)?;
    Some(caches.join("replug"))
}

/// The place where plugins run, as the settings have it. What they print in a child goes to `printing`,
/// or straight to where our own output goes. Compiled code is kept in `cache`.
pub(super) fn start_host(
    common: &Common,
    settings: &Settings,
    printing: Option<Printing>,
    cache: Option<PathBuf>,
    notes: Sender<Note>,
    gone: Sender<()>,
) -> Result<(Client, Hurry), Problem> {
    let python = settings.python.clone();
    if settings.isolation == Isolation::None {
        let options = LocalOptions {
            python,
            expendable: false,
            tag_prints: None,
            cache,
            terminal: Arc::new(|wanted| terminal(wanted.then_some(None))),
        };
        let (host, urgency) =
            host::in_this_process(&options, notes).map_err(|error| match error {
                StartupError::Failed(_) => Problem::fault(&error),
                _ => Problem::usage(&error),
            })?;
        return Ok((host, Box::new(move |limit| urgency.hurry(limit))));
    }
    let options = ChildOptions {
        python,
        log: log::filter(common).to_owned(),
        printing,
        cache,
        terminal: Some(Arc::new(|group| terminal(group.map(Some)))),
    };
    host::spawn(options, notes, gone).map_err(|error| match error {
        SpawnError::Usage(_) => Problem::usage(&error),
        SpawnError::Failed(_) => Problem::fault(&error),
    })
}

/// Gives the terminal to a process group, or to this process's own plugins, for a debugger; with
/// `None` takes it back.
fn terminal(to: Option<Option<u32>>) -> bool {
    match to {
        Some(group) => keys::hand_over(group),
        None => {
            keys::take_back();
            true
        }
    }
}

/// Whether somebody asked to stop, and whom that concerns at once.
#[derive(Default)]
pub(super) struct Stopping {
    pub(super) asked: Arc<AtomicBool>,
    pub(super) hurry: OnceLock<Hurry>,
}

/// The first SIGINT, SIGTERM or SIGHUP asks to stop; the second one does not ask.
pub(super) fn handle_signals(
    stop: Sender<()>,
    stopping: Arc<Stopping>,
) -> Result<(), ctrlc::Error> {
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

/// What the user decided about plugins.
pub(super) fn policy(settings: &Settings) -> Policy {
    let plugins = settings.plugins.iter().map(|(id, plugin)| {
        let policy = PluginPolicy {
            disabled: !plugin.enabled,
            activation: plugin.activation,
            timeout: plugin.timeout,
            isolation: plugin.isolation,
            configuration: plugin.configuration.clone(),
        };
        (id.clone(), policy)
    });
    Policy {
        timeout: settings.timeout,
        shutdown_timeout: settings.shutdown_timeout,
        mode: settings.mode,
        isolation: settings.isolation,
        lazy: false,
        shared: settings.shared.clone(),
        plugins: plugins.collect(),
    }
}
