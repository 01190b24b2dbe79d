//! How to tell a person.

use std::path::PathBuf;
use std::time::SystemTime;

/// How to tell a person.
#[derive(Clone, Debug)]
pub struct PersonOptions {
    /// Whether to write terminal colours.
    pub color: bool,
    /// Paths inside this folder are shown relative to it.
    pub base: PathBuf,
    /// Below 0: failures, warnings and the end only. Above 0: every changed file by name.
    pub verbosity: i8,
    /// How many columns there are.
    pub width: usize,
    /// It is a terminal: lines are broken where it ends, and one line may be written over. In a
    /// file or a pipe an outcome is one line, however long.
    pub terminal: bool,
    /// The name of this machine, if files are to be links.
    pub link_host: Option<String>,
    /// Everything is shut down again after the first pass.
    pub once: bool,
    /// There are keys to press.
    pub keys: bool,
    /// What a clock on the wall shows.
    pub clock: fn(SystemTime) -> Moment,
}

/// What a clock on the wall shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The day, such as `2026-11-22`.
    pub date: String,
    /// The time of day, such as `14:03:11`.
    pub time: String,
}
