//! Filters of warnings: those of a plugin are in force while its code is called, and for nobody else.

use std::cell::RefCell;
use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyList, PyListMethods, PyModule};

/// What a plugin added to `warnings.filters`: before and after everybody's.
#[derive(Default)]
pub(crate) struct AddedFilters {
    front: Vec<Py<PyAny>>,
    back: Vec<Py<PyAny>>,
}

/// The filters of all.
pub(crate) struct Filters {
    warnings: Py<PyModule>,
    list: Py<PyList>,
    entries: RefCell<Vec<Py<PyAny>>>,
    /// Tells whether an installed package added a filter, which is everybody's then.
    is_foreign: Py<PyAny>,
}

impl Filters {
    /// As they are now.
    pub(crate) fn new(py: Python<'_>, is_foreign: Py<PyAny>) -> PyResult<Self> {
        let warnings = py.import("warnings")?;
        let list = warnings.getattr("filters")?.cast_into::<PyList>()?;
        let entries = RefCell::new(list.iter().map(Bound::unbind).collect());
        Ok(Self { warnings: warnings.unbind(), list: list.unbind(), entries, is_foreign })
    }

    /// Code of a plugin that added these is about to run.
    pub(crate) fn enter(&self, py: Python<'_>, added: Option<&AddedFilters>) -> PyResult<()> {
        match added {
            Some(added) => self.set(py, added),
            None => Ok(()),
        }
    }

    /// It has run; what it added.
    pub(crate) fn leave(&self, py: Python<'_>) -> PyResult<Option<Arc<AddedFilters>>> {
        let warnings = self.warnings.bind(py);
        let Ok(now) = warnings.getattr(intern!(py, "filters")) else {
            warnings.setattr(intern!(py, "filters"), &self.list)?;
            return Ok(None);
        };
        let list = self.list.bind(py);
        if now.is(list) && self.are_as_they_were(list) {
            return Ok(None);
        }
        let mut added = AddedFilters::default();
        let mut foreign = Vec::new();
        {
            let entries = self.entries.borrow();
            let mut seen_ours = false;
            // Who puts something else there has added nothing.
            for entry in now.try_iter().into_iter().flatten().map_while(Result::ok) {
                if entries.iter().any(|ours| entry.is(ours)) {
                    seen_ours = true;
                } else if self.is_foreign.bind(py).call1((&entry,))?.is_truthy()? {
                    foreign.push(entry.unbind());
                } else if seen_ours {
                    added.back.push(entry.unbind());
                } else {
                    added.front.push(entry.unbind());
                }
            }
        }
        self.entries.borrow_mut().splice(0..0, foreign);
        self.set(py, &AddedFilters::default())?;
        warnings.setattr(intern!(py, "filters"), list)?;
        let none = added.front.is_empty() && added.back.is_empty();
        Ok((!none).then(|| Arc::new(added)))
    }

    fn are_as_they_were(&self, list: &Bound<'_, PyList>) -> bool {
        let entries = self.entries.borrow();
        list.len() == entries.len() && list.iter().zip(&*entries).all(|(now, was)| now.is(was))
    }

    fn set(&self, py: Python<'_>, added: &AddedFilters) -> PyResult<()> {
        let entries = self.entries.borrow();
        let all = added.front.iter().chain(&*entries).chain(&added.back);
        let all = PyList::new(py, all)?;
        let list = self.list.bind(py);
        list.set_slice(0, list.len(), all.as_any())?;
        // Python remembers what it has decided. A version without this function looks at the list.
        if let Ok(changed) = self.warnings.bind(py).getattr(intern!(py, "_filters_mutated")) {
            changed.call0()?;
        }
        Ok(())
    }
}
