//! After the death of a host: another one is started, and everything is live again as it was.
//!
//! Each plugin starts from the source bytes that its last live generation ran, dependencies first.
//! What was about to be started when the host died is started from what is on disk. A plugin that was
//! under way at three deaths in a row is set aside until its next edit.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use super::{Dirty, Imported, Loader, Out, Work};
use crate::host::{Death, Host};
use crate::model::{Because, Edit, Event, Phase, PluginFault, PluginId};

/// So many deaths in a row set a plugin aside.
const MOST_DEATHS: u32 = 3;

impl<H: Host> Loader<H> {
    /// Looks whether the host has died, and brings everything back if it has.
    pub fn recover(&mut self, out: Out<'_>) -> Vec<Imported> {
        let mut imported = Vec::new();
        while let Some(death) = self.host.death() {
            let seen = Instant::now();
            let culprit = self.culprit(&death);
            let set_aside = culprit.as_ref().is_some_and(|key| self.count_death(key));
            self.tell_death(&death, culprit.as_ref(), set_aside, seen, &mut *out);
            if self.stopping.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            if let Err(message) = self.host.revive() {
                let fault = PluginFault::new(Phase::Host, "HostDied", message);
                out(Event::Failed {
                    id: None,
                    path: Path::new("").to_owned(),
                    fault,
                    kept: None,
                    took: seen.elapsed(),
                });
                break;
            }
            self.lost = false;
            let mut work = Work::new(self, Edit::nothing(), &mut *out);
            work.bring_all_back(culprit.as_ref(), set_aside);
            imported.extend(work.end());
        }
        imported
    }

    /// Whose code ran when it died: the call that was under way, else the plugin whose files the
    /// crash names first.
    fn culprit(&self, death: &Death) -> Option<PluginId> {
        if death.culprit.is_some() {
            return death.culprit.clone();
        }
        let stacks = death.fault.traceback.as_deref()?;
        let named = |path: &Path| stacks.find(&format!("File \"{}\"", path.display()));
        let first = self.registry.iter().filter_map(|plugin| {
            let place = plugin.reached.files.iter().filter_map(|path| named(path)).min()?;
            Some((place, plugin.key.clone()))
        });
        first.min().map(|(_, key)| key)
    }

    /// Whether that was one too many.
    fn count_death(&mut self, key: &PluginId) -> bool {
        let deaths = self.deaths.entry(key.clone()).or_insert(0);
        *deaths += 1;
        *deaths >= MOST_DEATHS
    }

    fn tell_death(
        &self,
        death: &Death,
        culprit: Option<&PluginId>,
        set_aside: bool,
        seen: Instant,
        out: Out<'_>,
    ) {
        let plugin = culprit.and_then(|key| self.registry.get(key));
        let mut fault = death.fault.clone();
        if set_aside {
            fault
                .message
                .push_str("; that was the third time in a row, so it waits for its next edit");
        }
        out(Event::Failed {
            id: plugin.map(|plugin| plugin.id.clone()),
            path: plugin.map(|plugin| plugin.candidate.entry.clone()).unwrap_or_default(),
            fault,
            kept: plugin.and_then(super::registry::Plugin::generation).filter(|_| !set_aside),
            took: seen.elapsed(),
        });
    }
}

impl<H: Host> Work<'_, H> {
    fn bring_all_back(&mut self, culprit: Option<&PluginId>, set_aside: bool) {
        let keys: Vec<PluginId> =
            self.loader.registry.iter().map(|plugin| plugin.key.clone()).collect();
        for key in &keys {
            if let Some(plugin) = self.loader.registry.get_mut(key)
                && let Some(live) = plugin.live.take()
            {
                self.pinned.insert(key.clone(), live);
                let dirty = Dirty { because: Because::Host, changed: BTreeSet::new() };
                self.dirty.insert(key.clone(), dirty);
            }
        }
        for (key, dirty) in std::mem::take(&mut self.loader.interrupted) {
            // What was about to be live is on disk; what killed the process is not tried again.
            if Some(&key) != culprit {
                self.pinned.remove(&key);
                self.dirty.insert(key, dirty);
            }
        }
        if set_aside && let Some(key) = culprit {
            self.dirty.remove(key);
            self.pinned.remove(key);
        }
        self.start_up(&BTreeSet::new());
        if !self.loader.lost {
            self.start_waiting();
            self.report_blocked();
        }
        // If the host died again, whoever was not brought back yet is not lost.
        for (key, live) in std::mem::take(&mut self.pinned) {
            if self.loader.lost
                && !self.renewed.contains(&key)
                && !self.failed.contains(&key)
                && let Some(plugin) = self.loader.registry.get_mut(&key)
            {
                plugin.live = Some(live);
            }
        }
    }
}
