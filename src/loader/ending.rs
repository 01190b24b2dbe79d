//! What stops before anything starts: plugins that go, and those that are to be replaced, dependents
//! before dependencies.

use std::time::Instant;

use super::plan::Plan;
use super::{Work, order, warn};
use crate::host::{Host, Slot};
use crate::model::{Event, PluginId, ReloadMode, UnloadReason};

impl<H: Host> Work<'_, H> {
    /// Ends what is to be replaced or to go, dependents first.
    pub(super) fn shut_down(&mut self, plan: &Plan) {
        // Whoever lies between two of these depends on one of them, and so is one of these.
        let concerned = plan.start.iter().chain(&plan.affected).chain(self.leaving.keys());
        let mut order = order::dependencies_first(&order::among(&plan.ties, concerned));
        order.reverse();
        for key in order {
            if let Some(reason) = self.leaving.get(&key).copied() {
                self.unload(&key, reason);
            } else {
                self.stop_before_start(&key, plan.lost.contains(&key));
            }
        }
        // What was never live goes as well.
        for (key, reason) in std::mem::take(&mut self.leaving) {
            self.unload(&key, reason);
        }
    }

    fn unload(&mut self, key: &PluginId, reason: Option<UnloadReason>) {
        let Some(plugin) = self.loader.registry.remove(key) else { return };
        if plugin.live.is_some() {
            let warnings = self.loader.host.stop(key, Slot::Live);
            warn(self.out, &plugin.id, warnings);
        }
        self.loader.host.forget(key);
        self.loader.ended = true;
        if let Some(because) = reason {
            let path = plugin.candidate.entry;
            (self.out)(Event::Unloaded { id: plugin.id, path, because });
        }
    }

    /// One that overlaps is not stopped before its successor is up, unless it has none.
    fn stop_before_start(&mut self, key: &PluginId, lost: bool) {
        let Some(plugin) = self.loader.registry.get(key) else { return };
        let successor = match &plugin.live {
            Some(live) if self.is_hopeless(key) => &live.candidate,
            _ => &plugin.candidate,
        };
        let overlaps = self.loader.policy.mode(&successor.metadata) == ReloadMode::Overlap;
        if plugin.live.is_some() && (lost || !overlaps) {
            self.stop_live(key);
            self.stopped.insert(key.clone());
        }
    }

    /// Shuts down what is live; the host keeps it aside.
    pub(super) fn stop_live(&mut self, key: &PluginId) {
        let began = Instant::now();
        let warnings = self.loader.host.stop(key, Slot::Live);
        self.shutdowns.insert(key.clone(), began.elapsed());
        if let Some(plugin) = self.loader.registry.get(key) {
            warn(self.out, &plugin.id, warnings);
        }
    }
}
