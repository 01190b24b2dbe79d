//! What is noted of imports and files while modules run, for `carry` to know what each depends on.
//!
//! Nothing is noted of a plugin that carries nothing.

use pyo3::intern;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyResult};
use pyo3::types::{PyDict, PyDictMethods, PyString, PyStringMethods};

use super::graph::{self, Binding, Name};
use super::importer::{Importer, lock};
use crate::python::tools::tools;

impl Importer {
    /// Notes what the own module with these globals took of the own module `full`.
    pub(super) fn note_import(
        &self,
        globals: Option<&Bound<'_, PyAny>>,
        full: &str,
        from: Option<&Bound<'_, PyAny>>,
        module: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if self.carrying.get().is_none() {
            return Ok(());
        }
        let Some(globals) = globals.and_then(|it| it.cast::<PyDict>().ok()) else { return Ok(()) };
        let Some(importing) = globals.get_item(intern!(globals.py(), "__name__"))? else {
            return Ok(());
        };
        let Ok(importing) = importing.extract::<String>() else { return Ok(()) };
        let mut taken = Vec::new();
        match (from, module) {
            (Some(from), Some(module)) => self.note_names(full, from, module, &mut taken)?,
            // `import a.b.c` gives `a`, and the others are reached through it.
            _ => {
                let mut end = full.len();
                while end > self.identity.package.len() {
                    taken.push((full[..end].to_owned(), Binding::Itself));
                    end = full[..end].rfind('.').unwrap_or(0);
                }
            }
        }
        self.note_taken(&importing, taken);
        Ok(())
    }

    fn note_names(
        &self,
        full: &str,
        from: &Bound<'_, PyAny>,
        module: &Bound<'_, PyAny>,
        taken: &mut Vec<(String, Binding)>,
    ) -> PyResult<()> {
        let py = module.py();
        let is_package = module.hasattr(intern!(py, "__path__"))?;
        for name in from.try_iter()? {
            let Ok(name) = name?.cast_into::<PyString>() else { continue };
            let below = format!("{full}.{}", name.to_cow()?);
            let known = if is_package { self.modules.bind(py).get_item(&below)? } else { None };
            let value = module.getattr_opt(&name).ok().flatten();
            let is_module = match (&known, &value) {
                (Some(known), Some(value)) => known.is(value),
                _ => false,
            };
            if is_module || (is_package && value.is_none()) {
                taken.push((below, Binding::Itself));
            }
            // The entry runs again in each generation whatever happens.
            let binding = if is_module { Binding::Below } else { Binding::Itself };
            if binding == Binding::Itself || full != self.identity.package {
                taken.push((full.to_owned(), binding));
            }
        }
        Ok(())
    }

    /// Notes that the own module `importing` took this.
    pub(super) fn note_taken(&self, importing: &str, taken: Vec<(String, Binding)>) {
        if self.carrying.get().is_none() || !self.is_own(importing) {
            return;
        }
        let mut state = lock(&self.state);
        for (imported, binding) in taken {
            graph::note_import(&mut state.names, importing, &imported, binding);
        }
    }

    /// Notes that the own module with these globals looked for `top`, which is none of this plugin's so
    /// far.
    pub(super) fn note_foreign(
        &self,
        globals: Option<&Bound<'_, PyAny>>,
        top: &str,
    ) -> PyResult<()> {
        if self.carrying.get().is_none() {
            return Ok(());
        }
        let full = format!("{}.{top}", self.identity.package);
        // Nothing is looked for beside the standard library.
        if lock(&self.state).names.contains_key(&full) {
            self.note_import(globals, &full, None, None)?;
        }
        Ok(())
    }

    /// Whether some of its modules may go over to the next generation.
    pub(super) fn carries(&self) -> bool {
        self.carrying.get().is_some()
    }

    /// Adds to what is known of `full`.
    pub(super) fn learn(&self, full: &str, learn: impl FnOnce(&mut Name)) {
        if self.carrying.get().is_some() {
            let name = lock(&self.state).names.entry(full.to_owned()).or_default().clone();
            learn(&mut lock(&name));
        }
    }

    /// The own modules whose code is on the stack of this thread: what is read now is for them.
    pub(crate) fn readers(slf: &Bound<'_, Self>) -> PyResult<Vec<String>> {
        let py = slf.py();
        let mut readers = Vec::new();
        if slf.get().carrying.get().is_none() {
            return Ok(readers);
        }
        let mut next = tools(py)?.get_frame.bind(py).call0().ok();
        while let Some(frame) = next.filter(|frame| !frame.is_none()) {
            let globals = frame.getattr(intern!(py, "f_globals"))?;
            if let Ok(name) = globals.get_item(intern!(py, "__name__"))
                && let Ok(name) = name.extract::<String>()
                && slf.get().is_own(&name)
                && !readers.contains(&name)
            {
                readers.push(name);
            }
            next = Some(frame.getattr(intern!(py, "f_back"))?);
        }
        Ok(readers)
    }
}
