//! Files that count although their names do not say so: what plugins read, what they name in `watch`,
//! and modules that lie outside of the watched folders.
//!
//! Shared with the watcher's callback, which drops everything else by name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::Patterns;

/// The files, the same for all clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Followed(Arc<RwLock<Sets>>);

#[derive(Debug, Default)]
struct Sets {
    files: HashSet<PathBuf>,
    patterns: Vec<Patterns>,
}

impl Followed {
    /// Whether an edit of `path` counts.
    pub(crate) fn counts(&self, path: &Path) -> bool {
        let sets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sets.files.contains(path) || sets.patterns.iter().any(|patterns| patterns.matches(path))
    }

    /// Whether `path` is followed by its own name.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).files.contains(path)
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let sets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sets.files.iter().cloned().collect()
    }

    /// Whether that is new.
    pub(crate) fn add(&self, path: &Path) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).files.insert(path.to_owned())
    }

    pub(crate) fn remove(&self, path: &Path) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).files.remove(path);
    }

    pub(crate) fn set_patterns(&self, patterns: Vec<Patterns>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).patterns = patterns;
    }
}
