//! Which paths lead to the same file: through links, or because it has several names.
//!
//! One file is one file: it is told under one of its paths, the first in order, and under the next
//! one when that is gone. Names come before links.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::armed::Inode;

/// The paths of each file.
#[derive(Debug, Default)]
pub(super) struct Faces {
    /// Each with whether it is a link.
    paths: HashMap<Inode, BTreeSet<(bool, PathBuf)>>,
    files: BTreeMap<PathBuf, (Inode, bool)>,
}

impl Faces {
    /// `path` leads to this file, as a link or as a name of it. The other paths to it.
    pub(super) fn add(&mut self, path: &Path, file: Inode, is_link: bool) -> Vec<PathBuf> {
        if self.files.get(path) != Some(&(file, is_link)) {
            self.remove(path);
        }
        self.files.insert(path.to_owned(), (file, is_link));
        let paths = self.paths.entry(file).or_default();
        paths.insert((is_link, path.to_owned()));
        paths.iter().map(|(_, other)| other).filter(|other| *other != path).cloned().collect()
    }

    /// `path` does not lead to a file any more. The other paths to the one that it led to.
    pub(super) fn remove(&mut self, path: &Path) -> Vec<PathBuf> {
        let Some((file, is_link)) = self.files.remove(path) else { return Vec::new() };
        let Some(paths) = self.paths.get_mut(&file) else { return Vec::new() };
        paths.remove(&(is_link, path.to_owned()));
        let others = paths.iter().map(|(_, other)| other.clone()).collect();
        if paths.is_empty() {
            self.paths.remove(&file);
        }
        others
    }

    /// The paths below `folder`.
    pub(super) fn below(&self, folder: &Path) -> Vec<PathBuf> {
        let paths = self.files.range(folder.to_owned()..).map(|(path, _)| path);
        paths.take_while(|path| path.starts_with(folder)).cloned().collect()
    }

    /// Whether another path stands for the file that `path` leads to.
    pub(super) fn is_hidden(&self, path: &Path) -> bool {
        let paths = self.files.get(path).and_then(|(file, _)| self.paths.get(file));
        paths.and_then(BTreeSet::first).is_some_and(|(_, first)| first != path)
    }
}
