//! Whether the interpreter still works: looked at before and after a plugin's code runs.
//!
//! What a plugin broke and what cannot be mended ends the process, if there is somebody to start
//! another: better a start than every other plugin failing for what it did not do.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyModule, PyModuleMethods, PyString};

use super::deadline::Watchdog;
use super::fault;
use super::imports::{compile_text, execute};
use crate::host::{self, Spoiled};

/// It waits for locks that a thread of a plugin may hold.
const LIMIT: Duration = Duration::from_secs(2);

/// Nothing to speak of can have happened in that time.
const LATELY: Duration = Duration::from_millis(10);

/// What `vitals.py` gives: names of modules, what is watched, the way to mend one of it, and the
/// rest of the look.
type Parts<'py> = (Vec<(Py<PyString>, Py<PyAny>)>, Vec<Bound<'py, PyDict>>, Py<PyAny>, Py<PyAny>);

/// Looks after one interpreter.
pub(crate) struct Vitals {
    modules: Py<PyDict>,
    names: Vec<(Py<PyString>, Py<PyAny>)>,
    watched: RefCell<Vec<Watched>>,
    mend: Py<PyAny>,
    check: Py<PyAny>,
    looked: Cell<Option<Instant>>,
    expendable: bool,
}

/// What a module or class is made of, and was at the last look.
struct Watched {
    now: Py<PyDict>,
    /// Holds on to all of `pairs`, so that no other object can have their place.
    _before: Py<PyDict>,
    pairs: Pairs,
}

/// Where the names and values of a dict lie. For Python to compare the dicts takes ten times as long,
/// and all are looked at in every reload.
type Pairs = Vec<(usize, usize)>;

impl Watched {
    fn new(now: &Bound<'_, PyDict>) -> PyResult<Self> {
        let before = now.copy()?;
        let mut pairs = Pairs::new();
        each(&before, |name, value| {
            pairs.push((name, value));
            true
        });
        Ok(Self { now: now.clone().unbind(), _before: before.unbind(), pairs })
    }

    fn has_changed(&self, py: Python<'_>) -> bool {
        let now = self.now.bind(py);
        let mut before = self.pairs.iter();
        let same = now.len() == self.pairs.len()
            && each(now, |name, value| before.next() == Some(&(name, value)));
        !same
    }
}

/// Hands over the names and values of `dict` until one does not suit; whether all did.
#[expect(unsafe_code, reason = "the safe way counts references to a thousand objects")]
fn each(dict: &Bound<'_, PyDict>, mut suits: impl FnMut(usize, usize) -> bool) -> bool {
    let (mut at, mut name, mut value) = (0, ptr::null_mut(), ptr::null_mut());
    // SAFETY: `dict` is a dict and the GIL is held; it does not change meanwhile, since no Python
    // code runs: the objects are compared by where they lie.
    unsafe {
        while ffi::PyDict_Next(dict.as_ptr(), &raw mut at, &raw mut name, &raw mut value) != 0 {
            if !suits(name.addr(), value.addr()) {
                return false;
            }
        }
    }
    true
}

impl Vitals {
    /// Remembers how it is when all is well: after everything else is set up.
    pub(crate) fn new(py: Python<'_>, expendable: bool) -> PyResult<Self> {
        let code = compile_text(py, include_str!("vitals.py"), "<replug vitals>")?;
        let module = PyModule::new(py, "qtforge._vitals")?;
        execute(&code, &module.dict())?;
        let parts = module.getattr("vitals")?.call0()?;
        let (names, watched, mend, check) = parts.extract::<Parts<'_>>()?;
        let watched = watched.iter().map(Watched::new).collect::<PyResult<_>>()?;
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind();
        Ok(Self {
            modules,
            names,
            watched: RefCell::new(watched),
            mend,
            check,
            looked: Cell::new(None),
            expendable,
        })
    }

    /// Mends what can be mended; does not come back if something cannot.
    pub(crate) fn check(&self, py: Python<'_>, watchdog: &Watchdog, when: Spoiled) {
        let looked = self.looked.replace(Some(Instant::now()));
        if when == Spoiled::Before && looked.is_some_and(|looked| looked.elapsed() < LATELY) {
            return;
        }
        watchdog.arm(LIMIT);
        let checked = self.look(py);
        let disarmed = watchdog.disarm(py);
        match checked.and_then(|told| disarmed.map(|_| told)) {
            Ok(None) => {}
            Ok(Some(told)) => self.spoiled(&told, when),
            Err(error) => self.broken(py, &error, when),
        }
    }

    /// The next look is not to be left out, however soon it comes.
    pub(crate) fn owe(&self) {
        self.looked.set(None);
    }

    /// What is broken, in words.
    fn look(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let changed = self.mend(py)?;
        let told = self.check.bind(py).call1((changed,))?.extract::<Option<String>>()?;
        if told.is_some() {
            return Ok(told);
        }
        let modules = self.modules.bind(py);
        for (name, module) in &self.names {
            if !modules.get_item(name)?.is_some_and(|found| found.is(module)) {
                return Ok(Some(format!("took {name} out of sys.modules")));
            }
        }
        Ok(None)
    }

    /// Puts back what is gone from the modules that everything needs; whether any of it is another
    /// than at the last look.
    fn mend(&self, py: Python<'_>) -> PyResult<bool> {
        // One that is under way already is enough.
        let Ok(mut watched) = self.watched.try_borrow_mut() else { return Ok(false) };
        let mut changed = false;
        for (place, watched) in watched.iter_mut().enumerate() {
            if watched.has_changed(py) {
                self.mend.bind(py).call1((place,))?;
                *watched = Watched::new(watched.now.bind(py))?;
                changed = true;
            }
        }
        Ok(changed)
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
