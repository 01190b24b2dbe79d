//! The failures that are open at this moment: told, and not yet healed.
//!
//! Takes every failure and every plugin that went live or away; tells whether a failure is news
//! and whether something healed, so that a person is told nothing twice.

use std::path::{Path, PathBuf};

use crate::model::{Kept, MANIFEST, PluginFault, PluginId};

/// Its text names two plugins with one id, so that the id does not say which of them it is about.
const DUPLICATE: &str = "DuplicatePluginId";

/// What fails now, in the order in which it was told.
#[derive(Debug, Default)]
pub(super) struct Failures {
    open: Vec<Failure>,
    /// The one that healed last.
    healed: Option<Failure>,
}

/// What was told of a failure.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) id: Option<PluginId>,
    pub(super) path: PathBuf,
    pub(super) fault: PluginFault,
    pub(super) kept: Kept,
}

impl Failures {
    /// How many plugins, or files that should have been plugins, fail now.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// The one that was told last among those that fail now.
    pub(super) fn last(&self) -> Option<&Failure> {
        self.open.last()
    }

    /// The one that healed last.
    pub(super) fn last_healed(&self) -> Option<&Failure> {
        self.healed.as_ref()
    }

    /// Those that fail now, in the order in which they were told.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Failure> {
        self.open.iter()
    }

    /// Notes a failure. Whether it is the one that was told of this plugin last.
    pub(super) fn open(
        &mut self,
        id: Option<&PluginId>,
        path: &Path,
        fault: &PluginFault,
        kept: Kept,
    ) -> bool {
        let of = id.filter(|_| fault.kind != DUPLICATE);
        let again = self.open.iter().any(|open| {
            open.path == path
                && open.id.as_ref() == id
                && open.says(fault)
                && open.kept.is_any() == kept.is_any()
        });
        self.open.retain(|open| !open.concerns(of, path));
        let (id, path, fault) = (id.cloned(), path.to_owned(), fault.clone());
        let failure = Failure { id, path, fault, kept };
        if kept == Kept::All {
            self.healed = Some(failure);
        } else {
            self.open.push(failure);
        }
        again
    }

    /// Forgets what failed of a plugin that is live, or gone. Whether there was anything.
    pub(super) fn close(&mut self, id: Option<&PluginId>, path: &Path) -> bool {
        let healed = self.open.extract_if(.., |open| open.concerns(id, path)).last();
        let any = healed.is_some();
        self.healed = healed.or(self.healed.take());
        any
    }
}

impl Failure {
    pub(super) fn concerns(&self, id: Option<&PluginId>, path: &Path) -> bool {
        // A manifest that could not be understood told neither the id nor the entry, but the entry
        // lies beside or below it.
        let manifest = self.path.file_name().is_some_and(|name| name == MANIFEST);
        self.path == path
            || (manifest && self.path.parent().is_some_and(|home| path.starts_with(home)))
            || (id.is_some() && self.id.as_ref() == id && self.fault.kind != DUPLICATE)
    }

    /// The traceback does not count: it may name threads or addresses that differ each time.
    fn says(&self, fault: &PluginFault) -> bool {
        let PluginFault { phase, kind, message, place, traceback: _ } = &self.fault;
        (phase, kind, message, place) == (&fault.phase, &fault.kind, &fault.message, &fault.place)
    }
}
