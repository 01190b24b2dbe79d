//! Shared modules: what is known of them in this process, and how some give way to others.
//!
//! They stand in `sys.modules` under their plain names, one copy for all plugins. Contents come from
//! the supervisor or from the disk, and whatever is read, imported or looked for is told to it. Python
//! code is called only while nothing is locked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods};

use super::importer::{Importer, Shared, lock};
use super::lines;
use super::locate::{self, Found, Namespaces};
use super::modules::sys_modules;
use super::shared_finder::{name_of, regular};
use crate::host::{Note, Replacement, SharedModule, Sharing, Trace};
use crate::model::Warning;
use crate::source::Source;

/// The shared modules of this process.
#[derive(Default)]
pub(crate) struct Commons {
    /// There are folders of them, or were.
    active: AtomicBool,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) facts: Facts,
    epoch: u64,
    /// Foreign modules that a shared one of the same name hides, by that name.
    displaced: BTreeMap<String, Vec<Entry>>,
    aside: Option<Aside>,
    /// How many modules were found so far.
    found: u64,
    /// What is to be told, while a start is under way.
    told: Vec<SharedModule>,
    collecting: bool,
    warnings: Vec<Warning>,
    warned: HashSet<String>,
    notes: Option<Sender<Note>>,
}

/// An entry of `sys.modules`.
type Entry = (String, Py<PyAny>);

/// What a replacement changes, and what comes back if it is undone.
#[derive(Clone, Default)]
pub(super) struct Facts {
    pub(super) folders: Vec<PathBuf>,
    /// Contents that run whatever the disk holds.
    pub(super) given: HashMap<PathBuf, Source>,
    /// The modules that were found, each with its folders if it is a package.
    pub(super) known: BTreeMap<String, Vec<PathBuf>>,
    pub(super) executed: HashMap<PathBuf, Source>,
    /// Modules whose bodies have run.
    pub(super) ran: HashSet<String>,
    /// Which module it is of those that had the name in turn.
    serials: HashMap<String, u64>,
    /// Who is known to import what.
    edges: HashSet<(String, String)>,
}

struct Aside {
    facts: Facts,
    modules: Vec<Entry>,
    /// The module, its name, and the package that it was an attribute of.
    attributes: Vec<(Py<PyAny>, String, Py<PyAny>)>,
    /// The names of those that were hidden already.
    displaced: Vec<String>,
}

/// Where a top-level name leads that is no own module.
pub(super) enum Lead {
    Shared,
    /// With the places where a shared module of that name would be.
    Elsewhere(Vec<PathBuf>),
}

/// What an import has reached for.
#[derive(Default)]
pub(super) struct Reach {
    pub(super) modules: Vec<String>,
    pub(super) missed: Vec<PathBuf>,
}

impl Commons {
    /// See [`crate::host::Host::share`].
    pub(crate) fn share(&self, sharing: Sharing, notes: Sender<Note>) {
        let mut state = lock(&self.state);
        state.notes = Some(notes);
        state.take_in(sharing);
        self.active.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// What was told and warned of from here on is wanted with the next [`Commons::take`].
    pub(crate) fn collect(&self) {
        lock(&self.state).collecting = true;
    }

    /// What became known since [`Commons::collect`]; from now on it is told at once.
    pub(crate) fn take(&self) -> (Vec<SharedModule>, Vec<Warning>) {
        let mut state = lock(&self.state);
        state.collecting = false;
        (std::mem::take(&mut state.told), std::mem::take(&mut state.warnings))
    }

    pub(super) fn tell(&self, mut module: SharedModule) {
        let mut state = lock(&self.state);
        module.epoch = state.epoch;
        if state.collecting {
            state.told.push(module);
        } else if let Some(notes) = &state.notes {
            let trace = Trace { shared: vec![module], ..Trace::default() };
            // The receiver is gone only when everything ends.
            let _ = notes.send(Note { key: None, generation: 0, trace });
        }
    }

    /// There is such a module, a package if it has `folders`.
    pub(super) fn note_found(&self, name: &str, folders: Vec<PathBuf>) {
        let mut state = lock(&self.state);
        state.found += 1;
        let serial = state.found;
        state.facts.serials.insert(name.to_owned(), serial);
        state.facts.known.insert(name.to_owned(), folders);
    }

    /// Which module each is of those that had the name in turn.
    pub(super) fn serials(&self) -> HashMap<String, u64> {
        if self.is_active() { lock(&self.state).facts.serials.clone() } else { HashMap::new() }
    }

    /// The content of a shared file as it was executed.
    pub(crate) fn executed(&self, path: &Path) -> Option<Source> {
        if !self.is_active() {
            return None;
        }
        lock(&self.state).facts.executed.get(path).cloned()
    }

    fn warn(&self, top: &str, message: impl FnOnce() -> String) {
        let mut state = lock(&self.state);
        if state.warned.insert(top.to_owned()) {
            state.warnings.push(Warning::new("shadowed", message()));
        }
    }

    /// Where the top-level name `top` leads that is no own module. A foreign module that a shared one
    /// hides gives way to it.
    pub(super) fn lead(&self, py: Python<'_>, shared: &Shared, top: &str) -> PyResult<Lead> {
        if !self.is_active() || top == "qtforge" {
            return Ok(Lead::Elsewhere(Vec::new()));
        }
        let folders = {
            let state = lock(&self.state);
            if state.facts.known.contains_key(top) {
                return Ok(Lead::Shared);
            }
            state.facts.folders.clone()
        };
        let found = locate::find(&folders, top, &shared.extension_suffixes, Namespaces::OfCode);
        let file = match &found {
            Found::Package(path) | Found::Module(path) | Found::Extension(path) => Some(path),
            Found::Namespace(_) | Found::Nothing => None,
        };
        if shared.standard_library.contains(top) {
            if let Some(path) = file {
                self.warn(top, || {
                    let path = path.display();
                    format!(
                        "`import {top}` means the standard library's module, not the shared {path}; \
                         rename the file"
                    )
                });
            }
            return Ok(Lead::Elsewhere(Vec::new()));
        }
        let foreign = regular(py, top)?;
        match (file, foreign) {
            (Some(path), foreign) => {
                self.displace(py, top)?;
                if let Some(foreign) = foreign.filter(|foreign| foreign != path) {
                    self.warn(top, || {
                        format!(
                            "`import {top}` means the shared {}, not the installed {}; rename the \
                             shared one if that is not meant",
                            path.display(),
                            foreign.display()
                        )
                    });
                }
                Ok(Lead::Shared)
            }
            // As everywhere in Python, a folder without `__init__.py` gives way to a package.
            (None, None) if found != Found::Nothing => {
                self.displace(py, top)?;
                Ok(Lead::Shared)
            }
            _ => {
                self.put_foreign_back(py, top)?;
                Ok(Lead::Elsewhere(folders.iter().map(|folder| folder.join(top)).collect()))
            }
        }
    }

    /// Takes the foreign module `top`, with all that is in it, out of `sys.modules`. Whoever has it keeps it.
    fn displace(&self, py: Python<'_>, top: &str) -> PyResult<()> {
        let modules = sys_modules(py)?;
        if !modules.contains(top)? {
            return Ok(());
        }
        let is_in = |name: &str| {
            name.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let entries: Vec<Entry> = modules
            .iter()
            .filter_map(|(name, module)| Some((name.extract::<String>().ok()?, module.unbind())))
            .filter(|(name, _)| is_in(name))
            .collect();
        for (name, _) in &entries {
            modules.del_item(name)?;
        }
        lock(&self.state).displaced.insert(top.to_owned(), entries);
        Ok(())
    }

    /// No shared module hides it any more, and foreign modules are never imported twice.
    fn put_foreign_back(&self, py: Python<'_>, top: &str) -> PyResult<()> {
        let entries = lock(&self.state).displaced.remove(top).unwrap_or_default();
        put_back(&sys_modules(py)?, &entries)
    }

    /// What the import of the absolute name `absolute` has reached for, with the names `from` it, if
    /// there are any, and the `module` that it gave, if it gave one.
    pub(super) fn reach<'py>(
        &self,
        absolute: &str,
        from: Option<&Bound<'py, PyAny>>,
        module: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Reach> {
        let mut reach = Reach::default();
        let package = {
            let known = &lock(&self.state).facts.known;
            let mut folders: &[PathBuf] = &[];
            let ends = absolute.match_indices('.').map(|(at, _)| at).chain([absolute.len()]);
            for end in ends {
                let name = &absolute[..end];
                match known.get(name) {
                    Some(of_it) => {
                        folders = of_it;
                        reach.modules.push(name.to_owned());
                    }
                    None => {
                        let leaf = name.rsplit('.').next().unwrap_or(name);
                        reach.missed.extend(folders.iter().map(|folder| folder.join(leaf)));
                        return Ok(reach);
                    }
                }
            }
            folders.to_vec()
        };
        if package.is_empty() {
            return Ok(reach);
        }
        for name in names_of(from, module)? {
            let full = format!("{absolute}.{name}");
            if lock(&self.state).facts.known.contains_key(&full) {
                reach.modules.push(full);
            } else if module.is_none_or(|module| !module.hasattr(&name).unwrap_or(true)) {
                reach.missed.extend(package.iter().map(|folder| folder.join(&name)));
            }
        }
        Ok(reach)
    }

    /// The shared module `importer` has reached for that. Each thing is told once.
    pub(super) fn note_edges(&self, importer: &str, reach: Reach) {
        let (imports, missed) = {
            let edges = &mut lock(&self.state).facts.edges;
            let mut is_new = |to: &str| edges.insert((importer.to_owned(), to.to_owned()));
            let imports: Vec<String> =
                reach.modules.into_iter().filter(|name| is_new(name)).collect();
            let missed: Vec<PathBuf> =
                reach.missed.into_iter().filter(|path| is_new(&path.to_string_lossy())).collect();
            (imports, missed)
        };
        if !imports.is_empty() || !missed.is_empty() {
            let name = importer.to_owned();
            self.tell(SharedModule { name, imports, missed, ..SharedModule::default() });
        }
    }

    /// See [`crate::host::Host::replace`].
    pub(crate) fn replace(
        &self,
        py: Python<'_>,
        replacement: Replacement,
        notes: Sender<Note>,
    ) -> PyResult<()> {
        let Replacement { sharing, modules, gone } = replacement;
        let shown = sys_modules(py)?;
        let (mut taken, mut attributes) = (Vec::new(), Vec::new());
        for name in &modules {
            let Some(module) = shown.get_item(name)? else { continue };
            shown.del_item(name)?;
            if let Some((parent, leaf)) = name.rsplit_once('.')
                && let Some(parent) = shown.get_item(parent)?
                && parent.getattr(leaf).is_ok_and(|it| it.is(&module))
                && parent.delattr(leaf).is_ok()
            {
                attributes.push((parent.unbind(), leaf.to_owned(), module.clone().unbind()));
            }
            taken.push((name.clone(), module.unbind()));
        }
        let before = {
            let mut state = lock(&self.state);
            let displaced = state.displaced.keys().cloned().collect();
            let facts = state.facts.clone();
            let aside = Aside { facts, modules: taken, attributes, displaced };
            let now = &mut state.facts;
            for name in &modules {
                now.known.remove(name);
                now.ran.remove(name);
                now.serials.remove(name);
            }
            let modules: HashSet<&String> = modules.iter().collect();
            now.edges.retain(|(from, _)| !modules.contains(from));
            for path in &gone {
                now.given.remove(path);
            }
            state.notes = Some(notes);
            state.take_in(sharing);
            self.active.store(true, Ordering::Relaxed);
            state.aside.replace(aside)
        };
        // To let go of objects may run code, so nothing is locked any more.
        drop(before);
        Ok(())
    }

    /// See [`crate::host::Host::settle`].
    pub(crate) fn settle(
        &self,
        py: Python<'_>,
        shared: &Shared,
        for_good: bool,
        epoch: u64,
    ) -> PyResult<()> {
        let (aside, now) = {
            let mut state = lock(&self.state);
            state.epoch = epoch;
            let Some(aside) = state.aside.take() else { return Ok(()) };
            if for_good {
                drop(state);
                drop(aside);
                return Ok(());
            }
            let now = std::mem::replace(&mut state.facts, aside.facts.clone());
            (aside, now)
        };
        let shown = sys_modules(py)?;
        for name in now.known.keys() {
            // What was known before and was not taken out is the same module still.
            let stays = aside.facts.known.contains_key(name)
                && !aside.modules.iter().any(|it| it.0 == *name);
            if !stays && shown.contains(name)? {
                shown.del_item(name)?;
            }
        }
        let hidden_since: Vec<Vec<Entry>> = {
            let displaced = &mut lock(&self.state).displaced;
            let since: Vec<String> =
                displaced.keys().filter(|top| !aside.displaced.contains(top)).cloned().collect();
            since.iter().filter_map(|top| displaced.remove(top)).collect()
        };
        for entries in &hidden_since {
            put_back(&shown, entries)?;
        }
        for top in &aside.displaced {
            if !lock(&self.state).displaced.contains_key(top) {
                self.displace(py, top)?;
            }
        }
        put_back(&shown, &aside.modules)?;
        for (parent, leaf, module) in &aside.attributes {
            parent.bind(py).setattr(leaf.as_str(), module)?;
        }
        for (path, source) in &aside.facts.executed {
            if now.executed.get(path).is_none_or(|other| other.hash != source.hash) {
                lines::pin(py, shared, source)?;
            }
        }
        Ok(())
    }
}

impl State {
    fn take_in(&mut self, sharing: Sharing) {
        self.epoch = sharing.epoch;
        self.facts.folders = sharing.folders;
        let contents = sharing.contents.into_iter();
        self.facts.given.extend(contents.map(|source| (source.path.clone(), source)));
    }
}

fn put_back(modules: &Bound<'_, PyDict>, entries: &[Entry]) -> PyResult<()> {
    for (name, module) in entries {
        modules.set_item(name, module)?;
    }
    Ok(())
}

/// The names of `from module import …`, with those of `__all__` for a star.
fn names_of(
    from: Option<&Bound<'_, PyAny>>,
    module: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<String>> {
    let Some(from) = from else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for name in from.try_iter()? {
        let Ok(name) = name?.extract::<String>() else { continue };
        if name != "*" {
            names.push(name);
        } else if let Some(all) = module.and_then(|module| module.getattr("__all__").ok()) {
            names.extend(all.try_iter()?.filter_map(|name| name.ok()?.extract().ok()));
        }
    }
    Ok(names)
}

impl Importer {
    /// The plugin has imported `absolute`, or tried to: the shared modules among what that reached for
    /// are its business from now on.
    pub(super) fn note_uses(
        &self,
        globals: Option<&Bound<'_, PyAny>>,
        absolute: &str,
        from: Option<&Bound<'_, PyAny>>,
        module: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let Reach { modules, missed } = self.shared.commons.reach(absolute, from, module)?;
        if let Some(importing) = name_of(globals)?.filter(|_| self.carries()) {
            let serials = self.shared.commons.serials();
            let uses = modules.iter().map(|name| {
                let serial = serials.get(name).copied().unwrap_or_default();
                (name.clone(), serial)
            });
            self.learn(&importing, |name| {
                name.shared.extend(uses);
                name.missed.extend(missed.iter().cloned());
            });
        }
        let uses: Vec<String> = {
            let known = &mut lock(&self.state).uses;
            modules.into_iter().filter(|name| known.insert(name.clone())).collect()
        };
        if !uses.is_empty() || !missed.is_empty() {
            self.tell(Trace { uses, missed, ..Trace::default() });
        }
        Ok(())
    }
}
