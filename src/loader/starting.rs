//! What starts: plugins that were edited, and those that were stopped for their sake, dependencies
//! before dependents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use super::{Dirty, Imported, Work, order, warn};
use crate::host::{Host, Slot, Start, Started, Taken, Trace};
use crate::model::{Because, PluginId, ReloadMode};
use crate::source::Source;

impl<H: Host> Work<'_, H> {
    /// Starts what was edited and what was stopped for it.
    pub(super) fn start_up(&mut self, affected: &BTreeSet<PluginId>) {
        let mut to_start: BTreeSet<PluginId> = self.dirty.keys().chain(affected).cloned().collect();
        self.add_lazy_dependencies(&mut to_start);
        let plugins = to_start.iter().filter_map(|key| self.loader.registry.get(key));
        let wanted = self
            .loader
            .graph(plugins, |plugin| Some(plugin.candidate.metadata.dependencies.as_slice()));
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

    /// A plugin whose own content did not change and whose dependencies did.
    pub(super) fn bring_back(&mut self, key: &PluginId) {
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

    pub(super) fn bring_up(&mut self, key: &PluginId, dirty: &Dirty) {
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

    pub(super) fn start_one(&mut self, key: &PluginId, dirty: &Dirty, was_live: bool) {
        if self.loader.is_halted() {
            return;
        }
        // A plugin that was not live before has waited for others, not for itself.
        let began = if was_live { self.edit.seen } else { Instant::now() };
        let Some((start, sent)) = self.prepare_start(key) else { return };
        let (mode, number) = (start.mode, start.generation);
        let Started { result, mut trace, warnings } = self.loader.host.start(start);
        self.loader.registry.sort_out_inputs(key, number, &mut trace);
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
    pub(super) fn prepare_start(
        &mut self,
        key: &PluginId,
    ) -> Option<(Start, BTreeMap<PathBuf, Source>)> {
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
    pub(super) fn note_imports(
        &mut self,
        key: &PluginId,
        trace: &Trace,
        sent: &BTreeMap<PathBuf, Source>,
    ) {
        let read = trace.imported.iter().filter(|source| !sent.contains_key(&source.path));
        self.imported
            .extend(read.map(|source| Imported { path: source.path.clone(), hash: source.hash }));
        self.imported.extend(
            trace
                .inputs
                .iter()
                .filter_map(|input| Some(Imported { path: input.path.clone(), hash: input.hash? })),
        );
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            let imported = trace.imported.iter();
            plugin.latest.extend(imported.map(|source| (source.path.clone(), source.clone())));
        }
    }
}
