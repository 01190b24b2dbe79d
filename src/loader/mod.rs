//! What is live, and how an edit changes that.
//!
//! Takes an [`Edit`], works out which plugins it concerns and in what order, and carries it out
//! against a [`Host`] as a transaction: whatever fails leaves what ran before. Gives events as they
//! happen. Knows nothing of watching or of how plugins are found.

mod edited;
mod ending;
mod going_live;
mod identity;
mod manual;
mod needs;
pub(crate) mod order;
mod plan;
mod policy;
mod recovery;
mod registry;
mod shared;
mod starting;
mod together;
mod transaction;
mod waking;
mod way_back;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use policy::{PluginPolicy, Policy};

use crate::host::{Host, Note, Slot};
use crate::model::{
    Candidate, Edit, Event, Generation, Isolation, Patterns, PluginFault, PluginId, UnloadReason,
    Warning, is_python,
};
use crate::requirements::Packages;
use crate::source::{ContentHash, Source};
use recovery::Down;
use registry::Registry;
use shared::Shared;
use work::{Dirty, Work};

/// Tells the world.
pub type Out<'a> = &'a mut dyn FnMut(Event);

/// The live plugins over a host.
pub struct Loader<H> {
    host: H,
    /// What is installed where plugins run, if that is known.
    packages: Option<Packages>,
    policy: Policy,
    registry: Registry,
    /// Numbers are never given twice, not even after an unload.
    generations: HashMap<PluginId, Generation>,
    /// Plugins that cannot be because another one has their id.
    clashes: BTreeMap<PathBuf, (Candidate, Option<Source>)>,
    /// Plugins that the user has turned off.
    disabled: BTreeMap<PathBuf, (Candidate, Option<Source>)>,
    /// The host is dead, and what was under way is to be brought back.
    lost: bool,
    /// It is, and another one is not started yet.
    down: Option<Down>,
    /// Files and folders that mean to be a plugin of that id and cannot be one.
    broken: BTreeMap<PathBuf, (PluginId, PluginFault)>,
    /// Plugins that were to be started when it died.
    interrupted: BTreeMap<PluginId, Dirty>,
    /// Where each plugin was said to have asked to run, and does not.
    elsewhere: BTreeMap<PluginId, Isolation>,
    /// How often in a row a plugin was under way when its host died.
    deaths: HashMap<PluginId, u32>,
    /// The modules that plugins share.
    shared: Shared,
    /// A generation has ended and was not looked at yet.
    ended: bool,
    /// The services whose look-up the host was told to ask about.
    expected: BTreeSet<String>,
    /// Files that plugins were moved away from.
    left: Vec<PathBuf>,
    /// Set from outside when the program is to stop: nothing is started any more.
    stopping: Arc<AtomicBool>,
    /// Somebody wants to know where the time of each reload goes.
    timed: bool,
}

/// An own file that the host read itself: compare it with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub path: PathBuf,
    /// The content that was executed.
    pub hash: ContentHash,
}

impl<H: Host> Loader<H> {
    /// A loader with nothing live.
    pub fn new(mut host: H, policy: Policy) -> Self {
        let mut shared = Shared::default();
        shared.begin(&policy.shared);
        if shared.is_used() {
            host.share(shared.sharing());
        }
        Self {
            shared,
            packages: host.site().cloned().map(Packages::of),
            host,
            policy,
            registry: Registry::default(),
            generations: HashMap::new(),
            clashes: BTreeMap::new(),
            disabled: BTreeMap::new(),
            lost: false,
            down: None,
            broken: BTreeMap::new(),
            interrupted: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            deaths: HashMap::new(),
            ended: false,
            expected: BTreeSet::new(),
            left: Vec::new(),
            stopping: Arc::default(),
            timed: false,
        }
    }

    /// The loader starts nothing more once `stopping` is set, so that a long first pass does not
    /// stand between a person and the end.
    #[must_use]
    pub fn until(mut self, stopping: Arc<AtomicBool>) -> Self {
        self.stopping = stopping;
        self
    }

    /// Whether the loader tells where the time of each load and reload went.
    #[must_use]
    pub fn timed(mut self, timed: bool) -> Self {
        self.timed = timed;
        self
    }

    /// Nothing can or shall be started now.
    fn is_halted(&self) -> bool {
        self.lost || self.stopping.load(Ordering::Relaxed)
    }

    /// Brings what is live in line with `edit`. Waits for the host; one that is dead is started
    /// again, so that an edit never waits for the end of a pause.
    pub fn apply(&mut self, edit: Edit, out: Out<'_>) -> Vec<Imported> {
        let mut work = Work::new(self, edit, &mut *out);
        work.identify();
        work.find_dirty();
        work.find_shared();
        work.preflight();
        work.preflight_shared();
        work.carry_out();
        let mut imported = work.end();
        imported.extend(self.revive(out));
        imported
    }

    /// The user decided otherwise, in `file` if in one. Reloads what that touches, and nothing else.
    pub fn reconfigure(
        &mut self,
        policy: Policy,
        file: Option<&Path>,
        out: Out<'_>,
    ) -> Vec<Imported> {
        let policy = Policy { isolation: self.policy.isolation, ..policy };
        let before = std::mem::replace(&mut self.policy, policy);
        let folders = self.policy.shared.clone();
        let mut edit = Edit::nothing();
        edit.changed.extend(file.map(|file| (file.to_owned(), None)));
        let mut work = Work::new(self, edit, &mut *out);
        work.follow_policy(&before, file);
        if folders != before.shared {
            work.find_moved(&folders, file);
        }
        work.carry_out();
        let mut imported = work.end();
        imported.extend(self.revive(&mut *out));
        let live = self.registry.iter().filter(|plugin| plugin.live.is_some());
        for key in live.map(|plugin| plugin.key.clone()).collect::<Vec<_>>() {
            self.warn_of_isolation(&key, out);
        }
        imported
    }

    /// Compiles a content that will be needed in a moment, if it is a plugin's.
    pub fn prepare(&mut self, source: &Source) {
        if is_python(&source.path) && self.knows(&source.path) {
            self.host.prepare(source);
        }
    }

    /// A plugin imported something long after its start, or one of its threads waits for a service.
    pub fn note(&mut self, mut note: Note, out: Out<'_>) -> Vec<Imported> {
        let wishes = std::mem::take(&mut note.trace.wishes);
        let mut imported = self.note_reached(note);
        if !wishes.is_empty() {
            imported.extend(self.grant(wishes, out));
        }
        imported
    }

    fn note_reached(&mut self, mut note: Note) -> Vec<Imported> {
        let mut imported = self.shared.learn(std::mem::take(&mut note.trace.shared));
        let Some(key) = note.key else { return imported };
        // Also of a generation that has ended: it may have written when it did.
        self.registry.sort_out_inputs(&key, note.generation, &mut note.trace);
        let current = self
            .registry
            .get(&key)
            .and_then(|plugin| plugin.live.as_ref())
            .is_some_and(|live| live.started == note.generation);
        if !current {
            return imported;
        }
        self.registry.reach_more(&key, &note.trace);
        if let Some(plugin) = self.registry.get_mut(&key) {
            for source in note.trace.imported {
                imported.push(Imported { path: source.path.clone(), hash: source.hash });
                plugin.latest.insert(source.path.clone(), source.clone());
                if let Some(live) = plugin.live.as_mut() {
                    live.sources.insert(source.path.clone(), source);
                }
            }
        }
        imported
    }

    /// Whether a generation has ended since the last time.
    pub fn take_ended(&mut self) -> bool {
        std::mem::take(&mut self.ended)
    }

    /// Files that plugins were moved away from since the last time. Something may be there again,
    /// and it is nobody's then.
    pub fn take_left(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.left)
    }

    /// Tells of generations that have ended and are not gone; how long the look took.
    pub fn inspect(&mut self, out: Out<'_>) -> Duration {
        let (warnings, took) = self.host.inspect();
        for (key, warning) in warnings {
            let id = self.registry.get(&key).map_or(key, |plugin| plugin.id.clone());
            out(Event::Warned { id: Some(id), warning });
        }
        took
    }

    /// Files that became of interest to a plugin, or stopped being so, since the last time; whether
    /// they are now.
    pub fn take_news(&mut self) -> Vec<(PathBuf, bool)> {
        let mut news = self.registry.take_news();
        news.extend(self.shared.take_news().into_iter().map(|path| (path, true)));
        for (path, concerns) in &mut news {
            *concerns |= self.shared.concerns(path);
        }
        news
    }

    /// The `watch` patterns of all plugins, if they are others than the last time.
    pub fn take_patterns(&mut self) -> Option<Vec<Patterns>> {
        self.registry.take_patterns()
    }

    /// See [`Host::process`].
    pub fn process(&self) -> Option<u32> {
        self.host.process()
    }

    /// How many plugins are live.
    pub fn live(&self) -> usize {
        self.registry.iter().filter(|plugin| plugin.live.is_some()).count()
    }

    /// Whether some plugin depends on the file, live or not.
    pub fn knows(&self, path: &Path) -> bool {
        !self.registry.concerned(path).is_empty() || self.shared.concerns(path)
    }

    /// The files below `folder` that plugins depend on.
    pub fn files_below(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = self.registry.files_below(folder);
        files.extend(self.shared.files().filter(|path| path.starts_with(folder)));
        files
    }

    /// All files that plugins depend on.
    pub fn files(&self) -> Vec<PathBuf> {
        self.registry.files().cloned().chain(self.shared.files()).collect()
    }

    /// Shuts every live plugin down, dependents first, and ends the host.
    pub fn stop(&mut self, out: Out<'_>) {
        let mut order = order::dependencies_first(&self.live_graph());
        order.reverse();
        for key in order {
            let Some(plugin) = self.registry.get(&key).filter(|plugin| plugin.live.is_some())
            else {
                continue;
            };
            let id = plugin.id.clone();
            let path = plugin.candidate.entry.clone();
            warn(out, &id, self.host.stop(&key, Slot::Live));
            self.host.forget(&key);
            // Whoever is left died with it.
            let blamed = self.host.death().and_then(|death| self.mourn_at_the_end(&death, out));
            self.registry.remove(&key);
            if blamed.as_ref() != Some(&key) {
                out(Event::Unloaded { id, path, because: UnloadReason::Stop });
            }
        }
        self.host.finish();
    }

    /// A plugin that asked to run elsewhere is told of, once for each place that it asks for.
    fn warn_of_isolation(&mut self, key: &PluginId, out: Out<'_>) {
        let Some(plugin) = self.registry.get(key) else { return };
        let Some(live) = &plugin.live else { return };
        let id = plugin.id.clone();
        let Some(asked) = self.policy.elsewhere(&id, &live.candidate.metadata) else {
            self.elsewhere.remove(&id);
            return;
        };
        if self.elsewhere.insert(id.clone(), asked) == Some(asked) {
            return;
        }
        let message = format!(
            "its isolation is \"{}\", and it runs with \"{}\" as all do: `isolation` in [reload] of \
             watch.toml, or --isolation, says where plugins run",
            asked.as_str(),
            self.policy.isolation.as_str()
        );
        warn(out, &id, vec![Warning::new("isolation", message)]);
    }

    /// Who depends on whom among the plugins that are live now.
    fn live_graph(&self) -> order::Graph {
        self.graph(self.registry.iter(), |plugin| {
            plugin.live.is_some().then(|| plugin.dependencies())
        })
    }

    /// The same without those that depend on nothing.
    fn ties(&self) -> order::Graph {
        self.graph(self.registry.iter(), |plugin| {
            let dependencies = plugin.live.is_some().then(|| plugin.dependencies())?;
            (!dependencies.is_empty()).then_some(dependencies)
        })
    }

    /// A graph by key over those of `plugins` for which `dependencies` gives ids.
    fn graph<'a>(
        &'a self,
        plugins: impl Iterator<Item = &'a registry::Plugin>,
        dependencies: impl Fn(&'a registry::Plugin) -> Option<&'a [PluginId]>,
    ) -> order::Graph {
        plugins
            .filter_map(|plugin| {
                let ids = dependencies(plugin)?;
                let keys = ids.iter().filter_map(|id| self.registry.key_of(id).cloned());
                Some((plugin.key.clone(), keys.collect()))
            })
            .collect()
    }
}

fn warn(out: Out<'_>, id: &PluginId, warnings: Vec<Warning>) {
    for warning in warnings {
        out(Event::Warned { id: Some(id.clone()), warning });
    }
}
