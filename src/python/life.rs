//! A generation whose context is made by the program that loaded it: `qtforge._life` knows what that
//! program did with it, and does it again with the next one.

use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult};
use pyo3::sync::PyOnceLock;

/// Notes from now on what is done with `instance`.
pub(crate) fn new<'py>(instance: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    MAKE.import(instance.py(), "qtforge._life", "Life")?.call1((instance,))
}

/// Initializes it if the one `before` it was initialized, with the same context. A message if it
/// refused.
pub(crate) fn follow(
    life: &Bound<'_, PyAny>,
    before: &Bound<'_, PyAny>,
) -> PyResult<Option<String>> {
    life.call_method1(intern!(life.py(), "follow"), (before,))?.extract()
}

/// The start failed: the context is that of the one `before` it again.
pub(crate) fn abandon(life: &Bound<'_, PyAny>) -> PyResult<()> {
    life.call_method0(intern!(life.py(), "abandon"))?;
    Ok(())
}

/// Initializes it again if it was when it was stopped. A message if it refused.
pub(crate) fn again(life: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    life.call_method0(intern!(life.py(), "again"))?.extract()
}
