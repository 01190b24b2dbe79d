//! Folders of installed packages: followed while some plugin waits for one to be installed.

use std::path::{Path, PathBuf};

use super::armed::Role;
use super::tree::{Tree, inode_of};
use crate::model::{Change, ChangeKind};

impl Tree {
    /// Tells a change in each of these folders of packages from now on, as one of the folder itself.
    /// Whether one of them was not followed before.
    pub fn follow_packages(&mut self, folders: &[PathBuf]) -> bool {
        let mut fresh = false;
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            if !self.packages.contains(folder) {
                self.arm_packages(folder);
                self.packages.insert(folder.clone());
                fresh = true;
            }
        }
        fresh
    }

    /// Whether `path` is a folder of packages that is followed.
    pub fn has_packages(&self, path: &Path) -> bool {
        self.packages.contains(path)
    }

    /// Whoever installs is at it for a while, and writes the last file into what describes the
    /// package.
    pub(super) fn understand_packages(&mut self, path: &Path, changes: &mut Vec<Change>) {
        let mut above = path.ancestors().skip(1).take(2);
        let Some(folder) = above.find(|above| self.packages.contains(*above)) else { return };
        changes.push(Change { path: folder.to_owned(), kind: ChangeKind::Writing });
        if path.extension().is_some_and(|extension| extension == "dist-info") && path.is_dir() {
            self.arm_packages(path);
        }
    }

    fn arm_packages(&mut self, folder: &Path) {
        if let Some(inode) = inode_of(folder) {
            self.armed.add(folder, inode, Role::Way);
        }
    }
}
