//! A method of a live plugin, called from another process: arguments and value are JSON texts.
//!
//! Python's own `json` reads and writes them, so that nothing is changed on the way and what JSON
//! cannot hold is an error.

use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyResult};
use pyo3::types::{PyList, PyTuple};

/// The method, if it has it.
pub(crate) fn find<'py>(instance: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
    instance.getattr(name).ok().filter(PyAnyMethods::is_callable)
}

/// Calls it with the list that `arguments` holds; what it returns.
pub(crate) fn call(method: &Bound<'_, PyAny>, arguments: &str) -> PyResult<String> {
    let json = method.py().import("json")?;
    let arguments = json.call_method1("loads", (arguments,))?.cast_into::<PyList>()?;
    let value = method.call1(PyTuple::new(method.py(), arguments)?)?;
    json.call_method1("dumps", (value,))?.extract()
}
