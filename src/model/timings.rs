//! Where the time of a reload went, for those who ask.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long each step of a reload took. What they do not add up to is messages between processes and
/// book-keeping.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// From the save being noticed to its turn: waiting for more saves, and for what was under way.
    pub wait: Duration,
    /// Compiling the edited files before anything that runs is touched.
    pub check: Duration,
    /// The end of the generation before.
    pub shutdown: Duration,
    /// The entry and all that it imports.
    pub import: Duration,
    /// Making the instance.
    pub create: Duration,
    /// `get_metadata()`.
    pub metadata: Duration,
    /// `initialize()` and `start_service()`.
    pub initialize: Duration,
    /// The own modules that ran, in the order in which they were done.
    pub modules: Vec<ModuleTiming>,
}

/// How long one own module took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModuleTiming {
    /// As the author writes it.
    pub name: String,
    /// How many other own modules were being imported around it.
    pub depth: usize,
    /// Reading the file, if it was not read before.
    pub read: Duration,
    /// Compiling it, whenever that was done; zero if it was compiled for an earlier generation.
    pub compile: Duration,
    /// Running its body, without the own modules that it imported.
    pub execute: Duration,
    /// All of it, with what it imported.
    pub total: Duration,
}
