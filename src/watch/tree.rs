//! The folders under the roots: armed, listed, and kept up with as they come and go.
//!
//! A folder is armed first and listed then, so that a file is either listed or told. What an event
//! means is read off the disk as it is now, never off the event alone: events come late, twice, and
//! in another order than what they tell of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use walkdir::WalkDir;

use super::armed::{Armed, Inode, Polling, Role};
use super::faces::Faces;
use super::followed::Followed;
use super::ignore::Rules;
use super::raw::{RawKind, Sender, is_relevant};
use super::repository::{Hold, Repositories, git_folder, repository};
use super::way::{Ways, steps};
use crate::model::{Change, ChangeKind, Patterns, Warning};

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
        }
    }

    /// What happens in it, and to the file `settings`, is told to `sender` from the first scan on.
    #[must_use]
    pub fn live(self, sender: Sender, polling: Polling, settings: PathBuf) -> Self {
        let followed = sender.followed();
        let armed = Armed::new(Some(sender), polling);
        Self { armed, followed, settings: Some(settings), ..self }
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
        files.sort();
        files.dedup();
        files.retain(|file| !self.faces.is_hidden(file));
        files
    }

    /// How many folders are listed.
    pub fn folders(&self) -> usize {
        self.folders.len()
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

    /// Works out what a path that was told means for the files under the roots.
    pub fn understand(&mut self, path: PathBuf, kind: RawKind, seen: Instant) -> Understood {
        let hold = self.repositories.understand(&path, kind, seen);
        let mut understood = Understood { hold, ..Understood::default() };
        if understood.hold.is_some() {
            return understood;
        }
        self.understand_packages(&path, &mut understood.changes);
        let spellings = self.armed.spellings(&path);
        for path in spellings {
            self.understand_one(path, kind, &mut understood);
        }
        let changes = &mut understood.changes;
        // What lost its watch with another name of the same folder is looked at anew, and so is the
        // place of what was met elsewhere: another thing may be there, and told of already.
        for _ in 0..100 {
            let (freed, moved) = (self.armed.take_freed(), std::mem::take(&mut self.moved));
            if freed.is_empty() && moved.is_empty() {
                break;
            }
            for name in freed {
                self.look_again(name, changes);
            }
            for path in moved {
                push(changes, path.clone(), RawKind::Gone);
                if self.is_listed(&path) && fs::symlink_metadata(&path).is_ok() {
                    self.appeared(path, RawKind::Arrived, changes);
                }
            }
        }
        for path in std::mem::take(&mut self.again) {
            push(changes, path, RawKind::Arrived);
        }
        understood
    }

    fn look_again(&mut self, name: PathBuf, changes: &mut Vec<Change>) {
        if self.ways.leads_through(&name)
            && let Some(inode) = inode_of(&name)
        {
            self.armed.add(&name, inode, Role::Way);
        }
        if self.folders.contains_key(&name) || is_relevant(&name) {
            self.appeared(name, RawKind::Arrived, changes);
        }
    }

    fn understand_one(&mut self, path: PathBuf, kind: RawKind, understood: &mut Understood) {
        if self.settings.as_ref().is_some_and(|settings| leads(&self.ways, settings, &path)) {
            understood.settings |=
                matches!(kind, RawKind::Finished | RawKind::Arrived | RawKind::Gone);
        }
        let changes = &mut understood.changes;
        let structural = matches!(kind, RawKind::Created | RawKind::Arrived | RawKind::Gone);
        if structural {
            if kind == RawKind::Gone {
                self.armed.forget_below(&path);
            }
            for owner in self.ways.over(&path) {
                self.way_changed(&owner, &path, kind, changes);
            }
        } else {
            for owner in self.ways.to(&path) {
                if self.settings.as_ref() != Some(&owner) && owner != path {
                    push(changes, owner, kind);
                }
            }
        }
        let is_root = self.roots.contains(&path);
        // What becomes of a root as such was told above.
        let in_tree = (is_root && !structural)
            || (!is_root && self.is_listed(&path))
            || (!structural && self.followed.has(&path));
        if in_tree {
            self.file_or_folder(path, kind, changes);
        }
    }

    /// Whether the path belongs to the tree.
    fn is_listed(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.folders.contains_key(parent))
    }

    fn file_or_folder(&mut self, path: PathBuf, kind: RawKind, changes: &mut Vec<Change>) {
        match kind {
            RawKind::Finished | RawKind::Writing | RawKind::Touched => {
                if self.counts(&path) {
                    // The system does not tell when a file is given a further name elsewhere.
                    if kind != RawKind::Writing {
                        self.note_file(&path);
                    }
                    push(changes, path, kind);
                }
            }
            RawKind::Gone => {
                let was_folder = self.disarm(&path, changes);
                self.leave_way(&path);
                self.forget_file(&path);
                if was_folder || is_relevant(&path) || self.followed.counts(&path) {
                    push(changes, path.clone(), kind);
                }
                // Something may be there although the last word was that it is gone: it came back,
                // and what watched it went with the first of the two.
                if fs::symlink_metadata(&path).is_ok() {
                    self.appeared(path, RawKind::Arrived, changes);
                }
            }
            RawKind::Created | RawKind::Arrived => self.appeared(path, kind, changes),
        }
    }

    /// Something is at `path` that was not there, or was another thing.
    fn appeared(&mut self, path: PathBuf, kind: RawKind, changes: &mut Vec<Change>) {
        if is_git(&path) {
            return self.watch_repository(git_folder(&path));
        }
        let is_link = path.is_symlink();
        if is_link {
            if self.rules.is_ignored(&path, true) {
                return;
            }
            self.find_way(&path);
        } else if !self.is_followed_afar(&path) {
            self.leave_way(&path);
        }
        // A folder of that name may have been here before: that one is gone.
        if self.disarm(&path, changes) {
            push(changes, path.clone(), RawKind::Gone);
        }
        self.forget_file(&path);
        let metadata = fs::metadata(&path).ok();
        let is_file = metadata.as_ref().is_some_and(fs::Metadata::is_file)
            && (!is_link || self.is_the_only_way(&path));
        // A file of that name may have been here before, and this is none, or only leads to one.
        if !is_file && self.counts(&path) {
            push(changes, path.clone(), RawKind::Gone);
        }
        let Some(metadata) = metadata else { return };
        if metadata.is_dir() {
            if !self.rules.is_ignored(&path, true) {
                let mut files = Vec::new();
                self.arm(&path, &mut files);
                for file in files {
                    push(changes, file, RawKind::Arrived);
                }
            }
            return;
        }
        if !is_file || !self.counts(&path) {
            return;
        }
        self.note_file(&path);
        // A link or a second name for a file is whole at once, and nobody closes it.
        let whole = kind == RawKind::Arrived || is_link || metadata.nlink() > 1;
        push(changes, path, if whole { RawKind::Arrived } else { kind });
    }

    // --- ways -----------------------------------------------------------------------------------

    /// Something on the way to `owner` came or went.
    fn way_changed(&mut self, owner: &Path, step: &Path, kind: RawKind, changes: &mut Vec<Change>) {
        if self.settings.as_deref() == Some(owner) {
            self.find_way(owner);
            return;
        }
        if self.roots.iter().any(|root| root == owner) {
            return self.root_changed(owner, step, kind, changes);
        }
        // A link below a root. What it led to is gone, whatever it leads to now.
        let was_folder = self.disarm(owner, changes);
        if was_folder || is_relevant(owner) || self.followed.has(owner) {
            push(changes, owner.to_owned(), RawKind::Gone);
        }
        self.appeared(owner.to_owned(), RawKind::Arrived, changes);
    }

    fn root_changed(&mut self, root: &Path, step: &Path, kind: RawKind, changes: &mut Vec<Change>) {
        // A file that is being made in the place of a root is told again when it is whole.
        let is_file = root.is_file();
        if is_file && kind == RawKind::Created && !root.is_symlink() && leads_to(step, root) {
            self.find_way(root);
            return push(changes, root.to_owned(), RawKind::Created);
        }
        self.disarm(root, changes);
        push(changes, root.to_owned(), RawKind::Gone);
        let mut files = Vec::new();
        self.arm_root(root, &mut files);
        for file in files {
            push(changes, file, RawKind::Arrived);
        }
    }

    /// Watches each step of the way to `owner`, as it is now.
    fn find_way(&mut self, owner: &Path) {
        if !self.armed.is_live() {
            return;
        }
        // What a step leads to may change while the way is walked; the step before it, which is
        // watched already, tells that. So the way is walked until it stays the same.
        let mut way = self.way(owner);
        for _ in 0..5 {
            for step in &way {
                let folder = step.parent().unwrap_or(step);
                if let Some(inode) = inode_of(folder) {
                    self.armed.add(folder, inode, Role::Way);
                    self.armed.add_step(step);
                }
            }
            let again = self.way(owner);
            if again == way {
                break;
            }
            way = again;
        }
        let free = self.ways.set(owner, way);
        self.leave(free);
    }

    fn way(&self, owner: &Path) -> Vec<PathBuf> {
        let mut way = steps(owner);
        // The way to the folder that a link lies in is watched for the root's sake.
        if !self.roots.iter().any(|root| root == owner)
            && self.settings.as_deref() != Some(owner)
            && !self.is_followed_afar(owner)
            && let Some(home) = owner.parent().and_then(|folder| folder.canonicalize().ok())
        {
            let own = owner.file_name().map(|name| home.join(name));
            way.retain(|step| !home.starts_with(step) && Some(step) != own.as_ref());
        }
        way
    }

    fn leave_way(&mut self, owner: &Path) {
        let free = self.ways.remove(owner);
        self.leave(free);
    }

    fn leave(&mut self, free: Vec<PathBuf>) {
        for step in free {
            self.armed.remove_step(&step);
            if let Some(folder) = step.parent()
                && !self.ways.leads_through(folder)
            {
                self.armed.remove(folder, Role::Way);
            }
        }
    }

    /// Whether the target of a link to a file is not under a root by itself; if it is, the link is
    /// only another way to it.
    fn is_the_only_way(&self, link: &Path) -> bool {
        let Ok(target) = fs::canonicalize(link) else { return true };
        let Some(folder) = target.parent() else { return true };
        let seen_anyway =
            self.folders.contains_key(folder) && !self.rules.is_ignored(&target, false);
        !seen_anyway
    }

    /// A file that can be reached in several ways is told under one path. It may be edited under
    /// another name that lies elsewhere, so it is watched itself, too.
    fn note_file(&mut self, file: &Path) {
        let Ok(metadata) = fs::metadata(file) else { return };
        if !metadata.is_file() {
            return;
        }
        let inode = (metadata.dev(), metadata.ino());
        for other in self.faces.add(file, inode, file.is_symlink()) {
            // The file may be gone, and the system has given its inode to this one.
            if inode_of(&other) != Some(inode) {
                self.faces.remove(&other);
                continue;
            }
            self.armed.add(&other, inode, Role::Listed);
            self.again.push(other);
        }
        if metadata.nlink() > 1 {
            self.armed.add(file, inode, Role::Listed);
        }
    }

    /// What is, or was, at this path is another file now, or none.
    fn forget_file(&mut self, file: &Path) {
        let others = self.faces.remove(file);
        self.again.extend(others);
    }

    fn watch_repository(&mut self, git: Option<PathBuf>) {
        if let Some(git) = git
            && let Some(inode) = inode_of(&git)
        {
            self.armed.add(&git, inode, Role::Way);
            self.repositories.add(git);
        }
    }

    // --- folders --------------------------------------------------------------------------------

    fn arm_root(&mut self, root: &Path, files: &mut Vec<PathBuf>) {
        self.find_way(root);
        self.watch_repository(repository(root));
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => {
                if let Some(name) = self.armed.is_pseudo(root, metadata.dev()) {
                    let message = format!(
                        "{} lies on {name}, the kernel's own data made to look like files: it is \
                         not watched",
                        root.display()
                    );
                    self.warnings.push(Warning::new("not_watched", message));
                    return;
                }
                self.arm(root, files);
                self.armed.probe(root, (metadata.dev(), metadata.ino()));
            }
            Ok(metadata) if metadata.is_file() => {
                self.note_file(root);
                files.push(root.to_owned());
            }
            _ => {}
        }
    }

    /// Arms and lists `folder` and what is below.
    fn arm(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
        let mut links = Vec::new();
        self.arm_below(folder, files, &mut links);
        // Only now is it known what lies under a root by itself; a link to that is another way.
        while !links.is_empty() {
            links.sort();
            for link in std::mem::take(&mut links) {
                self.find_way(&link);
                let Ok(metadata) = fs::metadata(&link) else { continue };
                if metadata.is_dir() && !self.rules.is_ignored(&link, true) {
                    self.arm_below(&link, files, &mut links);
                } else if metadata.is_file() && is_relevant(&link) && self.is_the_only_way(&link) {
                    self.note_file(&link);
                    files.push(link);
                }
            }
        }
    }

    fn arm_below(&mut self, folder: &Path, files: &mut Vec<PathBuf>, links: &mut Vec<PathBuf>) {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            if !self.arm_one(&folder) {
                continue;
            }
            self.ask_for_patience(&folder);
            self.rules.enter(&folder);
            // The last one is taken first, so that folders are met in the order of their names.
            let found = WalkDir::new(&folder)
                .min_depth(1)
                .max_depth(1)
                .sort_by(|one, other| other.file_name().cmp(one.file_name()));
            for entry in found.into_iter().filter_map(Result::ok) {
                let kind = entry.file_type();
                let path = entry.into_path();
                if is_git(&path) {
                    self.watch_repository(git_folder(&path));
                } else if self.rules.is_ignored(&path, kind.is_dir()) {
                    continue;
                } else if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_symlink() {
                    links.push(path);
                } else if kind.is_file() && is_relevant(&path) {
                    self.note_file(&path);
                    files.push(path);
                }
            }
        }
    }

    /// `false` if there is nothing to list: not a folder, or one that was reached another way.
    fn arm_one(&mut self, folder: &Path) -> bool {
        let Ok(metadata) = fs::metadata(folder) else { return false };
        if !metadata.is_dir() {
            return false;
        }
        let inode = (metadata.dev(), metadata.ino());
        if let Some(owner) = self.owners.get(&inode).cloned()
            && owner != folder
        {
            if inode_of(&owner) == Some(inode) {
                self.others.entry(inode).or_default().insert(folder.to_owned());
                return false;
            }
            // It has moved, and that it is gone from there was not told yet.
            let mut changes = Vec::new();
            self.disarm(&owner, &mut changes);
            self.moved.push(owner);
            for Change { path, kind } in changes {
                if kind == ChangeKind::Gone { &mut self.moved } else { &mut self.again }.push(path);
            }
        }
        if self.armed.is_pseudo(folder, inode.0).is_some() {
            return false;
        }
        if self.folders.get(folder).is_some_and(|known| *known != inode) {
            self.disarm_one(&folder.to_owned());
        }
        self.armed.add(folder, inode, Role::Listed);
        self.folders.insert(folder.to_owned(), inode);
        self.owners.insert(inode, folder.to_owned());
        true
    }

    /// Lets go of a folder and all below, and takes up what can be reached in another way. Whether
    /// there was one.
    fn disarm(&mut self, folder: &Path, changes: &mut Vec<Change>) -> bool {
        // A file that was watched for its names, or a link that leads nowhere any more.
        self.armed.remove(folder, Role::Listed);
        if !self.folders.contains_key(folder) {
            return false;
        }
        for file in self.faces.below(folder) {
            self.forget_file(&file);
        }
        for link in self.ways.below(folder) {
            if !self.roots.contains(&link) && self.settings.as_ref() != Some(&link) {
                self.leave_way(&link);
            }
        }
        let folders = self.folders.range(folder.to_owned()..).map(|(path, _)| path);
        let below: Vec<PathBuf> =
            folders.take_while(|path| path.starts_with(folder)).cloned().collect();
        let others: Vec<PathBuf> = below.iter().flat_map(|path| self.disarm_one(path)).collect();
        for other in others {
            if self.is_listed(&other) && !self.folders.contains_key(&other) {
                self.appeared(other, RawKind::Arrived, changes);
            }
        }
        true
    }

    /// Lets go of one folder; the other paths to it.
    fn disarm_one(&mut self, folder: &PathBuf) -> BTreeSet<PathBuf> {
        self.armed.remove(folder, Role::Listed);
        let Some(inode) = self.folders.remove(folder) else { return BTreeSet::new() };
        if self.owners.get(&inode) != Some(folder) {
            return BTreeSet::new();
        }
        self.owners.remove(&inode);
        self.others.remove(&inode).unwrap_or_default()
    }

    fn ask_for_patience(&mut self, folder: &Path) {
        if self.patience.is_some_and(|until| until <= Instant::now()) {
            self.patience = Some(Instant::now() + LONG);
            tracing::warn!(
                "still looking for plugins: {} folders so far, now in {}; name a folder with less \
                 in it, or leave out what holds none (`ignore` in watch.toml)",
                self.folders.len(),
                folder.display()
            );
        }
    }
}

fn push(changes: &mut Vec<Change>, path: PathBuf, kind: RawKind) {
    let kind = match kind {
        RawKind::Finished | RawKind::Arrived | RawKind::Touched => ChangeKind::Finished,
        RawKind::Writing | RawKind::Created => ChangeKind::Writing,
        RawKind::Gone => ChangeKind::Gone,
    };
    changes.push(Change { path, kind });
}

/// Whether `path` is `owner` or where it leads in the end.
fn leads(ways: &Ways, owner: &PathBuf, path: &Path) -> bool {
    owner == path || ways.to(path).contains(owner)
}

/// Whether `step` is the last one to `root`.
fn leads_to(step: &Path, root: &Path) -> bool {
    root.canonicalize().is_ok_and(|real| real == step)
}

/// What identifies the file or folder that `path` leads to.
pub(super) fn inode_of(path: &Path) -> Option<Inode> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Whether this is, or leads to, the folder that version control keeps its own files in.
fn is_git(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".git")
}
