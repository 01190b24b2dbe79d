//! The folders under the roots: armed, listed, and kept up with as they come and go.
//!
//! A folder is armed first and listed then, so that a file is either listed or told. What an event
//! means is read off the disk as it is now, never off the event alone: events come late, twice, and
//! in another order than what they tell of.

mod listing;
mod understand;
mod ways;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use walkdir::WalkDir;

use super::armed::{Armed, Inode, Polling};
use super::faces::Faces;
use super::followed::Followed;
use super::ignore::Rules;
use super::raw::{Sender, is_relevant};
use super::repository::{Hold, Repositories};
use super::way::Ways;
use crate::model::{Change, Patterns, Warning};

/// After this time a person is told what takes so long.
const LONG: Duration = Duration::from_secs(3);

/// The roots and everything below them that is not ignored.
pub struct Tree {
    pub(super) armed: Armed,
    roots: Vec<PathBuf>,
    rules: Rules,
    folders: BTreeMap<PathBuf, Inode>,
    /// The path under which each folder is listed.
    owners: HashMap<Inode, PathBuf>,
    /// Further paths to folders that are listed: one that can be reached in two ways is one.
    others: HashMap<Inode, BTreeSet<PathBuf>>,
    /// The ways to the roots, to the settings and to where links lead.
    ways: Ways,
    /// Files with several paths.
    faces: Faces,
    repositories: Repositories,
    /// Folders of installed packages that somebody waits for a change of.
    pub(super) packages: BTreeSet<PathBuf>,
    /// The settings file, whether it is there or not.
    settings: Option<PathBuf>,
    /// Where folders were that have been met elsewhere before they were told to be gone.
    moved: Vec<PathBuf>,
    /// Other paths to files of which one has just come or gone.
    again: Vec<PathBuf>,
    /// Somebody wants the program to stop, also while it lists.
    stopping: Arc<AtomicBool>,
    /// When a person has to be told next that it takes long.
    patience: Option<Instant>,
    /// Files that count although their names do not say so, or where they lie.
    followed: Followed,
    warnings: Vec<Warning>,
    /// Folders that could not be looked into, and why.
    unreadable: BTreeMap<PathBuf, String>,
}

/// What a raw event comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Understood {
    /// Changes of files, and of folders that are gone.
    pub changes: Vec<Change>,
    /// Version control is at work, or done.
    pub hold: Option<Hold>,
    /// The settings file was saved.
    pub settings: bool,
}

impl Tree {
    /// A tree over `roots`, which are absolute. It is only listed, as for a single pass.
    pub fn new(roots: Vec<PathBuf>, rules: Rules) -> Self {
        Self {
            armed: Armed::new(None, Polling::Never),
            roots,
            rules,
            folders: BTreeMap::new(),
            owners: HashMap::new(),
            others: HashMap::new(),
            ways: Ways::default(),
            faces: Faces::default(),
            repositories: Repositories::default(),
            packages: BTreeSet::new(),
            settings: None,
            moved: Vec::new(),
            again: Vec::new(),
            stopping: Arc::default(),
            patience: None,
            followed: Followed::default(),
            warnings: Vec::new(),
            unreadable: BTreeMap::new(),
        }
    }

    /// What happens in it, and to the file `settings` if there is to be one, is told to `sender` from the first scan on.
    #[must_use]
    pub fn live(self, sender: Sender, polling: Polling, settings: Option<PathBuf>) -> Self {
        let followed = sender.followed();
        let armed = Armed::new(Some(sender), polling);
        Self { armed, followed, settings, ..self }
    }

    /// Stops listing as soon as this is set.
    #[must_use]
    pub fn until(self, stopping: Arc<AtomicBool>) -> Self {
        Self { stopping, ..self }
    }

    /// Other roots or rules hold from now on, for the next [`Tree::rescan`].
    pub fn replace(&mut self, roots: Vec<PathBuf>, rules: Rules) {
        self.roots = roots;
        self.rules = rules;
    }

    /// Arms everything anew, as if nothing were known; the files that can be part of a plugin,
    /// sorted.
    pub fn rescan(&mut self, polling: Polling) -> Vec<PathBuf> {
        self.armed.renew(polling);
        self.packages.clear();
        self.folders.clear();
        self.owners.clear();
        self.others.clear();
        self.ways = Ways::default();
        self.faces = Faces::default();
        self.scan()
    }

    /// The folders that could not be looked into, each with the reason.
    pub fn unreadable(&self) -> &BTreeMap<PathBuf, String> {
        &self.unreadable
    }

    /// Arms everything; the files that can be part of a plugin, sorted.
    pub fn scan(&mut self) -> Vec<PathBuf> {
        if let Some(settings) = self.settings.clone() {
            self.find_way(&settings);
        }
        self.patience = Some(Instant::now() + LONG);
        let mut files = Vec::new();
        for root in self.roots.clone() {
            self.arm_root(&root, &mut files);
        }
        for file in self.followed.files() {
            self.arm_followed(&file);
        }
        self.patience = None;
        self.moved.clear();
        self.again.clear();
        files.sort_unstable_by(|one, other| in_order(one, other));
        files.dedup();
        files.retain(|file| !self.faces.is_hidden(file));
        files
    }

    /// How many folders are listed.
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The folders that are listed in `root`, itself among them.
    pub(super) fn folders_below(&self, root: &Path) -> impl Iterator<Item = &PathBuf> {
        let folders = self.folders.range(root.to_owned()..).map(|(path, _)| path);
        folders.take_while(move |path| path.starts_with(root))
    }

    /// Whether the file, if there is one, belongs to the tree, and under this path.
    pub fn holds(&self, file: &Path) -> bool {
        if self.roots.iter().any(|root| root == file) {
            return true;
        }
        let seen = self.is_listed(file) && !self.rules.is_ignored(file, false);
        seen && !self.faces.is_hidden(file) && (!file.is_symlink() || self.is_the_only_way(file))
    }

    /// From now on an edit of `path` counts, wherever it lies and whatever its name. Whether it did
    /// not before.
    pub fn follow(&mut self, path: &Path) -> bool {
        let seen_anyway =
            is_relevant(path) && self.is_listed(path) && !self.rules.is_ignored(path, false);
        if seen_anyway || !self.followed.add(path) {
            return false;
        }
        self.arm_followed(path);
        true
    }

    fn arm_followed(&mut self, file: &Path) {
        if self.is_listed(file) {
            self.armed.add_step(file);
        } else {
            self.find_way(file);
        }
    }

    /// An edit of `path` counts no more than its name says.
    pub fn unfollow(&mut self, path: &Path) {
        if self.is_followed_afar(path) {
            self.leave_way(path);
        }
        self.followed.remove(path);
    }

    /// Whether the file is followed in a folder that is not listed: its way is watched for it alone.
    fn is_followed_afar(&self, path: &Path) -> bool {
        !self.is_listed(path) && self.followed.has(path)
    }

    /// Whether an edit of the file may be of interest.
    fn counts(&self, path: &Path) -> bool {
        is_relevant(path) && !self.rules.is_ignored(path, false) || self.followed.counts(path)
    }

    /// From now on what these patterns match counts, and nothing that others matched. The files that
    /// they match now.
    pub fn follow_patterns(&mut self, patterns: Vec<Patterns>) -> Vec<PathBuf> {
        self.followed.set_patterns(patterns.clone());
        let mut files = Vec::new();
        for patterns in patterns {
            let walk = WalkDir::new(patterns.home()).into_iter().filter_entry(|entry| {
                let is_folder = entry.file_type().is_dir();
                !is_folder || entry.depth() == 0 || self.folders.contains_key(entry.path())
            });
            let found = walk.filter_map(Result::ok).map(walkdir::DirEntry::into_path);
            files.extend(found.filter(|path| path.is_file() && patterns.matches(path)));
        }
        files
    }

    /// What went wrong with watching since the last time this was asked.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.extend(self.armed.take_warnings());
        warnings
    }

    /// Whether the path belongs to the tree.
    fn is_listed(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.folders.contains_key(parent))
    }
}

/// What identifies the file or folder that `path` leads to.
pub(super) fn inode_of(path: &Path) -> Option<Inode> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The order of paths by their parts, told from the bytes: many thousands are sorted at each start.
fn in_order(one: &Path, other: &Path) -> Ordering {
    // What separates the parts comes before whatever may be in one.
    let (a, b) = (one.as_os_str().as_bytes(), other.as_os_str().as_bytes());
    let differ = a.iter().zip(b).find(|(one, other)| one != other);
    differ.map_or(a.len().cmp(&b.len()), |(one, other)| {
        (*one != b'/', one).cmp(&(*other != b'/', other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_paths_is_that_of_their_parts() {
        let names = ["/r", "/r/a", "/r/a.py", "/r/a-b.py", "/r/a/b.py", "/r/b.py", "/s", "/r/a/é"];
        for one in names.map(Path::new) {
            for other in names.map(Path::new) {
                assert_eq!(in_order(one, other), one.cmp(other), "{one:?} {other:?}");
            }
        }
    }
}
