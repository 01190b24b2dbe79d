//! An edit of shared modules: all plugins that use them go to the new version, or none does.
//!
//! While it is not settled, the host holds the generations from before aside, and what is to be told is
//! held back here. If one of the users fails, what was started ends again, the modules from before are
//! put back, and everything that was live goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::edited::needs_process;
use super::plan::Plan;
use super::registry::{LiveGeneration, Reached};
use super::shared::{Contents, Graph, Interrupted, Pending};
use super::way_back::add_refusal;
use super::{Dirty, Imported, Loader, Out, Work, warn};
use crate::host::{Host, Slot};
use crate::model::{Because, Edit, Event, Generation, Phase, PluginFault, PluginId, is_python};
use crate::source::Source;

/// Plugins, each with the files that are its business.
type Concerned = BTreeMap<PluginId, BTreeSet<PathBuf>>;

/// An edit of shared modules on its way.
pub(super) struct Group {
    contents: Contents,
    /// The modules that give way to others.
    modules: BTreeSet<String>,
    /// The plugins that use them and are live.
    pub(super) users: BTreeSet<PluginId>,
    /// The host has taken the modules out; with what was known of them before.
    open: Option<Graph>,
    held: Vec<Held>,
    /// What is told when it is settled.
    events: Vec<Event>,
    /// The first user that failed, and since when it was being started.
    pub(super) failed: Option<(PluginId, PluginFault, Instant)>,
}

/// A plugin that was started and may have to go back.
pub(super) struct Held {
    key: PluginId,
    id: PluginId,
    live: Option<LiveGeneration>,
    was_live: bool,
    reached: Reached,
    behind: bool,
    waiting: Option<String>,
    dirty: Option<Dirty>,
    /// It overlaps, so its older generation is to be shut down if all goes well.
    overlaps: bool,
    /// The id under which it went live, with the number of the generation before, if there was one.
    number: Option<(PluginId, Option<Generation>)>,
}

impl<H: Host> Work<'_, H> {
    /// Which shared modules the edit concerns, and which plugins use them.
    pub(super) fn find_shared(&mut self) {
        let shared = &self.loader.shared;
        let mut concerned = Concerned::new();
        // Somebody looked for a module that is there now, or found another one instead.
        for (path, _) in self.edit.changed.iter().filter(|(path, _)| shared.holds(path)) {
            for key in self.loader.registry.concerned(path) {
                if self.dirty.contains_key(&key) && self.is_shared_for(&key, path) {
                    concerned.entry(key).or_default().insert(path.clone());
                }
            }
        }
        let looked_for: BTreeSet<&PathBuf> = concerned.values().flatten().collect();
        let is_about = |path: &PathBuf| shared.concerns(path) || looked_for.contains(path);
        let loaded = |path: &PathBuf| shared.graph.has_loaded(path);
        for path in self.edit.changed.keys().filter(|path| loaded(path)) {
            let warning = needs_process(path);
            (self.out)(Event::Warned { id: None, warning });
        }
        let changed = self.edit.changed.iter();
        let changed = changed.filter(|(path, _)| is_about(path) && !loaded(path));
        let mut contents: Contents =
            changed.map(|(path, content)| (path.clone(), content.clone())).collect();
        let again = |key| self.dirty.contains_key(key) || self.leaving.contains_key(key);
        let pending = shared
            .pending
            .as_ref()
            .filter(|pending| !contents.is_empty() || pending.culprit.as_ref().is_some_and(again));
        if contents.is_empty() && pending.is_none() {
            return;
        }
        if let Some(pending) = pending {
            for (path, content) in &pending.contents {
                contents.entry(path.clone()).or_insert_with(|| content.clone());
            }
        }
        self.share(contents, concerned, BTreeSet::new());
    }

    /// The folders of shared modules are others, says `file`, if a file does.
    pub(super) fn find_moved(&mut self, folders: &[PathBuf], file: Option<&Path>) {
        self.loader.shared.folders = folders.to_vec();
        let changed = file.map(Path::to_owned).into_iter().collect();
        self.share(Contents::new(), Concerned::new(), changed);
    }

    /// Finds the modules and the plugins that `contents` concerns beside those that are known to be
    /// `concerned`. `moved` is said to have changed for those whom other folders concern.
    fn share(&mut self, contents: Contents, mut concerned: Concerned, moved: BTreeSet<PathBuf>) {
        let shared = &self.loader.shared;
        let mut modules = BTreeSet::new();
        for path in contents.keys() {
            let affected = shared.graph.affected(path);
            for plugin in self.loader.registry.iter() {
                if !affected.is_disjoint(&plugin.reached.uses) {
                    concerned.entry(plugin.key.clone()).or_default().insert(path.clone());
                }
            }
            modules.extend(affected);
        }
        if let Some(elsewhere) = shared.moved() {
            for plugin in self.loader.registry.iter() {
                let home = Some(plugin.candidate.home.as_path());
                if !elsewhere.is_disjoint(&plugin.reached.uses)
                    || shared.would_find(&plugin.reached.missed, &plugin.reached.uses, home)
                {
                    concerned.entry(plugin.key.clone()).or_default().extend(moved.iter().cloned());
                }
            }
            modules.extend(elsewhere);
        }
        let mut users = BTreeSet::new();
        for (key, files) in concerned {
            let Some(plugin) = self.loader.registry.get(&key) else { continue };
            if self.leaving.contains_key(&key) {
                continue;
            }
            let asleep = self.loader.policy.is_lazy(&plugin.id, &plugin.candidate.metadata)
                && plugin.waiting.is_none();
            match &plugin.live {
                Some(live) => {
                    users.insert(key.clone());
                    // What stands on disk could not go live before, and was not edited since.
                    let edited =
                        self.dirty.get(&key).is_some_and(|it| it.because != Because::Shared);
                    if !edited && (plugin.refused.is_some() || live.differs_from(plugin)) {
                        self.pinned.insert(key.clone(), live.clone());
                    }
                }
                None if plugin.refused.is_some() || asleep => continue,
                None => {}
            }
            if !self.failed.contains(&key) {
                self.loader.deaths.remove(&key);
                let because = Because::Shared;
                let new = || Dirty { because, changed: BTreeSet::new() };
                self.dirty.entry(key).or_insert_with(new).changed.extend(files);
            }
        }
        self.group = Some(Group {
            contents,
            modules,
            users,
            open: None,
            held: Vec::new(),
            events: Vec::new(),
            failed: None,
        });
    }

    /// Whether the file, which lies in a folder of shared modules, is no own one of that plugin.
    pub(super) fn is_shared_for(&self, key: &PluginId, path: &Path) -> bool {
        let own = self.loader.registry.get(key).is_some_and(|plugin| {
            path.starts_with(&plugin.candidate.home) || plugin.reached.files.contains(path)
        });
        !own && self.loader.shared.holds(path)
    }

    /// Compiles the shared modules that were edited, before anything that runs is touched.
    pub(super) fn preflight_shared(&mut self) {
        let Some(group) = &self.group else { return };
        let contents = group.contents.iter().filter(|(path, _)| is_python(path));
        let sources: Vec<Source> = contents.filter_map(|(_, content)| content.clone()).collect();
        if let Err(fault) = self.loader.host.compile(&sources)
            && !self.is_lost(&fault)
        {
            self.refuse_all(&fault, None);
        }
    }

    /// The shared modules stay as they are, and nothing was touched for them.
    fn refuse_all(&mut self, fault: &PluginFault, culprit: Option<PluginId>) {
        let Some(group) = self.group.take() else { return };
        let is_concerned = |(key, dirty): &(&PluginId, &Dirty)| {
            group.users.contains(*key) || dirty.because == Because::Shared
        };
        let concerned = self.dirty.iter().filter(is_concerned).map(|(key, _)| key.clone());
        for key in concerned.collect::<Vec<_>>() {
            self.fail(&key, fault.clone());
        }
        self.loader.shared.pending = Some(Pending { contents: group.contents, culprit });
    }

    /// Whether all users can start; if not, they were told so.
    pub(super) fn can_go_together(&mut self, plan: &Plan) -> bool {
        let Some(group) = &self.group else { return true };
        let hindered = group.users.iter().find(|key| !plan.start.contains(*key)).cloned();
        let Some(culprit) = hindered else { return true };
        if let Some(fault) = self.unmet(&culprit, &BTreeSet::new()) {
            self.fail_waiting(&culprit, fault);
        }
        let fault = self.because_of(&culprit);
        self.refuse_all(&fault, Some(culprit));
        false
    }

    /// Modules that no plugin which is to start uses are imported anew by whoever does so next.
    pub(super) fn replace_unused(&mut self) {
        if self.group.is_some() && !self.loader.is_halted() {
            self.open_group();
            self.close_group(&[]);
        }
    }

    /// The modules give way to others. From here on the way back is held open.
    pub(super) fn open_group(&mut self) {
        let Some(group) = &mut self.group else { return };
        group.open = Some(self.loader.shared.graph.clone());
        let replacement = self.loader.shared.replace(&group.modules, &group.contents);
        self.loader.host.replace(replacement);
    }

    /// Whether generations that start now may have to go back.
    pub(super) fn is_held(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.open.is_some())
    }

    /// Whether one of those that must go along has failed.
    pub(super) fn is_given_up(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.failed.is_some())
    }

    /// Notes that the plugin has to go along and has failed; `false` if it need not go along.
    pub(super) fn give_up(&mut self, key: &PluginId, fault: &PluginFault, began: Instant) -> bool {
        let Some(group) = self.group.as_mut().filter(|group| group.open.is_some()) else {
            return false;
        };
        if !group.users.contains(key) {
            return false;
        }
        group.failed.get_or_insert_with(|| (key.clone(), fault.clone(), began));
        true
    }

    /// What is known of the plugin before it goes live, for the way back.
    pub(super) fn hold(&self, key: &PluginId, dirty: &Dirty, overlaps: bool) -> Option<Held> {
        if !self.is_held() {
            return None;
        }
        let plugin = self.loader.registry.get(key)?;
        Some(Held {
            key: key.clone(),
            id: plugin.id.clone(),
            live: plugin.live.clone(),
            was_live: self.was_live.contains(key),
            reached: plugin.reached.clone(),
            behind: plugin.behind,
            waiting: plugin.waiting.clone(),
            dirty: self.dirty.contains_key(key).then(|| dirty.clone()),
            overlaps,
            number: None,
        })
    }

    /// It went live, as long as everybody else does.
    pub(super) fn keep_held(&mut self, mut held: Held) {
        let Some(group) = &mut self.group else { return };
        if let Some(plugin) = self.loader.registry.get(&held.key)
            && let Some(number) = plugin.generation()
        {
            held.number = Some((plugin.id.clone(), number.checked_sub(1).filter(|it| *it > 0)));
        }
        group.held.push(held);
    }

    /// Tells the world, or keeps it for later.
    pub(super) fn say(&mut self, event: Event) {
        match self.group.as_mut().filter(|group| group.open.is_some()) {
            Some(group) => group.events.push(event),
            None => (self.out)(event),
        }
    }

    /// Everything was tried: it is settled now. `order` is that of the starts.
    pub(super) fn close_group(&mut self, order: &[PluginId]) {
        let Some(group) = self.group.take_if(|group| group.open.is_some() || self.loader.lost)
        else {
            return;
        };
        match (self.loader.lost, group.failed.is_some()) {
            (true, _) => self.interrupt(group),
            (false, true) => self.go_back(group, order),
            (false, false) => self.go_forth(group),
        }
    }

    fn go_forth(&mut self, group: Group) {
        let epoch = self.loader.shared.next();
        self.loader.host.settle(true, epoch);
        for held in group.held.iter().filter(|held| held.overlaps) {
            let warnings = self.loader.host.stop(&held.key, Slot::Aside);
            warn(self.out, &held.id, warnings);
        }
        if let Some(pending) = &mut self.loader.shared.pending {
            pending.contents.retain(|path, _| !group.contents.contains_key(path));
            if pending.contents.is_empty() {
                self.loader.shared.pending = None;
            }
        }
        for mut event in group.events {
            // It is live only now.
            if let Event::Reloaded { live, .. } = &mut event {
                live.took = self.edit.seen.elapsed();
            }
            (self.out)(event);
        }
    }

    fn go_back(&mut self, mut group: Group, order: &[PluginId]) {
        for held in group.held.iter().rev() {
            let warnings = self.loader.host.stop(&held.key, Slot::Live);
            warn(self.out, &held.id, warnings);
            if held.live.is_none() {
                self.loader.host.forget(&held.key);
            }
        }
        let before = group.open.take().unwrap_or_default();
        let epoch = self.loader.shared.undo(before);
        self.loader.host.settle(false, epoch);
        self.loader.ended = true;
        self.revert(&mut group);
        let mut refusals = BTreeMap::new();
        for key in order {
            if self.stopped.contains(key)
                && let Err(refusal) = self.go_on(key)
                && !self.is_lost(&refusal)
            {
                refusals.insert(key.clone(), refusal);
            }
        }
        for event in std::mem::take(&mut group.events) {
            if !matches!(event, Event::Loaded(_) | Event::Reloaded { .. } | Event::Unloaded { .. })
            {
                (self.out)(event);
            }
        }
        let Some((culprit, fault, began)) = group.failed.take() else { return };
        if self.loader.lost {
            return self.interrupt(group);
        }
        let of_others = self.because_of(&culprit);
        self.fail_back(&culprit, fault, refusals.get(&culprit), began);
        for key in group.users.iter().filter(|key| **key != culprit) {
            self.fail_back(key, of_others.clone(), refusals.get(key), self.edit.seen);
        }
        let culprit = Some(culprit);
        self.loader.shared.pending = Some(Pending { contents: group.contents, culprit });
    }

    fn fail_back(
        &mut self,
        key: &PluginId,
        mut fault: PluginFault,
        refusal: Option<&PluginFault>,
        began: Instant,
    ) {
        if let Some(refusal) = refusal {
            add_refusal(&mut fault, refusal);
        }
        self.fail_since(key, fault, began);
    }

    /// What our books say of plugins that were started is what it was.
    fn revert(&mut self, group: &mut Group) {
        for held in std::mem::take(&mut group.held).into_iter().rev() {
            let Held { key, id, live, was_live, reached, behind, waiting, dirty, number, .. } =
                held;
            match number {
                Some((id, Some(before))) => _ = self.loader.generations.insert(id, before),
                Some((id, None)) => _ = self.loader.generations.remove(&id),
                None => {}
            }
            if self.loader.registry.get(&key).is_some_and(|plugin| plugin.id != id) {
                self.loader.registry.rename(&key, &id);
            }
            // What it has reached for with the new modules may be what it needs to be mended.
            self.loader.registry.reach_too(&key, reached);
            self.renewed.remove(&key);
            if was_live {
                self.was_live.insert(key.clone());
            }
            if live.is_some() {
                self.stopped.insert(key.clone());
            }
            if !group.users.contains(&key) {
                // It has to do without the new modules, and may be able to.
                self.attempted.remove(&key);
                self.dirty.extend(dirty.map(|dirty| (key.clone(), dirty)));
            }
            if let Some(plugin) = self.loader.registry.get_mut(&key) {
                plugin.live = live;
                plugin.behind = behind;
                plugin.waiting = waiting;
            }
        }
    }

    /// The host died under it. Everything comes back as it was, and then there is another try, unless
    /// one of the users is to blame.
    fn interrupt(&mut self, mut group: Group) {
        if let Some(before) = group.open.take() {
            self.loader.shared.undo(before);
        }
        self.revert(&mut group);
        for key in &group.users {
            self.dirty.remove(key);
        }
        let Group { contents, users, .. } = group;
        self.loader.shared.interrupted = Some(Interrupted { contents, users, culprit: None });
    }

    /// Why a plugin is not on the new version although nothing is wrong with it.
    fn because_of(&self, culprit: &PluginId) -> PluginFault {
        let id = self.loader.registry.get(culprit).map_or(culprit, |plugin| &plugin.id);
        let message = format!(
            "{id} cannot go on with the shared modules as they are on disk, so everybody who uses them \
             goes on with the version before"
        );
        PluginFault::new(Phase::Dependency, "SharedModuleRefused", message)
    }
}

impl<H: Host> Loader<H> {
    /// After the death of a host under such an edit: everything is back as it was, and there is another
    /// try, unless one of the users is to blame.
    pub(super) fn finish_interrupted(&mut self, out: Out<'_>) -> Vec<Imported> {
        let Some(Interrupted { contents, users, culprit }) = self.shared.interrupted.take() else {
            return Vec::new();
        };
        let edit = Edit { changed: contents.clone(), ..Edit::nothing() };
        let mut work = Work::new(self, edit, out);
        if let Some(culprit) = culprit {
            let fault = work.because_of(&culprit);
            let is_live = |key: &&PluginId| {
                work.loader.registry.get(key).is_some_and(|plugin| plugin.live.is_some())
            };
            let others: Vec<&PluginId> =
                users.iter().filter(|key| **key != culprit).filter(is_live).collect();
            for key in others {
                work.fail(key, fault.clone());
            }
            work.loader.shared.pending = Some(Pending { contents, culprit: Some(culprit) });
        } else {
            work.find_dirty();
            work.find_shared();
            work.preflight();
            work.preflight_shared();
            work.carry_out();
        }
        work.end()
    }
}
