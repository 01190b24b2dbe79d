//! Plugins that wait for others: started when those are live, told of once when they are not.

use std::collections::BTreeSet;

use super::{Dirty, Work};
use crate::host::Host;
use crate::model::{Because, PluginId};

impl<H: Host> Work<'_, H> {
    /// Plugins that waited for one that is live now.
    pub(super) fn start_waiting(&mut self) {
        while !self.loader.is_halted() {
            let ready: Vec<PluginId> = self
                .loader
                .registry
                .iter()
                .filter(|plugin| plugin.waiting.is_some() || self.blocked.contains(&plugin.key))
                .map(|plugin| plugin.key.clone())
                .filter(|key| self.unmet(key, false).is_none())
                .collect();
            let sleepers = self.sleepers();
            let wanted: Vec<PluginId> = ready.into_iter().chain(sleepers).collect();
            let mut progress = false;
            for key in wanted {
                let is_live =
                    self.loader.registry.get(&key).is_some_and(|plugin| plugin.live.is_some());
                if let Some(plugin) = self.loader.registry.get_mut(&key) {
                    plugin.waiting = None;
                }
                let dirty = self
                    .dirty
                    .get(&key)
                    .cloned()
                    .unwrap_or(Dirty { because: Because::Dependency, changed: BTreeSet::new() });
                if is_live {
                    self.stop_before_start(&key);
                }
                self.bring_up(&key, &dirty);
                progress = true;
            }
            if !progress {
                return;
            }
        }
    }

    /// Lazy plugins that a waiting one needs, and that can start.
    pub(super) fn sleepers(&self) -> Vec<PluginId> {
        let registry = &self.loader.registry;
        let waiting: BTreeSet<PluginId> = registry
            .iter()
            .filter(|plugin| plugin.waiting.is_some() || self.blocked.contains(&plugin.key))
            .map(|plugin| plugin.key.clone())
            .collect();
        let mut all = waiting.clone();
        self.add_lazy_dependencies(&mut all);
        all.into_iter()
            .filter(|key| !waiting.contains(key) && !self.failed.contains(key))
            .filter(|key| self.unmet(key, false).is_none())
            .collect()
    }

    /// Says of each plugin that waits for another one what it waits for, once.
    pub(super) fn report_blocked(&mut self) {
        if self.loader.is_halted() {
            return;
        }
        for key in std::mem::take(&mut self.blocked) {
            let Some(fault) = self.unmet(&key, false) else { continue };
            let touched = self.dirty.contains_key(&key);
            let known = self
                .loader
                .registry
                .get(&key)
                .is_some_and(|plugin| plugin.waiting.as_ref() == Some(&fault.message));
            if touched || !known {
                self.wait(&key, &fault);
                self.fail(&key, fault);
            }
        }
    }
}
