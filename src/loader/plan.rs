//! What is decided before anything that runs is touched: who starts, and who stops for that.
//!
//! A plugin is to start if it was edited, or has waited, and everything that it needs is live or about
//! to start as well. With each that is live, those that depend on it stop and start too.

use std::collections::BTreeSet;

use super::order::{self, Graph};
use super::registry::Plugin;
use super::{Dirty, Work};
use crate::host::Host;
use crate::model::{Because, PluginId};

/// What one round does.
pub(super) struct Plan {
    /// What each live plugin that depends on others depends on.
    pub(super) ties: Graph,
    /// Plugins that get a new generation, if all goes well.
    pub(super) start: BTreeSet<PluginId>,
    /// Plugins that depend on one that stops, and are live.
    pub(super) affected: BTreeSet<PluginId>,
    /// Those of them that cannot go on, because something that they need goes away.
    pub(super) lost: BTreeSet<PluginId>,
}

impl<H: Host> Work<'_, H> {
    /// What to do next; `None` if nothing is left.
    pub(super) fn plan(&mut self) -> Option<Plan> {
        let start = self.choose_start();
        if start.is_empty() && self.leaving.is_empty() {
            return None;
        }
        for key in &start {
            self.dirty.entry(key.clone()).or_insert_with(|| Dirty {
                because: Because::Dependency,
                changed: BTreeSet::new(),
            });
        }
        let ties = self.ties.take().unwrap_or_else(|| self.loader.ties());
        let touched: BTreeSet<PluginId> =
            start.iter().chain(self.leaving.keys()).cloned().collect();
        let mut affected = order::dependents_of(&ties, &touched);
        affected.retain(|key| !touched.contains(key));
        let lost = self.to_lose(&ties, &start, &affected);
        Some(Plan { ties, start, affected, lost })
    }

    fn choose_start(&mut self) -> BTreeSet<PluginId> {
        // One that comes back as it was has not waited for that.
        let waiting =
            self.loader.registry.iter().filter(|plugin| {
                plugin.waiting.is_some() && !self.pinned.contains_key(&plugin.key)
            });
        let asked: BTreeSet<PluginId> = self
            .dirty
            .keys()
            .chain(waiting.map(|plugin| &plugin.key))
            .filter(|key| !self.attempted.contains(*key) && !self.failed.contains(*key))
            .filter(|key| !self.leaving.contains_key(*key) && !self.is_no_plugin(key))
            .cloned()
            .collect();
        let mut hopeful = asked.clone();
        self.add_lazy_dependencies(&mut hopeful, |_| true);
        self.endless = order::endless(&self.wanted_from(hopeful.iter()));
        let mut able = BTreeSet::new();
        for key in order::dependencies_first(&self.wanted_among(hopeful.iter())) {
            if self.unmet(&key, &able).is_none() {
                able.insert(key);
            }
        }
        // A lazy one sleeps on if nobody who needs it can start.
        let mut start = asked;
        start.retain(|key| able.contains(key));
        self.add_lazy_dependencies(&mut start, |key| able.contains(key));
        start
    }

    /// What stands on disk is none, and it is not to come back as it was either.
    fn is_no_plugin(&self, key: &PluginId) -> bool {
        let plugin = self.loader.registry.get(key);
        !self.pinned.contains_key(key) && plugin.is_none_or(|plugin| plugin.refused.is_some())
    }

    /// A lazy plugin is loaded when something depends on it.
    pub(super) fn add_lazy_dependencies(
        &self,
        keys: &mut BTreeSet<PluginId>,
        wanted: impl Fn(&PluginId) -> bool,
    ) {
        let registry = &self.loader.registry;
        let mut edge: Vec<PluginId> = keys.iter().cloned().collect();
        while let Some(key) = edge.pop() {
            let Some(plugin) = registry.get(&key) else { continue };
            for id in &self.wanted(plugin).metadata.dependencies {
                let asleep = registry
                    .with_id(id)
                    .filter(|other| other.live.is_none() && !self.leaving.contains_key(&other.key))
                    .filter(|other| !self.attempted.contains(&other.key))
                    .filter(|other| !self.loader.deaths.contains_key(&other.key))
                    .filter(|other| {
                        self.loader.policy.is_lazy(&other.id, &other.candidate.metadata)
                    });
                if let Some(other) = asleep
                    && wanted(&other.key)
                    && keys.insert(other.key.clone())
                {
                    edge.push(other.key.clone());
                }
            }
        }
    }

    fn to_lose(
        &self,
        ties: &Graph,
        start: &BTreeSet<PluginId>,
        affected: &BTreeSet<PluginId>,
    ) -> BTreeSet<PluginId> {
        let registry = &self.loader.registry;
        let mut lost = BTreeSet::new();
        for key in order::dependencies_first(&order::among(ties, affected.iter())) {
            let Some(plugin) = registry.get(&key) else { continue };
            let is_there = |other: &Plugin| {
                start.contains(&other.key) || (other.live.is_some() && !lost.contains(&other.key))
            };
            let goes_on =
                plugin.dependencies().iter().all(|id| registry.with_id(id).is_some_and(is_there));
            if !goes_on {
                lost.insert(key);
            }
        }
        lost
    }
}
