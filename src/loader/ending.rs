//! What stops before anything starts: plugins that go, and those that are to be replaced, dependents
//! before dependencies.

use std::collections::BTreeSet;

use super::order::{self, Graph};
use super::{Work, warn};
use crate::host::{Host, Slot};
use crate::model::{Event, PluginId, ReloadMode};

impl<H: Host> Work<'_, H> {
    /// Ends what is to be replaced or to go, dependents first.
    pub(super) fn shut_down(
        &mut self,
        ties: &Graph,
        touched: &BTreeSet<PluginId>,
        affected: &BTreeSet<PluginId>,
    ) {
        // Whoever lies between two of these depends on one of them, and so is one of these.
        let concerned = touched.iter().chain(affected);
        let concerned =
            concerned.map(|key| (key.clone(), ties.get(key).cloned().unwrap_or_default()));
        let mut order = order::dependencies_first(&concerned.collect());
        order.reverse();
        for key in order {
            if self.leaving.contains_key(&key) {
                self.unload(&key);
            } else {
                self.stop_before_start(&key);
            }
        }
        // What was never live goes as well.
        let rest: Vec<PluginId> = self.leaving.keys().cloned().collect();
        for key in rest {
            self.unload(&key);
        }
    }

    pub(super) fn unload(&mut self, key: &PluginId) {
        let reason = self.leaving.get(key).copied().flatten();
        let Some(plugin) = self.loader.registry.remove(key) else { return };
        if plugin.live.is_some() {
            let warnings = self.loader.host.stop(key, Slot::Live);
            warn(self.out, &plugin.id, warnings);
        }
        self.loader.host.forget(key);
        if let Some(because) = reason {
            let path = plugin.candidate.entry;
            (self.out)(Event::Unloaded { id: plugin.id, path, because });
        }
    }

    pub(super) fn stop_before_start(&mut self, key: &PluginId) {
        let Some(plugin) = self.loader.registry.get(key) else { return };
        // One that overlaps is not stopped before its successor is up.
        if self.loader.policy.mode(&plugin.candidate.metadata) == ReloadMode::Overlap {
            return;
        }
        let id = plugin.id.clone();
        let warnings = self.loader.host.stop(key, Slot::Live);
        warn(self.out, &id, warnings);
        self.stopped.insert(key.clone());
    }
}
