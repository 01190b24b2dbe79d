//! What is undone: a start that failed gives way to the generation before it, and a plugin whose
//! dependency is gone for good ends.

use super::{Work, warn};
use crate::host::{Host, Slot};
use crate::model::{PluginFault, PluginId};

impl<H: Host> Work<'_, H> {
    /// The new generation failed: the one before it, if it was stopped, goes on.
    pub(super) fn step_back(&mut self, key: &PluginId, mut fault: PluginFault) -> PluginFault {
        if self.stopped.remove(key)
            && let Err(refusal) = self.loader.host.restore(key)
            && !self.is_lost(&refusal)
        {
            self.forget_live(key);
            fault.message = format!(
                "{}; and the generation before it did not start again: {}: {}",
                fault.message, refusal.kind, refusal.message
            );
        }
        fault
    }

    /// A dependency is gone for good, and so is the plugin until it comes back.
    pub(super) fn lose(&mut self, key: &PluginId, fault: PluginFault) {
        if !self.stopped.remove(key)
            && let Some(plugin) = self.loader.registry.get(key)
            && plugin.live.is_some()
        {
            let id = plugin.id.clone();
            let warnings = self.loader.host.stop(key, Slot::Live);
            warn(self.out, &id, warnings);
        }
        self.forget_live(key);
        self.wait(key, &fault);
        self.fail(key, fault);
    }

    pub(super) fn forget_live(&mut self, key: &PluginId) {
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.live = None;
        }
    }
}
