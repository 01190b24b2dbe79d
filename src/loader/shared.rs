//! The shared modules as the hosts told of them: what each was made of, who imports whom, and which of
//! them an edit of a file concerns.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::Imported;
use super::registry::module_file;
use crate::host::{Replacement, SharedModule, Sharing};
use crate::model::{PluginId, looked_for};
use crate::source::{ContentHash, Source};

/// Contents that were edited; `None` for files that are gone.
pub(super) type Contents = BTreeMap<PathBuf, Option<Source>>;

/// The shared modules of the present host.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) graph: Graph,
    /// The folders that are to be in force; `graph` has those that are.
    pub(super) folders: Vec<PathBuf>,
    epoch: u64,
    /// What is told of earlier epochs is of the past, for all modules and for single ones.
    floor: u64,
    since: BTreeMap<String, u64>,
    /// Epochs that were undone.
    void: BTreeSet<u64>,
    /// Contents that are on disk and could not go live.
    pub(super) pending: Option<Pending>,
    /// What was to go live when the host died.
    pub(super) interrupted: Option<Interrupted>,
    /// The content of each file that was sent along: it is known.
    sent: HashMap<PathBuf, ContentHash>,
    /// Files that became of interest since somebody asked.
    news: BTreeSet<PathBuf>,
}

/// Contents that could not go live.
pub(super) struct Pending {
    pub(super) contents: Contents,
    /// The plugin that could not go on with them; an edit of it is another chance.
    pub(super) culprit: Option<PluginId>,
}

/// Contents that were about to go live when the host died.
pub(super) struct Interrupted {
    pub(super) contents: Contents,
    pub(super) users: BTreeSet<PluginId>,
    /// Whose call was under way.
    pub(super) culprit: Option<PluginId>,
}

/// What is known of the modules.
#[derive(Clone, Default)]
pub(super) struct Graph {
    folders: Vec<PathBuf>,
    modules: BTreeMap<String, Module>,
}

#[derive(Clone, Default)]
struct Module {
    source: Option<Source>,
    extensions: BTreeSet<PathBuf>,
    imports: BTreeSet<String>,
    missed: BTreeSet<PathBuf>,
    absent: BTreeSet<PathBuf>,
}

impl Shared {
    /// What the host is told at its start: the modules are those that ran before.
    pub(super) fn sharing(&mut self) -> Sharing {
        self.epoch += 1;
        self.floor = self.epoch;
        let (folders, contents) = (self.graph.folders.clone(), self.graph.contents());
        self.note_sent(&contents);
        Sharing { epoch: self.epoch, folders, contents }
    }

    fn note_sent(&mut self, contents: &[Source]) {
        self.sent.extend(contents.iter().map(|source| (source.path.clone(), source.hash)));
    }

    /// Whether there is anything to tell a host.
    pub(super) fn is_used(&self) -> bool {
        !self.graph.folders.is_empty()
    }

    /// At the start nothing is live, so the folders are simply in force.
    pub(super) fn begin(&mut self, folders: &[PathBuf]) {
        self.folders = folders.to_vec();
        self.graph.folders = folders.to_vec();
    }

    /// `modules` give way to others, which are made of `contents`.
    pub(super) fn replace(
        &mut self,
        modules: &BTreeSet<String>,
        contents: &Contents,
    ) -> Replacement {
        self.epoch += 1;
        for name in modules {
            self.since.insert(name.clone(), self.epoch);
            self.graph.modules.remove(name);
        }
        self.graph.folders.clone_from(&self.folders);
        let gone = contents.iter().filter(|(_, content)| content.is_none());
        let new: Vec<Source> = contents.values().flatten().cloned().collect();
        self.note_sent(&new);
        Replacement {
            modules: modules.iter().cloned().collect(),
            gone: gone.map(|(path, _)| path.clone()).collect(),
            sharing: Sharing { epoch: self.epoch, folders: self.folders.clone(), contents: new },
        }
    }

    /// The replacement is undone, and what was before is in force again.
    pub(super) fn undo(&mut self, before: Graph) -> u64 {
        self.void.insert(self.epoch);
        self.graph = before;
        self.next()
    }

    /// Another epoch begins.
    pub(super) fn next(&mut self) -> u64 {
        self.epoch += 1;
        self.epoch
    }

    /// Takes in what a host told.
    pub(super) fn learn(&mut self, told: Vec<SharedModule>) -> Vec<Imported> {
        let mut imported = Vec::new();
        for told in told {
            let since = self.since.get(&told.name).copied().unwrap_or_default();
            if told.epoch < self.floor.max(since) || self.void.contains(&told.epoch) {
                continue;
            }
            let paths = told.source.iter().map(|source| &source.path);
            self.news.extend(paths.chain(&told.extensions).chain(&told.absent).cloned());
            self.news.extend(told.missed.iter().map(|base| module_file(base)));
            let module = self.graph.modules.entry(told.name).or_default();
            if let Some(source) = told.source {
                if self.sent.get(&source.path) != Some(&source.hash) {
                    imported.push(Imported { path: source.path.clone(), hash: source.hash });
                }
                module.source = Some(source);
            }
            module.extensions.extend(told.extensions);
            module.imports.extend(told.imports);
            module.missed.extend(told.missed);
            module.absent.extend(told.absent);
        }
        imported
    }

    /// Whether an edit of `path` concerns a shared module.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        self.graph.modules.values().any(|module| module.is_about(path))
            || self.graph.has_loaded(path)
    }

    /// The files that modules were made of.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.graph.modules.values().filter_map(|module| module.place().cloned())
    }

    /// Whether the file lies in one of the folders.
    pub(super) fn holds(&self, path: &Path) -> bool {
        let folders = self.folders.iter().chain(&self.graph.folders);
        folders.into_iter().any(|folder| path.starts_with(folder))
    }

    /// If other folders are to be in force than those that are: the modules that are others then, or
    /// missing, or there at last, with all that import them.
    pub(super) fn moved(&self) -> Option<BTreeSet<String>> {
        if self.folders == self.graph.folders {
            return None;
        }
        let modules = &self.graph.modules;
        let is_elsewhere = |(name, module): &(&String, &Module)| {
            let top = name.split('.').next().unwrap_or(name);
            let now = first_with(&self.folders, top);
            let stays = |place: &PathBuf| {
                let same = |folder: &PathBuf| {
                    place.starts_with(folder.join(top)) || place.parent() == Some(folder)
                };
                now.is_some_and(same)
            };
            module.place().is_some_and(|place| !stays(place))
                || self.would_find(&module.missed, &module.imports, None)
        };
        let found = modules.iter().filter(is_elsewhere).map(|(name, _)| name.clone());
        Some(self.graph.dependents(found.collect()))
    }

    /// Whether something that was looked for at the top, in the folders in force or in `home`, lies in
    /// the folders that are to be.
    /// What is among the `known` was found at last.
    pub(super) fn would_find<'a>(
        &self,
        missed: impl IntoIterator<Item = &'a PathBuf>,
        known: &BTreeSet<String>,
        home: Option<&Path>,
    ) -> bool {
        missed.into_iter().any(|base| {
            let name = base.file_name().and_then(|name| name.to_str());
            let name = name.filter(|name| !known.contains(*name));
            let is_top = base.parent().is_some_and(|folder| {
                Some(folder) == home || self.graph.folders.iter().any(|it| it == folder)
            });
            is_top && name.is_some_and(|name| first_with(&self.folders, name).is_some())
        })
    }

    /// Files that became of interest since the last time.
    pub(super) fn take_news(&mut self) -> BTreeSet<PathBuf> {
        std::mem::take(&mut self.news)
    }
}

impl Graph {
    fn contents(&self) -> Vec<Source> {
        self.modules.values().filter_map(|module| module.source.clone()).collect()
    }

    /// The modules that an edit of `path` concerns, with all that import them, however far away.
    pub(super) fn affected(&self, path: &Path) -> BTreeSet<String> {
        let about = self.modules.iter().filter(|(_, module)| module.is_about(path));
        self.dependents(about.map(|(name, _)| name.clone()).collect())
    }

    /// Whether it is an extension module that the present process has loaded.
    pub(super) fn has_loaded(&self, path: &Path) -> bool {
        self.modules.values().any(|module| module.extensions.contains(path))
    }

    /// These, with all that import one of them, and what lies in them if they are packages.
    fn dependents(&self, mut found: BTreeSet<String>) -> BTreeSet<String> {
        if found.is_empty() {
            return found;
        }
        let mut importers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, module) in &self.modules {
            let parent = name.rsplit_once('.').map(|(parent, _)| parent);
            for imported in module.imports.iter().map(String::as_str).chain(parent) {
                importers.entry(imported).or_default().push(name);
            }
        }
        let mut edge: Vec<String> = found.iter().cloned().collect();
        while let Some(name) = edge.pop() {
            for importer in importers.get(name.as_str()).into_iter().flatten() {
                if found.insert((*importer).to_owned()) {
                    edge.push((*importer).to_owned());
                }
            }
        }
        found
    }
}

impl Module {
    fn is_about(&self, path: &Path) -> bool {
        self.source.as_ref().is_some_and(|source| source.path == path)
            || self.absent.contains(path)
            || (!self.missed.is_empty()
                && looked_for(path).iter().any(|name| self.missed.contains(name)))
    }

    fn place(&self) -> Option<&PathBuf> {
        self.source.as_ref().map(|source| &source.path).or_else(|| self.extensions.first())
    }
}

/// The first of `folders` that has a module of that name.
fn first_with<'a>(folders: &'a [PathBuf], name: &str) -> Option<&'a PathBuf> {
    let has = |folder: &&PathBuf| {
        let base = folder.join(name);
        base.is_dir() || module_file(&base).is_file()
    };
    folders.iter().find(has)
}
