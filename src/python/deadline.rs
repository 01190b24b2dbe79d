//! Deadlines for calls into plugins, enforced on the interpreter's main thread.
//!
//! A watchdog thread, which never needs the GIL, sends a signal to Python's main thread when a call
//! is over its time; Python's handler then raises where the plugin stands. The first strike comes at
//! the deadline, the next ones each [`AGAIN`] later, and raise at every line.
//!
//! A late strike cannot hit anything else. The argument, which a test hammers with calls that end
//! just about at their deadline:
//!
//! - The watchdog sends the signal under the lock, and only while a call is armed. `arm` and `disarm`
//!   take the same lock. So no signal is sent for a call that was disarmed.
//! - The C part of Python's signal handling only notes the signal; the handler runs later, between two
//!   steps of Python code of the main thread, which is the thread that arms and disarms. It raises only
//!   if the call that is armed *now* was struck. After `disarm` none is armed, so what was sent just
//!   before is without effect in the loader's own Python code.
//! - If the handler comes so late that the next call is armed already, that call has a state of its own
//!   with no strike in it, so nothing happens either; and if it was struck meanwhile, it is due.
//! - Between the plugin's return and `disarm` there is the caller's own code within the call. An
//!   exception there ends the call as a timeout, as it is one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyModule, PyModuleMethods};
use pyo3::{pyclass, pymethods};

use super::interrupts::take_no_signals;
use crate::host::{KEPT_GIL, MARK};

/// Between the first strike and the next ones.
const AGAIN: Duration = Duration::from_millis(200);

/// When a strike came at a place that must not be interrupted.
const SOON: Duration = Duration::from_millis(2);

/// How often a strike may be put off by [`SOON`].
const PATIENCE: u32 = 100;

#[derive(Default)]
struct State {
    /// The number of the latest call.
    call: u64,
    /// The call under way and when the next strike is due.
    armed: Option<Armed>,
    /// Until when the watchdog sleeps, `None` for ever.
    sleeps_until: Option<Instant>,
    /// Somebody could not wait any more, and until when; that is never taken back.
    hurried: Option<Instant>,
    stop: bool,
}

/// A call and its deadline.
pub(crate) struct Armed {
    call: u64,
    due: Instant,
    strikes: u32,
    patience: u32,
    limit: Duration,
    /// No call is under way yet: one waits for the GIL, which a thread of a plugin may keep.
    for_gil: bool,
    /// The deadline was shortened from outside.
    hurried: bool,
    /// A person debugs it; since when.
    paused: Option<Instant>,
}

impl Armed {
    /// What became of it, after its name.
    fn message(&self) -> String {
        if self.hurried {
            return "was interrupted, because replug stops".to_owned();
        }
        format!("did not come back within {} s", self.limit.as_secs_f64())
    }
}

/// So many strikes without effect: the plugin is in C code that does not look at signals.
const MOST_STRIKES: u32 = 10;

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    /// The process may be ended to end a call: there is somebody to start another.
    expendable: bool,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the handler asks; see `strike.py`.
#[pyclass(frozen)]
struct Watch {
    inner: Arc<Inner>,
}

#[pymethods]
impl Watch {
    /// Which strike this is for the call under way; 0 if there is none to be made.
    fn strike(&self) -> u32 {
        self.inner.lock().armed.as_ref().map_or(0, |armed| armed.strikes)
    }

    fn armed(&self) -> bool {
        self.strike() > 0
    }

    /// Asks for another strike in a moment; `False` if that was asked for too often: then the call
    /// does not pass that place by, but waits there.
    fn again(&self) -> bool {
        let mut state = self.inner.lock();
        let granted = match &mut state.armed {
            Some(armed) if armed.patience > 0 => {
                armed.patience -= 1;
                armed.due = Instant::now() + SOON;
                armed.strikes = armed.strikes.saturating_sub(1);
                true
            }
            _ => false,
        };
        drop(state);
        self.inner.changed.notify_all();
        granted
    }

    fn message(&self) -> String {
        let state = self.inner.lock();
        state.armed.as_ref().map_or_else(|| "did not come back".to_owned(), Armed::message)
    }
}

/// The watchdog of one interpreter.
pub(crate) struct Watchdog {
    inner: Arc<Inner>,
    handler: Py<PyAny>,
    /// Gives what the handler raised first.
    struck: Py<PyAny>,
    /// `signal.getsignal` and `signal.signal`, without the enums that wrap them.
    handler_of: Py<PyAny>,
    set_handler: Py<PyAny>,
    thread: ThreadHandle,
}

impl Watchdog {
    /// Starts the watchdog for the calling thread, which must be Python's main thread.
    pub(crate) fn start(py: Python<'_>, expendable: bool) -> PyResult<Self> {
        let watchdog = Self::watch(py, expendable, current_thread())?;
        watchdog.set_handler.call1(py, (strike_signal(), &watchdog.handler))?;
        Ok(watchdog)
    }

    /// A watchdog for `thread`, which has to be Python's main thread, from any other one. The signal
    /// is not handled before the end of the first call there.
    pub(crate) fn watch(py: Python<'_>, expendable: bool, thread: ThreadHandle) -> PyResult<Self> {
        let inner = Arc::new(Inner { expendable, ..Inner::default() });
        let code = super::imports::compile_text(py, include_str!("strike.py"), "<replug strike>")?;
        let module = PyModule::new(py, "qtforge._strike")?;
        super::imports::execute(&code, &module.dict())?;
        let watch: Py<Watch> = Bound::new(py, Watch { inner: inner.clone() })?.unbind();
        let (handler, struck) = module.getattr("handler")?.call1((watch,))?.extract()?;
        let signal = py.import("_signal")?;
        let set_handler = signal.getattr("signal")?.unbind();
        let watching = inner.clone();
        thread::Builder::new().name("deadlines".to_owned()).spawn(move || {
            take_no_signals();
            run(&watching, thread);
        })?;
        let handler_of = signal.getattr("getsignal")?.unbind();
        Ok(Self { inner, handler, struck, handler_of, set_handler, thread })
    }

    /// Whether the calling thread is the one that can be struck.
    pub(crate) fn is_here(&self) -> bool {
        current_thread() == self.thread
    }

    /// The signal is ours from now on; on Python's main thread.
    pub(crate) fn take_signal(&self, py: Python<'_>) -> PyResult<()> {
        if !self.handler_of.call1(py, (strike_signal(),))?.is(&self.handler) {
            self.set_handler.call1(py, (strike_signal(), &self.handler))?;
        }
        Ok(())
    }

    /// Takes the call under way out, because another one begins within it.
    pub(crate) fn suspend(&self) -> Option<Armed> {
        self.inner.lock().armed.take()
    }

    /// That call goes on.
    pub(crate) fn resume(&self, call: Option<Armed>) {
        if call.is_some() {
            self.inner.lock().armed = call;
            self.inner.changed.notify_all();
        }
    }

    /// Takes the call under way out, because others begin in the midst of it: its time stands still.
    /// `None` if there is none, or if it is being struck.
    pub(crate) fn step_out(&self) -> Option<Armed> {
        let mut armed = self.inner.lock().armed.take_if(|armed| armed.strikes == 0)?;
        armed.paused = Some(Instant::now());
        Some(armed)
    }

    /// That call goes on, with the time that was left; unless somebody cannot wait any more.
    pub(crate) fn step_in(&self, mut call: Armed) {
        let now = Instant::now();
        if let Some(since) = call.paused.take() {
            call.due += since.elapsed();
        }
        let mut state = self.inner.lock();
        if let Some(hurried) = state.hurried.filter(|hurried| *hurried < call.due) {
            call.due = hurried.max(now);
            call.hurried = true;
        }
        state.armed = Some(call);
        drop(state);
        self.inner.changed.notify_all();
    }

    /// A handle for those who cannot wait.
    pub(crate) fn urgency(&self) -> Urgency {
        Urgency { inner: self.inner.clone() }
    }

    /// Whether somebody cannot wait, so that nothing more is to be started.
    pub(crate) fn is_hurried(&self) -> bool {
        self.inner.lock().hurried.is_some()
    }

    /// From now on the plugin's code runs, for `limit` at most. Until [`Watchdog::disarm`].
    pub(crate) fn arm(&self, limit: Duration) {
        self.arm_as(limit, false);
    }

    /// From now on this thread waits for the GIL, for `limit` at most. Until [`Watchdog::disarm`].
    pub(crate) fn arm_for_gil(&self, limit: Duration) {
        self.arm_as(limit, true);
    }

    fn arm_as(&self, limit: Duration, for_gil: bool) {
        let due = Instant::now() + limit;
        let mut state = self.inner.lock();
        state.call += 1;
        let call = state.call;
        state.armed = Some(Armed {
            call,
            due,
            strikes: 0,
            patience: PATIENCE,
            limit,
            for_gil,
            hurried: false,
            paused: None,
        });
        // Most calls end long before a deadline, so a sleeping watchdog is woken only if it would
        // oversleep; it looks again at what is armed when it wakes by itself.
        let oversleeps = state.sleeps_until.is_none_or(|until| until > due);
        drop(state);
        if oversleeps {
            self.inner.changed.notify_all();
        }
    }

    /// A handle for whoever pauses it.
    pub(crate) fn deadlines(&self) -> Deadlines {
        Deadlines(self.inner.clone())
    }

    /// The call is over. If it was struck, it is late, whatever it made of that: the exception that
    /// says so, and where it stood.
    pub(crate) fn disarm(&self, py: Python<'_>) -> PyResult<Option<PyErr>> {
        let struck = self.inner.lock().armed.take().filter(|armed| armed.strikes > 0);
        if struck.as_ref().is_some_and(|armed| armed.strikes > 1) {
            py.import("sys")?.call_method1("settrace", (py.None(),))?;
        }
        // A plugin that took over every signal there is would be the last one to be interrupted.
        self.take_signal(py)?;
        let Some(armed) = struck else { return Ok(None) };
        let error = self.struck.bind(py).call1((armed.message(),))?;
        Ok(Some(PyErr::from_value(error)))
    }
}

/// Shortens the deadline of the call under way; may be used from any thread, without the GIL.
#[derive(Clone)]
pub struct Urgency {
    inner: Arc<Inner>,
}

/// Pauses and resumes the deadline of the call under way.
pub(crate) struct Deadlines(Arc<Inner>);

impl Deadlines {
    /// The time of the call under way does not pass until [`Deadlines::resume`], or until somebody
    /// wants to stop.
    pub(crate) fn pause(&self) {
        if let Some(armed) = &mut self.0.lock().armed {
            armed.paused = Some(Instant::now());
        }
    }

    /// See [`Deadlines::pause`].
    pub(crate) fn resume(&self) {
        if let Some(armed) = &mut self.0.lock().armed
            && let Some(since) = armed.paused.take()
        {
            armed.due += since.elapsed();
        }
        self.0.changed.notify_all();
    }
}

impl Urgency {
    /// The call under way, if there is one, ends within `limit`, and nothing is started any more.
    pub fn hurry(&self, limit: Duration) {
        let due = Instant::now() + limit;
        let mut state = self.inner.lock();
        state.hurried = Some(due);
        if let Some(armed) = &mut state.armed
            && (armed.due > due || armed.paused.is_some())
        {
            armed.due = due;
            armed.hurried = true;
            armed.paused = None;
        }
        drop(state);
        self.inner.changed.notify_all();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.inner.lock().stop = true;
        self.inner.changed.notify_all();
    }
}

fn run(inner: &Inner, thread: ThreadHandle) {
    let mut state = inner.lock();
    while !state.stop {
        let now = Instant::now();
        let wait = match &mut state.armed {
            Some(Armed { paused: Some(_), .. }) => None,
            Some(armed) if armed.due <= now => {
                armed.strikes += 1;
                armed.due = now + AGAIN;
                tracing::debug!(call = armed.call, strike = armed.strikes, "over its deadline");
                if inner.expendable && armed.strikes > MOST_STRIKES {
                    give_up(armed);
                }
                strike(thread);
                Some(AGAIN)
            }
            Some(armed) => Some(armed.due - now),
            None => None,
        };
        state.sleeps_until = wait.map(|wait| now + wait);
        state = match wait {
            Some(wait) => {
                inner.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
            }
            None => inner.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

pub(crate) type ThreadHandle = libc::pthread_t;

/// Ends the process. The crash file tells why, and `faulthandler` adds the stacks.
#[expect(unsafe_code, reason = "writing to an inherited descriptor, and abort")]
fn give_up(armed: &Armed) {
    let seconds = armed.limit.as_secs_f64();
    let message = match armed.for_gil {
        true => format!("{MARK}{KEPT_GIL} for {seconds} s\n"),
        false => format!("{MARK}did not come back within {seconds} s\n"),
    };
    // SAFETY: the bytes are alive for the call; abort has no preconditions.
    unsafe {
        libc::write(crate::host::CRASH, message.as_ptr().cast(), message.len());
        libc::abort();
    }
}

/// A signal that programs hardly ever use themselves.
fn strike_signal() -> libc::c_int {
    #[cfg(target_os = "linux")]
    {
        libc::SIGRTMAX() - 3
    }
    #[cfg(not(target_os = "linux"))]
    {
        libc::SIGUSR2
    }
}

#[expect(unsafe_code, reason = "threads as the C library knows them")]
fn current_thread() -> ThreadHandle {
    // SAFETY: has no preconditions.
    unsafe { libc::pthread_self() }
}

#[expect(unsafe_code, reason = "signals to one thread are C API only")]
fn strike(thread: ThreadHandle) {
    // SAFETY: Python's main thread lives as long as the process, so the handle is valid, and the
    // signal has a handler.
    unsafe {
        libc::pthread_kill(thread, strike_signal());
    }
}
