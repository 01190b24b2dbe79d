//! Where an import leads: to the standard library, to an own module, or elsewhere, in that order.

use pyo3::prelude::{PyAnyMethods, PyResult, Python};

use super::importer::{Importer, lock};
use super::locate::{self, Found, Namespaces};
use crate::model::Warning;

/// Where a top-level name leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Own,
    Elsewhere,
}

impl Importer {
    /// Where a top-level name leads. Own modules come after the standard library and before
    /// everything that is installed.
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
            return Ok(Origin::Elsewhere);
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
                Ok(if installed(py, top)? { Origin::Elsewhere } else { Origin::Own })
            }
            Found::Nothing => {
                let full = format!("{}.{top}", self.identity.package);
                self.miss(&full, vec![self.identity.home.join(top)]);
                Ok(Origin::Elsewhere)
            }
        }
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
