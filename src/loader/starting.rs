//! What starts: plugins that were edited, and those that were stopped for their sake, dependencies
//! before dependents.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::Instant;

use super::plan::Plan;
use super::{Dirty, Imported, Work, order, warn};
use crate::host::{Host, STOPPING, Slot, Start, Started, Taken, Trace};
use crate::model::{Because, Generation, PluginFault, PluginId, ReloadMode};

/// So many starts are asked for before the first is answered: the place where plugins run does not
/// wait for this one to write down how the last start went.
const AHEAD: usize = 4;

/// With so many plugins or fewer, each is told of before the next one begins.
const MANY: usize = 32;

/// A start that the host was asked for.
struct Begun {
    key: PluginId,
    dirty: Dirty,
    was_live: bool,
    began: Instant,
    mode: ReloadMode,
    number: Generation,
    /// The files whose contents went along.
    sent: HashSet<PathBuf>,
}

impl<H: Host> Work<'_, H> {
    /// Starts what was edited and what was stopped for it; the order of that.
    pub(super) fn start_up(&mut self, plan: &Plan) -> Vec<PluginId> {
        let order = self.start_order(plan);
        // What plugins print comes with their outcome, unless there is too much to read anyway.
        let many = order.len() > MANY;
        let mut ahead = VecDeque::new();
        self.roused.clear();
        self.expect_wishes();
        for key in &order {
            if self.loader.lost || self.is_given_up() {
                break;
            }
            if self.roused.contains(key) {
                continue;
            }
            let dirty = self.dirty.get(key).cloned();
            if let Some(dirty) = dirty.as_ref().filter(|_| many && self.needs_nobody(key)) {
                ahead.extend(self.begin(key, dirty));
                if ahead.len() > AHEAD {
                    self.conclude_first(&mut ahead);
                }
                continue;
            }
            self.conclude_all(&mut ahead);
            match dirty {
                _ if self.loader.lost => break,
                Some(dirty) => self.renew(key, &dirty),
                None => self.bring_back(key),
            }
        }
        self.conclude_all(&mut ahead);
        if !self.is_given_up() {
            self.grant();
        }
        order
    }

    /// Dependencies first, those of the new generations as well as those of the old ones, which may
    /// have to go on. Where the two contradict each other, the new ones count.
    fn start_order(&self, plan: &Plan) -> Vec<PluginId> {
        let wanted = self.wanted_among(plan.start.iter().chain(&plan.affected));
        let mut both = wanted.clone();
        for (key, dependencies) in &mut both {
            dependencies.extend(plan.ties.get(key).into_iter().flatten().cloned());
        }
        if order::endless(&both).is_empty() {
            order::dependencies_first(&both)
        } else {
            order::dependencies_first(&wanted)
        }
    }

    /// Whether no start before it can change how it is started, and nothing is asked of the host when
    /// it fails.
    fn needs_nobody(&self, key: &PluginId) -> bool {
        let Some(plugin) = self.loader.registry.get(key) else { return false };
        let wanted = self.wanted(plugin);
        plugin.live.is_none()
            && wanted.metadata.dependencies.is_empty()
            && !self.loader.policy.is_lazy(&plugin.id, &wanted.metadata)
            && !wanted.provisional
            && self.unmet(key, &BTreeSet::new()).is_none()
    }

    fn conclude_all(&mut self, ahead: &mut VecDeque<Begun>) {
        while !ahead.is_empty() {
            self.conclude_first(ahead);
        }
    }

    fn conclude_first(&mut self, ahead: &mut VecDeque<Begun>) {
        if let Some(first) = ahead.pop_front() {
            self.conclude(first);
        }
        if let Some(next) = ahead.front_mut() {
            // Now it is its turn.
            next.began = Instant::now();
        }
    }

    /// A plugin whose content is another one, or that has waited.
    pub(super) fn renew(&mut self, key: &PluginId, dirty: &Dirty) {
        let Some(unmet) = self.unmet(key, &BTreeSet::new()) else {
            return self.start_one(key, dirty);
        };
        // Something that it needs was to start before it, and failed.
        self.attempted.insert(key.clone());
        if self.give_up(key, &unmet, self.edit.seen) {
            return;
        }
        if let Err(fault) = self.go_on(key)
            && !self.is_lost(&fault)
        {
            self.fail_waiting(key, unmet);
        }
    }

    /// A plugin whose own content did not change and whose dependencies did.
    pub(super) fn bring_back(&mut self, key: &PluginId) {
        let registry = &self.loader.registry;
        let Some(plugin) = registry.get(key) else { return };
        let renewed = plugin
            .dependencies()
            .iter()
            .filter_map(|id| registry.key_of(id))
            .any(|key| self.renewed.contains(key));
        let changed = self.edit.changed.keys().cloned().collect();
        let dirty = Dirty { because: Because::Dependency, changed };
        let hopeless = self.is_hopeless(key);
        if renewed && !hopeless && self.unmet(key, &BTreeSet::new()).is_none() {
            return self.start_one(key, &dirty);
        }
        let Err(fault) = self.go_on(key) else { return };
        if self.is_lost(&fault) {
            return;
        }
        match self.unmet(key, &BTreeSet::new()) {
            Some(fault) => self.fail_waiting(key, fault),
            None if hopeless => self.fail(key, fault),
            // Nothing changed for it after all, and it refuses nevertheless.
            None => self.start_one(key, &dirty),
        }
    }

    fn start_one(&mut self, key: &PluginId, dirty: &Dirty) {
        if let Some(begun) = self.begin(key, dirty) {
            self.conclude(begun);
        }
    }

    /// Asks the host for a start.
    fn begin(&mut self, key: &PluginId, dirty: &Dirty) -> Option<Begun> {
        // What was stopped comes back also when the program is about to stop; nothing new starts.
        if self.loader.is_halted() {
            return None;
        }
        let was_live = self.loader.registry.get(key)?.live.is_some();
        self.attempted.insert(key.clone());
        // A plugin that was not live before has waited for others, not for itself.
        let began = if was_live { self.edit.seen } else { Instant::now() };
        let (mut start, sent) = self.prepare_start(key)?;
        start.hold = self.is_held();
        let (mode, number) = (start.mode, start.generation);
        self.loader.host.begin(start);
        let (key, dirty) = (key.clone(), dirty.clone());
        Some(Begun { key, dirty, was_live, began, mode, number, sent })
    }

    /// Waits for what became of a start.
    fn conclude(&mut self, begun: Begun) {
        let Begun { key, dirty, was_live, began, mode, number, sent } = begun;
        let (key, dirty) = (&key, &dirty);
        self.attend();
        let Started { result, needs, mut trace, warnings, timings } = self.loader.host.started();
        self.timings = timings;
        self.wishes.append(&mut trace.wishes);
        self.loader.registry.sort_out_inputs(key, number, &mut trace);
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.left = trace.left.drain(..).map(|left| (left.path, left.hash)).collect();
            plugin.echoes = self.echoes.contains(key);
        }
        self.note_imports(key, &trace, &sent);
        match result {
            Ok(fields) => {
                let overlaps = mode == ReloadMode::Overlap && was_live;
                let held = self.hold(key, dirty, overlaps);
                self.stopped.remove(key);
                self.dirty.remove(key);
                self.go_live(key, dirty, number, fields, trace, began);
                let is_held = held.is_some();
                if let Some(held) = held {
                    self.keep_held(held);
                }
                if let Some(id) = self.loader.registry.get(key).map(|plugin| plugin.id.clone()) {
                    warn(self.out, &id, warnings);
                    if overlaps && !is_held {
                        let warnings = self.loader.host.stop(key, Slot::Aside);
                        warn(self.out, &id, warnings);
                    }
                }
            }
            Err(fault) if self.is_lost(&fault) => {
                // What is live comes back as it was; what is not is tried again.
                if !was_live {
                    self.dirty.entry(key.clone()).or_insert_with(|| dirty.clone());
                }
            }
            // It was not even tried, because everything is to end; what was stopped comes back.
            Err(fault) if fault.kind == STOPPING && self.loader.is_halted() => {
                if let Err(refusal) = self.go_on(key) {
                    self.is_lost(&refusal);
                }
            }
            Err(fault) => {
                self.loader.ended = true;
                self.loader.registry.reach_more(key, &trace);
                if self.give_up(key, &fault, began) {
                    return;
                }
                if let Some(plugin) = self.loader.registry.get_mut(key) {
                    plugin.declined = true;
                }
                let fault = self.step_back(key, fault);
                if self.loader.lost || self.waits_for(key, &needs, dirty, &fault) {
                    return;
                }
                self.fail_since(key, fault, began);
            }
        }
    }

    /// A plugin that told only when it ran on whom it depends is tried once more, after those.
    fn waits_for(
        &mut self,
        key: &PluginId,
        needs: &[PluginId],
        dirty: &Dirty,
        fault: &PluginFault,
    ) -> bool {
        let is_pinned = self.pinned.contains_key(key);
        let Some(plugin) = self.loader.registry.get_mut(key).filter(|_| !is_pinned) else {
            return false;
        };
        if !plugin.learn(needs) {
            return false;
        }
        if dirty.because == Because::Dependency {
            self.fail_waiting(key, fault.clone());
        } else {
            self.attempted.remove(key);
        }
        true
    }

    /// What the host is told, and the files whose contents go along.
    pub(super) fn prepare_start(&mut self, key: &PluginId) -> Option<(Start, HashSet<PathBuf>)> {
        let loader = &mut *self.loader;
        let plugin = loader.registry.get(key)?;
        let (candidate, sources) = match self.pinned.get(key) {
            Some(live) => (&live.candidate, &live.sources),
            None => (&plugin.candidate, &plugin.latest),
        };
        // The host knows whom it runs; all others would be a long list for each of many.
        let taken = if candidate.provisional {
            loader
                .registry
                .iter()
                .filter(|other| other.key != *key && !self.leaving.contains_key(&other.key))
                .filter(|other| match &other.live {
                    Some(_) => self.stopped.contains(&other.key),
                    None => !other.candidate.provisional,
                })
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
            hold: false,
            entry: candidate.entry.clone(),
            home: candidate.home.clone(),
            sources: sources.values().cloned().collect(),
            carry: candidate.metadata.carry.clone(),
            edited: match candidate.metadata.carry.is_empty() {
                true => Vec::new(),
                false => plugin.edited.iter().cloned().collect(),
            },
            timed: loader.timed,
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
        Some((start, sources.keys().cloned().collect()))
    }

    /// Files that the host read itself are compared with what is known of them.
    pub(super) fn note_imports(&mut self, key: &PluginId, trace: &Trace, sent: &HashSet<PathBuf>) {
        let read = trace.imported.iter().filter(|source| !sent.contains(&source.path));
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            // What was sent may be what it ran before, and not what is on disk.
            plugin.latest.extend(read.clone().map(|source| (source.path.clone(), source.clone())));
        }
        let shared = self.loader.shared.learn(trace.shared.clone());
        self.imported.extend(shared);
        self.imported
            .extend(read.map(|source| Imported { path: source.path.clone(), hash: source.hash }));
        self.imported.extend(
            trace
                .inputs
                .iter()
                .filter_map(|input| Some(Imported { path: input.path.clone(), hash: input.hash? })),
        );
    }
}
