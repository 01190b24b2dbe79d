//! Signals to a process that plugins run in: which thread takes them, and whose fault SIGINT is.
//!
//! Python runs handlers on its main thread, and only a signal that arrives there ends a sleep or a
//! read. So our own threads take none. SIGINT raises in the call under way; when there is none it is
//! nobody's fault, whoever's turn is next.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::{pyclass, pymethods};

/// Python's handler of SIGINT.
#[pyclass(frozen)]
struct Handler {
    /// A plugin's call is under way. Only Python's main thread looks and writes.
    charged: Arc<AtomicBool>,
}

#[pymethods]
impl Handler {
    fn __call__(&self, _number: &Bound<'_, PyAny>, _frame: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.charged.load(Ordering::Relaxed) {
            return Err(PyKeyboardInterrupt::new_err(()));
        }
        Ok(())
    }
}

/// Charges SIGINT to the call under way.
pub(crate) struct Interrupts {
    charged: Arc<AtomicBool>,
    /// Our handler, `_signal.getsignal` and `_signal.signal`; none where SIGINT is not Python's.
    handling: Option<(Py<PyAny>, Py<PyAny>, Py<PyAny>)>,
}

impl Interrupts {
    /// Puts our handler in place of Python's, if the process is `ours` alone; on Python's main
    /// thread. Otherwise SIGINT belongs to somebody else.
    pub(crate) fn new(py: Python<'_>, ours: bool) -> PyResult<Self> {
        let charged = Arc::new(AtomicBool::new(false));
        if !ours {
            return Ok(Self { charged, handling: None });
        }
        let handler = Bound::new(py, Handler { charged: charged.clone() })?.into_any();
        let signal = py.import("_signal")?;
        // `asyncio.run` looks whether this is the one in force.
        for module in [&signal, &py.import("signal")?] {
            module.setattr("default_int_handler", &handler)?;
        }
        let (get, set) = (signal.getattr("getsignal")?, signal.getattr("signal")?);
        set.call1((libc::SIGINT, &handler))?;
        let handling = Some((handler.unbind(), get.unbind(), set.unbind()));
        Ok(Self { charged, handling })
    }

    /// Runs a plugin's code. What came before it began is nobody's; what came while it ran is its
    /// own, also if Python has not got round to it.
    pub(crate) fn during<'py, T>(
        &self,
        py: Python<'py>,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<T> {
        py.check_signals()?;
        let outer = self.charged.swap(true, Ordering::Relaxed);
        let result = body(py);
        let late = py.check_signals();
        self.charged.store(outer, Ordering::Relaxed);
        result.and_then(|value| late.map(|()| value))
    }

    /// Runs what is no plugin's in the midst of a call.
    pub(crate) fn apart<T>(&self, body: impl FnOnce() -> T) -> T {
        let outer = self.charged.swap(false, Ordering::Relaxed);
        let outcome = body();
        self.charged.store(outer, Ordering::Relaxed);
        outcome
    }

    /// Puts our handler back, after a plugin that may have put its own in place.
    pub(crate) fn restore(&self, py: Python<'_>) -> PyResult<()> {
        if let Some((handler, get, set)) = &self.handling
            && !get.call1(py, (libc::SIGINT,))?.is(handler)
        {
            set.call1(py, (libc::SIGINT, handler))?;
        }
        Ok(())
    }
}

/// The signals that a thread did not take before.
#[derive(Clone, Copy)]
pub(crate) struct Mask(libc::sigset_t);

/// The calling thread, and those that it starts, take no signal but for their own faults.
#[expect(unsafe_code, reason = "signal masks are C API only")]
pub(crate) fn take_no_signals() -> Mask {
    let faults = [
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGTRAP,
        libc::SIGABRT,
        libc::SIGSYS,
    ];
    // SAFETY: the sets live for each call, and a zeroed one is an empty one.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = mem::zeroed();
        libc::sigfillset(&raw mut all);
        for fault in faults {
            libc::sigdelset(&raw mut all, fault);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
        Mask(before)
    }
}

impl Mask {
    /// The calling thread takes what that thread took before.
    #[expect(unsafe_code, reason = "signal masks are C API only")]
    pub(crate) fn restore(self) {
        // SAFETY: the set lives for the call.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
        }
    }
}
