//! What an event means for the tree: read off the disk as it is now, path by path.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::armed::Role;
use super::super::raw::{RawKind, is_relevant};
use super::super::repository::git_folder;
use super::super::way::Ways;
use super::listing::is_git;
use super::{Tree, Understood, inode_of};
use crate::model::{Change, ChangeKind};

impl Tree {
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
    pub(super) fn appeared(&mut self, path: PathBuf, kind: RawKind, changes: &mut Vec<Change>) {
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
}

pub(super) fn push(changes: &mut Vec<Change>, path: PathBuf, kind: RawKind) {
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
