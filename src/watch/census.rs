//! What of the roots is watched and what is left out, counted, for whoever asks how things stand.
//!
//! Taken of a tree that was scanned, and so armed as it is for a watch.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::place::Limit;
use super::raw::is_relevant;
use super::tree::Tree;

/// What is watched, and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// Root by root, in their order.
    pub roots: Vec<RootCensus>,
    /// Folders that need a watch, those on the way to the roots among them, and files with several
    /// names.
    pub needed: usize,
    /// How many of them are not watched.
    pub unwatched: usize,
    /// The limit that stood in the way.
    pub refused: Option<Limit>,
}

/// What is below one root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootCensus {
    /// The root.
    pub root: PathBuf,
    /// Folders that are looked into.
    pub folders: usize,
    /// Files that can be part of a plugin.
    pub files: usize,
    /// What was left out, by the rule that did so. A folder counts as one, whatever is in it.
    pub ignored: BTreeMap<String, usize>,
    /// Folders that cannot be looked into, each with the reason.
    pub closed: Vec<(PathBuf, String)>,
    /// Why the system's notices are not relied on here, if so.
    pub silent: Option<String>,
}

impl Tree {
    /// Counts, by looking at every folder that was listed once more.
    pub fn census(&self) -> Census {
        let (needed, unwatched) = self.armed.count();
        Census {
            roots: self.roots().iter().map(|root| self.census_of(root)).collect(),
            needed,
            unwatched,
            refused: self.armed.refused(),
        }
    }

    fn census_of(&self, root: &Path) -> RootCensus {
        let silent = self.armed.why_silent(root).map(str::to_owned);
        let mut census = RootCensus { root: root.to_owned(), silent, ..RootCensus::default() };
        if root.is_file() {
            census.files = 1;
        }
        for folder in self.folders_below(root) {
            census.folders += 1;
            match fs::read_dir(folder) {
                Ok(entries) => {
                    for entry in entries.filter_map(Result::ok) {
                        self.count(&entry, &mut census);
                    }
                }
                // It went away since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => census.folders -= 1,
                Err(error) => census.closed.push((folder.clone(), error.to_string())),
            }
        }
        census
    }

    fn count(&self, entry: &fs::DirEntry, census: &mut RootCensus) {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let Some(rule) = self.rules().why(&path, is_folder) {
            *census.ignored.entry(rule.to_string()).or_default() += 1;
        } else if !is_folder && is_relevant(&path) {
            census.files += 1;
        }
    }
}
