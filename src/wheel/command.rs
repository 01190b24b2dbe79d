//! The `replug` command of the wheel, and the host processes that it starts.
//!
//! Both take over the process, as the program itself would: they are called by `__main__` modules
//! only and do not come back.

use std::ffi::OsString;

use pyo3::prelude::{PyErr, PyResult, Python};
use pyo3::pyfunction;

use crate::cli;
use crate::python::lend_main_thread;

/// Runs the command that the arguments ask for, program name first, and ends the process.
#[pyfunction]
pub(super) fn main(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<()> {
    take_over(py, move || cli::run(arguments))
}

/// Serves the supervisor that started this process, and ends it.
#[pyfunction]
pub(super) fn serve_host(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<()> {
    take_over(py, move || cli::host::run(arguments.into_iter()))
}

fn take_over(py: Python<'_>, body: impl FnOnce() -> cli::Exit + Send + 'static) -> PyResult<()> {
    py.detach(|| lend_main_thread(move || cli::leave(body()))).map_err(PyErr::from)
}
