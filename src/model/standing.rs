//! How a plugin stands at this moment, for somebody who asks.

use std::path::PathBuf;

use super::{Generation, PluginId};

/// A plugin that is known, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Under which the loader knows it; a plugin may give itself another id at run time.
    pub key: PluginId,
    /// Its id for the world.
    pub id: PluginId,
    /// Its entry.
    pub path: PathBuf,
    /// What it does.
    pub state: State,
}

/// What a plugin does at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// What stands on disk is live.
    Live(Generation),
    /// What stands on disk failed, and the generation before it is live.
    Kept(Generation),
    /// Not live: it waits for a dependency.
    Waiting,
    /// Not live: it failed.
    Failed,
    /// Not live: nobody has asked for it yet.
    Asleep,
}
