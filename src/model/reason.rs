//! Why an edit of a file would reload a plugin, as far as can be told without running it.

use std::path::PathBuf;

use super::{Because, PluginId};

/// One import statement that leads from a file to another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Where the statement stands.
    pub file: PathBuf,
    /// On which line, from 1.
    pub line: u32,
    /// The file that it imports, or looks for.
    pub imports: PathBuf,
}

/// The files that a plugin imports.
#[derive(Clone, Debug)]
pub struct PluginImports {
    /// The plugin.
    pub id: PluginId,
    /// Its entry.
    pub entry: PathBuf,
    /// Every import statement that leads to an own or a shared module, from the entry on.
    pub steps: Vec<Step>,
}

/// A plugin that an edit would reload.
#[derive(Clone, Debug)]
pub struct Reason {
    /// The plugin.
    pub id: PluginId,
    /// Its entry.
    pub entry: PathBuf,
    /// As the reload would be told.
    pub because: Because,
    /// What ties the plugin to the file, in words.
    pub words: String,
    /// The imports from its entry to the file; none if the tie is another one.
    pub way: Vec<Step>,
    /// The plugin that it depends on and that is reloaded, if that is why.
    pub needs: Option<PluginId>,
}
