//! What is undone: a start that failed gives way to the generation before it, and a plugin that cannot
//! go on without what it needs ends.

use super::Work;
use crate::host::Host;
use crate::model::{PluginFault, PluginId};

impl<H: Host> Work<'_, H> {
    /// The new generation failed: the one before it, if there is one, goes on.
    pub(super) fn step_back(&mut self, key: &PluginId, mut fault: PluginFault) -> PluginFault {
        if let Err(refusal) = self.go_on(key)
            && !self.is_lost(&refusal)
        {
            add_refusal(&mut fault, &refusal);
        }
        fault
    }

    /// The generation that is live, or was until it was stopped for this edit, goes on as it is. If it
    /// does not, it is not live any more.
    pub(super) fn go_on(&mut self, key: &PluginId) -> Result<(), PluginFault> {
        let stopped = self.stopped.remove(key);
        if let Some(fault) = self.unmet_live(key) {
            if !stopped {
                self.stop_live(key);
            }
            self.forget_live(key);
            return Err(fault);
        }
        if stopped && let Err(refusal) = self.restore(key) {
            // When the host is gone, it is brought back as what it was.
            if !self.is_lost(&refusal) {
                self.forget_live(key);
            }
            return Err(refusal);
        }
        Ok(())
    }

    fn restore(&mut self, key: &PluginId) -> Result<(), PluginFault> {
        self.loader.host.begin_restore(key);
        self.attend();
        self.loader.host.restored()
    }

    /// What is no plugin, or has killed its process, is not tried again before its next edit.
    pub(super) fn is_hopeless(&self, key: &PluginId) -> bool {
        self.loader.registry.get(key).is_some_and(|plugin| {
            let killed = plugin.behind && self.loader.deaths.contains_key(key);
            killed || plugin.refused.is_some()
        })
    }

    fn forget_live(&mut self, key: &PluginId) {
        if let Some(plugin) = self.loader.registry.get_mut(key)
            && plugin.live.take().is_some()
        {
            self.was_live.insert(key.clone());
        }
    }
}

/// The generation before did not start again either.
pub(super) fn add_refusal(fault: &mut PluginFault, refusal: &PluginFault) {
    fault.message = format!(
        "{}; and the generation before it did not start again: {}: {}",
        fault.message, refusal.kind, refusal.message
    );
}
