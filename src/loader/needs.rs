//! What a plugin needs before it can start: the plugins that it depends on, live.
//!
//! Says why a content cannot start (a dependency that is missing, or that comes back to it), and tells
//! it of those that wait.

use std::collections::BTreeSet;

use super::Work;
use super::order::{self, Graph};
use super::registry::Plugin;
use crate::discovery::Places;
use crate::host::Host;
use crate::model::{Because, Candidate, Phase, Place, PluginFault, PluginId};
use crate::requirements::Lack;

impl<H: Host> Work<'_, H> {
    /// What the next start of a plugin is made from: what it ran when its host died, or the content
    /// on disk.
    pub(super) fn wanted<'b>(&'b self, plugin: &'b Plugin) -> &'b Candidate {
        self.pinned.get(&plugin.key).map_or(&plugin.candidate, |live| &live.candidate)
    }

    /// Who of `keys` will depend on whom.
    pub(super) fn wanted_among<'b>(&self, keys: impl Iterator<Item = &'b PluginId>) -> Graph {
        let registry = &self.loader.registry;
        let dependencies = |plugin: &Plugin| {
            let ids = self.wanted(plugin).metadata.dependencies.iter();
            ids.filter_map(|id| registry.key_of(id).cloned()).collect()
        };
        keys.filter_map(|key| registry.get(key))
            .filter(|plugin| !self.leaving.contains_key(&plugin.key))
            .map(|plugin| (plugin.key.clone(), dependencies(plugin)))
            .collect()
    }

    /// The same for everything that `keys` reach.
    pub(super) fn wanted_from<'b>(&self, keys: impl Iterator<Item = &'b PluginId>) -> Graph {
        let mut wanted = self.wanted_among(keys);
        let mut edge: Vec<PluginId> = wanted.values().flatten().cloned().collect();
        while let Some(key) = edge.pop() {
            if !wanted.contains_key(&key) {
                let more = self.wanted_among(std::iter::once(&key));
                edge.extend(more.values().flatten().cloned());
                wanted.extend(more);
            }
        }
        wanted
    }

    /// Why a plugin cannot start: a dependency that is missing or that comes back to it. Those that
    /// are `able` to start count as there.
    pub(super) fn unmet(&self, key: &PluginId, able: &BTreeSet<PluginId>) -> Option<PluginFault> {
        let plugin = self.loader.registry.get(key)?;
        if self.endless.contains(key) {
            let graph = self.wanted_among(self.endless.iter());
            if let Some(cycle) = order::cycle_of(&graph, key) {
                return Some(self.cycle(plugin, &cycle));
            }
        }
        let wanted = self.wanted(plugin);
        self.missing(wanted, able).or_else(|| self.lacking(wanted))
    }

    /// Why what is live, or was until a moment ago, cannot go on.
    pub(super) fn unmet_live(&self, key: &PluginId) -> Option<PluginFault> {
        let live = self.loader.registry.get(key)?.live.as_ref()?;
        self.missing(&live.candidate, &BTreeSet::new())
    }

    fn cycle(&self, plugin: &Plugin, cycle: &[PluginId]) -> PluginFault {
        let ids: Vec<String> = cycle
            .iter()
            .filter_map(|key| self.loader.registry.get(key))
            .map(|plugin| plugin.id.to_string())
            .collect();
        let message =
            format!("dependency cycle: {}; take one of these dependencies out", ids.join(" -> "));
        PluginFault::new(Phase::Dependency, "DependencyCycle", message)
            .at(Place::file(&plugin.candidate.entry))
    }

    fn missing(&self, candidate: &Candidate, able: &BTreeSet<PluginId>) -> Option<PluginFault> {
        let missing: Vec<String> = candidate
            .metadata
            .dependencies
            .iter()
            .filter_map(|id| self.why_missing(id, able))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let message = format!("it needs {}", missing.join(", and "));
        let fault = PluginFault::new(Phase::Dependency, "MissingDependency", message);
        Some(fault.at(Place::file(&candidate.entry)))
    }

    /// The packages that it needs and that are not installed. Nothing is installed here.
    fn lacking(&self, candidate: &Candidate) -> Option<PluginFault> {
        let packages = self.loader.packages.as_ref()?;
        let lacks = packages.lacks(&candidate.metadata.requirements);
        if lacks.is_empty() {
            return None;
        }
        let whys: Vec<String> = lacks.iter().map(Lack::message).collect();
        let message = match packages.remedy(&lacks) {
            Some(line) => format!("{}; install it with: {line}", whys.join(", ")),
            None => whys.join(", "),
        };
        let place = Place::file(&candidate.entry);
        Some(PluginFault::new(Phase::Dependency, "MissingRequirement", message).at(place))
    }

    /// Where a plugin asks for what `fault` says is not there, if that can be told.
    pub(super) fn asked_at(plugin: &Plugin, fault: &PluginFault) -> Option<Place> {
        let field = match fault.kind.as_str() {
            "MissingRequirement" => "requirements",
            "MissingDependency" | "DependencyCycle" => "dependencies",
            // What shows only at run time names its field and not its place.
            "InvalidMetadata" if fault.place.as_ref().is_none_or(|place| place.line.is_none()) => {
                fault.message.split('`').nth(1)?
            }
            _ => return None,
        };
        let candidate = &plugin.candidate;
        let source = |path| plugin.latest.get(path);
        let manifest = candidate.manifest.as_ref().and_then(source);
        Places::of(manifest, source(&candidate.entry)).name(field)
    }

    fn why_missing(&self, id: &PluginId, able: &BTreeSet<PluginId>) -> Option<String> {
        let registry = &self.loader.registry;
        match registry.with_id(id).filter(|plugin| !self.leaving.contains_key(&plugin.key)) {
            Some(plugin) if able.contains(&plugin.key) => None,
            Some(plugin) if plugin.live.is_some() && !self.stopped.contains(&plugin.key) => None,
            Some(plugin) => Some(match &plugin.fault {
                Some(fault) => format!("the plugin {id}, which {}", failed(fault)),
                None => format!("the plugin {id}, which is not live"),
            }),
            None if self.loader.policy.is_disabled(id) => {
                Some(format!("the plugin {id}, which watch.toml disables"))
            }
            None => Some(match self.loader.broken.values().find(|(broken, _)| broken == id) {
                Some((_, fault)) => format!("the plugin {id}, which {}", failed(fault)),
                None => format!(
                    "the plugin {id}, which is not there; it loads by itself when that one appears"
                ),
            }),
        }
    }

    /// Says of each plugin that was edited and cannot start what it waits for.
    pub(super) fn report_blocked(&mut self) {
        for (key, dirty) in self.dirty.clone() {
            // What was to start only because of others has been told of before.
            if dirty.because != Because::Dependency
                && let Some(fault) = self.unmet(&key, &BTreeSet::new())
            {
                self.fail_waiting(&key, fault);
            }
        }
        self.report_cycles();
    }

    /// A cycle fails every plugin on it, also those that nobody edited: none of them can start again
    /// from what stands on disk.
    fn report_cycles(&mut self) {
        let graph = self.wanted_among(self.endless.iter());
        for key in self.endless.clone() {
            let Some(plugin) = self.loader.registry.get(&key) else { continue };
            if let Some(cycle) = order::cycle_of(&graph, &key)
                && !self.failed.contains(&key)
            {
                let fault = self.cycle(plugin, &cycle);
                if plugin.waiting.as_ref() != Some(&fault.message) {
                    self.fail_waiting(&key, fault);
                }
            }
        }
    }

    /// It cannot start now, and will when what it needs is there.
    pub(super) fn fail_waiting(&mut self, key: &PluginId, fault: PluginFault) {
        let message = fault.message.clone();
        self.fail(key, fault);
        if let Some(plugin) = self.loader.registry.get_mut(key) {
            plugin.waiting = Some(message);
        }
    }
}

/// How a plugin failed that others need.
fn failed(fault: &PluginFault) -> String {
    let place = match &fault.place {
        Some(Place { file, line: Some(line), .. }) => format!(" ({}:{line})", file.display()),
        Some(place) => format!(" ({})", place.file.display()),
        None => String::new(),
    };
    // The rest is told with the failure itself.
    let message = fault.message.lines().next().unwrap_or_default();
    format!("failed at {}: {}: {message}{place}", fault.phase.as_str(), fault.kind)
}
