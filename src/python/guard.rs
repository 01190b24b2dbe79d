//! What a plugin's call leaves behind in the process is put back when the call is over.
//!
//! `sys.path`, the working directory, the standard streams, signal handlers and the environment
//! belong to all plugins and to the supervisor. What a plugin adds to `sys.path` is remembered and
//! is in force again whenever its code runs.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};

use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyDictMethods, PyList, PyListMethods};

use super::imports::AddedPaths;
use super::prints::Tags;

const STREAMS: [(&str, i32); 3] = [("stdin", 0), ("stdout", 1), ("stderr", 2)];

/// The state of the process as it shall be between calls.
pub(crate) struct Guard {
    pub(crate) tags: Option<Tags>,
    sys: Py<PyAny>,
    os: Py<PyAny>,
    path: Py<PyList>,
    path_entries: Vec<Py<PyAny>>,
    meta_path: Py<PyList>,
    finders: Vec<Py<PyAny>>,
    path_hooks: Py<PyList>,
    hooks: Vec<Py<PyAny>>,
    streams: Vec<Py<PyAny>>,
    descriptors: Vec<Option<OwnedFd>>,
    environ: Py<PyAny>,
    environ_data: Py<PyDict>,
    folder: Option<File>,
    signals: Vec<Option<libc::sigaction>>,
    blocked: libc::sigset_t,
    recursion_limit: i32,
    locale: Option<CString>,
}

impl Guard {
    /// Remembers the present state, after giving Python standard streams of our own that cannot
    /// close the descriptors beneath them and that show each line at once.
    pub(crate) fn new(py: Python<'_>, tags: Option<Tags>) -> PyResult<Self> {
        let sys = py.import("sys")?;
        let mut streams = Vec::new();
        for (name, number) in STREAMS {
            let stream = open_stream(py, name, number, tags.as_ref())?;
            sys.setattr(name, &stream)?;
            sys.setattr(format!("__{name}__").as_str(), &stream)?;
            streams.push(stream);
        }
        let list = |name: &str| -> PyResult<(Py<PyList>, Vec<Py<PyAny>>)> {
            let list = sys.getattr(name)?.cast_into::<PyList>()?;
            let entries = list.iter().map(Bound::unbind).collect();
            Ok((list.unbind(), entries))
        };
        let (path, path_entries) = list("path")?;
        let (meta_path, finders) = list("meta_path")?;
        let (path_hooks, hooks) = list("path_hooks")?;
        let os = py.import("os")?.into_any();
        let environ = os.getattr("environ")?;
        let environ_data = environ.getattr("_data")?.cast_into::<PyDict>()?.copy()?.unbind();
        Ok(Self {
            tags,
            sys: sys.into_any().unbind(),
            os: os.unbind(),
            path,
            path_entries,
            meta_path,
            finders,
            path_hooks,
            hooks,
            streams,
            descriptors: STREAMS.iter().map(|(_, number)| duplicate(*number)).collect(),
            environ: environ.unbind(),
            environ_data,
            folder: File::open(".").ok(),
            signals: (0..=31).map(current_action).collect(),
            blocked: blocked_signals(),
            recursion_limit: recursion_limit(py),
            locale: locale(),
        })
    }

    /// A plugin's code is about to run: its own additions to `sys.path` are in force.
    pub(crate) fn enter(&self, py: Python<'_>, added: &AddedPaths) -> PyResult<()> {
        if added != &AddedPaths::default() {
            self.set_path(py, added)?;
        }
        Ok(())
    }

    fn set_path(&self, py: Python<'_>, added: &AddedPaths) -> PyResult<()> {
        let entries = PyList::empty(py);
        for entry in &added.front {
            entries.append(entry)?;
        }
        for entry in &self.path_entries {
            entries.append(entry)?;
        }
        for entry in &added.back {
            entries.append(entry)?;
        }
        let path = self.path.bind(py);
        path.set_slice(0, path.len(), entries.as_any())
    }

    /// The plugin's code has run. To be done before anything else, which may have no depth left.
    pub(crate) fn give_depth_back(&self, py: Python<'_>) {
        raise_recursion_limit(py, self.recursion_limit);
    }

    /// The plugin's code has run. Puts everything back and returns what it added to `sys.path`.
    pub(crate) fn leave(&self, py: Python<'_>) -> PyResult<AddedPaths> {
        let sys = self.sys.bind(py);
        let added = self.restore_path(py, sys)?;
        restore_missing(sys, "meta_path", &self.meta_path, &self.finders)?;
        restore_missing(sys, "path_hooks", &self.path_hooks, &self.hooks)?;
        self.restore_streams(py, sys)?;
        self.restore_environ(py)?;
        self.restore_folder();
        // A timer whose handler goes would end the process.
        stop_timers();
        self.restore_signals(py)?;
        block_signals(&self.blocked);
        restore_locale(self.locale.as_deref());
        Ok(added)
    }

    fn restore_path(&self, py: Python<'_>, sys: &Bound<'_, PyAny>) -> PyResult<AddedPaths> {
        let now = sys.getattr(intern!(py, "path"))?;
        let ours = self.path.bind(py);
        if now.is(ours)
            && ours.len() == self.path_entries.len()
            && ours.iter().zip(&self.path_entries).all(|(now, before)| now.is(before))
        {
            return Ok(AddedPaths::default());
        }
        let known: Vec<String> =
            self.path_entries.iter().filter_map(|entry| entry.extract(py).ok()).collect();
        let mut added = AddedPaths::default();
        let mut seen_ours = false;
        if let Ok(entries) = now.try_iter() {
            for entry in entries.filter_map(|entry| entry.ok()?.extract::<String>().ok()) {
                if known.contains(&entry) {
                    seen_ours = true;
                } else if seen_ours {
                    added.back.push(entry);
                } else {
                    added.front.push(entry);
                }
            }
        }
        self.set_path(py, &AddedPaths::default())?;
        sys.setattr(intern!(py, "path"), ours)?;
        Ok(added)
    }

    fn restore_streams(&self, py: Python<'_>, sys: &Bound<'_, PyAny>) -> PyResult<()> {
        for (((name, number), stream), saved) in
            STREAMS.iter().zip(&self.streams).zip(&self.descriptors)
        {
            if let Some(saved) = saved {
                reopen_if_closed(*number, saved);
            }
            let stream = stream.bind(py);
            // One that was detached from its buffer cannot even tell.
            let closed = stream.getattr(intern!(py, "closed")).and_then(|it| it.is_truthy());
            if closed.unwrap_or(true) {
                // Our streams do not own the descriptor, so a new one can stand on it. It keeps its
                // identity: loggers hold on to the object.
                let fresh = open_stream(py, name, *number, self.tags.as_ref())?;
                let fresh = fresh.bind(py);
                let options = PyDict::new(py);
                for option in ["encoding", "errors", "line_buffering", "write_through"] {
                    options.set_item(option, fresh.getattr(option)?)?;
                }
                let buffer = fresh.call_method0("detach")?;
                stream.call_method("__init__", (buffer,), Some(&options))?;
            }
            if !sys.getattr(*name)?.is(stream) {
                sys.setattr(*name, stream)?;
            }
        }
        Ok(())
    }

    fn restore_environ(&self, py: Python<'_>) -> PyResult<()> {
        let environ = self.environ.bind(py);
        let now = environ.getattr(intern!(py, "_data"))?.cast_into::<PyDict>()?;
        let before = self.environ_data.bind(py);
        let os = self.os.bind(py);
        if !os.getattr(intern!(py, "environ"))?.is(environ) {
            os.setattr(intern!(py, "environ"), environ)?;
        }
        if now.eq(before)? {
            return Ok(());
        }
        for key in now.keys() {
            if !before.contains(&key)? {
                os.call_method1("unsetenv", (&key,))?;
                now.del_item(key)?;
            }
        }
        for (key, value) in before.iter() {
            if !now.get_item(&key)?.is_some_and(|now| now.eq(&value).unwrap_or(false)) {
                os.call_method1("putenv", (&key, &value))?;
                now.set_item(key, value)?;
            }
        }
        Ok(())
    }

    fn restore_signals(&self, py: Python<'_>) -> PyResult<()> {
        for (number, before) in (0..).zip(&self.signals) {
            let Some(before) = before else { continue };
            let changed = current_action(number).is_some_and(|now| {
                now.sa_sigaction != before.sa_sigaction || now.sa_flags != before.sa_flags
            });
            if changed {
                // Python's own table first, or the plugin's function would be called again if
                // another handler of Python's were installed for that signal.
                let signal = py.import("signal")?;
                let default = signal.getattr("SIG_DFL")?;
                let _ = signal.call_method1("signal", (number, default));
                set_action(number, before);
            }
        }
        Ok(())
    }

    #[expect(unsafe_code, reason = "std has no fchdir")]
    fn restore_folder(&self) {
        let Some(folder) = &self.folder else { return };
        // A single call is cheaper than finding out whether it is needed.
        // SAFETY: the descriptor is open as long as `folder` lives.
        unsafe {
            libc::fchdir(folder.as_raw_fd());
        }
    }

    /// Shows what plugins printed and what is still in a buffer.
    pub(crate) fn flush(&self, py: Python<'_>) {
        for stream in self.streams.iter().skip(1) {
            // A reader that has gone away is no reason to fail at the end.
            let _ = stream.call_method0(py, "flush");
        }
    }
}

/// Adds back what was removed; what was added stays, since whole libraries live of it.
fn restore_missing(
    sys: &Bound<'_, PyAny>,
    name: &str,
    list: &Py<PyList>,
    entries: &[Py<PyAny>],
) -> PyResult<()> {
    let py = sys.py();
    let ours = list.bind(py);
    if !sys.getattr(name)?.is(ours) {
        sys.setattr(name, ours)?;
    }
    for (position, entry) in entries.iter().enumerate() {
        if !ours.iter().any(|other| other.is(entry)) {
            ours.insert(position.min(ours.len()), entry)?;
        }
    }
    Ok(())
}

/// A text stream on a descriptor that it does not own, line by line.
fn open_stream(
    py: Python<'_>,
    name: &str,
    number: i32,
    tags: Option<&Tags>,
) -> PyResult<Py<PyAny>> {
    if let Some(tags) = tags
        && name != "stdin"
    {
        return Ok(tags.open(py, name, number)?.unbind());
    }
    static OPEN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let options = PyDict::new(py);
    options.set_item("closefd", false)?;
    options.set_item("encoding", "utf-8")?;
    options
        .set_item("errors", if name == "stdin" { "surrogateescape" } else { "backslashreplace" })?;
    options.set_item("buffering", if name == "stdin" { -1 } else { 1 })?;
    let mode = if name == "stdin" { "r" } else { "w" };
    let open = OPEN.import(py, "io", "open")?;
    match open.call((number, mode), Some(&options)) {
        Ok(stream) => Ok(stream.unbind()),
        // The descriptor was closed before we started: whatever is written goes nowhere.
        Err(_) => {
            options.set_item("closefd", true)?;
            Ok(open.call(("/dev/null", mode), Some(&options))?.unbind())
        }
    }
}

#[expect(unsafe_code, reason = "duplicating a numbered descriptor is C API only")]
pub(super) fn duplicate(number: i32) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: any number may be asked for; a negative answer is an error, anything else is a new
    // descriptor that nobody else owns.
    unsafe {
        let copy = libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 10);
        (copy >= 0).then(|| OwnedFd::from_raw_fd(copy))
    }
}

#[expect(unsafe_code, reason = "numbered descriptors are C API only")]
fn reopen_if_closed(number: i32, saved: &OwnedFd) {
    // SAFETY: asking about a closed descriptor is allowed, and `saved` is open.
    unsafe {
        if libc::fcntl(number, libc::F_GETFD) < 0
            && io::Error::last_os_error().raw_os_error() == Some(libc::EBADF)
        {
            libc::dup2(saved.as_raw_fd(), number);
        }
    }
}

#[expect(unsafe_code, reason = "signal handlers are C API only")]
pub(super) fn current_action(number: i32) -> Option<libc::sigaction> {
    // SAFETY: a null new action only asks; `action` is written before it is read if that succeeds.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        (libc::sigaction(number, std::ptr::null(), &raw mut action) == 0).then_some(action)
    }
}

#[expect(unsafe_code, reason = "signal handlers are C API only")]
pub(super) fn set_action(number: i32, action: &libc::sigaction) {
    // SAFETY: the action was valid when it was read, and handlers are never unloaded.
    unsafe {
        libc::sigaction(number, action, std::ptr::null_mut());
    }
}

/// The signals that the calling thread does not take.
#[expect(unsafe_code, reason = "signal masks are C API only")]
fn blocked_signals() -> libc::sigset_t {
    // SAFETY: a null new mask only asks; the zeroed set is an empty one, should that fail.
    unsafe {
        let mut blocked: libc::sigset_t = mem::zeroed();
        libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &raw mut blocked);
        blocked
    }
}

#[expect(unsafe_code, reason = "signal masks are C API only")]
fn block_signals(blocked: &libc::sigset_t) {
    // SAFETY: the set lives for the call. Setting it is as cheap as asking for it.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, blocked, std::ptr::null_mut());
    }
}

#[expect(unsafe_code, reason = "the locale is C API only")]
fn locale() -> Option<CString> {
    // SAFETY: to ask changes nothing; the answer, if there is one, is a C string that is copied at once.
    unsafe {
        let name = libc::setlocale(libc::LC_ALL, std::ptr::null());
        (!name.is_null()).then(|| CStr::from_ptr(name).to_owned())
    }
}

#[expect(unsafe_code, reason = "the locale is C API only")]
fn restore_locale(before: Option<&CStr>) {
    let Some(before) = before else { return };
    // SAFETY: the answer is a C string that is read before anything else is asked; the GIL is held, so
    // no Python code changes it meanwhile.
    unsafe {
        let now = libc::setlocale(libc::LC_ALL, std::ptr::null());
        if now.is_null() || CStr::from_ptr(now) != before {
            libc::setlocale(libc::LC_ALL, before.as_ptr());
        }
    }
}

#[expect(unsafe_code, reason = "timers are C API only")]
fn stop_timers() {
    for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        // SAFETY: a zeroed time is valid and stops the timer. Doing so is as cheap as asking.
        unsafe {
            let never: libc::itimerval = mem::zeroed();
            libc::setitimer(timer, &raw const never, std::ptr::null_mut());
        }
    }
}

#[expect(unsafe_code, reason = "asking through Python code needs depth that may be used up")]
fn recursion_limit(_py: Python<'_>) -> i32 {
    // SAFETY: the GIL is held.
    unsafe { pyo3::ffi::Py_GetRecursionLimit() }
}

/// Only raises it: a plugin that asked for more needs it whenever its code runs.
#[expect(unsafe_code, reason = "setting it through Python code needs depth that may be used up")]
fn raise_recursion_limit(py: Python<'_>, limit: i32) {
    if recursion_limit(py) < limit {
        // SAFETY: the GIL is held.
        unsafe { pyo3::ffi::Py_SetRecursionLimit(limit) }
    }
}
