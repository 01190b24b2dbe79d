//! Who imported what among the own modules of a plugin, and what else each of them depends on.
//!
//! Noted only for a plugin that has modules to carry from one generation to the next: whether one may
//! go over as it is depends on everything that it imported, to any depth.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::importer::lock;
use crate::host::Input;

/// What is known of one full name: an own module, or one that was looked for and is not there.
#[derive(Debug, Default)]
pub(super) struct Name {
    /// The file that the module was made from; a namespace has none.
    pub(super) file: Option<PathBuf>,
    /// The file is a shared library, which cannot change as long as the process lives.
    pub(super) extension: bool,
    /// The module was made so that it can go over.
    pub(super) portable: bool,
    /// Files that would have been imported instead, had they been there.
    pub(super) absent: Vec<PathBuf>,
    /// Where it was looked for in vain: paths without an extension.
    pub(super) missed: Vec<PathBuf>,
    /// Files that its code read while the plugin started.
    pub(super) inputs: Vec<Input>,
    /// Shared modules that it imported, and which of those that had the name in turn.
    pub(super) shared: HashMap<String, u64>,
    /// What it imported.
    imports: HashMap<String, Binding>,
}

/// What an import took of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// The module itself, or something that it defines.
    Itself,
    /// Only modules below it, by `from package import module`.
    Below,
}

/// By full name. A module that goes over takes what is known of it along.
pub(super) type Names = HashMap<String, Arc<Mutex<Name>>>;

/// Notes that `importing` imported `imported`.
pub(super) fn note_import(names: &mut Names, importing: &str, imported: &str, binding: Binding) {
    if importing == imported {
        return;
    }
    if !names.contains_key(imported) {
        names.insert(imported.to_owned(), Arc::default());
    }
    let mut name = lock(names.entry(importing.to_owned()).or_default());
    match name.imports.get_mut(imported) {
        Some(known) if binding == Binding::Itself => *known = binding,
        Some(_) => {}
        None => _ = name.imports.insert(imported.to_owned(), binding),
    }
}

/// The names of modules that cannot go over: those that are not `fit`, those that depend on something
/// that is `edited`, and whatever imported one of them, to any depth.
pub(super) fn to_run_again(
    names: &Names,
    fit: impl Fn(&str, &Name) -> bool,
    edited: impl Fn(&Name) -> bool,
) -> HashSet<String> {
    let keys: Vec<&String> = names.keys().collect();
    let places: HashMap<&str, usize> =
        keys.iter().enumerate().map(|(place, key)| (key.as_str(), place)).collect();
    let mut again = vec![false; keys.len()];
    let mut is_edited = vec![false; keys.len()];
    let mut importers: Vec<Vec<(usize, Binding)>> = vec![Vec::new(); keys.len()];
    for (place, key) in keys.iter().enumerate() {
        let Some(name) = names.get(*key) else { continue };
        let name = lock(name);
        is_edited[place] = edited(&name);
        again[place] = is_edited[place] || !fit(key, &name);
        if again[place] {
            continue;
        }
        for (imported, binding) in &name.imports {
            if let Some(imported) = places.get(imported.as_str()) {
                importers[*imported].push((place, *binding));
            }
        }
    }
    let mut next: Vec<usize> = (0..keys.len()).filter(|place| again[*place]).collect();
    while let Some(changed) = next.pop() {
        for (importer, binding) in std::mem::take(&mut importers[changed]) {
            // A package whose own text is as it was has the modules below it under the same names.
            if !again[importer] && (binding == Binding::Itself || is_edited[changed]) {
                again[importer] = true;
                next.push(importer);
            }
        }
    }
    keys.into_iter().zip(again).filter(|(_, again)| *again).map(|(key, _)| key.clone()).collect()
}

impl Name {
    /// Whether this file is one that it depends on, or would depend on.
    pub(super) fn depends_on(&self, path: &Path, bases: &[PathBuf]) -> bool {
        let is = |other: &PathBuf| other.as_os_str() == path.as_os_str();
        (!self.extension && self.file.as_ref().is_some_and(is))
            || self.absent.iter().any(is)
            || self.inputs.iter().any(|input| is(&input.path))
            || self.missed.iter().any(|missed| bases.contains(missed))
    }

    /// The full names that it imported.
    pub(super) fn imports(&self) -> impl Iterator<Item = (&String, Binding)> {
        self.imports.iter().map(|(name, binding)| (name, *binding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str, Binding)]) -> Names {
        let mut names = Names::new();
        for (importing, imported, binding) in edges {
            note_import(&mut names, importing, imported, *binding);
        }
        for (key, name) in &names {
            lock(name).file = Some(key.into());
        }
        names
    }

    fn again(names: &Names, edited: &[&str]) -> Vec<String> {
        let is_edited = |name: &Name| {
            name.file.as_ref().is_some_and(|file| edited.iter().any(|it| file == Path::new(it)))
        };
        let mut again: Vec<String> =
            to_run_again(names, |key, _| key != "entry", is_edited).into_iter().collect();
        again.sort();
        again
    }

    use Binding::{Below, Itself};

    #[test]
    fn what_imports_an_edited_module_runs_again_to_any_depth_and_nothing_else_does() {
        let names = graph(&[
            ("entry", "top", Itself),
            ("top", "middle", Itself),
            ("middle", "leaf", Itself),
            ("top", "sibling", Itself),
        ]);
        assert_eq!(again(&names, &[]), ["entry"]);
        assert_eq!(again(&names, &["leaf"]), ["entry", "leaf", "middle", "top"]);
        assert_eq!(again(&names, &["sibling"]), ["entry", "sibling", "top"]);
    }

    #[test]
    fn a_circle_runs_again_as_a_whole() {
        let names = graph(&[("one", "two", Itself), ("two", "one", Itself), ("x", "y", Itself)]);
        assert_eq!(again(&names, &["two"]), ["one", "two"]);
    }

    #[test]
    fn what_imports_something_that_is_not_carried_runs_again() {
        let names = graph(&[("vendored", "entry", Itself), ("other", "vendored", Itself)]);
        assert_eq!(again(&names, &[]), ["entry", "other", "vendored"]);
    }

    #[test]
    fn a_module_that_only_takes_its_siblings_from_a_package_minds_its_text_and_not_its_running() {
        let names = graph(&[("pkg", "pkg.leaf", Itself), ("pkg.a", "pkg", Below)]);
        assert_eq!(again(&names, &["pkg.leaf"]), ["pkg", "pkg.leaf"]);
        assert_eq!(again(&names, &["pkg"]), ["pkg", "pkg.a"]);
    }

    #[test]
    fn the_closer_binding_counts() {
        let names = graph(&[("a", "b", Itself), ("a", "b", Below), ("b", "c", Itself)]);
        assert_eq!(again(&names, &["c"]), ["a", "b", "c"]);
    }
}
