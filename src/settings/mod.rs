//! What the program was asked to do: `watch.toml`, environment and command line, resolved once.
//!
//! Takes a [`CliLayer`] (what the command line and the environment said) and reads `watch.toml`;
//! gives the immutable [`Settings`], or a [`SettingsError`] that names the place in the file.
//! [`load`] may be called again at any time, so that an edit of `watch.toml` takes effect.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::{Activation, Isolation, PluginId, ReloadMode};

mod document;
mod error;
mod file;
mod given;
mod keys;
mod partial;
mod print;
mod resolve;
pub(crate) mod rules;
mod schema;
mod section;
pub(crate) mod unavailable;

pub use error::SettingsError;
pub use given::given;
pub use partial::Partial;
pub use print::{Origins, print};
pub use schema::schema;

/// The name of the file that is read from the current folder if none is named.
pub const DEFAULT_FILE: &str = "watch.toml";

/// How changes are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Poll {
    /// The system tells; where it cannot, the files are looked at again and again.
    #[default]
    Auto,
    /// The system tells, or nobody does.
    Never,
    /// The files are looked at again and again, this far apart.
    Every(Duration),
}

/// What `watch.toml` says about one plugin. Absent values are left to its metadata and to
/// [`Settings`].
#[derive(Clone, Debug, PartialEq)]
pub struct PluginSettings {
    /// Whether it is loaded at all.
    pub enabled: bool,
    /// When it is loaded.
    pub activation: Option<Activation>,
    /// The deadline of each of its phases.
    pub timeout: Option<Duration>,
    /// In which process it runs.
    pub isolation: Option<Isolation>,
    /// Merged over the configuration of its metadata.
    pub configuration: Map<String, Value>,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            activation: None,
            timeout: None,
            isolation: None,
            configuration: Map::new(),
        }
    }
}

/// Everything that can be set, with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What to watch: absolute, not canonicalized, none inside another, at least one.
    pub roots: Vec<PathBuf>,
    /// Folders of modules that every plugin may import; absolute.
    pub shared: Vec<PathBuf>,
    /// The interpreter of the host processes; absolute.
    pub python: Option<PathBuf>,
    /// The `watch.toml` in force; absolute.
    pub config_file: Option<PathBuf>,
    /// Patterns in gitignore syntax, on top of the built-in list.
    pub ignore: Vec<String>,
    /// Whether `.gitignore` files are honoured too.
    pub gitignore: bool,
    /// Quiet time waited for in a burst of changes.
    pub settle: Duration,
    /// How changes are noticed.
    pub poll: Poll,
    /// The deadline of each phase.
    pub timeout: Duration,
    /// The deadline of `shutdown`.
    pub shutdown_timeout: Duration,
    /// Which comes first in a reload: the end of the old or the start of the new.
    pub mode: ReloadMode,
    /// In which process plugins run.
    pub isolation: Isolation,
    /// Modules imported once in the process that children are forked from.
    pub preload: Vec<String>,
    /// What is said about single plugins.
    pub plugins: BTreeMap<PluginId, PluginSettings>,
}

/// What the command line and the environment said, free of the library that read them.
#[derive(Clone, Debug, PartialEq)]
pub struct CliLayer {
    /// The folder that relative paths start from; absolute. It is noted once, at the start, since
    /// a plugin may change the working directory later.
    pub cwd: PathBuf,
    /// The settings file that was asked for, as it was written.
    pub config: Option<PathBuf>,
    /// The rest. Its paths are absolute (see [`CliLayer::absolute`]).
    pub options: Partial,
}

impl CliLayer {
    /// A layer that says nothing.
    pub fn new(cwd: impl Into<PathBuf>) -> Self {
        Self { cwd: cwd.into(), config: None, options: Partial::default() }
    }

    /// `path` as seen from the folder of this layer.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        resolve::absolute(&self.cwd, path)
    }

    /// Where the settings file lies, or would lie if somebody wrote it now; absolute.
    pub fn config_path(&self) -> PathBuf {
        self.absolute(self.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE)))
    }
}

/// Reads `watch.toml` and puts the layers together: command line and environment, file, default.
///
/// # Errors
/// The first fault of the settings file: one that was named is missing, it cannot be read, it is
/// not TOML, a key is unknown, a value is of the wrong type or range or not available yet.
pub fn load(layer: &CliLayer) -> Result<Settings, SettingsError> {
    let path = layer.config_path();
    let shown = layer.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let file = match file::read(&path, shown) {
        Ok(None) if layer.config.is_some() => {
            let message = "the file is not there, and `--config` (or REPLUG_CONFIG) asks for it";
            return Err(SettingsError::of_file(&path, shown, message));
        }
        read => read?,
    };
    Ok(resolve::resolve(layer, file.map(|partial| (path, partial))))
}

/// The same for whoever wants no `watch.toml`.
pub fn without_file(layer: &CliLayer) -> Settings {
    resolve::resolve(layer, None)
}
