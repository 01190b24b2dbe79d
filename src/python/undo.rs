//! What a generation left in places that belong to all: taken out when it ends, or fails to start.
//!
//! Which places these are, and what counts as left by it, is in `undo.py`.

use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyModule, PyModuleMethods};
use pyo3::wrap_pyfunction;

use super::imports::{self, Importer};
use super::leaks::nearest;

/// Takes out what generations left.
pub(crate) struct Undo {
    imported: Py<PyAny>,
    ended: Py<PyAny>,
    goes_on: Py<PyAny>,
    is_foreign: Py<PyAny>,
}

/// What was taken out, should the generation go on.
pub(crate) struct Undone(Py<PyAny>);

impl Undo {
    /// From now on it is noted what generations leave.
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let code = imports::compile_text(py, include_str!("undo.py"), "<replug undo>")?;
        let module = PyModule::new(py, "qtforge._undo")?;
        imports::execute(&code, &module.dict())?;
        module.getattr("install")?.call1((wrap_pyfunction!(nearest, &module)?,))?;
        let get = |name: &str| module.getattr(name).map(Bound::unbind);
        Ok(Self {
            imported: get("imported")?,
            ended: get("ended")?,
            goes_on: get("goes_on")?,
            is_foreign: get("is_foreign")?,
        })
    }

    /// The generation is about to be initialized. What it does there it does again if it goes on.
    pub(crate) fn imported(&self, importer: &Bound<'_, Importer>) -> PyResult<()> {
        self.imported.bind(importer.py()).call1((importer,))?;
        Ok(())
    }

    /// The generation has ended, or has failed.
    pub(crate) fn ended(&self, importer: &Bound<'_, Importer>, failed: bool) -> PyResult<Undone> {
        let py = importer.py();
        let builtins = importer.get().builtins(py);
        Ok(Undone(self.ended.bind(py).call1((importer, builtins, failed))?.unbind()))
    }

    /// It goes on after all, and is to be initialized again.
    pub(crate) fn goes_on(&self, importer: &Bound<'_, Importer>, undone: &Undone) -> PyResult<()> {
        self.goes_on.bind(importer.py()).call1((importer, &undone.0))?;
        Ok(())
    }

    /// What tells whether an installed package added a filter of warnings.
    pub(crate) fn is_foreign(&self, py: Python<'_>) -> Py<PyAny> {
        self.is_foreign.clone_ref(py)
    }
}
