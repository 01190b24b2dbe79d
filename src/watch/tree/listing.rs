//! Folders: armed and listed with all that is below, and let go of again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use walkdir::WalkDir;

use super::super::armed::Role;
use super::super::raw::{RawKind, is_relevant};
use super::super::repository::{git_folder, repository};
use super::{LONG, Tree, inode_of};
use crate::model::{Change, ChangeKind, Warning};

impl Tree {
    pub(super) fn arm_root(&mut self, root: &Path, files: &mut Vec<PathBuf>) {
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
    pub(super) fn arm(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
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
                    if let Some(folder) = link.parent() {
                        self.armed.met(folder, std::slice::from_ref(&link));
                    }
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
            self.unreadable.remove(&folder);
            let before = files.len();
            for entry in found {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        self.note_unreadable(error.path().unwrap_or(&folder), error.io_error());
                        continue;
                    }
                };
                let kind = entry.file_type();
                let is_file = kind.is_file() && is_relevant(entry.path());
                let metadata = if is_file { entry.metadata().ok() } else { None };
                let path = entry.into_path();
                if is_git(&path) {
                    self.watch_repository(git_folder(&path));
                } else if self.rules.is_ignored(&path, kind.is_dir()) {
                    continue;
                } else if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_symlink() {
                    links.push(path);
                } else if is_file {
                    if let Some(metadata) = metadata {
                        self.note_face(&path, &metadata, false);
                    }
                    files.push(path);
                }
            }
            self.armed.met(&folder, files.get(before..).unwrap_or_default());
        }
    }

    /// `false` if there is nothing to list: not a folder, or one that was reached another way.
    fn arm_one(&mut self, folder: &Path) -> bool {
        let metadata = match fs::metadata(folder) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.note_unreadable(folder, Some(&error));
                return false;
            }
        };
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

    /// A folder is there and nobody may look into it; told once.
    fn note_unreadable(&mut self, path: &Path, error: Option<&io::Error>) {
        let Some(error) = error.filter(|error| error.kind() != io::ErrorKind::NotFound) else {
            return;
        };
        let why = error.to_string();
        let message = format!(
            "{} cannot be looked into: {why}; make it readable, or leave it out with `ignore` in \
             watch.toml",
            path.display()
        );
        if self.unreadable.insert(path.to_owned(), why).is_none() {
            self.warnings.push(Warning::new("unreadable", message));
        }
    }

    /// Lets go of a folder and all below, and takes up what can be reached in another way. Whether
    /// there was one.
    pub(super) fn disarm(&mut self, folder: &Path, changes: &mut Vec<Change>) -> bool {
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

/// Whether this is, or leads to, the folder that version control keeps its own files in.
pub(super) fn is_git(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".git")
}
