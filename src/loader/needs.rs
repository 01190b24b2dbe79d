//! What a plugin needs before it can start: the plugins that it depends on, live.
//!
//! Says why a content cannot start (a dependency that is missing, or that comes back to it), and which
//! lazy plugins have to be woken for others.

use std::collections::BTreeSet;

use super::Work;
use super::order::{self, Graph};
use super::registry::Plugin;
use crate::host::Host;
use crate::model::{Phase, Place, PluginFault, PluginId};

impl<H: Host> Work<'_, H> {
    /// Why the content on disk cannot start: a dependency that is missing or that comes back to it.
    /// With `hopeful`, a dependency that is about to be started counts as there.
    pub(super) fn unmet(&self, key: &PluginId, hopeful: bool) -> Option<PluginFault> {
        let registry = &self.loader.registry;
        let plugin = registry.get(key)?;
        if plugin.candidate.metadata.dependencies.is_empty() {
            return None;
        }
        let wanted = self.wanted_by(plugin);
        let place = || Place::file(&plugin.candidate.entry);
        if let Some(cycle) = order::cycle_of(&wanted, key) {
            let ids: Vec<String> = cycle
                .iter()
                .filter_map(|key| registry.get(key))
                .map(|plugin| plugin.id.to_string())
                .collect();
            let message = format!(
                "dependency cycle: {}; take one of these dependencies out",
                ids.join(" -> ")
            );
            return Some(
                PluginFault::new(Phase::Dependency, "DependencyCycle", message).at(place()),
            );
        }
        let missing: Vec<String> = plugin
            .candidate
            .metadata
            .dependencies
            .iter()
            .filter_map(|id| self.why_missing(id, hopeful))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let message = format!("it needs {}", missing.join(", and "));
        Some(PluginFault::new(Phase::Dependency, "MissingDependency", message).at(place()))
    }

    /// The graph of what the content on disk asks for, as far as `plugin` reaches.
    fn wanted_by(&self, plugin: &Plugin) -> Graph {
        let registry = &self.loader.registry;
        let mut wanted = Graph::new();
        let mut edge = vec![plugin];
        while let Some(plugin) = edge.pop() {
            if self.leaving.contains_key(&plugin.key) || wanted.contains_key(&plugin.key) {
                continue;
            }
            let needed = plugin.candidate.metadata.dependencies.iter();
            let needed: Vec<&Plugin> = needed.filter_map(|id| registry.with_id(id)).collect();
            let keys = needed.iter().map(|needed| needed.key.clone()).collect();
            wanted.insert(plugin.key.clone(), keys);
            edge.extend(needed);
        }
        wanted
    }

    pub(super) fn why_missing(&self, id: &PluginId, hopeful: bool) -> Option<String> {
        let registry = &self.loader.registry;
        match registry.with_id(id).filter(|plugin| !self.leaving.contains_key(&plugin.key)) {
            Some(plugin) if plugin.live.is_some() && !self.stopped.contains(&plugin.key) => None,
            Some(plugin) if hopeful && self.dirty.contains_key(&plugin.key) => None,
            Some(_) => Some(format!("the plugin {id}, which is not live")),
            None if self.loader.policy.is_disabled(id) => {
                Some(format!("the plugin {id}, which watch.toml disables"))
            }
            None => Some(format!(
                "the plugin {id}, which is not there; it loads by itself when that one appears"
            )),
        }
    }

    /// A lazy plugin is loaded when something depends on it.
    pub(super) fn add_lazy_dependencies(&self, to_start: &mut BTreeSet<PluginId>) {
        let registry = &self.loader.registry;
        let mut edge: Vec<PluginId> = to_start.iter().cloned().collect();
        while let Some(key) = edge.pop() {
            let Some(plugin) = registry.get(&key) else { continue };
            for id in &plugin.candidate.metadata.dependencies {
                let asleep = registry
                    .with_id(id)
                    .filter(|other| other.live.is_none() && !self.leaving.contains_key(&other.key))
                    .filter(|other| {
                        self.loader.policy.is_lazy(&other.id, &other.candidate.metadata)
                    });
                if let Some(other) = asleep
                    && to_start.insert(other.key.clone())
                {
                    edge.push(other.key.clone());
                }
            }
        }
    }

    pub(super) fn wait(&mut self, key: &PluginId, fault: &PluginFault) {
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.waiting = Some(fault.message.clone());
        }
    }
}
