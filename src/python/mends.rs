//! What a plugin took from all, put back when nobody waits for it: functions of the standard library,
//! and what the process itself may do.

use std::cell::Cell;
use std::time::{Duration, Instant};

use pyo3::prelude::{Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyModule, PyModuleMethods};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

use super::deadline::Watchdog;
use super::imports::{compile_text, execute};

/// The look touches nothing but dicts.
const LIMIT: Duration = Duration::from_secs(2);

/// With requests waiting, it is not done more often than this.
const BUSY: Duration = Duration::from_millis(20);

const RESOURCES: [Resource; 8] = [
    Resource::As,
    Resource::Core,
    Resource::Cpu,
    Resource::Data,
    Resource::Fsize,
    Resource::Nofile,
    Resource::Nproc,
    Resource::Stack,
];

/// How a process of our own is meant to be.
pub(crate) struct Mends {
    look: Py<PyAny>,
    limits: [Rlimit; RESOURCES.len()],
    mode: Mode,
    looked: Cell<Instant>,
    /// A plugin's code ran since.
    owed: Cell<bool>,
}

impl Mends {
    /// Remembers how it is when all is well: after everything else is set up.
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let code = compile_text(py, include_str!("mends.py"), "<replug mends>")?;
        let module = PyModule::new(py, "qtforge._mends")?;
        execute(&code, &module.dict())?;
        let look = module.getattr("mends")?.call0()?.unbind();
        let mode = umask(Mode::empty());
        umask(mode);
        let looked = Cell::new(Instant::now());
        let limits = RESOURCES.map(getrlimit);
        Ok(Self { look, limits, mode, looked, owed: Cell::new(false) })
    }

    /// A plugin's code has run.
    pub(crate) fn owe(&self) {
        self.owed.set(true);
    }

    /// Mends what can be mended, if a plugin's code has run. With `idle`, nobody waits.
    pub(crate) fn look(&self, py: Python<'_>, watchdog: &Watchdog, idle: bool) {
        if !self.owed.get() || (!idle && self.looked.get().elapsed() < BUSY) {
            return;
        }
        self.owed.set(false);
        umask(self.mode);
        for (resource, limit) in RESOURCES.into_iter().zip(&self.limits) {
            give_back(resource, limit);
        }
        watchdog.arm(LIMIT);
        let looked = self.look.call0(py);
        if let Err(error) = looked.and(watchdog.disarm(py)) {
            tracing::debug!(%error, "what plugins left behind could not be looked at");
        }
        self.looked.set(Instant::now());
    }
}

/// Raises a limit that was lowered; one that was raised is left alone.
fn give_back(resource: Resource, before: &Rlimit) {
    let now = getrlimit(resource);
    let below = |now: Option<u64>, before: Option<u64>| match (now, before) {
        (Some(now), Some(before)) => now < before,
        (now, None) => now.is_some(),
        (None, Some(_)) => false,
    };
    if !below(now.current, before.current) {
        return;
    }
    let maximum = if below(now.maximum, before.maximum) { before.maximum } else { now.maximum };
    let whole = Rlimit { current: before.current, maximum };
    // What it may not raise, only root may.
    if setrlimit(resource, whole).is_err() {
        let current = if below(now.maximum, before.current) { now.maximum } else { before.current };
        let _ = setrlimit(resource, Rlimit { current, maximum: now.maximum });
    }
}
