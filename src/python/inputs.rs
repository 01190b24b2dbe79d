//! Which files plugins open: what they read while they start are inputs, what they write is theirs.
//!
//! CPython tells each opening of a file to an audit hook before it happens, whoever asks for it:
//! `open`, `pathlib`, `os.open`, `json.load(open(…))`. So the content is hashed before the plugin
//! reads it, and an edit between the two is noticed by a hash that differs. To whom an opening belongs
//! the stack tells: the plugin whose code is nearest.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyTuple, PyTupleMethods};

use super::imports::{Importer, nearest};
use crate::host::Input;
use crate::model::is_python;
use crate::source::Source;

type Hook = extern "C" fn(*const c_char, *mut ffi::PyObject, *mut c_void) -> c_int;

#[expect(unsafe_code, reason = "pyo3 does not declare it")]
unsafe extern "C" {
    fn PySys_AddAuditHook(hook: Hook, data: *mut c_void) -> c_int;
}

/// From now on the openings of files are followed. Once a process: a hook cannot be taken away.
#[expect(unsafe_code, reason = "audit hooks that cost next to nothing are C API only")]
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    // SAFETY: the hook is a function of this program, and needs no data.
    let refused = unsafe { PySys_AddAuditHook(heed, ptr::null_mut()) };
    if refused == 0 { Ok(()) } else { Err(PyErr::fetch(py)) }
}

/// What an audit event means for the paths that it names.
#[derive(Clone, Copy)]
enum Event {
    /// Opened, as the flags say.
    Open,
    /// The path at that place of the arguments gets another content.
    Written(usize),
}

fn event(name: &[u8]) -> Option<Event> {
    match name {
        b"open" => Some(Event::Open),
        b"os.rename" => Some(Event::Written(1)),
        b"os.remove" | b"os.truncate" | b"sqlite3.connect" => Some(Event::Written(0)),
        _ => None,
    }
}

#[expect(unsafe_code, reason = "what CPython hands to an audit hook are C strings and objects")]
extern "C" fn heed(name: *const c_char, arguments: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython gives the name of the event as a C string.
    let Some(event) = event(unsafe { CStr::from_ptr(name) }.to_bytes()) else { return 0 };
    // Nothing in there panics on purpose; if it does, the plugin's file is opened all the same.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| {
        // CPython calls audit hooks with the GIL held, so this only says so.
        Python::attach(|py| {
            // SAFETY: the arguments are a tuple, alive for the call; null is taken care of.
            let arguments = unsafe { Bound::from_borrowed_ptr_or_opt(py, arguments) };
            let arguments = arguments.and_then(|it| it.cast_into::<PyTuple>().ok());
            if let Some(arguments) = arguments {
                // A path that is none, or a stack that is too deep: the opening itself will say so.
                let _ = note(&arguments, event);
            }
        });
    }));
    0
}

fn note(arguments: &Bound<'_, PyTuple>, event: Event) -> PyResult<()> {
    let py = arguments.py();
    let (path, writes) = match event {
        Event::Open => {
            let flags: i32 = arguments.get_item(2)?.extract()?;
            (arguments.get_item(0)?, flags & libc::O_ACCMODE != libc::O_RDONLY)
        }
        Event::Written(place) => (arguments.get_item(place)?, true),
    };
    let Some(path) = path_of(&path) else { return Ok(()) };
    let Some(importer) = nearest(py)? else { return Ok(()) };
    if !path.starts_with(&importer.get().identity.home) {
        return Ok(());
    }
    if writes {
        importer.get().note_written(path);
    } else {
        let readers = Importer::readers(&importer)?;
        importer.get().note_input(path, readers);
    }
    Ok(())
}

/// What stands in the Python files among those that a plugin has written.
pub(crate) fn left(wrote: &[PathBuf]) -> Vec<Input> {
    let read = |path: &PathBuf| {
        let hash = Source::read(path).ok().map(|source| source.hash);
        Input { path: path.clone(), hash }
    };
    wrote.iter().filter(|path| is_python(path)).map(read).collect()
}

/// The absolute path that is opened; `None` for a descriptor or what is no path.
fn path_of(path: &Bound<'_, PyAny>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;

    let path: PathBuf = if let Ok(bytes) = path.extract::<&[u8]>() {
        Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned()
    } else {
        path.extract().ok()?
    };
    // Without `..`, since it is compared with others by its letters.
    let absolute = std::path::absolute(path).ok()?;
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    Some(plain)
}
