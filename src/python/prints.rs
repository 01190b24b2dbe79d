//! Whose output it is: the streams that tag what they write, and the table of names that they ask.

use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyModule, PyModuleMethods};

use super::imports::{PLUGINS, compile_text, execute};
use crate::model::PluginId;

/// Tags what is printed in this process.
pub(crate) struct Tags {
    /// The class of the raw streams.
    raw: Py<PyAny>,
    /// Names of packages below `qtforge.plugins` to ids.
    owners: Py<PyDict>,
}

impl Tags {
    /// Tags that begin with `mark`. To be called on Python's main thread before any plugin runs.
    pub(crate) fn new(py: Python<'_>, mark: &str) -> PyResult<Self> {
        let code = compile_text(py, include_str!("prints.py"), "<replug prints>")?;
        let module = PyModule::new(py, "qtforge._prints")?;
        execute(&code, &module.dict())?;
        let owners = PyDict::new(py);
        let raw = module.getattr("opener")?.call1((mark, &owners))?;
        Ok(Self { raw: raw.unbind(), owners: owners.unbind() })
    }

    /// What the modules of `package` print is printed by `id`.
    pub(crate) fn own(&self, py: Python<'_>, package: &str, id: &PluginId) -> PyResult<()> {
        let name = package.strip_prefix(PLUGINS).unwrap_or(package).trim_start_matches('.');
        self.owners.bind(py).set_item(name, id.as_str())
    }

    /// A text stream on a descriptor. Nothing of it stays in the process, so that each piece keeps
    /// its owner and a crash loses nothing.
    pub(crate) fn open<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        number: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let raw = self.raw.bind(py).call1((number, format!("<{name}>")))?;
        let options = PyDict::new(py);
        options.set_item("encoding", "utf-8")?;
        options.set_item("errors", "backslashreplace")?;
        options.set_item("line_buffering", true)?;
        options.set_item("write_through", true)?;
        py.import("io")?.getattr("TextIOWrapper")?.call((raw,), Some(&options))
    }
}
