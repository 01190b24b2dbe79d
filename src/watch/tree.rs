//! The folders under the roots: armed, listed, and kept up with as they come and go.
//!
//! A folder is watched first and listed then, so that a file is either listed or told. Roots are
//! watched from their parent as well, because a root may vanish, come back, or not be there yet.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use walkdir::WalkDir;

use super::ignore::Rules;
use super::links::Links;
use super::raw::{RawKind, Watcher, is_relevant};
use super::repository::{Hold, Repositories, git_folder, repository};
use crate::model::{Change, ChangeKind, Warning};

/// What identifies a folder whatever its path.
type Inode = (u64, u64);

/// The roots and everything below them that is not ignored.
pub struct Tree {
    /// `None`: the tree is only listed, as for a single pass.
    watcher: Option<Watcher>,
    roots: Vec<PathBuf>,
    rules: Rules,
    folders: HashMap<PathBuf, Inode>,
    inodes: HashMap<Inode, PathBuf>,
    /// Where folders were that have been met elsewhere before they were told to be gone.
    left: BTreeSet<PathBuf>,
    /// Folders that are watched for another reason than lying under a root.
    outside: BTreeSet<PathBuf>,
    links: Links,
    repositories: Repositories,
    /// The settings file, whether it is there or not.
    settings: Option<PathBuf>,
    warnings: Vec<Warning>,
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
    /// A tree over `roots`, which are absolute.
    pub fn new(
        roots: Vec<PathBuf>,
        rules: Rules,
        watcher: Option<Watcher>,
        settings: Option<PathBuf>,
    ) -> Self {
        Self {
            settings,
            watcher,
            roots,
            rules,
            folders: HashMap::new(),
            inodes: HashMap::new(),
            left: BTreeSet::new(),
            outside: BTreeSet::new(),
            links: Links::default(),
            repositories: Repositories::default(),
            warnings: Vec::new(),
        }
    }

    /// Other roots or rules hold from now on, for the next [`Tree::scan`].
    pub fn replace(&mut self, roots: Vec<PathBuf>, rules: Rules) {
        for root in self.roots.clone() {
            self.disarm(&root);
        }
        self.roots = roots;
        self.rules = rules;
    }

    /// Arms everything; the files that can be part of a plugin, sorted.
    pub fn scan(&mut self) -> Vec<PathBuf> {
        if let Some(settings) = self.settings.clone() {
            self.watch_the_way(&settings);
        }
        let mut files = Vec::new();
        for root in self.roots.clone() {
            self.arm_root(&root, &mut files);
        }
        files.sort();
        files.dedup();
        files
    }

    /// How many folders are watched.
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    /// What went wrong with watching since the last time this was asked.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// Works out what a path that was told means for the files under the roots.
    pub fn understand(&mut self, path: PathBuf, kind: RawKind, seen: Instant) -> Understood {
        let hold = self.repositories.understand(&path, kind, seen);
        let mut understood = Understood { hold, ..Understood::default() };
        if understood.hold.is_some() {
            return understood;
        }
        if self.settings.as_ref() == Some(&path) {
            understood.settings =
                matches!(kind, RawKind::Finished | RawKind::Arrived | RawKind::Gone);
            return understood;
        }
        for link in self.links.to(&path) {
            self.push(&mut understood.changes, link, kind);
        }
        let is_root = self.roots.contains(&path);
        let leads_to_root = is_root || self.roots.iter().any(|root| root.starts_with(&path));
        if leads_to_root {
            self.root_changed(&path, kind, &mut understood.changes);
            if !self.folders.contains_key(&path) && !is_root {
                return understood;
            }
        }
        let in_tree = is_root || path.parent().is_some_and(|parent| self.is_listed(parent, &path));
        if in_tree {
            self.file_or_folder(path, kind, &mut understood.changes);
        }
        understood
    }

    /// Whether what lies in `parent` belongs to the tree.
    fn is_listed(&self, parent: &Path, path: &Path) -> bool {
        self.folders.contains_key(parent) && (self.is_under_root(path))
    }

    fn is_under_root(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    fn push(&self, changes: &mut Vec<Change>, path: PathBuf, kind: RawKind) {
        let kind = match kind {
            RawKind::Finished | RawKind::Arrived | RawKind::Touched => ChangeKind::Finished,
            RawKind::Writing | RawKind::Created => ChangeKind::Writing,
            RawKind::Gone => ChangeKind::Gone,
        };
        changes.push(Change { path, kind });
    }

    fn file_or_folder(&mut self, path: PathBuf, kind: RawKind, changes: &mut Vec<Change>) {
        match kind {
            RawKind::Finished | RawKind::Writing | RawKind::Touched => {
                if is_relevant(&path) && !self.rules.is_ignored(&path, false) {
                    self.push(changes, path, kind);
                }
            }
            RawKind::Gone => {
                self.links.remove(&path);
                let was_folder = self.disarm(&path) | self.left.contains(&path);
                self.left.retain(|left| !left.starts_with(&path));
                if was_folder || is_relevant(&path) {
                    self.push(changes, path.clone(), kind);
                }
                // A rename is told by both ends and by the folder itself, under the name that it
                // had. Renamed away and back, a folder is there although the last word was that it
                // is gone, and what watched it went with the first rename.
                if was_folder && path.is_dir() {
                    self.appeared(path, RawKind::Arrived, changes);
                }
            }
            RawKind::Created | RawKind::Arrived => self.appeared(path, kind, changes),
        }
    }

    fn appeared(&mut self, path: PathBuf, kind: RawKind, changes: &mut Vec<Change>) {
        if is_git(&path) {
            return self.watch_repository(git_folder(&path));
        }
        let Ok(metadata) = fs::metadata(&path) else { return };
        if metadata.is_dir() {
            // A folder of that name may have been here before: that one is gone.
            self.disarm(&path);
            if !self.rules.is_ignored(&path, true) || self.roots.contains(&path) {
                let mut files = Vec::new();
                self.arm(&path, &mut files);
                for file in files {
                    self.push(changes, file, RawKind::Arrived);
                }
            }
            return;
        }
        if !is_relevant(&path) || !metadata.is_file() || self.rules.is_ignored(&path, false) {
            return;
        }
        let is_link = path.is_symlink();
        if is_link && !self.follow(&path) {
            return;
        }
        // A link or a second name for a file is whole at once, and nobody closes it.
        let whole = kind == RawKind::Arrived || is_link || metadata.nlink() > 1;
        self.push(changes, path, if whole { RawKind::Arrived } else { kind });
    }

    /// A root, or something on the way to one, came or went.
    fn root_changed(&mut self, path: &Path, kind: RawKind, changes: &mut Vec<Change>) {
        let roots: Vec<PathBuf> =
            self.roots.iter().filter(|root| root.starts_with(path)).cloned().collect();
        for root in roots {
            match kind {
                RawKind::Gone => {
                    self.disarm(&root);
                    self.outside.remove(path);
                    self.push(changes, root.clone(), RawKind::Gone);
                    self.watch_the_way(&root);
                    // It may be back before its parent was watched.
                    if root.exists() {
                        self.arm_again(&root, changes);
                    }
                }
                RawKind::Created | RawKind::Arrived if root != path || root.is_dir() => {
                    self.disarm(&root);
                    self.arm_again(&root, changes);
                }
                _ => {}
            }
        }
    }

    fn arm_again(&mut self, root: &Path, changes: &mut Vec<Change>) {
        let mut files = Vec::new();
        self.arm_root(root, &mut files);
        for file in files {
            self.push(changes, file, RawKind::Arrived);
        }
    }

    fn arm_root(&mut self, root: &Path, files: &mut Vec<PathBuf>) {
        self.watch_the_way(root);
        self.watch_repository(repository(root));
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => self.arm(root, files),
            Ok(metadata) if metadata.is_file() => {
                if root.is_symlink() {
                    self.follow(root);
                }
                files.push(root.to_owned());
            }
            _ => {}
        }
    }

    /// Watches the nearest folder above a root that is there, again if it is not there any more by
    /// the time that it is watched.
    fn watch_the_way(&mut self, root: &Path) {
        for ancestor in root.ancestors().skip(1) {
            if ancestor.is_dir() {
                self.watch_outside(ancestor);
                if ancestor.is_dir() {
                    return;
                }
            }
        }
    }

    fn watch_repository(&mut self, git: Option<PathBuf>) {
        if let Some(git) = git {
            self.watch_outside(&git);
            self.repositories.add(git);
        }
    }

    fn watch_outside(&mut self, folder: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        if self.folders.contains_key(folder) || self.outside.contains(folder) {
            return;
        }
        if let Err(error) = watcher.watch(folder) {
            tracing::debug!(folder = %folder.display(), %error, "not watched");
            return;
        }
        self.outside.insert(folder.to_owned());
    }

    /// Notes where a link to a file leads. `false` if the file is under a root by itself, and then
    /// the link is only another way to it.
    fn follow(&mut self, link: &Path) -> bool {
        let Ok(target) = fs::canonicalize(link) else { return true };
        let Some(folder) = target.parent().map(Path::to_owned) else { return true };
        let seen_anyway = self.folders.contains_key(&folder)
            && !self.rules.is_ignored(&target, false)
            && !self.roots.iter().any(|root| root == link);
        if seen_anyway {
            return false;
        }
        self.watch_outside(&folder);
        self.links.set(link, target);
        true
    }

    /// Watches and lists `folder` and what is below.
    fn arm(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
        let mut folders = vec![folder.to_owned()];
        let mut linked = Vec::new();
        while let Some(folder) = folders.pop() {
            if !self.arm_one(&folder) {
                continue;
            }
            self.rules.enter(&folder);
            for entry in WalkDir::new(&folder).min_depth(1).max_depth(1).follow_links(true) {
                // A link that leads nowhere, or something that is gone again.
                let Ok(entry) = entry else { continue };
                if is_git(entry.path()) {
                    self.watch_repository(git_folder(entry.path()));
                    continue;
                }
                let is_folder = entry.file_type().is_dir();
                if self.rules.is_ignored(entry.path(), is_folder) {
                    continue;
                }
                if is_folder {
                    folders.push(entry.into_path());
                } else if entry.file_type().is_file() && is_relevant(entry.path()) {
                    if entry.path_is_symlink() {
                        linked.push(entry.into_path());
                    } else {
                        files.push(entry.into_path());
                    }
                }
            }
        }
        // Only now is it known which targets are under a root anyway.
        for link in linked {
            if self.follow(&link) {
                files.push(link);
            }
        }
    }

    /// `false` if there is nothing to list: not a folder, or one that was reached another way.
    fn arm_one(&mut self, folder: &Path) -> bool {
        let Ok(metadata) = fs::metadata(folder) else { return false };
        let inode = (metadata.dev(), metadata.ino());
        if let Some(other) = self.inodes.get(&inode) {
            let still = fs::metadata(other).is_ok_and(|other| (other.dev(), other.ino()) == inode);
            if still && other != folder {
                return false;
            }
            let other = other.clone();
            self.disarm_one(&other);
            if other != folder {
                self.left.insert(other);
            }
        }
        if let Some(watcher) = &mut self.watcher
            && let Err(error) = watcher.watch(folder)
        {
            if !folder.is_dir() {
                return false;
            }
            self.warnings.push(Warning::new(
                "watch_limit",
                format!(
                    "{} is not watched ({error}); {} folders are; raise the limit with: \
                     sysctl fs.inotify.max_user_watches=1048576",
                    folder.display(),
                    self.folders.len()
                ),
            ));
        }
        self.outside.remove(folder);
        self.folders.insert(folder.to_owned(), inode);
        self.inodes.insert(inode, folder.to_owned());
        true
    }

    /// Lets go of a folder and all below. Whether there was one.
    fn disarm(&mut self, folder: &Path) -> bool {
        if !self.folders.contains_key(folder) {
            return false;
        }
        let below: Vec<PathBuf> =
            self.folders.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        for path in below {
            self.disarm_one(&path);
        }
        true
    }

    fn disarm_one(&mut self, folder: &Path) {
        if let Some(watcher) = &mut self.watcher {
            watcher.unwatch(folder);
        }
        if let Some(inode) = self.folders.remove(folder)
            && self.inodes.get(&inode).is_some_and(|path| path == folder)
        {
            self.inodes.remove(&inode);
        }
    }
}

/// Whether this is, or leads to, the folder that version control keeps its own files in.
fn is_git(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".git")
}
