//! Where an import leads: to the standard library, to an own module, to a shared one, or elsewhere, in
//! that order.

use std::path::PathBuf;

use pyo3::prelude::{PyAnyMethods, PyResult, Python};

use super::importer::{Importer, lock};
use super::locate::{self, Found, Namespaces};
use super::shared::Lead;
use crate::model::Warning;

/// Where a top-level name leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Own,
    Shared,
    Elsewhere,
}

impl Importer {
    /// Where a top-level name leads. Own modules come after the standard library, and shared
    /// ones after those and before everything that is installed.
    pub(super) fn origin(&self, py: Python<'_>, top: &str) -> PyResult<Origin> {
        if let Some(origin) = lock(&self.state).origins.get(top) {
            return Ok(*origin);
        }
        let origin = self.find_origin(py, top)?;
        lock(&self.state).origins.insert(top.to_owned(), origin);
        Ok(origin)
    }

    fn find_origin(&self, py: Python<'_>, top: &str) -> PyResult<Origin> {
        let home = std::slice::from_ref(&self.identity.home);
        let suffixes = &self.shared.extension_suffixes;
        let found = || locate::find(home, top, suffixes, Namespaces::OfCode);
        if self.shared.standard_library.contains(top) {
            if let Found::Module(path) | Found::Package(path) = found()
                && path != self.identity.entry
            {
                lock(&self.state).warnings.push(Warning::new(
                    "shadowed",
                    format!(
                        "`import {top}` means the standard library's module, not {}; \
                         rename the file",
                        path.display()
                    ),
                ));
            }
            // A shared one of that name is hidden, too, which is worth a word.
            return self.beyond(py, top, Vec::new());
        }
        if top == "qtforge" {
            return Ok(Origin::Elsewhere);
        }
        if self.modules.bind(py).contains(format!("{}.{top}", self.identity.package))? {
            return Ok(Origin::Own);
        }
        match found() {
            Found::Package(_) | Found::Module(_) | Found::Extension(_) => Ok(Origin::Own),
            // As everywhere in Python, a folder without `__init__.py` gives way to a package.
            Found::Namespace(_) => {
                if installed(py, top)? {
                    self.beyond(py, top, Vec::new())
                } else {
                    Ok(Origin::Own)
                }
            }
            Found::Nothing => self.beyond(py, top, vec![self.identity.home.join(top)]),
        }
    }

    /// Where a name leads that is no own module, which was looked for in vain as `missed`.
    fn beyond(&self, py: Python<'_>, top: &str, mut missed: Vec<PathBuf>) -> PyResult<Origin> {
        let origin = match self.shared.commons.lead(py, &self.shared, top)? {
            Lead::Shared => Origin::Shared,
            Lead::Elsewhere(also) => {
                missed.extend(also);
                Origin::Elsewhere
            }
        };
        if !missed.is_empty() {
            self.miss(&format!("{}.{top}", self.identity.package), missed);
        }
        Ok(origin)
    }
}

/// Whether a regular package or module of that name is installed.
fn installed(py: Python<'_>, top: &str) -> PyResult<bool> {
    let spec = match py.import("importlib.util")?.call_method1("find_spec", (top,)) {
        Ok(spec) if !spec.is_none() => spec,
        _ => return Ok(false),
    };
    Ok(!spec.getattr("origin")?.is_none())
}
