//! Why a command cannot do what it was asked to: a line on stderr and an exit code.

use std::io::{self, Write};

use super::Exit;

/// Why there is nothing to do or to show.
pub(super) struct Problem {
    message: String,
    exit: Exit,
}

impl Problem {
    /// The command line or the settings are to blame.
    pub(super) fn usage(error: &impl ToString) -> Self {
        Self { message: error.to_string(), exit: Exit::Usage }
    }

    /// Anything else.
    pub(super) fn fault(error: &impl ToString) -> Self {
        Self { message: error.to_string(), exit: Exit::Fault }
    }
}

/// The exit code, after the problem, if there is one, was told.
pub(super) fn told(outcome: Result<Exit, Problem>) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(Problem { message, exit }) => {
            // The last word of the program; if nobody can read it, there is nobody to tell.
            let _ = writeln!(io::stderr(), "replug: error: {message}");
            exit
        }
    }
}

/// What became of writing to stdout. A reader that has gone away is no fault.
pub(super) fn written(outcome: io::Result<()>) -> Result<(), Problem> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::fault(&format!("the output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
