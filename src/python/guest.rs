//! Calls into plugins in a process that belongs to somebody else: a Python program that hosts them.
//!
//! Nothing of the process is taken over. What a plugin's call leaves behind is compared with what was
//! there before that call, not with a state of our own. The deadline is enforced on Python's main
//! thread, where a signal reaches; elsewhere a call that took too long is told.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};

use super::deadline::{ThreadHandle, Watchdog};
use super::imports::AddedPaths;

/// What is between a plugin's calls and the program that they run in.
pub(crate) struct Guest {
    enter: Py<PyAny>,
    late: Py<PyAny>,
    pub(crate) watchdog: Arc<Watchdog>,
}

/// What a process was like before a call.
pub(crate) struct Before(Py<PyAny>);

impl Guest {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let module = py.import("qtforge._surroundings")?;
        Ok(Self {
            enter: module.getattr("Surroundings")?.unbind(),
            late: module.getattr("tell_late")?.unbind(),
            watchdog: watchdog(py)?,
        })
    }

    /// A plugin's code is about to run.
    pub(crate) fn enter(&self, py: Python<'_>, added: &AddedPaths) -> PyResult<Before> {
        let here = self.watchdog.is_here();
        let before = self.enter.call1(py, (&added.front, &added.back, here))?;
        Ok(Before(before))
    }

    /// It has run; what it added to `sys.path`.
    pub(crate) fn leave(&self, py: Python<'_>, before: &Before) -> PyResult<AddedPaths> {
        let (front, back) = before.0.bind(py).call_method0(intern!(py, "leave"))?.extract()?;
        Ok(AddedPaths { front, back })
    }

    /// Runs `body` for `limit` at most, if it can be interrupted; with what it was, if it was.
    pub(crate) fn call<'py, T>(
        &self,
        py: Python<'py>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<(PyResult<T>, Option<PyErr>)> {
        if !self.watchdog.is_here() {
            let began = Instant::now();
            let result = body(py);
            let took = began.elapsed();
            if took > limit {
                self.late.call1(py, (took.as_secs_f64(), limit.as_secs_f64()))?;
            }
            return Ok((result, None));
        }
        self.watchdog.take_signal(py)?;
        let outer = self.watchdog.suspend();
        self.watchdog.arm(limit);
        let result = body(py);
        let struck = self.watchdog.disarm(py)?;
        self.watchdog.resume(outer);
        Ok((result, struck))
    }
}

/// The watchdog of this process. One that was forked off has none of our threads and needs its own.
fn watchdog(py: Python<'_>) -> PyResult<Arc<Watchdog>> {
    static WATCHDOG: Mutex<Option<(u32, Arc<Watchdog>)>> = Mutex::new(None);
    let known = |process: u32| {
        let watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
        watchdog.as_ref().filter(|(owner, _)| *owner == process).map(|(_, it)| it.clone())
    };
    let process = process::id();
    if let Some(watchdog) = known(process) {
        return Ok(watchdog);
    }
    let main: Bound<'_, PyAny> = py.import("threading")?.call_method0("main_thread")?;
    let thread: ThreadHandle = main.getattr("ident")?.extract()?;
    let watchdog = Arc::new(Watchdog::watch(py, false, thread)?);
    let mut place = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    // What was made before a fork is left alone: to drop it would be to wait for a lost thread.
    std::mem::forget(place.replace((process, watchdog.clone())));
    Ok(watchdog)
}
