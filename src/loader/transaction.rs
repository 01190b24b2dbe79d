//! The reload itself, step by step: what is decided, what stops, what starts.
//!
//! All that depend on a changed plugin shut down first, dependents before dependencies; then they
//! start, dependencies before dependents. What fails to start gives way to what ran before.

use std::collections::BTreeSet;

use super::{Work, order};
use crate::host::Host;
use crate::model::PluginId;

impl<H: Host> Work<'_, H> {
    pub(super) fn carry_out(&mut self) {
        self.refuse_unmet();
        let ties = std::mem::take(&mut self.ties);
        let is_live = |key: &&PluginId| {
            self.loader.registry.get(key).is_some_and(|plugin| plugin.live.is_some())
        };
        let touched: BTreeSet<PluginId> =
            self.dirty.keys().chain(self.leaving.keys()).filter(is_live).cloned().collect();
        let mut affected = order::dependents_of(&ties, &touched);
        affected.retain(|key| !touched.contains(key));
        self.shut_down(&ties, &touched, &affected);
        if self.loader.is_halted() {
            return;
        }
        self.start_up(&affected);
        self.start_waiting();
        self.report_blocked();
    }
}
