//! The reload itself, step by step: what is decided, what stops, what starts.
//!
//! All that depend on a changed plugin shut down first, dependents before dependencies; then they
//! start, dependencies before dependents. What fails to start gives way to what ran before.

use super::Work;
use crate::host::Host;

impl<H: Host> Work<'_, H> {
    /// Carries the edit out and says of each plugin that cannot start what it waits for.
    pub(super) fn carry_out(&mut self) {
        self.run_rounds();
        if !self.loader.is_halted() {
            self.report_blocked();
        }
    }

    /// One round does it, unless a plugin gives itself an id that others have waited for.
    pub(super) fn run_rounds(&mut self) {
        while !self.loader.is_halted()
            && let Some(plan) = self.plan()
        {
            if !self.can_go_together(&plan) {
                continue;
            }
            self.shut_down(&plan);
            let mut order = Vec::new();
            if !self.loader.is_halted() {
                self.open_group();
                order = self.start_up(&plan);
            }
            self.close_group(&order);
        }
        self.replace_unused();
    }
}
