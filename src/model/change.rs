//! What changed: single paths as the watch tells them, and what a settled batch of them comes to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::{Candidate, PluginFault, PluginId};
use crate::source::Source;

/// What happened to a path, as the watch tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Closed after writing, renamed into place, or found by a walk: the content is final.
    Finished,
    /// Written to, and not closed yet: the content may be half of it.
    Writing,
    /// Deleted or renamed away.
    Gone,
}

/// One change of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path, absolute.
    pub path: PathBuf,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What a file, or a folder with `plugin.json`, is.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Not a plugin, whatever else it is.
    NotAPlugin,
    /// A plugin, as far as can be told without running it.
    Plugin(Box<Candidate>),
    /// It means to be a plugin and cannot be one.
    Broken {
        /// Its id, if that can be told.
        id: Option<PluginId>,
        /// What is wrong.
        fault: PluginFault,
    },
    /// It looks like a plugin and does not parse; the interpreter has the last word on that.
    Unparsed {
        /// Its id, if that can be told from what does parse.
        id: Option<PluginId>,
        /// What is wrong, in our own parser's words.
        fault: PluginFault,
        /// What it is if Python can compile it after all.
        otherwise: Box<Verdict>,
    },
}

/// What became of a unit: a `.py` file that stands for itself, or a folder with `plugin.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitChange {
    /// The file or the folder; absolute.
    pub unit: PathBuf,
    /// What it is now; `None` if it is gone.
    pub verdict: Option<Verdict>,
    /// The entry, if it was read.
    pub entry: Option<Source>,
    /// Where the entry of a folder is, or would be, as far as that can be told.
    pub entry_path: Option<PathBuf>,
}

/// Everything that one settled batch of changes comes to.
#[derive(Clone, Debug)]
pub struct Edit {
    /// When the first of the changes was seen.
    pub seen: Instant,
    /// Files whose content is another one; `None` for those that are gone.
    pub changed: BTreeMap<PathBuf, Option<Source>>,
    /// Units to look at.
    pub units: Vec<UnitChange>,
    /// Paths that vanished a moment ago and may turn up under another name.
    pub vanishing: Vec<PathBuf>,
}

impl Edit {
    /// An edit of nothing, seen now.
    pub fn nothing() -> Self {
        Self {
            seen: Instant::now(),
            changed: BTreeMap::new(),
            units: Vec::new(),
            vanishing: Vec::new(),
        }
    }
}
