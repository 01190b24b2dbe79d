//! The command line: one file a command, and the exit codes.

pub mod args;
mod bridge;
mod check;
mod clock;
mod doctor;
mod exec;
mod exit;
mod help;
pub(crate) mod host;
mod list;
mod log;
mod new;
mod origins;
mod problem;
mod running;
mod screen;
mod stdio;
mod survey;
mod values;
mod watch;
mod why;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::iter;

use crate::host::HOST_COMMAND;
use args::Command;

pub use exit::{Exit, leave};
pub(crate) use watch::{RAW_EVENTS, configuration};

/// Runs the command that the arguments ask for; program name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let mut arguments = arguments.into_iter().peekable();
    let program = arguments.next().unwrap_or_else(|| "replug".into());
    if arguments.peek().is_some_and(|command| command == HOST_COMMAND) {
        return host::run(arguments.skip(1));
    }
    let arguments = iter::once(program).chain(arguments);
    match args::parse(arguments) {
        Ok(command) => carry_out(&command),
        Err(error) => {
            // Help and version go to stdout, the rest to stderr; a closed one is no fault.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Clean }
        }
    }
}

fn carry_out(command: &Command) -> Exit {
    let common = command.common();
    let color = screen::use_color(common.color, io::stderr().is_terminal());
    log::start(log::filter(common), color);
    problem::told(match command {
        Command::Watch(arguments) => watch::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Why(arguments) => why::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Exec(arguments) => exec::run(arguments),
        Command::New(arguments) => new::run(arguments),
        Command::Bridge(arguments) => bridge::run(arguments),
    })
}
