//! One layer of settings: everything may be absent.
//!
//! The command line, the environment and `watch.toml` each fill one (the first two together);
//! paths in it are absolute already. Layers are laid over one another, then defaults fill the rest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{PluginSettings, Poll};
use crate::model::{Isolation, PluginId, ReloadMode};

/// What one source of settings said. The fields are named after the keys of `watch.toml`.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is documented where it ends up, in `Settings`")]
pub struct Partial {
    pub paths: Option<Vec<PathBuf>>,
    pub shared: Option<Vec<PathBuf>>,
    pub python: Option<PathBuf>,
    // [watch]
    pub ignore: Option<Vec<String>>,
    pub gitignore: Option<bool>,
    pub settle: Option<Duration>,
    pub poll: Option<Poll>,
    // [reload]
    pub timeout: Option<Duration>,
    pub shutdown_timeout: Option<Duration>,
    pub mode: Option<ReloadMode>,
    pub isolation: Option<Isolation>,
    pub preload: Option<Vec<String>>,
    // [plugins."ID"]
    pub plugins: Option<BTreeMap<PluginId, PluginSettings>>,
}

impl Partial {
    /// This layer, and what `below` says where this one is silent.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            paths: self.paths.or(below.paths),
            shared: self.shared.or(below.shared),
            python: self.python.or(below.python),
            ignore: self.ignore.or(below.ignore),
            gitignore: self.gitignore.or(below.gitignore),
            settle: self.settle.or(below.settle),
            poll: self.poll.or(below.poll),
            timeout: self.timeout.or(below.timeout),
            shutdown_timeout: self.shutdown_timeout.or(below.shutdown_timeout),
            mode: self.mode.or(below.mode),
            isolation: self.isolation.or(below.isolation),
            preload: self.preload.or(below.preload),
            plugins: self.plugins.or(below.plugins),
        }
    }
}
