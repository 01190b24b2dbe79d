//! Packages that plugins wait for: when one is installed, whoever waited for it is started.

use super::Supervisor;
use crate::host::Host;

impl<H: Host> Supervisor<H> {
    /// Something was installed, and what waited for it need not wait any longer.
    pub(super) fn start_waiting(&mut self) {
        let Self { loader, voice, .. } = self;
        let imported = loader.start_waiting(&mut |event| voice.say(&event));
        self.compare(imported);
    }

    /// Where the packages are installed that some plugin waits for, changes are told.
    pub(super) fn follow_packages(&mut self) {
        let folders = self.loader.missing_packages().to_owned();
        if self.tree.follow_packages(&folders) {
            // It may have been installed before its folder was watched.
            self.start_waiting();
        }
    }
}
