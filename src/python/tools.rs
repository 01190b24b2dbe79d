//! Python's own functions that imports need, looked up once before any plugin runs.
//!
//! `py.import()` asks the `__import__` of the frame that is running, and within a plugin that is
//! ours: whoever looked these up while an import is under way would call itself.

use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// The functions.
pub(crate) struct Tools {
    pub(crate) compile: Py<PyAny>,
    /// `linecache.cache`.
    pub(crate) lines: Py<PyDict>,
    /// `marshal.dumps` and `marshal.loads`.
    pub(crate) dumps: Py<PyAny>,
    pub(crate) loads: Py<PyAny>,
    pub(crate) exec: Py<PyAny>,
    /// `sys._getframe`.
    pub(crate) get_frame: Py<PyAny>,
    pub(crate) import: Py<PyAny>,
    pub(crate) module_lock: Py<PyAny>,
    pub(crate) module_spec: Py<PyAny>,
    pub(crate) sys_modules: Py<PyDict>,
    /// `importlib.util`.
    pub(crate) util: Py<PyAny>,
}

/// The functions. The first call must come before any plugin runs.
pub(crate) fn tools(py: Python<'_>) -> PyResult<&Tools> {
    static TOOLS: PyOnceLock<Tools> = PyOnceLock::new();
    TOOLS.get_or_try_init(py, || {
        let builtins = py.import("builtins")?;
        let get = |module: &Bound<'_, PyAny>, name: &str| module.getattr(name).map(Bound::unbind);
        Ok(Tools {
            compile: get(builtins.as_any(), "compile")?,
            dumps: get(py.import("marshal")?.as_any(), "dumps")?,
            loads: get(py.import("marshal")?.as_any(), "loads")?,
            exec: get(builtins.as_any(), "exec")?,
            get_frame: get(py.import("sys")?.as_any(), "_getframe")?,
            import: get(builtins.as_any(), "__import__")?,
            lines: py.import("linecache")?.getattr("cache")?.cast_into::<PyDict>()?.unbind(),
            module_lock: get(py.import("importlib._bootstrap")?.as_any(), "_ModuleLockManager")?,
            module_spec: get(py.import("importlib.machinery")?.as_any(), "ModuleSpec")?,
            sys_modules: py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind(),
            util: py.import("importlib.util")?.into_any().unbind(),
        })
    })
}
