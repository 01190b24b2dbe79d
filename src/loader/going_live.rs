//! A generation has started: what is known of it from here on, and how that is told.

use std::time::{Duration, Instant};

use super::registry::{LiveGeneration, Reached};
use super::{Dirty, Work};
use crate::host::{Host, Trace};
use crate::model::{
    Event, Fields, Generation, Live, Metadata, PluginId, Timings, UnloadReason, check_fields,
};

impl<H: Host> Work<'_, H> {
    pub(super) fn go_live(
        &mut self,
        key: &PluginId,
        dirty: &Dirty,
        started: Generation,
        fields: Fields,
        trace: Trace,
        began: Instant,
    ) {
        let loader = &mut *self.loader;
        let Some(plugin) = loader.registry.get(key) else { return };
        let id_before = plugin.id.clone();
        let pinned = self.pinned.get(key);
        let is_pinned = pinned.is_some();
        let was_live = plugin.live.is_some() || self.was_live.remove(key);
        let mut candidate = pinned.map_or(&plugin.candidate, |live| &live.candidate).clone();
        let id = runtime_id(candidate.provisional, &candidate.id, &fields);
        let metadata = complete(&fields, &id, &candidate.metadata);
        let learns = candidate.learn(&metadata.dependencies);
        let number = loader.generations.entry(id.clone()).or_insert(0);
        *number += 1;
        let number = *number;
        let path = candidate.entry.clone();
        let version = metadata.version.clone();
        loader.registry.forget_written(key, started);
        let Some(plugin) = loader.registry.get(key) else { return };
        let own = plugin.candidate.manifest.iter().chain([&plugin.candidate.entry]);
        let mut reached = Reached { files: own.cloned().collect(), ..Reached::default() };
        reached.extend(&trace);
        let sources = trace.imported.into_iter().map(|source| (source.path.clone(), source));
        let generation = LiveGeneration { number, started, candidate, sources: sources.collect() };
        if id != id_before {
            loader.registry.rename(key, &id);
        }
        // What came back as it was leaves what is on disk as far behind as it was, and with it the files
        // that the content on disk has reached for.
        if is_pinned {
            loader.registry.reach_too(key, reached);
        } else {
            loader.registry.reach(key, reached);
        }
        if let Some(plugin) = loader.registry.get_mut(key) {
            plugin.live = Some(generation);
            if !is_pinned {
                if learns {
                    plugin.learn(&metadata.dependencies);
                }
                plugin.behind = false;
                plugin.fault = None;
                plugin.edited.clear();
                plugin.declined = false;
                plugin.waiting = None;
            }
        }
        self.renewed.insert(key.clone());
        self.loader.ended |= was_live;
        let timings = self.timings.take().map(|timings| {
            // What was not live before did not wait for a save.
            let wait =
                if was_live { self.began.saturating_duration_since(began) } else { Duration::ZERO };
            let shutdown = self.shutdowns.get(key).copied().unwrap_or_default();
            Box::new(Timings { wait, check: self.check, shutdown, ..*timings })
        });
        let took = began.elapsed();
        let live = Live { id, path: path.clone(), version, generation: number, took, timings };
        if was_live && live.id != id_before {
            let because = UnloadReason::Renamed;
            self.say(Event::Unloaded { id: id_before, path, because });
            self.say(Event::Loaded(live));
        } else if was_live {
            let changed = dirty.changed.iter().cloned().collect();
            self.say(Event::Reloaded { live, changed, because: dirty.because });
        } else {
            self.say(Event::Loaded(live));
        }
        self.loader.warn_of_isolation(key, self.out);
    }
}

/// The id that a plugin has at run time; the host has checked it.
fn runtime_id(provisional: bool, id: &PluginId, fields: &Fields) -> PluginId {
    let said = fields.get("id").and_then(|id| id.as_str()).and_then(PluginId::new);
    said.filter(|_| provisional).unwrap_or_else(|| id.clone())
}

/// The metadata with what the plugin said itself; the host has checked it.
fn complete(fields: &Fields, id: &PluginId, before: &Metadata) -> Metadata {
    check_fields(fields, id).unwrap_or_else(|_| before.clone())
}
