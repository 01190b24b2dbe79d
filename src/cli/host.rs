//! The hidden command that a supervisor starts this program with to run plugins in it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Exit, log};
use crate::host;

/// Serves the supervisor that started this process.
pub(super) fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let mut python = None;
    let mut arguments = arguments;
    while let (Some(option), Some(value)) = (arguments.next(), arguments.next()) {
        match option.to_str() {
            Some("--log") => log::start(&value.to_string_lossy(), false),
            Some("--python") => python = Some(PathBuf::from(value)),
            // Nobody but ourselves writes this command line.
            _ => return Exit::Usage,
        }
    }
    if host::serve(python) == 0 { Exit::Clean } else { Exit::Fault }
}
