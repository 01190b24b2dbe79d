//! The hidden command that a supervisor starts this program with to run plugins in it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Exit, log};
use crate::host;

/// Serves the supervisor that started this process.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let (mut python, mut mark, mut filter, mut cache) = (None, None, None, None);
    let mut arguments = arguments;
    while let (Some(option), Some(value)) = (arguments.next(), arguments.next()) {
        match option.to_str() {
            Some("--log") => filter = Some(value),
            Some("--tag-prints") => mark = value.to_str().map(str::to_owned),
            Some("--cache") => cache = Some(PathBuf::from(value)),
            Some("--python") => python = Some(PathBuf::from(value)),
            // Nobody but ourselves writes this command line.
            _ => return Exit::Usage,
        }
    }
    let filter = filter.unwrap_or_default();
    log::start_in_host(&filter.to_string_lossy(), mark.clone());
    if host::serve(python, mark, cache) == 0 { Exit::Clean } else { Exit::Fault }
}
