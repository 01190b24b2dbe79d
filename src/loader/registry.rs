//! The plugins that are known, and which of them an edit of a file concerns.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::host::Trace;
use crate::model::{Candidate, Generation, Patterns, PluginFault, PluginId, looked_for};
use crate::source::{ContentHash, Source};

/// A plugin that is known, live or not.
pub(crate) struct Plugin {
    /// Under which the host knows it; never changes.
    pub(crate) key: PluginId,
    /// Its id for the world.
    pub(crate) id: PluginId,
    /// The file, or the folder with `plugin.json`, that it was found as.
    pub(crate) unit: PathBuf,
    /// What discovery says of the content on disk.
    pub(crate) candidate: Candidate,
    /// The content on disk of its files, as far as it is known: what the next start is made of.
    pub(crate) latest: BTreeMap<PathBuf, Source>,
    /// The generation that is live.
    pub(crate) live: Option<LiveGeneration>,
    /// What the latest attempt reached for, live or not.
    pub(crate) reached: Reached,
    /// The content on disk is not live: it failed, or it waits for a dependency.
    pub(crate) behind: bool,
    /// What was said last about a dependency that is not there, so that it is said once.
    pub(crate) waiting: Option<String>,
    /// It was to start and failed, so no look-up of a service starts it before its next edit.
    pub(crate) declined: bool,
    /// Why the content on disk is no plugin, if discovery says so.
    pub(crate) refused: Option<PluginFault>,
    /// Why the content on disk is not live, if that was told.
    pub(crate) fault: Option<PluginFault>,
    /// What its latest start left in Python files that it wrote itself.
    pub(crate) left: BTreeMap<PathBuf, Option<ContentHash>>,
    /// That start had no other reason than what the one before it had left.
    pub(crate) echoes: bool,
    /// Files that it writes itself, with the latest generation that did.
    pub(crate) written: BTreeMap<PathBuf, Generation>,
    /// Files that were edited since what is live began.
    pub(crate) edited: BTreeSet<PathBuf>,
    /// On whom this content depends showed only when it ran.
    pub(crate) learned: bool,
}

/// What is live of a plugin, with everything needed to make it again.
#[derive(Clone)]
pub(crate) struct LiveGeneration {
    pub(crate) number: Generation,
    /// What the host calls it. The two differ if a plugin gives itself another id, which has a
    /// number of its own.
    pub(crate) started: Generation,
    /// The candidate that it was made from.
    pub(crate) candidate: Candidate,
    /// The own files that it executed, as they were.
    pub(crate) sources: BTreeMap<PathBuf, Source>,
}

/// Files that a plugin depends on. There may be thousands, and to put paths in order costs several
/// times as much as to hash them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reached {
    pub(crate) files: HashSet<PathBuf>,
    /// Without extension: modules that were looked for and not found.
    pub(crate) missed: HashSet<PathBuf>,
    /// Own extension modules that were loaded; they are among the files too.
    pub(crate) extensions: HashSet<PathBuf>,
    /// Files that were read while it started; they are among the files too.
    pub(crate) inputs: HashSet<PathBuf>,
    /// Shared modules, by name.
    pub(crate) uses: BTreeSet<String>,
}

impl LiveGeneration {
    /// Whether what is on disk, as far as it is known, is something else.
    pub(crate) fn differs_from(&self, plugin: &Plugin) -> bool {
        let edited = |(path, source): (&PathBuf, &Source)| {
            plugin.latest.get(path).is_some_and(|latest| latest.hash != source.hash)
        };
        self.candidate != plugin.candidate || self.sources.iter().any(edited)
    }
}

impl Reached {
    /// What `trace` tells.
    pub(crate) fn extend(&mut self, trace: &Trace) {
        self.files.extend(trace.imported.iter().map(|source| source.path.clone()));
        self.files.extend(trace.extensions.iter().chain(&trace.absent).cloned());
        self.extensions.extend(trace.extensions.iter().cloned());
        self.missed.extend(trace.missed.iter().cloned());
        self.files.extend(trace.inputs.iter().map(|input| input.path.clone()));
        self.inputs.extend(trace.inputs.iter().map(|input| input.path.clone()));
        self.uses.extend(trace.uses.iter().cloned());
    }
}

impl Plugin {
    pub(crate) fn new(
        key: PluginId,
        unit: PathBuf,
        candidate: Candidate,
        entry: Option<Source>,
    ) -> Self {
        let id = candidate.id.clone();
        Self {
            key,
            id,
            unit,
            candidate,
            latest: by_path(entry),
            live: None,
            reached: Reached::default(),
            behind: true,
            waiting: None,
            declined: false,
            refused: None,
            fault: None,
            left: BTreeMap::new(),
            echoes: false,
            written: BTreeMap::new(),
            edited: BTreeSet::new(),
            learned: false,
        }
    }

    /// Takes in on whom the content on disk turned out to depend when it ran; whether that is news.
    pub(crate) fn learn(&mut self, dependencies: &[PluginId]) -> bool {
        let learned = self.candidate.learn(dependencies);
        self.learned |= learned;
        learned
    }

    /// `candidate` is what discovery says of the same content once more.
    pub(crate) fn remind(&self, candidate: &mut Candidate) {
        if self.learned {
            candidate.learn(&self.candidate.metadata.dependencies);
        }
    }

    pub(crate) fn generation(&self) -> Option<Generation> {
        self.live.as_ref().map(|live| live.number)
    }

    /// Whether this is an own extension module that the present process has loaded.
    pub(crate) fn has_loaded(&self, path: &Path) -> bool {
        self.reached.extensions.contains(path)
    }

    /// The ids that the live generation depends on, else those that the content on disk asks for.
    pub(crate) fn dependencies(&self) -> &[PluginId] {
        match &self.live {
            Some(live) => &live.candidate.metadata.dependencies,
            None => &self.candidate.metadata.dependencies,
        }
    }
}

/// All plugins, by key, with the ways to find them.
#[derive(Default)]
pub(crate) struct Registry {
    plugins: BTreeMap<PluginId, Plugin>,
    keys: HashMap<PluginId, PluginId>,
    units: HashMap<PathBuf, PluginId>,
    files: BTreeMap<PathBuf, BTreeSet<PluginId>>,
    missed: BTreeMap<PathBuf, BTreeSet<PluginId>>,
    /// `watch` of those plugins that have it.
    patterns: BTreeMap<PluginId, Patterns>,
    /// Files that became of interest, or stopped being so, since somebody asked.
    news: BTreeSet<PathBuf>,
    /// `patterns` are others since somebody asked.
    other_patterns: bool,
}

impl Registry {
    pub(crate) fn get(&self, key: &PluginId) -> Option<&Plugin> {
        self.plugins.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &PluginId) -> Option<&mut Plugin> {
        self.plugins.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.values()
    }

    /// The key of the plugin with that id.
    pub(crate) fn key_of(&self, id: &PluginId) -> Option<&PluginId> {
        self.keys.get(id)
    }

    pub(crate) fn with_id(&self, id: &PluginId) -> Option<&Plugin> {
        self.keys.get(id).and_then(|key| self.plugins.get(key))
    }

    /// The key of the plugin that was found at `unit`.
    pub(crate) fn at(&self, unit: &Path) -> Option<&PluginId> {
        self.units.get(unit)
    }

    /// Adds a plugin. Its id is free, unless it is a stand-in that another one has as well.
    pub(crate) fn insert(
        &mut self,
        unit: PathBuf,
        candidate: Candidate,
        entry: Option<Source>,
    ) -> PluginId {
        let key = self.free_key(&candidate.id);
        let files = own_files(&candidate);
        self.keys.entry(candidate.id.clone()).or_insert_with(|| key.clone());
        self.units.insert(unit.clone(), key.clone());
        self.set_patterns(&key, Some(&candidate));
        self.plugins.insert(key.clone(), Plugin::new(key.clone(), unit, candidate, entry));
        self.reach(&key, Reached { files, ..Reached::default() });
        key
    }

    /// Two files may have one stand-in; the host needs to tell them apart.
    fn free_key(&self, id: &PluginId) -> PluginId {
        let mut key = id.clone();
        let mut number = 1;
        while self.plugins.contains_key(&key) {
            number += 1;
            // An id with a number behind it is an id.
            key = PluginId::new(&format!("{id}-{number}")).unwrap_or(key);
        }
        key
    }

    pub(crate) fn remove(&mut self, key: &PluginId) -> Option<Plugin> {
        self.reach(key, Reached::default());
        self.detach(key);
        self.set_patterns(key, None);
        self.plugins.remove(key)
    }

    /// The plugin is about to go: its id and its place are free, while it is still to be stopped.
    pub(crate) fn detach(&mut self, key: &PluginId) {
        let Some(plugin) = self.plugins.get(key) else { return };
        if self.units.get(&plugin.unit) == Some(key) {
            self.units.remove(&plugin.unit);
        }
        if self.keys.get(&plugin.id) == Some(key) {
            self.keys.remove(&plugin.id);
        }
    }

    /// The content on disk is another one, at the same place or at a new one.
    pub(crate) fn update(
        &mut self,
        key: &PluginId,
        unit: &Path,
        candidate: Candidate,
        entry: Option<Source>,
    ) {
        let Some(plugin) = self.plugins.get_mut(key) else { return };
        let moved = plugin.unit != unit;
        self.units.remove(&plugin.unit);
        self.units.insert(unit.to_owned(), key.clone());
        plugin.unit = unit.to_owned();
        let files = own_files(&candidate);
        let patterns = candidate.clone();
        plugin.learned &= plugin.candidate == candidate;
        plugin.candidate = candidate;
        plugin.refused = None;
        plugin.fault = None;
        if moved {
            plugin.latest.clear();
        }
        plugin.latest.extend(by_path(entry));
        plugin.behind = true;
        let mut reached = plugin.reached.clone();
        reached.files.extend(files);
        self.set_patterns(key, Some(&patterns));
        self.reach(key, reached);
    }

    /// The id that the plugin gave itself at run time.
    pub(crate) fn rename(&mut self, key: &PluginId, id: &PluginId) {
        let Some(plugin) = self.plugins.get_mut(key) else { return };
        if self.keys.get(&plugin.id) == Some(key) {
            self.keys.remove(&plugin.id);
        }
        plugin.id = id.clone();
        self.keys.insert(id.clone(), key.clone());
    }

    /// What the plugin depends on from now on.
    pub(crate) fn reach(&mut self, key: &PluginId, reached: Reached) {
        let Some(plugin) = self.plugins.get_mut(key) else { return };
        let before = std::mem::replace(&mut plugin.reached, reached);
        let reached = &plugin.reached;
        // An edit of what it does not depend on is not followed, so that content may be an old one.
        plugin.latest.retain(|path, _| reached.files.contains(path));
        let (gone, new) = exchange(&mut self.files, key, &before.files, &reached.files);
        self.news.extend(gone.into_iter().chain(new).cloned());
        let (_, missed) = exchange(&mut self.missed, key, &before.missed, &reached.missed);
        self.news.extend(missed.into_iter().map(|base| module_file(base)));
    }

    /// What the plugin depends on besides.
    pub(crate) fn reach_too(&mut self, key: &PluginId, more: Reached) {
        let Some(plugin) = self.plugins.get_mut(key) else { return };
        plugin.reached.extensions.extend(more.extensions);
        plugin.reached.inputs.extend(more.inputs);
        plugin.reached.uses.extend(more.uses);
        for path in more.files {
            if plugin.reached.files.insert(path.clone()) {
                self.news.insert(path.clone());
                self.files.entry(path).or_default().insert(key.clone());
            }
        }
        for path in more.missed {
            if plugin.reached.missed.insert(path.clone()) {
                self.news.insert(module_file(&path));
                self.missed.entry(path).or_default().insert(key.clone());
            }
        }
    }

    /// The plugin reached for more.
    pub(crate) fn reach_more(&mut self, key: &PluginId, trace: &Trace) {
        let mut more = Reached::default();
        more.extend(trace);
        self.reach_too(key, more);
    }

    /// What generation `number` read and wrote: what a plugin writes is no input, and stays none as
    /// long as this generation or the one before it did so. Leaves only true inputs in `trace`.
    pub(crate) fn sort_out_inputs(
        &mut self,
        key: &PluginId,
        number: Generation,
        trace: &mut Trace,
    ) {
        let Some(plugin) = self.plugins.get_mut(key) else { return };
        for path in std::mem::take(&mut trace.wrote) {
            plugin.written.insert(path, number);
        }
        let inputs = plugin.candidate.metadata.inputs;
        trace.inputs.retain(|input| inputs && !plugin.written.contains_key(&input.path));
        let refuted: Vec<PathBuf> = plugin
            .reached
            .inputs
            .iter()
            .filter(|path| plugin.written.contains_key(*path))
            .cloned()
            .collect();
        if refuted.is_empty() {
            return;
        }
        let mut reached = plugin.reached.clone();
        for path in refuted {
            reached.inputs.remove(&path);
            // A module that it reads as well is followed for another reason.
            if !plugin.latest.contains_key(&path) {
                reached.files.remove(&path);
            }
        }
        self.reach(key, reached);
    }

    /// Generation `number` is live: what only older ones wrote counts again.
    pub(crate) fn forget_written(&mut self, key: &PluginId, number: Generation) {
        if let Some(plugin) = self.plugins.get_mut(key) {
            plugin.written.retain(|_, by| *by + 1 >= number);
        }
    }

    /// The plugins that an edit of `path` concerns.
    pub(crate) fn concerned(&self, path: &Path) -> BTreeSet<PluginId> {
        let mut keys = self.files.get(path).cloned().unwrap_or_default();
        for base in looked_for(path) {
            keys.extend(self.missed.get(&base).into_iter().flatten().cloned());
        }
        let matching = self.patterns.iter().filter(|(_, patterns)| patterns.matches(path));
        keys.extend(matching.map(|(key, _)| key.clone()));
        keys
    }

    /// What was looked for and is not there, without an extension.
    pub(crate) fn missed(&self) -> impl Iterator<Item = &PathBuf> {
        self.missed.keys()
    }

    /// Files that became of interest, or stopped being so, since the last time; whether they are now.
    pub(crate) fn take_news(&mut self) -> Vec<(PathBuf, bool)> {
        let news = std::mem::take(&mut self.news);
        news.into_iter()
            .map(|path| {
                let concerns = !self.concerned(&path).is_empty();
                (path, concerns)
            })
            .collect()
    }

    /// The `watch` patterns of all plugins, if they are others than the last time.
    pub(crate) fn take_patterns(&mut self) -> Option<Vec<Patterns>> {
        std::mem::take(&mut self.other_patterns).then(|| self.patterns.values().cloned().collect())
    }

    fn set_patterns(&mut self, key: &PluginId, candidate: Option<&Candidate>) {
        let new = candidate
            .and_then(|candidate| Patterns::new(&candidate.home, &candidate.metadata.watch));
        let before = match &new {
            Some(patterns) => self.patterns.insert(key.clone(), patterns.clone()),
            None => self.patterns.remove(key),
        };
        self.other_patterns |= before != new;
    }

    /// The files below `folder` that some plugin depends on.
    pub(crate) fn files_below(&self, folder: &Path) -> Vec<PathBuf> {
        let files = self.files.range(folder.to_owned()..).map(|(path, _)| path);
        files.take_while(|path| path.starts_with(folder)).cloned().collect()
    }

    /// All files that some plugin depends on.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.keys()
    }
}

fn by_path(source: Option<Source>) -> BTreeMap<PathBuf, Source> {
    source.into_iter().map(|source| (source.path.clone(), source)).collect()
}

/// The file that a module is looked for as.
pub(super) fn module_file(base: &Path) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(".py");
    PathBuf::from(path)
}

/// The files that a plugin depends on before any of it has run.
fn own_files(candidate: &Candidate) -> HashSet<PathBuf> {
    candidate.manifest.iter().chain([&candidate.entry]).cloned().collect()
}

/// Brings the index in line with what the plugin depends on; what is gone and what is new.
fn exchange<'a>(
    index: &mut BTreeMap<PathBuf, BTreeSet<PluginId>>,
    key: &PluginId,
    before: &'a HashSet<PathBuf>,
    after: &'a HashSet<PathBuf>,
) -> (Vec<&'a PathBuf>, Vec<&'a PathBuf>) {
    let gone: Vec<&PathBuf> = before.difference(after).collect();
    let new: Vec<&PathBuf> = after.difference(before).collect();
    for path in &gone {
        if let Some(keys) = index.get_mut(*path) {
            keys.remove(key);
            if keys.is_empty() {
                index.remove(*path);
            }
        }
    }
    for path in &new {
        index.entry((*path).clone()).or_default().insert(key.clone());
    }
    (gone, new)
}
