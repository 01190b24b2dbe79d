//! The command line: one file a command, and the exit codes.

pub mod args;
mod clock;
mod exit;
mod help;
mod host;
mod log;
mod origins;
mod screen;
mod stdio;
mod values;
mod watch;

use std::ffi::OsString;
use std::iter;

use crate::host::HOST_COMMAND;

pub use exit::{Exit, leave};

/// Runs the command that the arguments ask for; program name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let mut arguments = arguments.into_iter().peekable();
    let program = arguments.next().unwrap_or_else(|| "replug".into());
    if arguments.peek().is_some_and(|command| command == HOST_COMMAND) {
        return host::run(arguments.skip(1));
    }
    let arguments = iter::once(program).chain(arguments);
    match args::parse(arguments) {
        Ok(arguments) => watch::run(&arguments),
        Err(error) => {
            // Help and version go to stdout, the rest to stderr; a closed one is no fault.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage } else { Exit::Clean }
        }
    }
}
