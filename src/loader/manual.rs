//! What somebody at the keyboard asks for: how plugins stand, and a reload without an edit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::registry::Plugin;
use super::{Imported, Loader, Out, Policy, Work};
use crate::host::Host;
use crate::model::{
    Because, Edit, Event, Fields, Phase, PluginFault, PluginId, Standing, State, is_python,
};
use crate::requirements::Packages;
use crate::source::{ContentHash, Source};

impl<H: Host> Loader<H> {
    /// Every plugin that is known, by id.
    pub fn standings(&self) -> Vec<Standing> {
        let mut standings: Vec<Standing> = self
            .registry
            .iter()
            .map(|plugin| Standing {
                key: plugin.key.clone(),
                id: plugin.id.clone(),
                path: plugin.candidate.entry.clone(),
                state: self.state(plugin),
            })
            .collect();
        standings.sort_by(|one, other| (&one.id, &one.path).cmp(&(&other.id, &other.path)));
        standings
    }

    /// Tries to start what waits for something. Waits for the host.
    pub fn start_waiting(&mut self, out: Out<'_>) -> Vec<Imported> {
        let mut work = Work::new(self, Edit::nothing(), &mut *out);
        work.carry_out();
        let mut imported = work.end();
        imported.extend(self.revive(out));
        imported
    }

    /// The folders in which packages may turn up that plugins wait for; none if nobody waits.
    pub fn missing_packages(&self) -> &[PathBuf] {
        let waits = |packages: &Packages| {
            self.registry
                .iter()
                .filter(|plugin| plugin.waiting.is_some())
                .any(|plugin| !packages.lacks(&plugin.candidate.metadata.requirements).is_empty())
        };
        let packages = self.packages.as_ref().filter(|packages| waits(packages));
        packages.map(Packages::folders).unwrap_or_default()
    }

    fn state(&self, plugin: &Plugin) -> State {
        match plugin.generation() {
            Some(generation) if plugin.behind => State::Kept(generation),
            Some(generation) => State::Live(generation),
            None if plugin.waiting.is_some() => State::Waiting,
            None if plugin.declined => State::Failed,
            None if self.policy.is_lazy(&plugin.id, &plugin.candidate.metadata) => State::Asleep,
            None => State::Failed,
        }
    }

    /// Carries `edit` out and gives the plugin with `key` a new generation, whatever the edit says of
    /// it; unless it is gone by that, or its new content cannot be one.
    pub fn renew(&mut self, edit: Edit, key: &PluginId, out: Out<'_>) -> Vec<Imported> {
        let mut work = Work::new(self, edit, &mut *out);
        work.identify();
        work.find_dirty();
        work.find_shared();
        work.preflight();
        work.preflight_shared();
        if !work.failed.contains(key) && !work.leaving.contains_key(key) {
            work.ask_for(key);
        }
        work.carry_out();
        let mut imported = work.end();
        imported.extend(self.recover(out));
        imported
    }

    /// Where plugins run.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// The plugin that was found at `unit`: its key, and whether it is live.
    pub fn at(&self, unit: &Path) -> Option<(PluginId, bool)> {
        let plugin = self.registry.get(self.registry.at(unit)?)?;
        Some((plugin.key.clone(), plugin.live.is_some()))
    }

    /// Where the plugin with that id was found.
    pub fn unit_of(&self, id: &PluginId) -> Option<PathBuf> {
        self.registry.with_id(id).map(|plugin| plugin.unit.clone())
    }

    /// The id of the plugin with `key`.
    pub fn id_of(&self, key: &PluginId) -> Option<PluginId> {
        self.registry.get(key).map(|plugin| plugin.id.clone())
    }

    /// Under which key the host knows the plugin with that id.
    pub fn key_of(&self, id: &PluginId) -> Option<PluginId> {
        self.registry.key_of(id).cloned()
    }

    /// The literal metadata of the live plugin with that id.
    pub fn fields_of(&self, id: &PluginId) -> Option<Fields> {
        let live = self.registry.with_id(id)?.live.as_ref()?;
        Some(live.candidate.fields.clone())
    }

    /// Whether the plugin with `key` says its id itself.
    pub fn has_own_id(&self, key: &PluginId) -> bool {
        let live = self.registry.get(key).and_then(|plugin| plugin.live.as_ref());
        live.is_some_and(|live| !live.candidate.provisional)
    }

    /// Own modules that plugins looked for and did not find, without an extension.
    pub fn missed(&self) -> BTreeSet<PathBuf> {
        self.registry.missed().cloned().collect()
    }

    /// What the user decided about plugins.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The entry of the plugin with `key`.
    pub fn entry_of(&self, key: &PluginId) -> Option<PathBuf> {
        self.registry.get(key).map(|plugin| plugin.candidate.entry.clone())
    }

    /// The files of a plugin, with the content that is known of each.
    pub fn files_of(&self, key: &PluginId) -> BTreeMap<PathBuf, Option<ContentHash>> {
        let Some(plugin) = self.registry.get(key) else { return BTreeMap::new() };
        let reached = plugin.reached.files.iter().map(|path| (path.clone(), None));
        let known = plugin.latest.values().map(|source| (source.path.clone(), Some(source.hash)));
        reached.chain(known).collect()
    }

    /// Gives the plugins with these keys a new generation, although nothing was edited. One that
    /// failed, waits or was not asked for yet is tried as well.
    pub fn reload(&mut self, keys: &[PluginId], out: Out<'_>) -> Vec<Imported> {
        let mut work = Work::new(self, Edit::nothing(), &mut *out);
        for key in keys {
            work.ask_for(key);
        }
        work.carry_out();
        let mut imported = work.end();
        imported.extend(self.revive(out));
        imported
    }
}

impl<H: Host> Loader<H> {
    /// Whether the plugin with that id is loaded when somebody asks for it, and is not live yet.
    pub fn is_asleep(&self, id: &PluginId) -> bool {
        self.registry.with_id(id).is_some_and(|plugin| self.state(plugin) == State::Asleep)
    }

    /// Calls a method of a plugin that is live; see [`Host::begin_call`]. `None` if it is not. Whatever died
    /// of it is brought back.
    pub fn call(
        &mut self,
        id: &PluginId,
        method: &str,
        arguments: &str,
        out: Out<'_>,
    ) -> (Option<Result<String, PluginFault>>, Vec<Imported>) {
        let live = self.registry.with_id(id).filter(|plugin| plugin.live.is_some());
        let Some(key) = live.map(|plugin| plugin.key.clone()) else { return (None, Vec::new()) };
        let (outcome, mut imported) = self.run_beside(&mut *out, |host| {
            host.begin_call(&key, method, arguments);
        });
        let outcome = outcome.map(Option::unwrap_or_default);
        let Err(fault) = &outcome else { return (Some(outcome), imported) };
        if fault.phase != Phase::Host {
            return (Some(outcome), imported);
        }
        // How it died says more than that it is gone.
        let mut death = None;
        imported.extend(self.recover(&mut |event| {
            if let Event::Failed { fault, .. } = &event
                && fault.phase == Phase::Host
            {
                death.get_or_insert_with(|| fault.clone());
            }
            out(event);
        }));
        (Some(death.map_or(outcome, Err)), imported)
    }
}

impl<H: Host> Work<'_, H> {
    /// As after an edit, a content that cannot be compiled touches nothing that runs.
    fn ask_for(&mut self, key: &PluginId) {
        let Some(plugin) = self.loader.registry.get(key) else { return };
        if let Some(fault) = plugin.refused.clone() {
            return self.fail(key, fault);
        }
        let sources: Vec<Source> = plugin
            .latest
            .values()
            .filter(|source| is_python(&source.path) && plugin.reached.files.contains(&source.path))
            .cloned()
            .collect();
        // One that was set aside because its host died again and again has another chance.
        self.loader.deaths.remove(key);
        match self.loader.host.compile(&sources) {
            Err(fault) if !self.is_lost(&fault) => self.fail(key, fault),
            Ok(()) | Err(_) => self.mark(key.clone(), Because::Manual, BTreeSet::new()),
        }
    }
}
