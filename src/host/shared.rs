//! Shared modules: what the supervisor and the place where plugins run tell each other about them.
//!
//! The supervisor counts *epochs*: each time that modules give way to others, and each time that this is
//! undone, another one begins. What is told of an epoch that is over is not mistaken for the present.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::source::Source;

/// Which modules plugins share.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sharing {
    /// The epoch that begins.
    pub epoch: u64,
    /// The folders, in the order in which they are searched.
    #[serde(with = "crate::raw::paths")]
    pub folders: Vec<PathBuf>,
    /// Contents that are to run whatever the disk holds.
    pub contents: Vec<Source>,
}

/// Modules give way to others, until it is settled whether that is for good.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Replacement {
    /// The epoch that begins, the folders from now on, and the new contents.
    pub sharing: Sharing,
    /// The names of the modules that are to be imported anew by whoever needs them.
    pub modules: Vec<String>,
    /// Files that are gone.
    #[serde(with = "crate::raw::paths")]
    pub gone: Vec<PathBuf>,
}

/// What became known of one shared module; it adds to what was told before in the same epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedModule {
    /// Its name.
    pub name: String,
    /// In which epoch.
    pub epoch: u64,
    /// What was executed.
    pub source: Option<Source>,
    /// The extension module that it is.
    #[serde(with = "crate::raw::paths")]
    pub extensions: Vec<PathBuf>,
    /// Shared modules that it imports, by name.
    pub imports: Vec<String>,
    /// Modules that it looked for in the folders and that are not there: paths without an extension.
    #[serde(with = "crate::raw::paths")]
    pub missed: Vec<PathBuf>,
    /// Files that would be this module, had they been there.
    #[serde(with = "crate::raw::paths")]
    pub absent: Vec<PathBuf>,
}
