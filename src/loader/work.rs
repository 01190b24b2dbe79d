//! One edit on its way through the loader: what is known of it so far, and how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::registry::LiveGeneration;
use super::together::Group;
use super::{Imported, Loader, Out, order};
use crate::host::Host;
use crate::model::{Because, Edit, Event, Phase, PluginFault, PluginId, Timings, UnloadReason};

/// One edit on its way.
pub(super) struct Work<'a, H> {
    pub(super) loader: &'a mut Loader<H>,
    pub(super) out: Out<'a>,
    pub(super) edit: Edit,
    /// What each live plugin that depends on others depended on when it began; taken by the first
    /// round.
    pub(super) ties: Option<order::Graph>,
    /// Plugins that are still to get a new generation, and why.
    pub(super) dirty: BTreeMap<PluginId, Dirty>,
    /// Plugins that are to go. Without a reason nobody is told: they never were there.
    pub(super) leaving: BTreeMap<PluginId, Option<UnloadReason>>,
    /// Plugins whose failure was told already.
    pub(super) failed: BTreeSet<PluginId>,
    /// Plugins that got a new generation.
    pub(super) renewed: BTreeSet<PluginId>,
    /// Plugins that were stopped and whose old generation is kept aside.
    pub(super) stopped: BTreeSet<PluginId>,
    /// Plugins that ceased to be live, of which nobody was told yet.
    pub(super) was_live: BTreeSet<PluginId>,
    /// Plugins whose start was tried, or was not possible because of what they need.
    pub(super) attempted: BTreeSet<PluginId>,
    /// Plugins that were started in this round because somebody asked for them.
    pub(super) roused: BTreeSet<PluginId>,
    /// Plugins that are to start for no other reason than what their latest start has left.
    pub(super) echoes: BTreeSet<PluginId>,
    /// Services that threads wait for.
    pub(super) wishes: Vec<String>,
    /// Plugins that depend on themselves, or on one that does.
    pub(super) endless: BTreeSet<PluginId>,
    pub(super) imported: Vec<Imported>,
    /// When it began, and how long each step took so far.
    pub(super) began: Instant,
    pub(super) check: Duration,
    pub(super) shutdowns: BTreeMap<PluginId, Duration>,
    /// What the host said of the start that goes live.
    pub(super) timings: Option<Box<Timings>>,
    /// What was live when the host died, to be brought back as it was.
    pub(super) pinned: BTreeMap<PluginId, LiveGeneration>,
    /// What was live of those that are to come back with an edit instead.
    pub(super) fallback: BTreeMap<PluginId, LiveGeneration>,
    /// The shared modules among what was edited.
    pub(super) group: Option<Group>,
}

#[derive(Clone, Debug)]
pub(super) struct Dirty {
    pub(super) because: Because,
    pub(super) changed: BTreeSet<PathBuf>,
}

impl<'a, H: Host> Work<'a, H> {
    pub(super) fn new(loader: &'a mut Loader<H>, edit: Edit, out: Out<'a>) -> Self {
        let ties = Some(loader.ties());
        Self {
            loader,
            out,
            edit,
            ties,
            dirty: BTreeMap::new(),
            leaving: BTreeMap::new(),
            failed: BTreeSet::new(),
            renewed: BTreeSet::new(),
            stopped: BTreeSet::new(),
            was_live: BTreeSet::new(),
            attempted: BTreeSet::new(),
            roused: BTreeSet::new(),
            echoes: BTreeSet::new(),
            wishes: Vec::new(),
            endless: BTreeSet::new(),
            imported: Vec::new(),
            began: Instant::now(),
            check: Duration::ZERO,
            shutdowns: BTreeMap::new(),
            timings: None,
            pinned: BTreeMap::new(),
            fallback: BTreeMap::new(),
            group: None,
        }
    }

    /// Whether that fault only says that the host is gone.
    pub(super) fn is_lost(&mut self, fault: &PluginFault) -> bool {
        self.loader.lost |= fault.phase == Phase::Host;
        self.loader.lost
    }

    /// The edit is carried out, or the host died under it.
    pub(super) fn end(mut self) -> Vec<Imported> {
        let dirty = std::mem::take(&mut self.dirty);
        if self.loader.lost {
            // What was only to be brought back is still live in our books, and comes with those.
            let dirty = dirty.into_iter();
            let interrupted = dirty.filter(|(_, dirty)| dirty.because != Because::Host);
            self.loader.interrupted.extend(interrupted);
        }
        for over in [&mut self.attempted, &mut self.failed, &mut self.stopped] {
            over.clear();
        }
        let wishes = std::mem::take(&mut self.wishes);
        if !wishes.is_empty() && !self.loader.lost {
            self.loader.host.granted(&wishes);
        }
        self.expect_wishes();
        self.imported
    }

    /// The content on disk cannot be live; whatever is live stays so.
    pub(super) fn fail(&mut self, key: &PluginId, fault: PluginFault) {
        let began = self.edit.seen;
        self.fail_since(key, fault, began);
    }

    pub(super) fn fail_since(&mut self, key: &PluginId, mut fault: PluginFault, began: Instant) {
        self.dirty.remove(key);
        self.failed.insert(key.clone());
        let fallback = self.fallback.get(key).map(|live| live.number);
        if fallback.is_none() {
            self.was_live.remove(key);
        }
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.behind = true;
            plugin.waiting = None;
            let place = Self::asked_at(plugin, &fault).or(fault.place.take());
            fault.place = place;
            plugin.fault = Some(fault.clone());
            (self.out)(Event::Failed {
                id: Some(plugin.id.clone()),
                path: plugin.candidate.entry.clone(),
                fault,
                kept: plugin.generation().or(fallback).into(),
                took: began.elapsed(),
            });
        }
    }
}
