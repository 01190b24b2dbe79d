//! Which plugin is which: from what stands on disk to who is new, renamed, moved, or gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::policy::Policy;
use super::registry::Plugin;
use super::{Dirty, Work};
use crate::host::Host;
use crate::model::{
    Because, Candidate, Event, Kept, Phase, Place, PluginFault, PluginId, UnitChange, UnloadReason,
    Verdict,
};
use crate::source::Source;

impl<H: Host> Work<'_, H> {
    /// Goes through the units of the edit. Afterwards the registry has every plugin that shall be,
    /// and `dirty`, `leaving` and `failed` say what is to be done about it.
    pub(super) fn identify(&mut self) {
        let mut units = std::mem::take(&mut self.edit.units);
        for change in &mut units {
            self.ask_the_interpreter(change);
        }
        // Who leaves is settled first, so that what arrives may take a free id.
        for change in &units {
            self.loader.clashes.remove(&change.unit);
            self.loader.disabled.remove(&change.unit);
            self.loader.broken.remove(&change.unit);
            self.find_leaving(change);
        }
        let mut arrived = Vec::new();
        for change in units {
            let UnitChange { unit, verdict, entry, entry_path } = change;
            match verdict {
                Some(Verdict::Plugin(candidate)) => arrived.push((unit, *candidate, entry)),
                Some(Verdict::Broken { id, fault }) => {
                    self.broken(&unit, entry_path, id, fault);
                }
                Some(Verdict::NotAPlugin) => self.not_a_plugin(&unit),
                Some(Verdict::Unparsed { .. }) | None => {}
            }
        }
        for (unit, candidate, entry) in arrived {
            self.arrive(unit, candidate, entry);
        }
        self.make_room();
    }

    /// What the user decided is not what it was.
    pub(super) fn follow_policy(&mut self, before: &Policy, file: Option<&Path>) {
        let after = self.loader.policy.clone();
        let mut touched = Vec::new();
        for plugin in self.loader.registry.iter() {
            let (id, metadata) = (&plugin.id, &plugin.candidate.metadata);
            let configured =
                before.configuration(id, metadata) != after.configuration(id, metadata);
            let wakes = before.is_lazy(id, metadata) && !after.is_lazy(id, metadata);
            if after.is_disabled(id) {
                self.leaving.insert(plugin.key.clone(), Some(UnloadReason::Disabled));
            } else if (configured && plugin.live.is_some()) || (wakes && plugin.live.is_none()) {
                touched.push(plugin.key.clone());
            }
        }
        for key in touched {
            self.mark(key, Because::Metadata, file.map(Path::to_owned).into_iter().collect());
        }
        for key in self.leaving.keys() {
            if let Some(plugin) = self.loader.registry.get(key) {
                let entry = plugin.latest.get(&plugin.candidate.entry).cloned();
                let turned_off = (plugin.candidate.clone(), entry);
                self.loader.disabled.insert(plugin.unit.clone(), turned_off);
            }
        }
        let (off, on) = std::mem::take(&mut self.loader.disabled)
            .into_iter()
            .partition(|(_, (candidate, _))| after.is_disabled(&candidate.id));
        self.loader.disabled = off;
        for (unit, (candidate, entry)) in on {
            self.arrive(unit, candidate, entry);
        }
        self.make_room();
    }

    /// Whoever leaves is out of the way, and who waited for an id may have it.
    fn make_room(&mut self) {
        self.settle_moves();
        for key in self.leaving.keys() {
            self.loader.registry.detach(key);
        }
        self.settle_clashes();
    }

    /// Our parser is not Python: what it refuses may be newer syntax, and what Python says is what
    /// the author knows.
    fn ask_the_interpreter(&mut self, change: &mut UnitChange) {
        let Some(Verdict::Unparsed { id, fault, otherwise }) =
            change.verdict.take_if(|verdict| matches!(verdict, Verdict::Unparsed { .. }))
        else {
            return;
        };
        let verdict = match change
            .entry
            .as_ref()
            .map(|entry| self.loader.host.compile(std::slice::from_ref(entry)))
        {
            Some(Ok(())) => *otherwise,
            Some(Err(asked)) if !self.is_lost(&asked) => Verdict::Broken { id, fault: asked },
            Some(Err(_)) | None => Verdict::Broken { id, fault },
        };
        change.verdict = Some(verdict);
    }

    fn find_leaving(&mut self, change: &UnitChange) {
        let Some(plugin) =
            self.loader.registry.at(&change.unit).and_then(|key| self.loader.registry.get(key))
        else {
            return;
        };
        let reason = match &change.verdict {
            None => Some(UnloadReason::Deleted),
            Some(Verdict::Plugin(candidate)) if !is_same(plugin, candidate) => {
                // What never was live does not have to be told.
                plugin.live.is_some().then_some(UnloadReason::Renamed)
            }
            Some(Verdict::NotAPlugin) if plugin.live.is_none() => None,
            _ => return,
        };
        self.leaving.insert(plugin.key.clone(), reason);
    }

    fn broken(
        &mut self,
        unit: &Path,
        entry: Option<PathBuf>,
        id: Option<PluginId>,
        fault: PluginFault,
    ) {
        match self.loader.registry.at(unit).cloned() {
            Some(key) => {
                self.refuse(&key, fault);
            }
            None => {
                let place = || fault.place.as_ref().map(|place| place.file.clone());
                let path = entry.or_else(place).unwrap_or_else(|| unit.to_owned());
                if let Some(id) = &id {
                    let broken = (id.clone(), fault.clone());
                    self.loader.broken.insert(unit.to_owned(), broken);
                }
                let took = self.edit.seen.elapsed();
                (self.out)(Event::Failed { id, path, fault, kept: Kept::Nothing, took });
            }
        }
    }

    /// What stands on disk is no plugin any more; asking again changes nothing until the next edit.
    fn refuse(&mut self, key: &PluginId, fault: PluginFault) {
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.refused = Some(fault.clone());
        }
        self.fail(key, fault);
    }

    fn not_a_plugin(&mut self, unit: &Path) {
        let Some(key) = self.loader.registry.at(unit).cloned() else { return };
        if self.leaving.contains_key(&key) {
            return;
        }
        let fault = PluginFault::new(
            Phase::Metadata,
            "NotAPlugin",
            "this file no longer reads as a plugin: it imports nothing of qtforge and has no \
             PLUGIN_METADATA; delete the file to unload the plugin",
        )
        .at(Place::file(unit));
        self.refuse(&key, fault);
    }

    fn arrive(&mut self, unit: PathBuf, mut candidate: Candidate, entry: Option<Source>) {
        if self.loader.policy.is_disabled(&candidate.id) {
            self.loader.disabled.insert(unit, (candidate, entry));
            return;
        }
        let owner = self.loader.registry.at(&unit).cloned();
        if let Some(key) = owner
            && !self.leaving.contains_key(&key)
        {
            let mut changed = self.changed_of(&candidate);
            let plugin = self.loader.registry.get(&key);
            if let Some(plugin) = plugin.filter(|_| changed.is_empty()) {
                plugin.remind(&mut candidate);
            }
            let same = plugin.is_some_and(|plugin| plugin.candidate == candidate);
            let heals = plugin.is_some_and(|plugin| plugin.refused.is_some());
            if heals && changed.is_empty() {
                // Another file of the folder stood in the way.
                let below = self.edit.changed.keys().filter(|path| path.starts_with(&unit));
                changed.extend(below.cloned());
            }
            self.loader.registry.update(&key, &unit, candidate, entry);
            // What was edited while it was no plugin did not count then.
            if !same || heals || !changed.is_empty() {
                self.mark(key, Because::Edit, changed);
            }
            return;
        }
        if let Some(key) = self.moved_from(&candidate, entry.as_ref()) {
            return self.move_to(key, unit, candidate, entry);
        }
        let holder = self.loader.registry.key_of(&candidate.id).cloned();
        let taken = holder.is_some_and(|key| !self.leaving.contains_key(&key));
        if taken && !candidate.provisional {
            self.clash(unit, candidate, entry);
            return;
        }
        self.settle_in(unit, candidate, entry);
    }

    /// A new plugin.
    fn settle_in(&mut self, unit: PathBuf, candidate: Candidate, entry: Option<Source>) {
        // Whoever is leaving makes room for the new one at once.
        let before = self.loader.registry.key_of(&candidate.id).cloned();
        for key in before.iter().chain(self.loader.registry.at(&unit).cloned().iter()) {
            if self.leaving.contains_key(key) {
                self.loader.registry.detach(key);
            }
        }
        let changed = self.changed_of(&candidate);
        let key = self.loader.registry.insert(unit, candidate, entry);
        self.mark(key, Because::Edit, changed);
    }

    fn changed_of(&self, candidate: &Candidate) -> BTreeSet<PathBuf> {
        candidate
            .manifest
            .iter()
            .chain([&candidate.entry])
            .filter(|path| self.edit.changed.contains_key(*path))
            .cloned()
            .collect()
    }

    pub(super) fn mark(&mut self, key: PluginId, because: Because, changed: BTreeSet<PathBuf>) {
        self.dirty.insert(key, Dirty { because, changed });
    }

    /// The plugin that this one was before its file or folder was renamed.
    fn moved_from(&self, candidate: &Candidate, entry: Option<&Source>) -> Option<PluginId> {
        if self.leaving.is_empty() && self.edit.vanishing.is_empty() {
            return None;
        }
        let gone = |plugin: &Plugin| {
            let vanished =
                |path: &Path| self.edit.vanishing.iter().any(|vanished| path.starts_with(vanished));
            self.leaving.get(&plugin.key) == Some(&Some(UnloadReason::Deleted))
                || (!self.leaving.contains_key(&plugin.key)
                    && (vanished(&plugin.candidate.entry)
                        || plugin.candidate.manifest.as_deref().is_some_and(vanished)))
        };
        if !candidate.provisional {
            return self
                .loader
                .registry
                .with_id(&candidate.id)
                .filter(|plugin| gone(plugin))
                .map(|plugin| plugin.key.clone());
        }
        // A stand-in id comes from the file's name, so only the content can tell.
        let hash = entry?.hash;
        self.loader
            .registry
            .iter()
            .filter(|plugin| plugin.candidate.provisional && gone(plugin))
            .find(|plugin| {
                let sources = plugin.live.as_ref().map(|live| &live.sources);
                sources
                    .and_then(|sources| sources.get(&plugin.candidate.entry))
                    .is_some_and(|source| source.hash == hash)
            })
            .map(|plugin| plugin.key.clone())
    }

    fn clash(&mut self, unit: PathBuf, candidate: Candidate, entry: Option<Source>) {
        let other = self
            .loader
            .registry
            .with_id(&candidate.id)
            .map(|plugin| plugin.candidate.entry.clone())
            .unwrap_or_default();
        let fault = PluginFault::new(
            Phase::Metadata,
            "DuplicatePluginId",
            format!(
                "the id {} is taken: {} and {} both have it; change one of them",
                candidate.id,
                other.display(),
                candidate.entry.display()
            ),
        )
        .at(Place::file(&candidate.entry));
        (self.out)(Event::Failed {
            id: Some(candidate.id.clone()),
            path: candidate.entry.clone(),
            fault,
            kept: Kept::Nothing,
            took: self.edit.seen.elapsed(),
        });
        self.loader.clashes.insert(unit, (candidate, entry));
    }

    /// Who waited for the id of a plugin that is deleted is that plugin under another name, the first
    /// by path.
    fn settle_moves(&mut self) {
        for (unit, (candidate, entry)) in std::mem::take(&mut self.loader.clashes) {
            let holder = self.loader.registry.key_of(&candidate.id).cloned();
            match holder {
                Some(key) if self.leaving.get(&key) == Some(&Some(UnloadReason::Deleted)) => {
                    self.move_to(key, unit, candidate, entry);
                }
                _ => _ = self.loader.clashes.insert(unit, (candidate, entry)),
            }
        }
    }

    fn move_to(
        &mut self,
        key: PluginId,
        unit: PathBuf,
        candidate: Candidate,
        entry: Option<Source>,
    ) {
        self.leaving.remove(&key);
        if let Some(plugin) = self.loader.registry.get(&key).filter(|plugin| plugin.unit != unit) {
            let old = &plugin.candidate;
            self.loader.left.extend(old.manifest.iter().chain([&old.entry]).cloned());
        }
        let changed = BTreeSet::from([candidate.entry.clone()]);
        self.loader.registry.update(&key, &unit, candidate, entry);
        self.mark(key, Because::Moved, changed);
    }

    /// A plugin whose id has become free can be, the first by path.
    fn settle_clashes(&mut self) {
        let free: Vec<PathBuf> = self
            .loader
            .clashes
            .iter()
            .filter(|(_, (candidate, _))| self.loader.registry.key_of(&candidate.id).is_none())
            .map(|(unit, _)| unit.clone())
            .collect();
        for unit in free {
            let Some((candidate, entry)) = self.loader.clashes.remove(&unit) else { continue };
            if self.loader.registry.key_of(&candidate.id).is_none() {
                self.settle_in(unit, candidate, entry);
            } else {
                self.loader.clashes.insert(unit, (candidate, entry));
            }
        }
    }
}

/// Whether what stands on disk is still the same plugin.
fn is_same(plugin: &Plugin, candidate: &Candidate) -> bool {
    plugin.id == candidate.id
        || (plugin.candidate.provisional && plugin.candidate.id == candidate.id)
}
