//! What went wrong with a plugin: data to be told, never an error of this program.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The step of a load at which it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// The file could not be read.
    Read,
    /// The file is not Python.
    Parse,
    /// `plugin.json`, `PLUGIN_METADATA` or `get_metadata()` cannot be used.
    Metadata,
    /// Something that it needs is not there.
    Dependency,
    /// The module body raised.
    Import,
    /// No instance could be made.
    Create,
    /// `initialize` or `start_service` raised or refused.
    Initialize,
    /// The process that it ran in died.
    Host,
}

impl Phase {
    /// The word of the event stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Metadata => "metadata",
            Self::Dependency => "dependency",
            Self::Import => "import",
            Self::Create => "create",
            Self::Initialize => "initialize",
            Self::Host => "host",
        }
    }
}

/// What went wrong with a plugin: data to be told, never an error of this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginFault {
    /// At which step.
    pub phase: Phase,
    /// The class of the exception (`SyntaxError`, `ValueError`), or a name of our own in the same
    /// style (`DuplicatePluginId`, `MissingDependency`).
    pub kind: String,
    /// What happened and, where we know it, what to do about it.
    pub message: String,
    /// Where; absent if no file is to blame.
    pub place: Option<Place>,
    /// The plugin's own frames with their source lines, as Python prints them.
    pub traceback: Option<String>,
}

impl PluginFault {
    /// A fault without a place.
    pub fn new(phase: Phase, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { phase, kind: kind.into(), message: message.into(), place: None, traceback: None }
    }

    /// The same fault at a place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

/// A place in a file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file; absolute.
    #[serde(with = "crate::raw::path")]
    pub file: PathBuf,
    /// The line.
    pub line: Option<u32>,
    /// The column where it begins.
    pub column: Option<u32>,
    /// The column after its end, on the same line.
    pub end_column: Option<u32>,
    /// That line's text, of the generation that ran, without its line break.
    pub text: Option<String>,
}

impl Place {
    /// A file as a whole.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { file: path.into(), ..Self::default() }
    }
}
