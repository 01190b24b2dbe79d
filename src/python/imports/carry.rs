//! `carry`: own modules that go over from one generation of a plugin to the next as they are.
//!
//! They go over unless they, or something that they imported, changed; what is not carried is made
//! anew in each generation, so whatever imported such a module runs again as well. Modules that may go
//! over see builtins of their own, whose `__import__` is the [`Carrier`]: it asks the importer of the
//! newest generation, so that no module that was carried holds on to the generation that made it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyImportError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{
    PyDict, PyDictMethods, PyList, PyListMethods, PyModule, PyModuleMethods, PyString,
    PyWeakrefMethods, PyWeakrefReference,
};
use pyo3::{pyclass, pymethods};

use super::graph::{self, Binding, Name};
use super::importer::{Importer, lock};
use crate::host::Trace;
use crate::model::{Patterns, Warning, looked_for};

/// Which modules of a generation may go over, and what they import with.
pub(super) struct Carrying {
    patterns: Patterns,
    carrier: Py<Carrier>,
}

/// What a generation that may yet fail has changed about modules that were carried into it.
#[derive(Default)]
pub(super) struct Borrowed {
    /// The full names of those modules.
    modules: HashSet<String>,
    /// Attributes as they were: of which package, of what name; `None` if there was none.
    attributes: Vec<(Py<PyAny>, String, Option<Py<PyAny>>)>,
    /// The last names of those whose package runs again.
    below: HashMap<String, Vec<String>>,
}

/// The `__import__` of modules that may go over: that of the generation that they belong to now.
#[pyclass(frozen, module = "qtforge")]
pub(crate) struct Carrier {
    /// The importer of the newest generation, then weak references to those before it.
    generations: Py<PyList>,
    builtins: Py<PyDict>,
}

#[pymethods]
impl Carrier {
    #[pyo3(signature = (name, globals=None, locals=None, fromlist=None, level=0))]
    fn __call__<'py>(
        &self,
        name: &Bound<'py, PyString>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let importer = self.importer(name.py(), globals)?;
        Importer::import(&importer, name, globals, locals, fromlist, level)
    }

    fn __repr__(&self) -> &'static str {
        "<imports of modules that are carried>"
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.generations)?;
        visit.call(&self.builtins)
    }
}

impl Carrier {
    fn new<'py>(importer: &Bound<'py, Importer>) -> PyResult<Bound<'py, Self>> {
        let py = importer.py();
        let builtins = importer.get().builtins(py).copy()?;
        let generations = PyList::new(py, [importer])?.unbind();
        let carrier = Self { generations, builtins: builtins.clone().unbind() };
        let carrier = Bound::new(py, carrier)?;
        builtins.set_item(intern!(py, "__import__"), &carrier)?;
        Ok(carrier)
    }

    /// The generation that code with these globals belongs to: the newest one, unless its module is
    /// only in an older one that is still alive.
    pub(super) fn importer<'py>(
        &self,
        py: Python<'py>,
        globals: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Importer>> {
        let generations = self.generations.bind(py);
        let gone = || PyImportError::new_err("the plugin that this module belongs to is gone");
        let newest = generations.get_item(0).map_err(|_| gone())?.cast_into::<Importer>()?;
        let Some(globals) = globals.filter(|_| generations.len() > 1) else { return Ok(newest) };
        if newest.get().has_globals(globals)? {
            return Ok(newest);
        }
        for older in generations.iter().skip(1) {
            let older = older.cast_into::<PyWeakrefReference>()?.upgrade();
            let older = older.and_then(|older| older.cast_into::<Importer>().ok());
            if let Some(older) = older
                && older.get().has_globals(globals)?
            {
                return Ok(older);
            }
        }
        Ok(newest)
    }

    /// The generation whose modules carried code imports from here on.
    fn serve(&self, importer: &Bound<'_, Importer>) -> PyResult<()> {
        let py = importer.py();
        let generations = self.generations.bind(py);
        let others = PyList::new(py, [importer])?;
        for other in generations.iter() {
            let weak = match other.cast_into::<PyWeakrefReference>() {
                Ok(weak) => weak,
                Err(strong) => PyWeakrefReference::new(&strong.into_inner())?,
            };
            if weak.upgrade().is_some_and(|other| !other.is(importer)) {
                others.append(weak)?;
            }
        }
        generations.set_slice(0, generations.len(), others.as_any())
    }
}

impl Importer {
    /// The modules that `patterns` match may go over to later generations, and those of the generation
    /// `before` go over to this one, as far as nothing changed for them. `changed` are the files that
    /// were edited since that went live.
    pub(crate) fn carry(
        slf: &Bound<'_, Self>,
        patterns: &[String],
        before: Option<&Bound<'_, Self>>,
        changed: &[PathBuf],
    ) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let Some(patterns) = Patterns::new(&this.identity.home, patterns) else { return Ok(()) };
        let before = before.filter(|it| it.get().identity.home == this.identity.home);
        let theirs = before.and_then(|before| before.get().carrying.get());
        let carrier = match theirs {
            Some(theirs) => theirs.carrier.clone_ref(py),
            None => Carrier::new(slf)?.unbind(),
        };
        // It is new and nobody else has it.
        let _ = this.carrying.set(Carrying { patterns, carrier });
        match before {
            Some(before) => Self::take_over(slf, before, changed),
            None => Ok(()),
        }
    }

    fn take_over(
        slf: &Bound<'_, Self>,
        before: &Bound<'_, Self>,
        changed: &[PathBuf],
    ) -> PyResult<()> {
        let py = slf.py();
        let (old, new) = (before.get(), slf.get());
        let mut table: HashMap<String, Bound<'_, PyAny>> = HashMap::new();
        for (name, module) in old.modules.bind(py).iter() {
            table.insert(name.extract()?, module);
        }
        let mut trace = Trace::default();
        let serials = new.shared.commons.serials();
        let again = {
            let theirs = lock(&old.state);
            let mut ours = lock(&new.state);
            let same = |path: &Path| {
                let [was, is] = [theirs.executed.get(path), ours.given.get(path)];
                was.is_some_and(|was| is.is_some_and(|is| was.hash == is.hash))
            };
            let changed: Vec<(&PathBuf, Vec<PathBuf>)> = changed
                .iter()
                .filter(|path| !same(path))
                .map(|path| (path, looked_for(path)))
                .collect();
            let fit = |full: &str, name: &Name| {
                let Some(_) = table.get(full) else { return true };
                let is_same = match &name.file {
                    Some(path) => name.extension || same(path),
                    None => true,
                };
                name.portable && is_same && !theirs.importing.contains(full)
            };
            let edited = |name: &Name| {
                let is_other = |(shared, serial)| serials.get(shared) != Some(serial);
                changed.iter().any(|(path, bases)| name.depends_on(path, bases))
                    || name.shared.iter().any(is_other)
            };
            let mut again = graph::to_run_again(&theirs.names, fit, edited);
            // What nothing is known of was not made to go over.
            again.extend(table.keys().filter(|full| !theirs.names.contains_key(*full)).cloned());
            for full in table.keys().filter(|full| !again.contains(*full)) {
                let Some(name) = theirs.names.get(full) else { continue };
                let known = lock(name);
                for (imported, _) in known.imports() {
                    if !table.contains_key(imported)
                        && let Some(missing) = theirs.names.get(imported)
                    {
                        // It counts for whoever goes over: what is missing may appear.
                        let known = lock(missing);
                        trace.missed.extend(known.missed.iter().cloned());
                        trace.absent.extend(known.absent.iter().cloned());
                        ours.names.insert(imported.clone(), missing.clone());
                    }
                }
                trace.absent.extend(known.absent.iter().cloned());
                trace.missed.extend(known.missed.iter().cloned());
                trace.inputs.extend(known.inputs.iter().cloned());
                trace.uses.extend(known.shared.keys().cloned());
                match &known.file {
                    Some(path) if known.extension => trace.extensions.push(path.clone()),
                    Some(path) => {
                        if let Some(source) = theirs.executed.get(path) {
                            trace.imported.push(source.clone());
                            ours.executed.insert(path.clone(), source.clone());
                        }
                    }
                    None => {}
                }
                drop(known);
                ours.names.insert(full.clone(), name.clone());
            }
            ours.uncarried.clone_from(&theirs.uncarried);
            ours.uses.extend(trace.uses.iter().cloned());
            again
        };
        new.tell(trace);
        let modules = new.modules.bind(py);
        let mut borrowed = Borrowed::default();
        for (full, module) in &table {
            let parent = full.rsplit_once('.');
            if !again.contains(full) {
                modules.set_item(full, module)?;
                borrowed.modules.insert(full.clone());
                if let Some((parent, leaf)) = parent
                    && again.contains(parent)
                {
                    borrowed.below.entry(parent.to_owned()).or_default().push(leaf.to_owned());
                }
            } else if let Some((parent, leaf)) = parent
                && !again.contains(parent)
                && let Some(package) = table.get(parent)
            {
                // As in a package whose module was not imported yet.
                let attribute = package.getattr_opt(leaf)?.filter(|it| it.is(module));
                if attribute.is_some() && package.delattr(leaf).is_ok() {
                    let was = Some(module.clone().unbind());
                    borrowed.attributes.push((package.clone().unbind(), leaf.to_owned(), was));
                }
            }
        }
        lock(&new.state).borrowed = borrowed;
        Ok(())
    }

    /// Sets the attribute for a module below a package, as an import does. If that package was carried,
    /// it is known how it was.
    pub(super) fn bind_below(
        &self,
        parent: &Bound<'_, PyAny>,
        parent_name: &str,
        leaf: &str,
        module: &Bound<'_, PyAny>,
    ) {
        if self.carrying.get().is_some() && lock(&self.state).borrowed.modules.contains(parent_name)
        {
            let was = parent.getattr(leaf).ok().map(Bound::unbind);
            let attribute = (parent.clone().unbind(), leaf.to_owned(), was);
            lock(&self.state).borrowed.attributes.push(attribute);
        }
        // A module that refuses attributes is its author's wish, as in importlib.
        let _ = parent.setattr(leaf, module);
    }

    /// The modules below the new package `full` that were carried are its attributes from the
    /// beginning, for none of them is imported again.
    pub(super) fn bind_carried(&self, full: &str, module: &Bound<'_, PyModule>) -> PyResult<()> {
        if self.carrying.get().is_none() {
            return Ok(());
        }
        let leaves = lock(&self.state).borrowed.below.remove(full).unwrap_or_default();
        for leaf in leaves {
            if let Some(below) =
                self.modules.bind(module.py()).get_item(format!("{full}.{leaf}"))?
            {
                module.dict().set_item(leaf, below)?;
            }
        }
        Ok(())
    }

    /// This generation failed: what was carried into it is as it was before.
    pub(crate) fn give_back(&self, py: Python<'_>) {
        let borrowed = std::mem::take(&mut lock(&self.state).borrowed);
        for (package, leaf, was) in borrowed.attributes.into_iter().rev() {
            let package = package.bind(py);
            // What refuses attributes now has refused the change, too.
            let _ = match was {
                Some(was) => package.setattr(leaf.as_str(), was),
                None => package.delattr(leaf.as_str()),
            };
        }
    }

    /// This generation is live, and what was carried into it is its own; unless it is on `hold` and may
    /// have to go back. A warning about modules that match a pattern and can never go over, once.
    pub(crate) fn keep_carried(&self, hold: bool) -> Option<Warning> {
        self.carrying.get()?;
        if !hold {
            let borrowed = std::mem::take(&mut lock(&self.state).borrowed);
            drop(borrowed);
        }
        let mut state = lock(&self.state);
        let mut found = Vec::new();
        for (full, name) in &state.names {
            let name = lock(name);
            if !name.portable {
                continue;
            }
            for (imported, binding) in name.imports() {
                let is_anew = |other: &Arc<Mutex<Name>>| {
                    let other = lock(other);
                    other.file.is_some() && !other.portable
                };
                // Its own lock is held.
                if binding == Binding::Itself
                    && imported != full
                    && state.names.get(imported).is_some_and(is_anew)
                {
                    found.push((full.clone(), imported.clone()));
                }
            }
        }
        found.sort();
        let told = state.uncarried.clone();
        let (full, imported) = found.iter().find(|(full, _)| !told.contains(full))?.clone();
        state.uncarried.extend(found.into_iter().map(|(full, _)| full));
        drop(state);
        let (full, imported) = (self.plain(&full), self.plain(&imported));
        let message = format!(
            "`carry` names {full}, which imports {imported}, which is made anew in every generation; \
             so {full} runs again each time. Let `carry` name {imported} as well, or do without that \
             import"
        );
        Some(Warning::new("not_carried", message))
    }

    /// The carrier of the own module `full`, made from `path`, if it may go over. A folder stands for
    /// the file of its package.
    pub(super) fn carrier_of(&self, full: &str, path: &Path) -> Option<&Py<Carrier>> {
        let carrying = self.carrying.get()?;
        let without_ending = path.with_extension("");
        let matches = full != self.identity.package
            && (carrying.patterns.matches(path) || carrying.patterns.matches(&without_ending));
        matches.then_some(&carrying.carrier)
    }

    /// The builtins that the module `full` sees, made from `path`.
    pub(super) fn builtins_of(&self, full: &str, path: &Path) -> &Py<PyDict> {
        match self.carrier_of(full, path) {
            Some(carrier) => &carrier.get().builtins,
            None => &self.builtins,
        }
    }

    /// What is carried is that of this generation from here on.
    pub(super) fn serve_carried(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().carrying.get() {
            Some(carrying) => carrying.carrier.get().serve(slf),
            None => Ok(()),
        }
    }

    pub(super) fn carrier(&self) -> Option<&Py<Carrier>> {
        self.carrying.get().map(|carrying| &carrying.carrier)
    }

    fn has_globals(&self, globals: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = globals.py();
        let Ok(globals) = globals.cast::<PyDict>() else { return Ok(false) };
        let Some(name) = globals.get_item(intern!(py, "__name__"))? else { return Ok(false) };
        let Some(module) = self.modules.bind(py).get_item(name)? else { return Ok(false) };
        let module = module.cast_into::<PyModule>();
        Ok(module.is_ok_and(|module| module.dict().is(globals)))
    }
}
