//! Lazy plugins: who sleeps, whom a service look-up wakes, and how that goes in the middle of a call.
//!
//! No plugin code runs to know what a sleeping plugin offers: it is what its metadata names under
//! `capabilities`, and its id. The host is told those names ahead, so that only a look-up of one of
//! them is asked here; the call that asks goes on when the plugin is live or has failed.

use std::collections::BTreeSet;

use super::registry::Plugin;
use super::{Dirty, Imported, Loader, Out, Work, order};
use crate::host::Host;
use crate::model::{Because, Edit, PluginFault, PluginId};

impl<H: Host> Loader<H> {
    /// Somebody asks for a plugin that may be lazy: it is loaded if it is not live, with what it
    /// depends on. Whether it is live afterwards; `None` if there is no such plugin.
    pub fn wake(&mut self, id: &PluginId, out: Out<'_>) -> Option<bool> {
        let key = self.registry.key_of(id)?.clone();
        self.revive(&mut *out);
        let is_live =
            |loader: &Self| loader.registry.get(&key).is_some_and(|plugin| plugin.live.is_some());
        if !is_live(self) {
            let mut work = Work::new(self, Edit::nothing(), &mut *out);
            let dirty = Dirty { because: Because::Manual, changed: BTreeSet::new() };
            work.dirty.insert(key.clone(), dirty);
            work.carry_out();
            work.end();
        }
        Some(is_live(self))
    }

    /// Runs code beside a live plugin; see [`Host::begin_exec`].
    ///
    /// # Errors
    /// What the code raised, or that the plugin is not there.
    pub fn exec(
        &mut self,
        id: &PluginId,
        code: &str,
        out: Out<'_>,
    ) -> Result<Option<String>, PluginFault> {
        let key = self.registry.key_of(id).cloned().unwrap_or_else(|| id.clone());
        match self.run_beside(out, |host| host.begin_exec(&key, code)).0 {
            // That it is gone is known; how it ended is what a person wants to know.
            Err(fault) if fault.phase == crate::model::Phase::Host => {
                Err(self.host.death().map_or(fault, |death| death.fault))
            }
            outcome => outcome,
        }
    }

    /// What comes of code that runs while nothing is reloaded, and what it has woken.
    pub(super) fn run_beside(
        &mut self,
        out: Out<'_>,
        begin: impl FnOnce(&mut H),
    ) -> (Result<Option<String>, PluginFault>, Vec<Imported>) {
        let mut work = Work::new(self, Edit::nothing(), out);
        work.expect_wishes();
        begin(&mut work.loader.host);
        work.attend();
        let outcome = work.loader.host.executed();
        // Who waits for one that is live by now.
        work.carry_out();
        (outcome, work.end())
    }

    /// Threads of plugins wait for services that nobody offers.
    pub(super) fn grant(&mut self, wishes: Vec<String>, out: Out<'_>) -> Vec<Imported> {
        let mut work = Work::new(self, Edit::nothing(), &mut *out);
        work.wishes = wishes;
        work.grant();
        work.carry_out();
        let mut imported = work.end();
        imported.extend(self.revive(out));
        imported
    }

    /// What sleeps would be asked for now, if nothing else were under way.
    fn sleeps(&self, plugin: &Plugin) -> bool {
        plugin.live.is_none()
            && plugin.refused.is_none()
            && plugin.waiting.is_none()
            && !plugin.declined
            && !self.deaths.contains_key(&plugin.key)
    }
}

impl<H: Host> Work<'_, H> {
    /// The host learns which look-ups are wishes, if those are others than before.
    pub(super) fn expect_wishes(&mut self) {
        if self.loader.lost {
            return;
        }
        let registry = self.loader.registry.iter();
        let sleeping = registry.filter(|plugin| self.may_be_roused(plugin));
        let services: BTreeSet<String> = sleeping.flat_map(services).map(str::to_owned).collect();
        if services != self.loader.expected {
            self.loader.host.expect(&services);
            self.loader.expected = services;
        }
    }

    /// Looks after the wishes of the first of the calls under way, until it is over.
    pub(super) fn attend(&mut self) {
        while let Some(service) = self.loader.host.wish() {
            self.fulfil(&service);
            self.expect_wishes();
            self.loader.host.go_on();
        }
    }

    /// Looks after wishes that threads had. No call is under way.
    pub(super) fn grant(&mut self) {
        let wishes = std::mem::take(&mut self.wishes);
        for service in &wishes {
            self.fulfil(service);
        }
        if !wishes.is_empty() && !self.loader.lost {
            self.loader.host.granted(&wishes);
        }
    }

    /// Wakes whoever may offer that service: those that say so, else the one that is called so.
    fn fulfil(&mut self, service: &str) {
        let asked = |key: &PluginId, only_named: bool| -> bool {
            self.loader.registry.get(key).is_some_and(|plugin| {
                let capabilities = &self.wanted(plugin).metadata.capabilities;
                let named = capabilities.iter().any(|offered| offered == service);
                self.may_be_roused(plugin)
                    && if only_named { named } else { plugin.id.as_str() == service }
            })
        };
        let keys: Vec<PluginId> =
            self.loader.registry.iter().map(|plugin| plugin.key.clone()).collect();
        let mut chosen: Vec<&PluginId> = keys.iter().filter(|key| asked(key, true)).collect();
        if chosen.is_empty() {
            chosen = keys.iter().filter(|key| asked(key, false)).collect();
        }
        let chosen: Vec<PluginId> = chosen.into_iter().cloned().collect();
        for key in chosen {
            self.rouse(&key);
        }
    }

    /// Whether a look-up would start that plugin now.
    fn may_be_roused(&self, plugin: &Plugin) -> bool {
        let key = &plugin.key;
        self.loader.policy.is_lazy(&plugin.id, &self.wanted(plugin).metadata)
            && !self.attempted.contains(key)
            && !self.failed.contains(key)
            && !self.leaving.contains_key(key)
            && (self.comes_anyway(key) || self.loader.sleeps(plugin))
    }

    /// It was live, and is to start in this round.
    fn comes_anyway(&self, key: &PluginId) -> bool {
        self.dirty.contains_key(key) || self.stopped.contains(key)
    }

    /// Starts a lazy plugin in the middle of a call of another one, with the lazy ones that it needs.
    fn rouse(&mut self, key: &PluginId) {
        let mut hopeful = BTreeSet::from([key.clone()]);
        self.add_lazy_dependencies(&mut hopeful, |_| true);
        let endless = order::endless(&self.wanted_from(hopeful.iter()));
        let endless = std::mem::replace(&mut self.endless, endless);
        let order = order::dependencies_first(&self.wanted_among(hopeful.iter()));
        let mut able = BTreeSet::new();
        for key in &order {
            if self.unmet(key, &able).is_none() {
                able.insert(key.clone());
            }
        }
        match self.unmet(key, &able) {
            None => {
                for key in order.iter().filter(|key| able.contains(*key)) {
                    self.start_roused(key);
                }
            }
            // Its turn comes later in this round.
            Some(_) if self.comes_anyway(key) => {}
            Some(fault) => {
                self.fail_waiting(key, fault);
                // What it lacks may be who asks.
                self.failed.remove(key);
            }
        }
        self.endless = endless;
    }

    fn start_roused(&mut self, key: &PluginId) {
        // Another one's start may have asked for it too.
        if self.loader.is_halted() || self.attempted.contains(key) {
            return;
        }
        self.roused.insert(key.clone());
        match self.dirty.get(key).cloned() {
            Some(dirty) => self.renew(key, &dirty),
            None if self.stopped.contains(key) => self.bring_back(key),
            None => {
                let dirty = Dirty { because: Because::Dependency, changed: BTreeSet::new() };
                self.renew(key, &dirty);
            }
        }
    }
}

/// What a plugin may offer, as far as can be told without running it.
fn services(plugin: &Plugin) -> impl Iterator<Item = &str> {
    let named = plugin.candidate.metadata.capabilities.iter().map(String::as_str);
    named.chain([plugin.id.as_str()])
}
