//! Whether the interpreter still works: looked at before and after a plugin's code runs.
//!
//! What a plugin broke and what cannot be mended ends the process, if there is somebody to start
//! another: better a start than every other plugin failing for what it did not do.

use std::time::Duration;

use pyo3::prelude::{Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyModule, PyModuleMethods};

use super::deadline::Watchdog;
use super::fault;
use super::imports::{compile_text, execute};
use crate::host::{self, Spoiled};

/// It waits for locks that a thread of a plugin may hold.
const LIMIT: Duration = Duration::from_secs(2);

/// Looks after one interpreter.
pub(crate) struct Vitals {
    check: Py<PyAny>,
    expendable: bool,
}

impl Vitals {
    /// Remembers how it is when all is well: after everything else is set up.
    pub(crate) fn new(py: Python<'_>, expendable: bool) -> PyResult<Self> {
        let code = compile_text(py, include_str!("vitals.py"), "<replug vitals>")?;
        let module = PyModule::new(py, "qtforge._vitals")?;
        execute(&code, &module.dict())?;
        Ok(Self { check: module.getattr("vitals")?.call0()?.unbind(), expendable })
    }

    /// Mends what can be mended; does not come back if something cannot.
    pub(crate) fn check(&self, py: Python<'_>, watchdog: &Watchdog, when: Spoiled) {
        watchdog.arm(LIMIT);
        let checked = self.check.bind(py).call1((when == Spoiled::Before,));
        let disarmed = watchdog.disarm(py);
        let told = checked.and_then(|told| told.extract::<Option<String>>());
        match told.and_then(|told| disarmed.map(|_| told)) {
            Ok(None) => {}
            Ok(Some(told)) => self.spoiled(&told, when),
            Err(error) => self.broken(py, &error, when),
        }
    }

    /// The same, for a failure that is no plugin's.
    pub(crate) fn broken(&self, py: Python<'_>, error: &PyErr, when: Spoiled) {
        self.spoiled(&fault::message(error.value(py).as_any()), when);
    }

    fn spoiled(&self, what: &str, when: Spoiled) {
        if self.expendable {
            host::end_spoiled(what, when);
        }
        tracing::error!("the interpreter is broken: {what}; start replug again");
    }
}
