//! The ways to roots, to the settings and to where links lead: each step is watched, and what it
//! leads to is looked at anew when a step changes.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::armed::Role;
use super::super::raw::{RawKind, is_relevant};
use super::super::way::steps;
use super::understand::push;
use super::{Tree, inode_of};
use crate::model::Change;

impl Tree {
    /// Something on the way to `owner` came or went.
    pub(super) fn way_changed(
        &mut self,
        owner: &Path,
        step: &Path,
        kind: RawKind,
        changes: &mut Vec<Change>,
    ) {
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
    pub(super) fn find_way(&mut self, owner: &Path) {
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

    pub(super) fn leave_way(&mut self, owner: &Path) {
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
    pub(super) fn is_the_only_way(&self, link: &Path) -> bool {
        let Ok(target) = fs::canonicalize(link) else { return true };
        let Some(folder) = target.parent() else { return true };
        let seen_anyway =
            self.folders.contains_key(folder) && !self.rules.is_ignored(&target, false);
        !seen_anyway
    }

    /// A file that can be reached in several ways is told under one path. It may be edited under
    /// another name that lies elsewhere, so it is watched itself, too.
    pub(super) fn note_file(&mut self, file: &Path) {
        let Ok(metadata) = fs::metadata(file) else { return };
        self.note_face(file, &metadata, file.is_symlink());
    }

    /// The same of a file of which that is known already.
    pub(super) fn note_face(&mut self, file: &Path, metadata: &Metadata, is_link: bool) {
        if !metadata.is_file() {
            return;
        }
        let inode = (metadata.dev(), metadata.ino());
        for other in self.faces.add(file, inode, is_link) {
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
    pub(super) fn forget_file(&mut self, file: &Path) {
        let others = self.faces.remove(file);
        self.again.extend(others);
    }

    pub(super) fn watch_repository(&mut self, git: Option<PathBuf>) {
        if let Some(git) = git
            && let Some(inode) = inode_of(&git)
        {
            self.armed.add(&git, inode, Role::Way);
            self.repositories.add(git);
        }
    }
}

/// Whether `step` is the last one to `root`.
fn leads_to(step: &Path, root: &Path) -> bool {
    root.canonicalize().is_ok_and(|real| real == step)
}
