//! Paths that each wait for a time of their own, in the order in which they come due.
//!
//! Takes paths with the time from which they wait; gives the earliest of these times at once and
//! finds what is due without looking at the rest, so that a burst of thousands stays cheap.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Dirty, after};

/// The paths of one state. Both fields hold the same paths.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    paths: BTreeMap<PathBuf, (Instant, Dirty)>,
    order: BTreeSet<(Instant, PathBuf)>,
}

impl Waiting {
    /// Lets `path`, which must not be here yet, wait from `since` on.
    pub(super) fn insert(&mut self, path: PathBuf, since: Instant, dirty: Dirty) {
        self.order.insert((since, path.clone()));
        self.paths.insert(path, (since, dirty));
    }

    /// Takes `path` out, with the time from which it has waited.
    pub(super) fn remove(&mut self, path: &Path) -> Option<(Instant, Dirty)> {
        let (path, (since, dirty)) = self.paths.remove_entry(path)?;
        self.order.remove(&(since, path));
        Some((since, dirty))
    }

    /// Takes out what has waited for `wait` by `now`.
    pub(super) fn take_due(&mut self, now: Instant, wait: Duration) -> Vec<(PathBuf, Dirty)> {
        let mut due = Vec::new();
        while let Some((since, path)) = self.order.pop_first() {
            if after(since, wait) > now {
                self.order.insert((since, path));
                break;
            }
            due.extend(self.paths.remove_entry(&path).map(|(path, (_, dirty))| (path, dirty)));
        }
        due
    }

    /// The earliest time from which a path waits.
    pub(super) fn earliest(&self) -> Option<Instant> {
        self.order.first().map(|(since, _)| *since)
    }

    /// The last of the times from the earliest on that follow one another within `gap`.
    pub(super) fn end_of_chain(&self, gap: Duration) -> Option<Instant> {
        let mut times = self.order.iter().map(|(since, _)| *since);
        let mut last = times.next()?;
        for since in times {
            if since > after(last, gap) {
                break;
            }
            last = since;
        }
        Some(last)
    }

    pub(super) fn contains(&self, path: &Path) -> bool {
        self.paths.contains_key(path)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// All paths, sorted.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.paths.keys().cloned().collect()
    }
}
