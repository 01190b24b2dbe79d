//! The words that every room shares: what a plugin is, what changed, what came of it.
//!
//! Plain data without behaviour of its own; whoever knows these types knows nothing of how they
//! come about. Beside std it knows only [`Source`](crate::source::Source) and JSON values, which
//! carry metadata.

mod change;
mod diagnosis;
mod event;
mod fault;
pub(crate) mod fields;
mod patterns;
mod plugin;
mod reason;
mod site;
mod standing;
mod timings;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

pub use change::{Change, ChangeKind, Edit, UnitChange, Verdict};
pub use diagnosis::{Diagnosis, Health};
pub use event::{Because, Event, Kept, Live, UnloadReason, Warning};
pub use fault::{Phase, Place, PluginFault};
pub use fields::{FieldFault, check_fields};
pub use patterns::Patterns;
pub use plugin::{Activation, Candidate, Fields, Isolation, Metadata, PluginKind, ReloadMode};
pub use reason::{PluginImports, Reason, Step};
pub use site::Site;
pub use standing::{Standing, State};
pub use timings::{ModuleTiming, Timings};

/// The name of a plugin: `[A-Za-z0-9_][A-Za-z0-9_.-]*`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct PluginId(Arc<str>);

impl PluginId {
    /// The form of an id as a regular expression, for a schema.
    pub const PATTERN: &'static str = "^[A-Za-z0-9_][A-Za-z0-9_.-]*$";

    /// The id in `text`, or `None` if it is not of the form above.
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = text.bytes();
        let first = bytes.next()?;
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (word(first) && bytes.all(|byte| word(byte) || byte == b'.' || byte == b'-'))
            .then(|| Self(Arc::from(text)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How often a plugin of one id has gone live, from 1.
pub type Generation = u64;

/// Puts the configuration `over` over `under`, table by table.
pub fn merge(under: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Whether `path` names a Python source.
pub fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py")
}

/// What an import may have looked for so that `path` is the answer: `a/b.py` is `a/b`, and
/// `a/b/__init__.py` is `a/b`, and any file in `a/b` makes `a/b` a folder of modules.
pub fn looked_for(path: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
        let name = name.to_string_lossy();
        if let Some((stem, _)) = name.split_once('.') {
            names.push(folder.join(stem));
        }
        names.push(folder.to_owned());
    }
    names
}

/// The file that makes a folder a plugin.
pub const MANIFEST: &str = "plugin.json";
