//! A call into a plugin: guarded, with a deadline, and with what it printed shown.

use std::cell::Cell;
use std::process;
use std::time::Duration;

use pyo3::prelude::{Bound, PyResult, Python};

use super::deadline::Watchdog;
use super::guard::Guard;
use super::imports::Importer;
use super::vitals::Vitals;
use crate::host::Spoiled;

/// What every call into a plugin needs.
pub(crate) struct Calls {
    pub(crate) guard: Guard,
    pub(crate) watchdog: Watchdog,
    vitals: Vitals,
    pub(crate) forked: Forked,
    /// A visit is under way, and the guard stands at its ends.
    visiting: Cell<bool>,
}

/// Notices that this is a copy of the process that a plugin made with `os.fork()`.
pub(crate) struct Forked {
    process: u32,
}

impl Forked {
    /// Of this process.
    pub(crate) fn new() -> Self {
        Self { process: process::id() }
    }

    /// Ends a copy whose plugin code came back to us. None of the other threads exist in it, so it
    /// could neither serve plugins nor stop, and would outlive the supervisor.
    #[expect(unsafe_code, reason = "std runs exit handlers, which belong to the original")]
    fn end_if_forked(&self) {
        if process::id() != self.process {
            // SAFETY: has no preconditions.
            unsafe { libc::_exit(0) }
        }
    }
}

/// How a call ended.
pub(crate) struct Called<T> {
    pub(crate) result: PyResult<T>,
    /// It was interrupted because it took too long.
    pub(crate) timed_out: bool,
}

impl Calls {
    /// Calls under this guard and this watchdog, each followed by a look at the interpreter.
    pub(crate) fn new(guard: Guard, watchdog: Watchdog, vitals: Vitals) -> Self {
        Self { guard, watchdog, vitals, forked: Forked::new(), visiting: Cell::new(false) }
    }

    /// Several calls into one plugin, with no other plugin's code between them: what they leave
    /// behind is put back once, after the last.
    pub(crate) fn visit<T>(
        &self,
        importer: &Bound<'_, Importer>,
        calls: impl FnOnce() -> T,
    ) -> PyResult<T> {
        let py = importer.py();
        self.vitals.check(py, &self.watchdog, Spoiled::Before);
        self.guard.enter(py, &importer.get().paths())?;
        self.visiting.set(true);
        let outcome = calls();
        self.visiting.set(false);
        self.guard.give_depth_back(py);
        self.vitals.check(py, &self.watchdog, Spoiled::ByTheCall);
        let left = self.guard.leave(py).inspect_err(|error| {
            self.vitals.broken(py, error, Spoiled::ByTheCall);
        });
        importer.get().set_paths(left?);
        Ok(outcome)
    }

    /// Runs `body`, which calls code of the plugin of `importer`, for `limit` at most.
    pub(crate) fn call<'py, T>(
        &self,
        importer: &Bound<'py, Importer>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<Called<T>> {
        if !self.visiting.get() {
            return self.visit(importer, || self.call(importer, limit, body))?;
        }
        let py = importer.py();
        self.watchdog.arm(limit);
        let result = body(py);
        self.forked.end_if_forked();
        let timed_out = self.watchdog.disarm(py)?;
        Ok(Called { result, timed_out })
    }

    /// What `tell` makes of an exception, whose `__str__` is code of the plugin like any other.
    pub(crate) fn told<T>(
        &self,
        importer: &Bound<'_, Importer>,
        limit: Duration,
        tell: impl Fn() -> T,
    ) -> T {
        match self.call(importer, limit, |_| Ok(tell())) {
            Ok(Called { result: Ok(told), .. }) => told,
            Ok(Called { result: Err(_), .. }) | Err(_) => tell(),
        }
    }

    /// Runs `body`, which calls code that belongs to no plugin in particular.
    pub(crate) fn call_any<'py, T>(
        &self,
        py: Python<'py>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<T> {
        self.watchdog.arm(limit);
        let result = body(py);
        self.forked.end_if_forked();
        self.watchdog.disarm(py)?;
        self.guard.give_depth_back(py);
        self.guard.leave(py)?;
        result
    }
}
