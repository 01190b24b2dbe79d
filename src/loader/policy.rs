//! What the user decided about plugins, as far as loading is concerned.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::host::Limits;
use crate::model::{Activation, Isolation, Metadata, PluginId, ReloadMode, merge};

/// For all plugins, and for some of them by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The deadline of each phase.
    pub timeout: Duration,
    /// The deadline of a shutdown.
    pub shutdown_timeout: Duration,
    /// How plugins are reloaded that do not say.
    pub mode: ReloadMode,
    /// Where plugins run; no edit of the settings changes it.
    pub isolation: Isolation,
    /// Nothing is loaded before it is asked for, whatever it says itself.
    pub lazy: bool,
    /// Folders of modules that plugins share, in the order in which they are searched.
    pub shared: Vec<PathBuf>,
    /// By name.
    pub plugins: BTreeMap<PluginId, PluginPolicy>,
}

/// For one plugin; what is absent is left to the plugin itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginPolicy {
    /// It is not loaded.
    pub disabled: bool,
    /// When it is loaded.
    pub activation: Option<Activation>,
    /// Its deadline of each phase.
    pub timeout: Option<Duration>,
    /// Where it shall run.
    pub isolation: Option<Isolation>,
    /// Merged over its own configuration.
    pub configuration: Map<String, Value>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(3),
            mode: ReloadMode::Exclusive,
            isolation: Isolation::Shared,
            lazy: false,
            shared: Vec::new(),
            plugins: BTreeMap::new(),
        }
    }
}

impl Policy {
    pub(crate) fn is_disabled(&self, id: &PluginId) -> bool {
        self.plugins.get(id).is_some_and(|plugin| plugin.disabled)
    }

    pub(crate) fn is_lazy(&self, id: &PluginId, metadata: &Metadata) -> bool {
        let named = self.plugins.get(id).and_then(|plugin| plugin.activation);
        self.lazy || named.unwrap_or(metadata.activation) == Activation::Lazy
    }

    pub(crate) fn mode(&self, metadata: &Metadata) -> ReloadMode {
        metadata.reload.unwrap_or(self.mode)
    }

    /// Where the plugin was to run, if it does not run there.
    pub(crate) fn elsewhere(&self, id: &PluginId, metadata: &Metadata) -> Option<Isolation> {
        let named = self.plugins.get(id).and_then(|plugin| plugin.isolation);
        named.or(metadata.isolation).filter(|asked| *asked != self.isolation)
    }

    pub(crate) fn limits(&self, id: &PluginId, metadata: &Metadata) -> Limits {
        let named = self.plugins.get(id).and_then(|plugin| plugin.timeout);
        Limits {
            phase: named.or(metadata.timeout).unwrap_or(self.timeout),
            shutdown: self.shutdown_timeout,
        }
    }

    /// The configuration for every plugin that the user named.
    pub(crate) fn configurations(
        &self,
        metadata: &Metadata,
    ) -> BTreeMap<PluginId, Map<String, Value>> {
        self.plugins.keys().map(|id| (id.clone(), self.configuration(id, metadata))).collect()
    }

    pub(crate) fn configuration(&self, id: &PluginId, metadata: &Metadata) -> Map<String, Value> {
        let mut configuration = metadata.configuration.clone();
        if let Some(plugin) = self.plugins.get(id) {
            merge(&mut configuration, &plugin.configuration);
        }
        configuration
    }
}
