//! What the supervisor tells the world.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use super::{Generation, PluginFault, PluginId, Timings};

/// Why a new generation went live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// One of its files was edited.
    Edit,
    /// Its file was renamed.
    Moved,
    /// A plugin that it depends on was reloaded.
    Dependency,
    /// A shared module was edited.
    Shared,
    /// Only its metadata or configuration changed.
    Metadata,
    /// Somebody asked for it.
    Manual,
    /// Its process died and was started again.
    Host,
}

impl Because {
    /// The word of the event stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Moved => "moved",
            Self::Dependency => "dependency",
            Self::Shared => "shared",
            Self::Metadata => "metadata",
            Self::Manual => "manual",
            Self::Host => "host",
        }
    }
}

/// Why a plugin is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnloadReason {
    /// Its file is gone.
    Deleted,
    /// The supervisor stops.
    Stop,
    /// `watch.toml` turned it off.
    Disabled,
    /// The same file has another id now.
    Renamed,
}

impl UnloadReason {
    /// The word of the event stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Stop => "stop",
            Self::Disabled => "disabled",
            Self::Renamed => "renamed",
        }
    }
}

/// It works, and a person should know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// A word for programs: `shutdown_raised`, `shutdown_timeout`, `shadowed`, …
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
}

impl Warning {
    /// A warning.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), message: message.into() }
    }
}

/// One line of the event stream: what the supervisor tells the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// First of all.
    Starting {
        /// Of this program.
        version: &'static str,
        /// Of the interpreter, such as `3.11.7`.
        python: String,
    },
    /// After the first pass, with every watch armed.
    Ready {
        /// How many are live.
        plugins: usize,
    },
    /// Went live and was not live before.
    Loaded(Live),
    /// A new generation went live.
    Reloaded {
        /// What went live.
        live: Live,
        /// The files that were edited, sorted.
        changed: Vec<PathBuf>,
        /// Why.
        because: Because,
    },
    /// A plugin is gone.
    Unloaded {
        /// Which.
        id: PluginId,
        /// Its entry.
        path: PathBuf,
        /// Why.
        because: UnloadReason,
    },
    /// A load or reload did not succeed.
    Failed {
        /// Which, if that is known.
        id: Option<PluginId>,
        /// Its entry, or the file that could not be understood.
        path: PathBuf,
        /// What went wrong.
        fault: PluginFault,
        /// What is live all the same, or again in a moment.
        kept: Kept,
        /// How long it took to find out.
        took: Duration,
    },
    /// It works, and a person should know.
    Warned {
        /// About which plugin, if about one.
        id: Option<PluginId>,
        /// What.
        warning: Warning,
    },
    /// Events were lost or untrusted; the disk was compared by content.
    Rescan {
        /// Why.
        reason: String,
    },
    /// Last of all.
    Stopped {
        /// The exit code.
        exit: u8,
    },
}

/// What a failure has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing of the plugin.
    Nothing,
    /// That generation of it.
    Generation(Generation),
    /// Every plugin, as it was: nobody is to blame.
    All,
}

impl Kept {
    /// Whether anything is live.
    pub fn is_any(self) -> bool {
        self != Self::Nothing
    }

    /// The generation of the one plugin.
    pub fn generation(self) -> Option<Generation> {
        match self {
            Self::Generation(generation) => Some(generation),
            Self::Nothing | Self::All => None,
        }
    }
}

impl From<Option<Generation>> for Kept {
    fn from(generation: Option<Generation>) -> Self {
        generation.map_or(Self::Nothing, Self::Generation)
    }
}

/// A plugin that has just gone live.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Its id.
    pub id: PluginId,
    /// Its entry.
    pub path: PathBuf,
    /// Its version.
    pub version: String,
    /// Its generation.
    pub generation: Generation,
    /// From the change being seen (or, at start, from its turn coming) to being live.
    pub took: Duration,
    /// Where that time went, if somebody asked.
    pub timings: Option<Box<Timings>>,
}
