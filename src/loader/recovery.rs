//! After the death of a host: another one is started, and everything is live again as it was.
//!
//! Each plugin starts from the source bytes that its last live generation ran, dependencies first.
//! Then the edit under which the host died goes on. A plugin that was
//! under way at three deaths in a row is set aside until its next edit.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::work::{Dirty, Work};
use super::{Imported, Loader, Out};
use crate::host::{Death, Host};
use crate::model::{Because, Edit, Event, Kept, Phase, PluginFault, PluginId};

/// So many deaths in a row set a plugin aside.
const MOST_DEATHS: u32 = 3;

/// If no process can be started, it is tried again after this time.
const NEXT_TRY: Duration = Duration::from_secs(5);

/// There is no host at the moment.
pub(super) struct Down {
    /// When another one is to be started.
    due: Instant,
    /// Why that failed, if it did; told once.
    refusal: Option<String>,
}

impl<H: Host> Loader<H> {
    /// Looks whether the host has died. Everything comes back at once, or, if hosts died young
    /// before, when [`Loader::revival`] says so, or with the next edit.
    pub fn recover(&mut self, out: Out<'_>) -> Vec<Imported> {
        let mut imported = Vec::new();
        while let Some(death) = self.host.death() {
            self.mourn(&death, &mut *out);
            if self.host.pause().is_zero() {
                imported.extend(self.start_another(&mut *out));
            }
        }
        imported
    }

    /// When [`Loader::revive`] is due, if the host is dead.
    pub fn revival(&self) -> Option<Instant> {
        self.down.as_ref().map(|down| down.due)
    }

    /// Ends the pause after a death, if there is one.
    pub fn revive(&mut self, out: Out<'_>) -> Vec<Imported> {
        let mut imported = self.start_another(&mut *out);
        imported.extend(self.recover(out));
        imported
    }

    /// Tells the death, and works out who is not to be brought back.
    fn mourn(&mut self, death: &Death, out: Out<'_>) {
        let seen = Instant::now();
        self.lost = true;
        let culprit = self.culprit(death);
        let set_aside = culprit.as_ref().is_some_and(|key| self.count_death(key));
        self.tell_death(death, culprit.as_ref(), set_aside, true, seen, out);
        if let Some(interrupted) = &mut self.shared.interrupted
            && !death.while_stopping
        {
            let users = &interrupted.users;
            interrupted.culprit = culprit.clone().filter(|key| users.contains(key));
        }
        if let Some(key) = &culprit {
            // What killed the process is not tried again; an old generation that did so on its way
            // out says nothing of the new one.
            if set_aside || !death.while_stopping {
                self.interrupted.remove(key);
            }
            if let Some(plugin) = self.registry.get_mut(key) {
                plugin.waiting = None;
                plugin.declined = true;
                if set_aside {
                    plugin.live = None;
                }
            }
        }
        self.down = Some(Down { due: seen + self.host.pause(), refusal: None });
    }

    /// Tells a death after which nothing comes back; who is to blame.
    pub(super) fn mourn_at_the_end(&mut self, death: &Death, out: Out<'_>) -> Option<PluginId> {
        let culprit = self.culprit(death);
        if let Some(plugin) = culprit.as_ref().and_then(|key| self.registry.get_mut(key)) {
            plugin.live = None;
        }
        self.tell_death(death, culprit.as_ref(), false, false, Instant::now(), out);
        culprit
    }

    fn start_another(&mut self, out: Out<'_>) -> Vec<Imported> {
        let Some(down) = self.down.take() else { return Vec::new() };
        if self.stopping.load(Ordering::Relaxed) {
            return Vec::new();
        }
        if let Err(message) = self.host.revive() {
            let due = Instant::now() + NEXT_TRY;
            if down.refusal.as_ref() != Some(&message) {
                let fault = PluginFault::new(Phase::Host, "HostDied", message.clone());
                out(Event::Failed {
                    id: None,
                    path: program(),
                    fault,
                    kept: Kept::Nothing,
                    took: Duration::ZERO,
                });
            }
            self.down = Some(Down { due, refusal: Some(message) });
            return Vec::new();
        }
        self.lost = false;
        self.expected.clear();
        if self.shared.is_used() {
            self.host.share(self.shared.sharing());
        }
        let mut work = Work::new(self, Edit::nothing(), &mut *out);
        work.bring_all_back();
        let mut imported = work.end();
        if !self.lost {
            imported.extend(self.finish_interrupted(out));
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
        // All threads are there, and one of them is the one that crashed.
        let crashed = stacks.find("Current thread").and_then(|at| self.first_named(&stacks[at..]));
        crashed.or_else(|| self.first_named(stacks))
    }

    /// The plugin whose files these stacks name first.
    fn first_named(&self, stacks: &str) -> Option<PluginId> {
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
        comes_back: bool,
        seen: Instant,
        out: Out<'_>,
    ) {
        let plugin = culprit.and_then(|key| self.registry.get(key));
        let comes_back = comes_back && self.registry.iter().any(|other| other.live.is_some());
        let kept = match plugin {
            Some(plugin) => plugin.generation().filter(|_| !set_aside).into(),
            None if comes_back => Kept::All,
            None => Kept::Nothing,
        };
        let mut fault = death.fault.clone();
        if set_aside {
            fault
                .message
                .push_str("; that was the third time in a row, so it waits for its next edit");
        }
        out(Event::Failed {
            id: plugin.map(|plugin| plugin.id.clone()),
            path: plugin.map_or_else(program, |plugin| plugin.candidate.entry.clone()),
            fault,
            kept,
            took: seen.elapsed(),
        });
    }
}

impl<H: Host> Work<'_, H> {
    fn bring_all_back(&mut self) {
        let keys: Vec<PluginId> =
            self.loader.registry.iter().map(|plugin| plugin.key.clone()).collect();
        for key in &keys {
            if let Some(plugin) = self.loader.registry.get_mut(key)
                && let Some(live) = plugin.live.take()
            {
                self.pinned.insert(key.clone(), live);
                self.was_live.insert(key.clone());
                self.dirty.insert(key.clone(), as_it_was());
            }
        }
        // What was about to be live is on disk; what ran before is the way back.
        for (key, dirty) in std::mem::take(&mut self.loader.interrupted) {
            if let Some(live) = self.pinned.remove(&key) {
                self.fallback.insert(key.clone(), live);
            }
            self.dirty.insert(key, dirty);
        }
        self.ties = None;
        self.run_rounds();
        self.step_back_to_pinned();
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
        if !self.loader.lost {
            // What cannot come back as it was may be possible as it is on disk.
            self.attempted.clear();
            self.carry_out();
        }
    }

    /// An edit that was interrupted by the death failed: what ran before it starts again.
    fn step_back_to_pinned(&mut self) {
        for (key, live) in std::mem::take(&mut self.fallback) {
            if !self.renewed.contains(&key) {
                self.failed.remove(&key);
                self.was_live.insert(key.clone());
                self.pinned.insert(key.clone(), live);
                self.dirty.insert(key, as_it_was());
            }
        }
        if !self.loader.lost {
            self.attempted.clear();
            self.run_rounds();
        }
    }
}

/// What is to blame if no plugin is: the program that the host runs.
fn program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| "/".into())
}

fn as_it_was() -> Dirty {
    Dirty { because: Because::Host, changed: BTreeSet::new() }
}
