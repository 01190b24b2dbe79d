//! Which dependencies of plugins cannot be met, told from what is on disk.

use std::collections::{BTreeMap, BTreeSet};

use super::Level;
use crate::loader::order::{Graph, cycle_of};
use crate::model::{Candidate, PluginId};

/// The dependencies among some plugins.
pub(super) struct Dependencies<'a> {
    known: BTreeMap<&'a PluginId, &'a Candidate>,
    /// Plugins that are told of already: whoever needs them has nothing to mend.
    broken: BTreeSet<&'a PluginId>,
    disabled: &'a BTreeSet<PluginId>,
    /// Some plugins tell their ids only when they run.
    provisional: bool,
    /// Each cycle, by the plugin that it is told of.
    cycles: BTreeMap<PluginId, Vec<PluginId>>,
}

/// A dependency that cannot be met.
pub(super) struct Unmet {
    /// On whom.
    pub(super) id: PluginId,
    pub(super) level: Level,
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl<'a> Dependencies<'a> {
    pub(super) fn of(
        plugins: &[&'a Candidate],
        broken: BTreeSet<&'a PluginId>,
        disabled: &'a BTreeSet<PluginId>,
    ) -> Self {
        let mut known = BTreeMap::new();
        for plugin in plugins {
            known.entry(&plugin.id).or_insert(*plugin);
        }
        let provisional = plugins.iter().any(|plugin| plugin.provisional);
        let cycles = cycles(&known);
        Self { known, broken, disabled, provisional, cycles }
    }

    /// What `plugin` needs and does not get.
    pub(super) fn unmet(&self, plugin: &Candidate) -> Vec<Unmet> {
        let needs = &plugin.metadata.dependencies;
        let mut unmet: Vec<Unmet> = needs.iter().filter_map(|id| self.missing(id)).collect();
        let first = self.known.get(&plugin.id).is_some_and(|first| first.entry == plugin.entry);
        if let Some(cycle) = self.cycles.get(&plugin.id).filter(|_| first)
            && let Some(next) = cycle.get(1)
        {
            let ids: Vec<&str> = cycle.iter().map(PluginId::as_str).collect();
            unmet.push(Unmet {
                id: next.clone(),
                level: Level::Error,
                kind: "DependencyCycle",
                message: format!("dependency cycle: {}", ids.join(" -> ")),
                remedy: "take one of these dependencies out".to_owned(),
            });
        }
        unmet
    }

    fn missing(&self, id: &PluginId) -> Option<Unmet> {
        if self.known.contains_key(id) || self.broken.contains(id) {
            return None;
        }
        let unmet = |level, message: String, remedy: String| {
            Some(Unmet { id: id.clone(), level, kind: "MissingDependency", message, remedy })
        };
        if self.disabled.contains(id) {
            let message = format!("it needs the plugin {id}, which watch.toml disables");
            return unmet(Level::Error, message, "enable it, or take it out here".to_owned());
        }
        let message = format!("it needs the plugin {id}, which is not there");
        if self.provisional {
            let remedy = "a plugin without a literal id may turn out to be it when it runs; give \
                          that one its id in PLUGIN_METADATA";
            return unmet(Level::Warning, message, remedy.to_owned());
        }
        let near = nearest(id, self.known.keys().copied());
        let remedy = match near {
            Some(near) => format!("did you mean {near}?"),
            None => "add that plugin, or take it out here".to_owned(),
        };
        unmet(Level::Error, message, remedy)
    }
}

/// The one of `known` that is written most like `id`, if one is.
pub(super) fn nearest<'a>(
    id: &PluginId,
    known: impl Iterator<Item = &'a PluginId>,
) -> Option<&'a PluginId> {
    let distance = |other: &PluginId| strsim::damerau_levenshtein(id.as_str(), other.as_str());
    let nearest = known.min_by_key(|other| distance(other))?;
    (distance(nearest) * 3 <= id.as_str().len()).then_some(nearest)
}

/// Each cycle once, by the first of its ids.
fn cycles(known: &BTreeMap<&PluginId, &Candidate>) -> BTreeMap<PluginId, Vec<PluginId>> {
    let graph: Graph = known
        .iter()
        .map(|(id, plugin)| ((*id).clone(), plugin.metadata.dependencies.clone()))
        .collect();
    let (mut cycles, mut told) = (BTreeMap::new(), BTreeSet::new());
    for id in graph.keys() {
        if !told.contains(id)
            && let Some(cycle) = cycle_of(&graph, id)
        {
            told.extend(cycle.iter().cloned());
            cycles.insert(id.clone(), cycle);
        }
    }
    cycles
}
