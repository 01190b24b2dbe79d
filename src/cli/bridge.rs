//! `replug bridge`: takes stdin and stdout away from everybody else, and serves.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use crossbeam_channel::unbounded;

use super::args::Bridge;
use super::problem::Problem;
use super::running::{Stopping, handle_signals, policy};
use super::{Exit, stdio, survey};
use crate::bridge::{self, Failure, Options, Watching};
use crate::debounce::Settle;
use crate::loader::Policy;
use crate::model::Isolation;
use crate::python::{Interpreter, Outside, StartupError};
use crate::settings::{CliLayer, Settings};

pub(super) fn run(arguments: &Bridge) -> Result<Exit, Problem> {
    let settings = survey::settings(&arguments.common)?;
    let interpreter = match Interpreter::choose(settings.python.as_deref()) {
        Err(StartupError::OtherVersion { origin, path, .. }) => {
            let outside = Outside::check(origin, &path).map_err(|error| Problem::usage(&error))?;
            return Err(go_on_in(&outside, arguments));
        }
        chosen => chosen.map_err(|error| Problem::usage(&error))?,
    };
    // Before the interpreter starts, which may print at once.
    let answers = stdio::private_stdout(true).map_err(|error| Problem::fault(&error))?;
    let requests = stdio::private_stdin().map_err(|error| Problem::fault(&error))?;
    let (stop, stopped) = unbounded();
    let stopping = Arc::new(Stopping::default());
    handle_signals(stop.clone(), stopping.clone()).map_err(|error| Problem::fault(&error))?;
    stdio::watch_reader(&answers, stop).map_err(|error| Problem::fault(&error))?;
    // Plugins run here, whatever the settings say of a watch.
    let policy = Policy { isolation: Isolation::None, ..policy(&settings) };
    let watching = arguments.watch.then(|| watching(&arguments.common.layer, &settings));
    // Set once, here; nobody else does.
    let hurried = Box::new(move |hurry| drop(stopping.hurry.set(hurry)));
    let options = Options { requests, answers, policy, stop: stopped, watching, hurried };
    match bridge::serve(interpreter, options) {
        Ok(()) => Ok(Exit::Clean),
        Err(Failure::Startup(error)) if !matches!(error, StartupError::Failed(_)) => {
            Err(Problem::usage(&error))
        }
        Err(error) => Err(Problem::fault(&error)),
    }
}

/// How edits are noticed.
fn watching(layer: &CliLayer, settings: &Settings) -> Watching {
    Watching {
        ignored: survey::ignored(layer, settings),
        polling: survey::polling(settings.poll),
        settle: Settle::with_burst(settings.settle),
    }
}

/// Another interpreter takes the place of this program; why it does not.
fn go_on_in(outside: &Outside, arguments: &Bridge) -> Problem {
    let mut command: Command = outside.module("qtforge.bridge");
    Problem::fault(&command.args(&arguments.arguments).exec())
}
