//! Every file under the roots that is, or could be, part of a plugin, and what it is.
//!
//! Made by one pass over the files that a walk found, then kept up to date change by change: a save
//! costs the reading of the saved file, however large the tree is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::folder::likely_entry;
use super::{Content, FolderVerdict, classify_file, classify_folder, indicators};
use crate::model::{MANIFEST, Phase, Place, PluginFault, UnitChange, Verdict, is_python};
use crate::parallel;
use crate::source::{ContentHash, ReadError, Source};

/// The files under the roots.
#[derive(Debug, Default)]
pub struct Index {
    /// Contents that were seen.
    hashes: HashMap<PathBuf, ContentHash>,
    /// Files that could not be read when they were looked at last.
    unreadable: BTreeSet<PathBuf>,
    /// All Python files.
    python: BTreeSet<PathBuf>,
    /// All `plugin.json`, by their folder, also those inside of a plugin.
    manifests: BTreeMap<PathBuf, Option<Source>>,
    /// The entry of each folder plugin, by its folder.
    entries: HashMap<PathBuf, PathBuf>,
    /// What will come of a content that is about to be taken in, if nothing else comes with it.
    ahead: Option<(Source, UnitChange)>,
}

impl Index {
    /// Takes in the files that a first walk found; the units that are plugins or mean to be, sorted
    /// by path. Works on all processors, and of a file that is neither it keeps nothing but its name.
    pub fn fill(&mut self, files: Vec<PathBuf>) -> Vec<UnitChange> {
        let (python, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|path| is_python(path));
        // Made as a whole from what is sorted, it need not look for the place of each.
        self.python = python.iter().cloned().collect();
        let (mut folders, mut by_itself) = (BTreeSet::new(), BTreeMap::new());
        let contents = parallel::map(&others, |path| Content::read(path));
        let mut fresh: BTreeMap<PathBuf, Content> = others.into_iter().zip(contents).collect();
        for (path, content) in &fresh {
            self.note(path, content, &mut folders, &mut by_itself);
        }
        folders.retain(|folder| self.owner_of_folder(folder).is_none());
        let mut units = BTreeMap::new();
        let looked = parallel::map(&Vec::from_iter(folders), |folder| {
            let read = &mut |path: &Path| Source::read(path);
            (folder.clone(), self.look_at_manifest(folder, &fresh, read))
        });
        for (folder, looked) in looked {
            units.insert(folder.clone(), self.take_folder(folder, looked));
        }
        fresh.clear();
        let looked = parallel::filter_map(&python, |path| {
            // Own modules of a folder are read when they are imported.
            let by_itself = self.owner(path).is_none();
            let looked = by_itself.then(|| Self::look_at_file(path))?.transpose()?;
            Some((path.clone(), looked))
        });
        for (path, looked) in looked {
            match looked {
                Ok((source, verdict)) => {
                    self.hashes.insert(path.clone(), source.hash);
                    if verdict != Verdict::NotAPlugin {
                        let (verdict, entry) = (Some(verdict), Some(source));
                        units.insert(path.clone(), of_file(path, verdict, entry));
                    }
                }
                Err(ReadError::Missing | ReadError::NotAFile) => {
                    self.python.remove(&path);
                }
                Err(error) => {
                    let verdict = Some(unreadable(&path, &error));
                    self.unreadable.insert(path.clone());
                    units.insert(path.clone(), of_file(path, verdict, None));
                }
            }
        }
        units.into_values().collect()
    }

    /// A Python file by itself: nothing, unless it has a mark.
    fn look_at_file(path: &Path) -> Result<Option<(Source, Verdict)>, ReadError> {
        let source = Source::read_if(path, indicators::in_text)?;
        Ok(source.map(|source| {
            let verdict = classify_file(&source);
            (source, verdict)
        }))
    }

    /// Takes in files that were read again. Units that may be something else now, sorted by path.
    pub fn update(&mut self, contents: Vec<(PathBuf, Content)>) -> Vec<UnitChange> {
        self.take_in(contents, &[])
    }

    /// The same, where something came, changed or went at paths that do not count as well: left
    /// out, or met elsewhere. A folder may have its entry there all the same.
    pub fn update_beside(
        &mut self,
        contents: Vec<(PathBuf, Content)>,
        passed_over: &[PathBuf],
    ) -> Vec<UnitChange> {
        self.take_in(contents, passed_over)
    }

    /// Whether what lies at a path that does not count may make a difference to a folder plugin.
    pub fn may_be_entry(&self, path: &Path) -> bool {
        is_python(path) && self.owner(path).as_deref() == path.parent()
    }

    /// Finds out what will come of a content of a known file, before it is taken in.
    pub fn look_ahead(&mut self, source: &Source) {
        self.ahead = None;
        if self.python.contains(&source.path) {
            let content = Content::Present(source.clone());
            let mut fresh = BTreeMap::from([(source.path.clone(), content)]);
            let change = self.unit_of(&source.path, false, &mut fresh);
            self.ahead = change.map(|change| (source.clone(), change));
        }
    }

    /// Whether `content` is what is known of `path` already.
    pub fn is_known(&self, path: &Path, content: &Content) -> bool {
        match content {
            Content::Present(source) => match self.hashes.get(path) {
                Some(hash) => *hash == source.hash,
                // It had no mark, and nobody imported it.
                None => self.is_plain(path) && !indicators::in_text(&source.bytes),
            },
            Content::Gone => {
                !self.hashes.contains_key(path)
                    && !self.has(path)
                    && !self.unreadable.contains(path)
            }
            Content::Unreadable(_) => self.unreadable.contains(path),
        }
    }

    /// Whether it is a Python file of which nothing but the name is known.
    fn is_plain(&self, path: &Path) -> bool {
        self.python.contains(path)
            && !self.unreadable.contains(path)
            && !self.hashes.contains_key(path)
    }

    /// Whether the file could not be read when it was looked at last.
    pub fn is_unreadable(&self, path: &Path) -> bool {
        self.unreadable.contains(path)
    }

    /// The `plugin.json` of a folder, if it was read.
    pub fn manifest(&self, folder: &Path) -> Option<&Source> {
        self.manifests.get(folder)?.as_ref()
    }

    /// The content that was seen last, if the file was read.
    pub fn hash(&self, path: &Path) -> Option<ContentHash> {
        self.hashes.get(path).copied()
    }

    /// A content that somebody else has read.
    pub fn learn(&mut self, path: PathBuf, hash: ContentHash) {
        self.hashes.insert(path, hash);
    }

    /// What was seen of a file does not count any more, such as of one that somebody else has read
    /// and that is gone.
    pub fn forget(&mut self, path: &Path) {
        self.hashes.remove(path);
    }

    /// The files below `folder`, or `folder` itself if it is one.
    pub fn below(&self, folder: &Path) -> Vec<PathBuf> {
        let manifests = self.manifests.range(folder.to_owned()..);
        let manifests =
            manifests.map(|(folder, _)| folder).take_while(|path| path.starts_with(folder));
        let files = below(&self.python, folder).chain(below(&self.unreadable, folder)).cloned();
        files.chain(manifests.map(|folder| folder.join(MANIFEST))).collect()
    }

    /// Whether the file is one of those that are kept up with.
    pub fn has(&self, path: &Path) -> bool {
        self.python.contains(path)
            || path.file_name().is_some_and(|name| name == MANIFEST)
                && path.parent().is_some_and(|folder| self.manifests.contains_key(folder))
    }

    /// All files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.below(Path::new("/"))
    }

    /// The folders with `plugin.json` below `folder`.
    fn folders_below(&self, folder: &Path) -> Vec<PathBuf> {
        let folders = self.manifests.range(folder.to_owned()..).map(|(folder, _)| folder.clone());
        folders.take_while(|path| path.starts_with(folder)).filter(|path| path != folder).collect()
    }

    fn take_in(
        &mut self,
        contents: Vec<(PathBuf, Content)>,
        passed_over: &[PathBuf],
    ) -> Vec<UnitChange> {
        let mut fresh: BTreeMap<PathBuf, Content> = contents.into_iter().collect();
        let ahead = self.ahead.take().filter(|(source, _)| is_only(source, &fresh));
        let mut folders = BTreeSet::new();
        let mut files = BTreeMap::new();
        for (path, content) in &fresh {
            self.note(path, content, &mut folders, &mut files);
        }
        if let Some((_, change)) = ahead.filter(|_| passed_over.is_empty()) {
            return vec![change];
        }
        let mut units = BTreeMap::new();
        for folder in &folders {
            self.look_at_folder(folder, &mut fresh, &mut files, &mut units);
        }
        for (path, came_or_went) in files {
            if self.owner(&path).is_some_and(|folder| units.contains_key(&folder)) {
                // It may have stood for itself until the folder became a plugin just now.
                if matches!(fresh.get(&path), Some(Content::Gone)) {
                    units.insert(path.clone(), gone(path));
                }
                continue;
            }
            if let Some(change) = self.unit_of(&path, came_or_went, &mut fresh) {
                units.insert(change.unit.clone(), change);
            }
        }
        for path in passed_over {
            let Some(folder) = self.owner(path).filter(|folder| !units.contains_key(folder)) else {
                continue;
            };
            let before = self.entries.get(&folder).cloned();
            let change = self.folder_unit(&folder, &mut fresh);
            if before.as_ref() == Some(path) || before.as_ref() != self.entries.get(&folder) {
                units.insert(folder, change);
            }
        }
        units.into_values().collect()
    }

    /// What becomes of the unit that a Python file belongs to, if that depends on the file.
    fn unit_of(
        &mut self,
        path: &Path,
        came_or_went: bool,
        fresh: &mut BTreeMap<PathBuf, Content>,
    ) -> Option<UnitChange> {
        let Some(folder) = self.owner(path) else {
            return Some(self.file_unit(path, fresh.remove(path)));
        };
        // Its own modules are no plugins, but the choice of the entry may depend on which there are.
        let matters = self.entries.get(&folder).is_some_and(|entry| entry == path)
            || (came_or_went && path.parent() == Some(&folder));
        matters.then(|| self.folder_unit(&folder, fresh))
    }

    fn note(
        &mut self,
        path: &Path,
        content: &Content,
        folders: &mut BTreeSet<PathBuf>,
        files: &mut BTreeMap<PathBuf, bool>,
    ) {
        match content {
            Content::Present(source) => {
                self.hashes.insert(path.to_owned(), source.hash);
                self.unreadable.remove(path);
            }
            Content::Gone => {
                self.hashes.remove(path);
                self.unreadable.remove(path);
            }
            Content::Unreadable(_) => {
                self.hashes.remove(path);
                self.unreadable.insert(path.to_owned());
            }
        }
        let gone = matches!(content, Content::Gone);
        if is_python(path) {
            let came_or_went =
                if gone { self.python.remove(path) } else { self.python.insert(path.to_owned()) };
            files.insert(path.to_owned(), came_or_went);
        } else if path.file_name().is_some_and(|name| name == MANIFEST)
            && let Some(folder) = path.parent()
        {
            let source = match content {
                Content::Present(source) => Some(source.clone()),
                _ => None,
            };
            if gone {
                self.manifests.remove(folder);
            } else {
                self.manifests.insert(folder.to_owned(), source);
            }
            folders.insert(folder.to_owned());
        }
    }

    /// A `plugin.json` came, changed or went.
    fn look_at_folder(
        &mut self,
        folder: &Path,
        fresh: &mut BTreeMap<PathBuf, Content>,
        files: &mut BTreeMap<PathBuf, bool>,
        units: &mut BTreeMap<PathBuf, UnitChange>,
    ) {
        if self.owner_of_folder(folder).is_some() {
            // It lies inside of another plugin and is just one of its files.
            units.insert(folder.to_owned(), gone(folder.to_owned()));
            return;
        }
        let below: Vec<PathBuf> = below(&self.python, folder).cloned().collect();
        if self.manifests.contains_key(folder) {
            let change = self.folder_unit(folder, fresh);
            // What stood for itself is part of the folder's plugin now.
            for path in below {
                files.remove(&path);
                units.insert(path.clone(), gone(path));
            }
            for inner in self.folders_below(folder) {
                self.entries.remove(&inner);
                units.insert(inner.clone(), gone(inner));
            }
            units.insert(folder.to_owned(), change);
        } else {
            units.insert(folder.to_owned(), gone(folder.to_owned()));
            files.extend(below.into_iter().map(|path| (path, false)));
            for inner in self.folders_below(folder) {
                if self.owner_of_folder(&inner).is_none() {
                    let change = self.folder_unit(&inner, fresh);
                    units.insert(inner, change);
                }
            }
        }
    }

    /// The folder plugin that a file belongs to: the outermost folder with `plugin.json`.
    fn owner(&self, path: &Path) -> Option<PathBuf> {
        // In most trees, and most of a large one, there is none.
        if self.manifests.is_empty() {
            return None;
        }
        let folder = path.parent()?;
        let owner = self.owner_of_folder(folder);
        owner.or_else(|| self.manifests.contains_key(folder).then(|| folder.to_owned()))
    }

    fn owner_of_folder(&self, folder: &Path) -> Option<PathBuf> {
        folder
            .ancestors()
            .skip(1)
            .filter(|ancestor| self.manifests.contains_key(*ancestor))
            .last()
            .map(Path::to_owned)
    }

    fn file_unit(&self, path: &Path, content: Option<Content>) -> UnitChange {
        let unit = path.to_owned();
        match content.unwrap_or_else(|| Content::read(path)) {
            Content::Present(source) => {
                let verdict = classify_file(&source);
                let entry = (verdict != Verdict::NotAPlugin).then_some(source);
                of_file(unit, Some(verdict), entry)
            }
            Content::Gone => gone(unit),
            Content::Unreadable(error) => of_file(unit, Some(unreadable(path, &error)), None),
        }
    }

    fn folder_unit(&mut self, folder: &Path, fresh: &mut BTreeMap<PathBuf, Content>) -> UnitChange {
        let looked = self.look_at_manifest(folder, fresh, &mut |path| match fresh.get(path) {
            Some(Content::Present(source)) => Ok(source.clone()),
            _ => Source::read(path),
        });
        self.take_folder(folder.to_owned(), looked)
    }

    /// What a folder's `plugin.json` makes of it; `Err` if there is none that could be read.
    fn look_at_manifest(
        &self,
        folder: &Path,
        fresh: &BTreeMap<PathBuf, Content>,
        read: &mut dyn FnMut(&Path) -> Result<Source, ReadError>,
    ) -> Result<FolderVerdict, Option<Verdict>> {
        if let Some(manifest) = self.manifests.get(folder).and_then(Option::as_ref) {
            let counts = |path: &Path| self.python.contains(path);
            return Ok(classify_folder(manifest, &counts, read));
        }
        let path = folder.join(MANIFEST);
        Err(match fresh.get(&path) {
            Some(Content::Unreadable(error)) => Some(unreadable(&path, error)),
            _ => None,
        })
    }

    fn take_folder(
        &mut self,
        unit: PathBuf,
        looked: Result<FolderVerdict, Option<Verdict>>,
    ) -> UnitChange {
        self.entries.remove(&unit);
        match looked {
            Ok(FolderVerdict { verdict, entry, entry_path }) => {
                self.entries.extend(entry_path.clone().map(|path| (unit.clone(), path)));
                if let Some(entry) = &entry {
                    // What is known already is what an edit is told from.
                    self.hashes.entry(entry.path.clone()).or_insert(entry.hash);
                }
                let entry_path = entry_path.or_else(|| likely_entry(&unit));
                UnitChange { unit, verdict: Some(verdict), entry, entry_path }
            }
            Err(verdict) => {
                let entry_path = likely_entry(&unit);
                UnitChange { unit, verdict, entry: None, entry_path }
            }
        }
    }
}

/// Whether `source` is all that is new.
fn is_only(source: &Source, fresh: &BTreeMap<PathBuf, Content>) -> bool {
    let same =
        |content: &Content| matches!(content, Content::Present(fresh) if fresh.hash == source.hash);
    fresh.len() == 1 && fresh.get(&source.path).is_some_and(same)
}

/// The paths at or below `folder`. Paths are ordered by their parts, so these stand together.
fn below<'a>(paths: &'a BTreeSet<PathBuf>, folder: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
    paths.range(folder.to_owned()..).take_while(move |path| path.starts_with(folder))
}

fn of_file(unit: PathBuf, verdict: Option<Verdict>, entry: Option<Source>) -> UnitChange {
    UnitChange { unit, verdict, entry, entry_path: None }
}

fn gone(unit: PathBuf) -> UnitChange {
    of_file(unit, None, None)
}

fn unreadable(path: &Path, error: &ReadError) -> Verdict {
    let message = format!("cannot read {}: {error}", path.display());
    let fault = PluginFault::new(Phase::Read, "ReadError", message).at(Place::file(path));
    Verdict::Broken { id: None, fault }
}
