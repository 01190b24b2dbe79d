//! A call into a plugin: guarded, with a deadline, and with what it printed shown.

use std::cell::{Cell, RefCell};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::{Bound, Py, PyAny, PyErr, PyResult, Python};

use super::deadline::{Urgency, Watchdog};
use super::filters::{AddedFilters, Filters};
use super::guard::Guard;
use super::guest::Guest;
use super::imports::{AddedPaths, Importer};
use super::interrupts::Interrupts;
use super::mends::Mends;
use super::prints::Tags;
use super::vitals::Vitals;
use crate::host::Spoiled;

/// What every call into a plugin needs.
pub(crate) struct Calls {
    around: Around,
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
    /// What it was interrupted with, because it took too long.
    pub(crate) struck: Option<PyErr>,
}

impl<T> Called<T> {
    /// What it gave; one that caught its interruption and came back all the same is late.
    pub(crate) fn in_time(self) -> PyResult<T> {
        let value = self.result?;
        self.struck.map_or(Ok(value), Err)
    }
}

/// Whose process it is that plugins run in.
pub(crate) enum Around {
    /// Ours.
    Own(Box<Own>),
    /// That of a program that called us.
    Guest(Guest),
}

/// What looks after a process of our own.
pub(crate) struct Own {
    guard: Guard,
    filters: Filters,
    watchdog: Watchdog,
    vitals: Vitals,
    /// The package of a plugin that was left without a look at the interpreter.
    owed: RefCell<Option<String>>,
    interrupts: Interrupts,
    mends: Mends,
    forked: Forked,
    /// `qtforge._surroundings.Surroundings`: what the process is like in the midst of a call.
    surroundings: Py<PyAny>,
}

/// What a visit to a plugin was for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    /// To end it. Most often it is started next, and one look at the interpreter after that is enough.
    End,
    /// Anything else.
    Other,
}

impl Own {
    fn enter(&self, importer: &Bound<'_, Importer>, paths: &AddedPaths) -> PyResult<()> {
        let py = importer.py();
        if self.owed.take().is_none_or(|package| package != importer.get().identity.package) {
            self.vitals.check(py, &self.watchdog, Spoiled::Before);
        }
        self.filters.enter(py, importer.get().filters().as_deref())?;
        self.guard.enter(py, paths)
    }

    fn leave(&self, importer: &Bound<'_, Importer>, visit: Visit) -> PyResult<AddedPaths> {
        let py = importer.py();
        self.guard.give_depth_back(py);
        self.mends.owe();
        match visit {
            Visit::End => {
                self.owed.replace(Some(importer.get().identity.package.clone()));
                self.vitals.owe();
            }
            Visit::Other => self.vitals.check(py, &self.watchdog, Spoiled::ByTheCall),
        }
        let (paths, filters) = self.put_back(py)?;
        importer.get().set_filters(filters);
        Ok(paths)
    }

    /// What the plugin added to what belongs to all.
    fn put_back(&self, py: Python<'_>) -> PyResult<(AddedPaths, Option<Arc<AddedFilters>>)> {
        let left = self.guard.leave(py).and_then(|paths| {
            let filters = self.filters.leave(py)?;
            self.interrupts.restore(py)?;
            Ok((paths, filters))
        });
        left.inspect_err(|error| self.vitals.broken(py, error, Spoiled::ByTheCall))
    }
}

impl Calls {
    /// Calls in a process of our own, under this guard and this watchdog, each followed by a look at
    /// the interpreter.
    pub(crate) fn new(
        (guard, filters): (Guard, Filters),
        watchdog: Watchdog,
        vitals: Vitals,
        interrupts: Interrupts,
        mends: Mends,
        surroundings: Py<PyAny>,
    ) -> Self {
        let (owed, forked) = (RefCell::new(None), Forked::new());
        let own =
            Own { guard, filters, watchdog, vitals, owed, interrupts, mends, forked, surroundings };
        Self { around: Around::Own(Box::new(own)), visiting: Cell::new(false) }
    }

    /// Calls in the process of somebody else.
    pub(crate) fn as_guest(guest: Guest) -> Self {
        Self { around: Around::Guest(guest), visiting: Cell::new(false) }
    }

    /// What marks whose output it is, if that is wanted.
    pub(crate) fn tags(&self) -> Option<&Tags> {
        match &self.around {
            Around::Own(own) => own.guard.tags.as_ref(),
            Around::Guest(_) => None,
        }
    }

    /// Whether nothing more is to be started. A process that belongs to somebody else goes on.
    pub(crate) fn is_hurried(&self) -> bool {
        matches!(&self.around, Around::Own(own) if own.watchdog.is_hurried())
    }

    /// A way to shorten the call under way.
    pub(crate) fn urgency(&self) -> Urgency {
        match &self.around {
            Around::Own(own) => own.watchdog.urgency(),
            Around::Guest(guest) => guest.watchdog.urgency(),
        }
    }

    /// Several calls into one plugin, with no other plugin's code between them: what they leave
    /// behind is put back once, after the last.
    pub(crate) fn visit<T>(
        &self,
        importer: &Bound<'_, Importer>,
        visit: Visit,
        calls: impl FnOnce() -> T,
    ) -> PyResult<T> {
        let py = importer.py();
        let paths = importer.get().paths();
        let before = match &self.around {
            Around::Own(own) => {
                own.enter(importer, &paths)?;
                None
            }
            Around::Guest(guest) => Some(guest.enter(py, &paths)?),
        };
        self.visiting.set(true);
        let outcome = calls();
        self.visiting.set(false);
        let paths = match (&self.around, before) {
            (Around::Guest(guest), Some(before)) => guest.leave(py, &before)?,
            (Around::Own(own), _) => own.leave(importer, visit)?,
            (Around::Guest(_), None) => paths,
        };
        importer.get().set_paths(paths);
        Ok(outcome)
    }

    /// This thread is about to wait for the GIL. A thread of a plugin that keeps it, as C code may, is
    /// given `limit`; after that, a process of our own ends if somebody can start another.
    pub(crate) fn await_gil(&self, limit: Duration) {
        if let Around::Own(own) = &self.around {
            own.watchdog.arm_for_gil(limit);
        }
    }

    /// It has come.
    pub(crate) fn has_gil(&self, py: Python<'_>) -> PyResult<()> {
        match &self.around {
            Around::Own(own) => own.watchdog.disarm(py).map(|_| ()),
            Around::Guest(_) => Ok(()),
        }
    }

    /// The answer is out; with `idle`, nobody waits for this thread: a good time for the look before
    /// the next visit, and to put back what plugins took from all.
    pub(crate) fn rest(&self, py: Python<'_>, idle: bool) {
        let Around::Own(own) = &self.around else { return };
        if own.owed.borrow().is_none() {
            own.vitals.check(py, &own.watchdog, Spoiled::Before);
            own.mends.look(py, &own.watchdog, idle);
        }
    }

    /// Runs `body`, which calls other plugins, in the midst of the call that is under way. Its time
    /// stands still meanwhile, and what it has changed in the process so far is put aside. `None` if
    /// no call is under way, or if it is over its time.
    pub(crate) fn interrupted<T>(
        &self,
        py: Python<'_>,
        body: impl FnOnce() -> T,
    ) -> PyResult<Option<T>> {
        let Around::Own(own) = &self.around else { return Ok(None) };
        let Some(call) = own.watchdog.step_out() else { return Ok(None) };
        let visiting = self.visiting.replace(false);
        let outcome = own.interrupts.apart(|| {
            let before = own.surroundings.call1(py, ((), (), true))?;
            own.guard.give_depth_back(py);
            own.vitals.check(py, &own.watchdog, Spoiled::ByTheCall);
            let (_, filters) = own.put_back(py)?;
            own.mends.owe();
            // What others are left without a look meanwhile is nothing that this call did.
            let owed = own.owed.take();
            let outcome = body();
            if own.owed.replace(owed).is_some() {
                own.vitals.check(py, &own.watchdog, Spoiled::Before);
            }
            own.filters.enter(py, filters.as_deref())?;
            before.call_method0(py, "leave")?;
            Ok(Some(outcome))
        });
        self.visiting.set(visiting);
        own.watchdog.step_in(call);
        outcome
    }

    /// Runs `body`, which calls code of the plugin of `importer`, for `limit` at most.
    pub(crate) fn call<'py, T>(
        &self,
        importer: &Bound<'py, Importer>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<Called<T>> {
        if !self.visiting.get() {
            return self.visit(importer, Visit::Other, || self.call(importer, limit, body))?;
        }
        self.timed(importer.py(), limit, body)
    }

    fn timed<'py, T>(
        &self,
        py: Python<'py>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<Called<T>> {
        match &self.around {
            Around::Own(own) => {
                own.watchdog.arm(limit);
                let result = own.interrupts.during(py, body);
                own.forked.end_if_forked();
                let struck = own.watchdog.disarm(py)?;
                Ok(Called { result, struck })
            }
            Around::Guest(guest) => {
                let (result, struck) = guest.call(py, limit, body)?;
                Ok(Called { result, struck })
            }
        }
    }

    /// What `tell` makes of an exception, whose `__str__` is code of the plugin like any other.
    pub(crate) fn told<T>(
        &self,
        importer: &Bound<'_, Importer>,
        limit: Duration,
        tell: impl Fn() -> T,
    ) -> T {
        let mut told = None;
        let called = self.call(importer, limit, |_| {
            told = Some(tell());
            Ok(())
        });
        // What came of the call says nothing of what was told.
        drop(called);
        told.unwrap_or_else(tell)
    }

    /// Runs `body` for `limit` at most; it may run code that belongs to no plugin in particular.
    pub(crate) fn call_any<'py, T>(
        &self,
        py: Python<'py>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> PyResult<T> {
        let run = self.timed(py, limit, body).and_then(|called| called.result);
        if let Around::Own(own) = &self.around {
            own.guard.give_depth_back(py);
            own.filters.leave(py)?;
            own.guard.leave(py)?;
        }
        run
    }

    /// Runs what is to run before our own process ends: code that belongs to no plugin in particular.
    pub(crate) fn finish<'py>(
        &self,
        py: Python<'py>,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<()>,
    ) -> PyResult<()> {
        let Around::Own(own) = &self.around else { return Ok(()) };
        let run = self.call_any(py, limit, body);
        own.guard.flush(py);
        run
    }
}
