//! What a plugin is, before any of its code has run.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::PluginId;

/// Literal metadata as it was found, field by field, before it is checked.
pub type Fields = Map<String, Value>;

/// One `.py`, or a folder with `plugin.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginKind {
    /// One `.py` file; its own modules lie beside it.
    File,
    /// A folder with `plugin.json`; its own modules lie inside.
    Folder,
}

impl PluginKind {
    /// `"file"` or `"folder"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
        }
    }
}

/// Which comes first when a plugin is reloaded: the end of the old or the start of the new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReloadMode {
    /// The old instance is shut down, then the new one is started.
    #[default]
    Exclusive,
    /// The new instance is started beside the old one, then the old one is shut down.
    Overlap,
}

/// When a plugin is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// With the first pass.
    #[default]
    Eager,
    /// When first asked for.
    Lazy,
}

/// In which process a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the supervisor's own process.
    None,
    /// In one child process for all.
    Shared,
    /// In a child process of its own.
    Process,
}

impl Isolation {
    /// The word of the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shared => "shared",
            Self::Process => "process",
        }
    }
}

/// The metadata of a plugin, checked. Defaults stand for what nobody said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// A name for people.
    pub name: String,
    /// `0.0.0` if nobody said.
    pub version: String,
    /// One line on what it does.
    pub description: String,
    /// Who wrote it.
    pub author: String,
    /// Under which licence.
    pub license: String,
    /// `service`, `utility`, `ui`, `filter`, `extension`, or what the author wrote.
    pub plugin_type: String,
    /// Ids of plugins that must be live first.
    pub dependencies: Vec<PluginId>,
    /// PEP 508 requirements.
    pub requirements: Vec<String>,
    /// What it offers, in its own words.
    pub capabilities: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Its settings, before `watch.toml` is merged over them.
    pub configuration: Map<String, Value>,
    /// When it is loaded.
    pub activation: Activation,
    /// Fields that this program does not know, kept as they are.
    pub extra: Map<String, Value>,

    /// `class` of `plugin.json`: the class to make an instance of.
    pub class: Option<String>,
    /// `reload` of `plugin.json`.
    pub reload: Option<ReloadMode>,
    /// `isolation` of `plugin.json`.
    pub isolation: Option<Isolation>,
    /// `timeout` of `plugin.json`: the deadline of each phase.
    pub timeout: Option<Duration>,
    /// `watch` of `plugin.json`: patterns of further files whose edit reloads the plugin.
    pub watch: Vec<String>,
    /// `inputs` of `plugin.json`: whether files that it read are followed.
    pub inputs: bool,
    /// `carry`: patterns of own modules that go over from generation to generation.
    pub carry: Vec<String>,
}

/// A plugin as discovery sees it, before any of its code has run.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its id, or a stand-in (see `provisional`).
    pub id: PluginId,
    /// The id was made from the file's name; what `get_metadata()` says at run time replaces it.
    pub provisional: bool,
    /// File or folder.
    pub kind: PluginKind,
    /// The file whose body is executed; absolute.
    pub entry: PathBuf,
    /// Where its own modules are looked for: the folder that the entry lies in (file plugin) or
    /// the folder with `plugin.json`; absolute.
    pub home: PathBuf,
    /// `plugin.json` of a folder plugin; absolute.
    pub manifest: Option<PathBuf>,
    /// Literal metadata by order of trust: `plugin.json` over `PLUGIN_METADATA` over a literal
    /// `PluginMetadata(...)` call.
    pub fields: Fields,
    /// The same, checked.
    pub metadata: Metadata,
    /// Known fields that are there and no literals: their values show only when it runs.
    pub computed: BTreeSet<String>,
}

impl Candidate {
    /// Takes in on whom it turned out to depend when it ran, unless it says so literally; whether
    /// that is news.
    pub fn learn(&mut self, dependencies: &[PluginId]) -> bool {
        if dependencies.is_empty() || self.fields.contains_key("dependencies") {
            return false;
        }
        let ids = dependencies.iter().map(|id| Value::from(id.as_str())).collect();
        self.fields.insert("dependencies".to_owned(), Value::Array(ids));
        self.metadata.dependencies = dependencies.to_vec();
        true
    }
}
