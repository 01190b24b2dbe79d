//! The interpreter that this module was imported by: it runs already, and nothing starts it here.
//!
//! Python's main thread is not ours to make. Whoever called from it lends it ([`lend_main_thread`])
//! while plugins run in this process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Sender, bounded, unbounded};
use pyo3::prelude::{PyAnyMethods, PyResult, Python};

use super::interpreter::{Ended, Outside, StartupError, find_executable, look_around, minor_of};
use crate::model::Site;

type Work = Box<dyn FnOnce() + Send>;

/// Where work for Python's main thread goes while that is lent.
static MAIN_THREAD: Mutex<Option<Sender<Work>>> = Mutex::new(None);

/// The interpreter of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    executable: PathBuf,
}

/// Runs `body` on another thread, and meanwhile, on this one, what is meant for Python's main
/// thread. Called from there, without the GIL.
///
/// # Errors
/// If there can be no thread.
pub fn lend_main_thread(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (sender, work) = unbounded::<Work>();
    *MAIN_THREAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    let thread = std::thread::Builder::new().name("replug".to_owned());
    thread.spawn(move || {
        body();
        *MAIN_THREAD.lock().unwrap_or_else(PoisonError::into_inner) = None;
    })?;
    for body in work {
        body();
    }
    Ok(())
}

impl Interpreter {
    /// The one that runs, which must be the one that was `asked` for.
    ///
    /// # Errors
    /// [`StartupError::Missing`] and [`StartupError::OtherVersion`], each with the remedy.
    pub fn choose(asked: Option<&Path>) -> Result<Self, StartupError> {
        let failed = |error: pyo3::PyErr| StartupError::Failed(error.to_string());
        let executable = Python::attach(executable).map_err(failed)?;
        let Some(path) = asked else { return Ok(Self { executable }) };
        let origin = "python";
        let Some(found) = find_executable(path) else {
            let remedy = "name one that is there";
            return Err(StartupError::Missing { origin, path: path.to_owned(), remedy });
        };
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if found == executable || (real(&found) == real(&executable) && !is_venv(&found)) {
            return Ok(Self { executable });
        }
        let wanted = format!("this program runs with {}", executable.display());
        let found_version = "another one".to_owned();
        Err(StartupError::OtherVersion { origin, path: found, found: found_version, wanted })
    }

    /// The executable that plugins would run with, and its version.
    ///
    /// # Errors
    /// [`StartupError`].
    pub fn locate(asked: Option<&Path>) -> Result<(PathBuf, String), StartupError> {
        match Self::choose(asked) {
            Ok(own) => {
                let version = minor_of(&own.start()?.version).unwrap_or_default();
                Ok((own.executable, version))
            }
            Err(StartupError::OtherVersion { origin, path, .. }) => {
                let outside = Outside::check(origin, &path)?;
                Ok((path, minor_of(outside.version()).unwrap_or_default()))
            }
            Err(error) => Err(error),
        }
    }

    /// The executable that `sys.executable` names.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Has `body` run on Python's main thread.
    ///
    /// # Errors
    /// If nobody lends that thread.
    pub fn on_main_thread(body: impl FnOnce() + Send + 'static) -> io::Result<Ended> {
        let (ended, wait) = bounded(1);
        let work = Box::new(move || {
            body();
            // Nobody has to be interested.
            let _ = ended.send(());
        });
        let lent = MAIN_THREAD.lock().unwrap_or_else(PoisonError::into_inner);
        match lent.as_ref().map(|thread| thread.send(work)) {
            Some(Ok(())) => Ok(Ended::Told(wait)),
            _ => Err(io::Error::other("Python's main thread is not at hand")),
        }
    }

    /// It runs already; what it is.
    ///
    /// # Errors
    /// [`StartupError::Failed`].
    pub fn start(&self) -> Result<Site, StartupError> {
        Python::attach(|py| look_around(py, &self.executable))
            .map_err(|error| StartupError::Failed(error.to_string()))
    }
}

fn executable(py: Python<'_>) -> PyResult<PathBuf> {
    py.import("sys")?.getattr("executable")?.extract()
}

/// A virtual environment's interpreter is a link to another one, with other packages.
fn is_venv(executable: &Path) -> bool {
    let folder = executable.parent().and_then(Path::parent);
    folder.is_some_and(|folder| folder.join("pyvenv.cfg").exists())
}
