//! The reload itself: who is shut down, who is started, in what order, and the way back.
//!
//! All that depend on a changed plugin shut down first, dependents before dependencies; then they
//! start, dependencies before dependents. What fails to start gives way to what ran before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::order::{self, Graph};
use super::registry::{LiveGeneration, Reached};
use super::{Dirty, Imported, Work, warn};
use crate::discovery;
use crate::host::{Host, Slot, Start, Started, Taken, Trace};
use crate::model::{
    Because, Event, Fields, Live, Metadata, Phase, Place, PluginFault, PluginId, ReloadMode,
    UnloadReason,
};
use crate::source::Source;

impl<H: Host> Work<'_, H> {
    pub(super) fn carry_out(&mut self) {
        self.refuse_unmet();
        let live = std::mem::take(&mut self.live);
        let touched: BTreeSet<PluginId> = self
            .dirty
            .keys()
            .chain(self.leaving.keys())
            .filter(|key| live.contains_key(*key))
            .cloned()
            .collect();
        let mut affected = order::dependents_of(&live, &touched);
        affected.retain(|key| !touched.contains(key));
        self.shut_down(&live, &touched, &affected);
        if self.loader.is_halted() {
            return;
        }
        self.start_up(&affected);
        self.start_waiting();
        self.report_blocked();
    }

    /// A plugin that is live and now asks for something that is not there stays as it is.
    fn refuse_unmet(&mut self) {
        let keys: Vec<PluginId> = self.dirty.keys().cloned().collect();
        for key in keys {
            let is_live =
                self.loader.registry.get(&key).is_some_and(|plugin| plugin.live.is_some());
            if is_live && let Some(fault) = self.unmet(&key, true) {
                self.wait(&key, &fault);
                self.fail(&key, fault);
            }
        }
    }

    fn wait(&mut self, key: &PluginId, fault: &PluginFault) {
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.waiting = Some(fault.message.clone());
        }
    }

    /// Why the content on disk cannot start: a dependency that is missing or that comes back to it.
    /// With `hopeful`, a dependency that is about to be started counts as there.
    fn unmet(&self, key: &PluginId, hopeful: bool) -> Option<PluginFault> {
        let registry = &self.loader.registry;
        let plugin = registry.get(key)?;
        let wanted = self.loader.graph(|plugin| {
            (!self.leaving.contains_key(&plugin.key))
                .then_some(plugin.candidate.metadata.dependencies.as_slice())
        });
        let place = || Place::file(&plugin.candidate.entry);
        if let Some(cycle) = order::cycle_of(&wanted, key) {
            let ids: Vec<String> = cycle
                .iter()
                .filter_map(|key| registry.get(key))
                .map(|plugin| plugin.id.to_string())
                .collect();
            let message = format!(
                "dependency cycle: {}; take one of these dependencies out",
                ids.join(" -> ")
            );
            return Some(
                PluginFault::new(Phase::Dependency, "DependencyCycle", message).at(place()),
            );
        }
        let missing: Vec<String> = plugin
            .candidate
            .metadata
            .dependencies
            .iter()
            .filter_map(|id| self.why_missing(id, hopeful))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let message = format!("it needs {}", missing.join(", and "));
        Some(PluginFault::new(Phase::Dependency, "MissingDependency", message).at(place()))
    }

    fn why_missing(&self, id: &PluginId, hopeful: bool) -> Option<String> {
        let registry = &self.loader.registry;
        match registry.with_id(id).filter(|plugin| !self.leaving.contains_key(&plugin.key)) {
            Some(plugin) if plugin.live.is_some() && !self.stopped.contains(&plugin.key) => None,
            Some(plugin) if hopeful && self.dirty.contains_key(&plugin.key) => None,
            Some(_) => Some(format!("the plugin {id}, which is not live")),
            None if self.loader.policy.is_disabled(id) => {
                Some(format!("the plugin {id}, which watch.toml disables"))
            }
            None => Some(format!(
                "the plugin {id}, which is not there; it loads by itself when that one appears"
            )),
        }
    }

    /// Ends what is to be replaced or to go, dependents first.
    fn shut_down(
        &mut self,
        live: &Graph,
        touched: &BTreeSet<PluginId>,
        affected: &BTreeSet<PluginId>,
    ) {
        let mut order = order::dependencies_first(live);
        order.reverse();
        for key in order {
            if self.leaving.contains_key(&key) {
                self.unload(&key);
            } else if touched.contains(&key) || affected.contains(&key) {
                self.stop_before_start(&key);
            }
        }
        // What was never live goes as well.
        let rest: Vec<PluginId> = self.leaving.keys().cloned().collect();
        for key in rest {
            self.unload(&key);
        }
    }

    fn unload(&mut self, key: &PluginId) {
        let reason = self.leaving.get(key).copied().flatten();
        let Some(plugin) = self.loader.registry.remove(key) else { return };
        if plugin.live.is_some() {
            let warnings = self.loader.host.stop(key, Slot::Live);
            warn(self.out, &plugin.id, warnings);
        }
        self.loader.host.forget(key);
        if let Some(because) = reason {
            let path = plugin.candidate.entry;
            (self.out)(Event::Unloaded { id: plugin.id, path, because });
        }
    }

    fn stop_before_start(&mut self, key: &PluginId) {
        let Some(plugin) = self.loader.registry.get(key) else { return };
        // One that overlaps is not stopped before its successor is up.
        if self.loader.policy.mode(&plugin.candidate.metadata) == ReloadMode::Overlap {
            return;
        }
        let id = plugin.id.clone();
        let warnings = self.loader.host.stop(key, Slot::Live);
        warn(self.out, &id, warnings);
        self.stopped.insert(key.clone());
    }

    /// Starts what was edited and what was stopped for it.
    pub(super) fn start_up(&mut self, affected: &BTreeSet<PluginId>) {
        let mut to_start: BTreeSet<PluginId> = self.dirty.keys().chain(affected).cloned().collect();
        self.add_lazy_dependencies(&mut to_start);
        let wanted = self.loader.graph(|plugin| {
            to_start
                .contains(&plugin.key)
                .then_some(plugin.candidate.metadata.dependencies.as_slice())
        });
        for key in order::dependencies_first(&wanted) {
            match self.dirty.get(&key).cloned() {
                Some(dirty) => self.bring_up(&key, &dirty),
                None if affected.contains(&key) => self.bring_back(&key),
                None => {
                    let dirty = Dirty { because: Because::Dependency, changed: BTreeSet::new() };
                    self.bring_up(&key, &dirty);
                }
            }
        }
    }

    /// A lazy plugin is loaded when something depends on it.
    fn add_lazy_dependencies(&self, to_start: &mut BTreeSet<PluginId>) {
        let registry = &self.loader.registry;
        let mut edge: Vec<PluginId> = to_start.iter().cloned().collect();
        while let Some(key) = edge.pop() {
            let Some(plugin) = registry.get(&key) else { continue };
            for id in &plugin.candidate.metadata.dependencies {
                let asleep = registry
                    .with_id(id)
                    .filter(|other| other.live.is_none() && !self.leaving.contains_key(&other.key))
                    .filter(|other| {
                        self.loader.policy.is_lazy(&other.id, &other.candidate.metadata)
                    });
                if let Some(other) = asleep
                    && to_start.insert(other.key.clone())
                {
                    edge.push(other.key.clone());
                }
            }
        }
    }

    /// A plugin whose own content did not change and whose dependencies did.
    fn bring_back(&mut self, key: &PluginId) {
        if let Some(fault) = self.unmet(key, false) {
            self.lose(key, fault);
            return;
        }
        let registry = &self.loader.registry;
        let Some(plugin) = registry.get(key) else { return };
        let causes: Vec<PluginId> = plugin
            .dependencies()
            .iter()
            .filter_map(|id| registry.key_of(id).cloned())
            .filter(|key| self.renewed.contains(key))
            .collect();
        if !causes.is_empty() {
            let changed = self.edit.changed.keys().cloned().collect();
            self.bring_up(key, &Dirty { because: Because::Dependency, changed });
        } else if self.stopped.remove(key)
            && let Err(fault) = self.loader.host.restore(key)
            && !self.is_lost(&fault)
        {
            // Nothing changed for it after all, and it refuses nevertheless.
            self.forget_live(key);
            self.fail(key, fault);
        }
    }

    /// A dependency is gone for good, and so is the plugin until it comes back.
    fn lose(&mut self, key: &PluginId, fault: PluginFault) {
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

    fn forget_live(&mut self, key: &PluginId) {
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.live = None;
        }
    }

    fn bring_up(&mut self, key: &PluginId, dirty: &Dirty) {
        let is_live = self.loader.registry.get(key).is_some_and(|plugin| plugin.live.is_some());
        if let Some(fault) = self.unmet(key, false) {
            if is_live {
                self.lose(key, fault);
            } else {
                self.blocked.insert(key.clone());
            }
            return;
        }
        self.blocked.remove(key);
        self.start_one(key, dirty, is_live);
    }

    fn start_one(&mut self, key: &PluginId, dirty: &Dirty, was_live: bool) {
        if self.loader.is_halted() {
            return;
        }
        // A plugin that was not live before has waited for others, not for itself.
        let began = if was_live { self.edit.seen } else { Instant::now() };
        let Some((start, sent)) = self.prepare_start(key) else { return };
        let mode = start.mode;
        let Started { result, trace, warnings } = self.loader.host.start(start);
        self.note_imports(key, &trace, &sent);
        match result {
            Ok(fields) => {
                self.stopped.remove(key);
                self.go_live(key, dirty, fields, trace, began);
                if let Some(id) = self.loader.registry.get(key).map(|plugin| plugin.id.clone()) {
                    warn(self.out, &id, warnings);
                    if mode == ReloadMode::Overlap && was_live {
                        let warnings = self.loader.host.stop(key, Slot::Aside);
                        warn(self.out, &id, warnings);
                    }
                }
            }
            Err(fault) if self.is_lost(&fault) => {}
            Err(fault) => {
                self.loader.registry.reach_more(key, &trace);
                let fault = self.step_back(key, fault);
                if !self.loader.lost {
                    self.fail_since(key, fault, began);
                }
            }
        }
    }

    /// What the host is told, and the contents that go along.
    fn prepare_start(
        &mut self,
        key: &PluginId,
    ) -> Option<(Start, BTreeMap<std::path::PathBuf, Source>)> {
        let loader = &mut *self.loader;
        let plugin = loader.registry.get(key)?;
        let (candidate, sources) = match self.pinned.get(key) {
            Some(live) => (&live.candidate, live.sources.clone()),
            None => (&plugin.candidate, plugin.latest.clone()),
        };
        let taken = if candidate.provisional {
            loader
                .registry
                .iter()
                .filter(|other| other.key != *key && !self.leaving.contains_key(&other.key))
                .filter(|other| other.live.is_some() || !other.candidate.provisional)
                .map(|other| Taken { id: other.id.clone(), entry: other.candidate.entry.clone() })
                .collect()
        } else {
            Vec::new()
        };
        let start = Start {
            key: key.clone(),
            id: candidate.id.clone(),
            generation: loader.generations.get(&plugin.id).copied().unwrap_or(0) + 1,
            mode: loader.policy.mode(&candidate.metadata),
            entry: candidate.entry.clone(),
            home: candidate.home.clone(),
            sources: sources.values().cloned().collect(),
            class: candidate.metadata.class.clone(),
            fields: candidate.fields.clone(),
            provisional: candidate.provisional,
            taken,
            configuration: loader.policy.configuration(&plugin.id, &candidate.metadata),
            configurations: if candidate.provisional {
                loader.policy.configurations(&candidate.metadata)
            } else {
                BTreeMap::new()
            },
            limits: loader.policy.limits(&plugin.id, &candidate.metadata),
        };
        Some((start, sources))
    }

    /// Files that the host read itself are compared with what is known of them.
    fn note_imports(
        &mut self,
        key: &PluginId,
        trace: &Trace,
        sent: &BTreeMap<std::path::PathBuf, Source>,
    ) {
        let read = trace.imported.iter().filter(|source| !sent.contains_key(&source.path));
        self.imported
            .extend(read.map(|source| Imported { path: source.path.clone(), hash: source.hash }));
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            let imported = trace.imported.iter();
            plugin.latest.extend(imported.map(|source| (source.path.clone(), source.clone())));
        }
    }

    fn go_live(
        &mut self,
        key: &PluginId,
        dirty: &Dirty,
        fields: Fields,
        trace: Trace,
        began: Instant,
    ) {
        let loader = &mut *self.loader;
        let Some(plugin) = loader.registry.get(key) else { return };
        let id_before = plugin.id.clone();
        let pinned = self.pinned.get(key);
        let was_live = plugin.live.is_some() || pinned.is_some();
        let candidate = pinned.map_or(&plugin.candidate, |live| &live.candidate).clone();
        let id = runtime_id(candidate.provisional, &candidate.id, &fields);
        let metadata = complete(&fields, &id, &candidate.metadata);
        let number = loader.generations.entry(id.clone()).or_insert(0);
        *number += 1;
        let number = *number;
        let path = candidate.entry.clone();
        let version = metadata.version.clone();
        let reached = Reached {
            files: plugin
                .candidate
                .manifest
                .iter()
                .chain([&plugin.candidate.entry])
                .cloned()
                .chain(trace.imported.iter().map(|source| source.path.clone()))
                .chain(trace.extensions)
                .collect(),
            missed: trace.missed.into_iter().collect(),
        };
        let sources = trace.imported.into_iter().map(|source| (source.path.clone(), source));
        let generation = LiveGeneration { number, candidate, sources: sources.collect() };
        if id != id_before {
            loader.registry.rename(key, &id);
        }
        loader.registry.reach(key, reached);
        if let Some(plugin) = loader.registry.get_mut(key) {
            plugin.live = Some(generation);
            plugin.behind = pinned.is_some() && plugin.behind;
            plugin.waiting = None;
        }
        self.renewed.insert(key.clone());
        let live =
            Live { id, path: path.clone(), version, generation: number, took: began.elapsed() };
        if was_live && live.id != id_before {
            let because = UnloadReason::Renamed;
            (self.out)(Event::Unloaded { id: id_before, path, because });
            (self.out)(Event::Loaded(live));
        } else if was_live {
            let changed = dirty.changed.iter().cloned().collect();
            (self.out)(Event::Reloaded { live, changed, because: dirty.because });
        } else {
            (self.out)(Event::Loaded(live));
        }
    }

    /// The new generation failed: the one before it, if it was stopped, goes on.
    fn step_back(&mut self, key: &PluginId, mut fault: PluginFault) -> PluginFault {
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

    /// Plugins that waited for one that is live now.
    pub(super) fn start_waiting(&mut self) {
        while !self.loader.is_halted() {
            let ready: Vec<PluginId> = self
                .loader
                .registry
                .iter()
                .filter(|plugin| plugin.waiting.is_some() || self.blocked.contains(&plugin.key))
                .map(|plugin| plugin.key.clone())
                .filter(|key| self.unmet(key, false).is_none())
                .collect();
            let sleepers = self.sleepers();
            let wanted: Vec<PluginId> = ready.into_iter().chain(sleepers).collect();
            let mut progress = false;
            for key in wanted {
                let is_live =
                    self.loader.registry.get(&key).is_some_and(|plugin| plugin.live.is_some());
                if let Some(plugin) = self.loader.registry.get_mut(&key) {
                    plugin.waiting = None;
                }
                let dirty = self
                    .dirty
                    .get(&key)
                    .cloned()
                    .unwrap_or(Dirty { because: Because::Dependency, changed: BTreeSet::new() });
                if is_live {
                    self.stop_before_start(&key);
                }
                self.bring_up(&key, &dirty);
                progress = true;
            }
            if !progress {
                return;
            }
        }
    }

    /// Lazy plugins that a waiting one needs, and that can start.
    fn sleepers(&self) -> Vec<PluginId> {
        let registry = &self.loader.registry;
        let waiting: BTreeSet<PluginId> = registry
            .iter()
            .filter(|plugin| plugin.waiting.is_some() || self.blocked.contains(&plugin.key))
            .map(|plugin| plugin.key.clone())
            .collect();
        let mut all = waiting.clone();
        self.add_lazy_dependencies(&mut all);
        all.into_iter()
            .filter(|key| !waiting.contains(key) && !self.failed.contains(key))
            .filter(|key| self.unmet(key, false).is_none())
            .collect()
    }

    /// Says of each plugin that waits for another one what it waits for, once.
    pub(super) fn report_blocked(&mut self) {
        if self.loader.is_halted() {
            return;
        }
        for key in std::mem::take(&mut self.blocked) {
            let Some(fault) = self.unmet(&key, false) else { continue };
            let touched = self.dirty.contains_key(&key);
            let known = self
                .loader
                .registry
                .get(&key)
                .is_some_and(|plugin| plugin.waiting.as_ref() == Some(&fault.message));
            if touched || !known {
                self.wait(&key, &fault);
                self.fail(&key, fault);
            }
        }
    }
}

/// The id that a plugin has at run time; the host has checked it.
fn runtime_id(provisional: bool, id: &PluginId, fields: &Fields) -> PluginId {
    let said = fields.get("id").and_then(|id| id.as_str()).and_then(PluginId::new);
    said.filter(|_| provisional).unwrap_or_else(|| id.clone())
}

/// The metadata with what the plugin said itself. Fields of a wrong type that come from run time
/// are worth no failure: the plugin runs.
fn complete(fields: &Fields, id: &PluginId, before: &Metadata) -> Metadata {
    discovery::check_fields(fields, id).unwrap_or_else(|_| before.clone())
}
