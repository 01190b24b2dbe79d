//! `breakpoint()` in a plugin: the debugger gets the terminal while it waits for a person, and the
//! deadline of the call waits with it.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyDict, PyModule, PyModuleMethods};
use pyo3::{pyclass, pymethods};

use super::deadline::Deadlines;
use super::guard::{current_action, duplicate, set_action};
use super::imports::{compile_text, execute};

/// Asks for the terminal (`true`) or gives it back; waits for the answer, whether that was done.
pub type AskTerminal = Arc<dyn Fn(bool) -> bool + Send + Sync>;

const NO_TERMINAL: &str = "there is no terminal for a debugger: it needs replug in the foreground of \
                           one, with its stdin there, and one debugger at a time";

/// The standard streams of Python, and how a debugger wants them.
const STREAMS: [(&str, RawFd, &str); 3] =
    [("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")];

/// The terminal, for whoever asks in Python.
#[pyclass(frozen)]
struct Terminal {
    ask: AskTerminal,
    deadlines: Deadlines,
    busy: AtomicBool,
    open: Py<PyAny>,
    set_handler: Py<PyAny>,
    on_interrupt: Py<PyAny>,
    sys: Py<PyAny>,
    get_ident: Py<PyAny>,
    /// The number of Python's main thread.
    main: Py<PyAny>,
}

/// Has pdb ask for the terminal. On Python's main thread, before any plugin runs.
pub(crate) fn install(py: Python<'_>, ask: AskTerminal, deadlines: Deadlines) -> PyResult<()> {
    let signal = py.import("_signal")?;
    let get_ident = py.import("_thread")?.getattr("get_ident")?;
    let terminal = Terminal {
        ask,
        deadlines,
        busy: AtomicBool::new(false),
        open: py.import("io")?.getattr("open")?.unbind(),
        set_handler: signal.getattr("signal")?.unbind(),
        on_interrupt: signal.getattr("default_int_handler")?.unbind(),
        sys: py.import("sys")?.into_any().unbind(),
        main: get_ident.call0()?.unbind(),
        get_ident: get_ident.unbind(),
    };
    let code = compile_text(py, include_str!("debugger.py"), "<replug debugger>")?;
    let module = PyModule::new(py, "qtforge._debugger")?;
    execute(&code, &module.dict())?;
    module.getattr("install")?.call1((Bound::new(py, terminal)?,))?;
    Ok(())
}

#[pymethods]
impl Terminal {
    /// Calls `run` with the terminal as standard streams.
    fn lend<'py>(&self, run: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = run.py();
        let Some(_lent) = self.take(py) else {
            return Err(PyRuntimeError::new_err(NO_TERMINAL));
        };
        let _descriptors = Descriptors::lead_to_the_terminal()?;
        let streams = self.give_python_the_streams(py)?;
        let is_main = self.is_main_thread(py)?;
        let signals = self.leave_ctrl_c_to_python(py, is_main);
        if is_main {
            self.deadlines.pause();
        }
        let result = run.call0();
        if is_main {
            self.deadlines.resume();
        }
        for (number, action) in signals {
            set_action(number, &action);
        }
        let sys = self.sys.bind(py);
        for (name, stream) in streams {
            sys.setattr(name, stream)?;
        }
        result
    }
}

impl Terminal {
    /// Asks for it; what comes gives it back when it is dropped.
    fn take<'a>(&'a self, py: Python<'_>) -> Option<Lent<'a>> {
        if self.busy.swap(true, Ordering::Relaxed) {
            return None;
        }
        if py.detach(|| (self.ask)(true)) {
            return Some(Lent(self));
        }
        self.busy.store(false, Ordering::Relaxed);
        None
    }

    /// Streams on the descriptors as they are now; gives those before them.
    fn give_python_the_streams<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
        let sys = self.sys.bind(py);
        let mut before = Vec::new();
        for (name, number, mode) in STREAMS {
            let options = PyDict::new(py);
            options.set_item("closefd", false)?;
            options.set_item("errors", "surrogateescape")?;
            let stream = self.open.bind(py).call((number, mode), Some(&options))?;
            before.push((name, sys.getattr(name)?));
            sys.setattr(name, stream)?;
        }
        Ok(before)
    }

    /// Whether signals are handled by this very thread.
    fn is_main_thread(&self, py: Python<'_>) -> PyResult<bool> {
        self.get_ident.bind(py).call0()?.eq(&self.main)
    }

    /// Ctrl-C cancels what is typed, as in any pdb; in other threads, and Ctrl-Z, which would stop
    /// us without the shell noticing, it does nothing. Gives what was there before.
    fn leave_ctrl_c_to_python(
        &self,
        py: Python<'_>,
        is_main: bool,
    ) -> Vec<(libc::c_int, libc::sigaction)> {
        let numbers = [libc::SIGINT, libc::SIGTSTP];
        let before =
            numbers.into_iter().filter_map(|number| Some((number, current_action(number)?)));
        let before: Vec<_> = before.collect();
        for (number, action) in &before {
            set_action(*number, &ignoring(action));
        }
        if is_main {
            // Without it Ctrl-C is ignored.
            let set = self.set_handler.call1(py, (libc::SIGINT, &self.on_interrupt));
            if set.is_ok()
                && let Some(action) = current_action(libc::SIGINT)
            {
                set_action(libc::SIGINT, &only_here(&action));
            }
        }
        before
    }
}

/// The terminal is ours. Dropped, it is given back.
struct Lent<'a>(&'a Terminal);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        Python::attach(|py| py.detach(|| (self.0.ask)(false)));
        self.0.busy.store(false, Ordering::Relaxed);
    }
}

/// The standard descriptors as they were. Dropped, they are so again.
struct Descriptors(Vec<(RawFd, OwnedFd)>);

impl Descriptors {
    fn lead_to_the_terminal() -> PyResult<Self> {
        let terminal: File = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before =
            STREAMS.iter().filter_map(|(_, number, _)| Some((*number, duplicate(*number)?)));
        let before = Self(before.collect());
        for (_, number, _) in STREAMS {
            put(terminal.as_raw_fd(), number);
        }
        Ok(before)
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        for (number, before) in &self.0 {
            put(before.as_raw_fd(), *number);
        }
    }
}

#[expect(unsafe_code, reason = "numbered descriptors are C API only")]
fn put(descriptor: RawFd, number: RawFd) {
    // SAFETY: the descriptor is open; the number stays what it was if this fails.
    unsafe {
        libc::dup2(descriptor, number);
    }
}

/// Python's handler of signals, and the thread that it is to run on.
static HANDLER: AtomicUsize = AtomicUsize::new(0);
static THREAD: AtomicUsize = AtomicUsize::new(0);

/// The same, but on the calling thread, whichever thread the system chooses: only there it ends the
/// wait for a key.
#[expect(unsafe_code, reason = "signals and threads as the C library knows them")]
fn only_here(action: &libc::sigaction) -> libc::sigaction {
    extern "C" fn forward(number: libc::c_int) {
        let thread = THREAD.load(Ordering::Relaxed) as libc::pthread_t;
        // SAFETY: both are allowed in a handler. The thread is Python's main thread, which lives as
        // long as the process, and the handler is Python's own, which is never unloaded.
        unsafe {
            if libc::pthread_equal(libc::pthread_self(), thread) == 0 {
                libc::pthread_kill(thread, number);
            } else {
                let handler: extern "C" fn(libc::c_int) =
                    std::mem::transmute(HANDLER.load(Ordering::Relaxed));
                handler(number);
            }
        }
    }
    HANDLER.store(action.sa_sigaction, Ordering::Relaxed);
    // SAFETY: has no preconditions.
    THREAD.store(unsafe { libc::pthread_self() } as usize, Ordering::Relaxed);
    let mut forwarding = *action;
    forwarding.sa_sigaction = forward as *const () as usize;
    forwarding
}

/// The same with nothing done about the signal.
fn ignoring(action: &libc::sigaction) -> libc::sigaction {
    let mut ignoring = *action;
    ignoring.sa_sigaction = libc::SIG_IGN;
    ignoring
}
