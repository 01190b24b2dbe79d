//! Files that are reached through a symbolic link: an edit of the target is an edit of the link.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// From targets to links.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: HashMap<PathBuf, BTreeSet<PathBuf>>,
    targets: HashMap<PathBuf, PathBuf>,
}

impl Links {
    /// `link` leads to `target`; it may have led elsewhere before.
    pub(crate) fn set(&mut self, link: &Path, target: PathBuf) {
        self.remove(link);
        self.links.entry(target.clone()).or_default().insert(link.to_owned());
        self.targets.insert(link.to_owned(), target);
    }

    /// `link` is no link any more.
    pub(crate) fn remove(&mut self, link: &Path) {
        if let Some(target) = self.targets.remove(link)
            && let Some(links) = self.links.get_mut(&target)
        {
            links.remove(link);
            if links.is_empty() {
                self.links.remove(&target);
            }
        }
    }

    /// The links that lead to `target`.
    pub(crate) fn to(&self, target: &Path) -> Vec<PathBuf> {
        self.links.get(target).into_iter().flatten().cloned().collect()
    }
}
