//! What can be said of plugins without running them.
//!
//! Takes the files that a walk found; gives the plugins that are among them, and what means to be
//! one and cannot. No plugin code runs, and no interpreter is asked.

mod dependencies;
mod finding;
mod findings;
mod imports;

use std::path::{Path, PathBuf};

pub use finding::{Finding, Level};
pub use imports::Imports;

use crate::discovery::Index;
use crate::model::{Candidate, PluginFault, PluginId, UnitChange, Verdict};

/// The plugins under some roots, as discovery sees them.
pub struct Survey {
    index: Index,
    files: Vec<PathBuf>,
    units: Vec<UnitChange>,
}

/// Something that means to be a plugin and cannot be one.
#[derive(Clone, Copy, Debug)]
pub struct Broken<'a> {
    /// The file, or the folder with `plugin.json`.
    pub unit: &'a Path,
    /// Its id, if that can be told.
    pub id: Option<&'a PluginId>,
    /// What is wrong.
    pub fault: &'a PluginFault,
}

impl Survey {
    /// Reads `files`, as [`crate::watch::Tree::scan`] gives them.
    pub fn of(files: Vec<PathBuf>) -> Self {
        let mut index = Index::default();
        let units = index.fill(files.clone());
        Self { index, files, units }
    }

    /// The plugins, by id, then by path.
    pub fn plugins(&self) -> Vec<&Candidate> {
        let mut plugins: Vec<&Candidate> =
            self.units.iter().filter_map(|unit| candidate(unit.verdict.as_ref()?)).collect();
        plugins.sort_by(|one, other| (&one.id, &one.entry).cmp(&(&other.id, &other.entry)));
        plugins
    }

    /// The known id that is written most like `id`, if one is.
    pub fn nearest(&self, id: &PluginId) -> Option<PluginId> {
        let known = self.plugins().into_iter().map(|plugin| &plugin.id);
        dependencies::nearest(id, known).cloned()
    }

    /// Everything that was found, for a loader.
    pub fn into_units(self) -> Vec<UnitChange> {
        self.units
    }

    /// What cannot be a plugin as it stands, by path.
    pub fn broken(&self) -> Vec<Broken<'_>> {
        self.units.iter().filter_map(broken).collect()
    }
}

fn candidate(verdict: &Verdict) -> Option<&Candidate> {
    match verdict {
        Verdict::Plugin(candidate) => Some(candidate),
        _ => None,
    }
}

fn broken(unit: &UnitChange) -> Option<Broken<'_>> {
    match unit.verdict.as_ref()? {
        Verdict::Broken { id, fault } | Verdict::Unparsed { id, fault, .. } => {
            Some(Broken { unit: &unit.unit, id: id.as_ref(), fault })
        }
        Verdict::Plugin(_) | Verdict::NotAPlugin => None,
    }
}
