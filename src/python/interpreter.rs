//! Which interpreter runs plugins: one in this process, or another one in a process of its own.
//!
//! This program can run a single version of CPython inside itself. Every other one runs
//! `python -m qtforge.host`, for which the wheel has to be installed there ([`Outside`]).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use std::{env, fs};

use crossbeam_channel::Receiver;
use pyo3::prelude::{PyAnyMethods, PyResult, Python};

use crate::model::Site;

/// The version of what the supervisor and a host say to each other. It grows whenever one of them
/// would misunderstand the other of a version before.
pub(crate) const PROTOCOL: u32 = 7;

/// Plugins run with no CPython that is older than 3 and this.
const OLDEST: u32 = 10;

/// Why no interpreter could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// There is no such file.
    #[error("{origin}: there is no Python interpreter at {}; {remedy}", path.display())]
    Missing {
        /// Who named it.
        origin: &'static str,
        /// What was named.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// An interpreter of another version.
    #[error(
        "{origin}: {} is {found}, and {wanted}; take that one, or have plugins run in a child \
         process, which may be any CPython from 3.{OLDEST} on", path.display()
    )]
    OtherVersion {
        /// Who named it.
        origin: &'static str,
        /// What was named.
        path: PathBuf,
        /// Its version.
        found: String,
        /// What this process can run, as half a sentence.
        wanted: String,
    },
    /// Something that is no interpreter.
    #[error(
        "{origin}: {} is no Python interpreter; name one, such as .venv/bin/python", path.display()
    )]
    NotPython {
        /// Who named it.
        origin: &'static str,
        /// What was named.
        path: PathBuf,
    },
    /// An interpreter of another version, which cannot be a host either.
    #[error(
        "{} (Python {found}) has no qtforge, which it needs to run plugins for this program: in a \
         clone of replug, run `{} -m pip install .`", path.display(), path.display()
    )]
    NoWheel {
        /// What was named.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The qtforge that is installed there is of another version of this program.
    #[error(
        "{} has the qtforge of replug {found}, which speaks protocol {theirs}, and this is replug \
         {} with protocol {PROTOCOL}; in a clone of this version, run `{} -m pip install .`",
        path.display(), env!("CARGO_PKG_VERSION"), path.display()
    )]
    OtherProtocol {
        /// What was named.
        path: PathBuf,
        /// The version of replug that it came with.
        found: String,
        /// What it speaks.
        theirs: String,
    },
    /// The interpreter itself gave up.
    #[error("Python did not start: {0}")]
    Failed(String),
}

/// The end of the work on Python's main thread.
pub enum Ended {
    /// That thread ends.
    Thread(JoinHandle<()>),
    /// The thread goes on with something else, and tells.
    Told(Receiver<()>),
}

impl Ended {
    /// Waits for it; whether it ended well.
    pub fn wait(self) -> bool {
        match self {
            Self::Thread(thread) => thread.join().is_ok(),
            // The sender is dropped at the end, with or without a word.
            Self::Told(ended) => ended.recv().is_ok(),
        }
    }
}

/// An interpreter that runs plugins in a process of its own, with the wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    executable: PathBuf,
    version: String,
}

/// What an interpreter is asked: which wheel it has. It prints the version alone if it has none.
const QUESTION: &str = "import platform
print(platform.python_version())
import qtforge._core
print(qtforge._core.__version__)
print(qtforge._core.PROTOCOL)";

impl Outside {
    /// The interpreter at `path`, asked whether it can be a host.
    ///
    /// # Errors
    /// [`StartupError`], with the remedy.
    pub fn check(origin: &'static str, path: &Path) -> Result<Self, StartupError> {
        let remedy = "name one that is there";
        let missing = || StartupError::Missing { origin, path: path.to_owned(), remedy };
        let executable = find_executable(path).ok_or_else(missing)?;
        let output = Command::new(&executable)
            .args(["-c", QUESTION])
            .output()
            .map_err(|error| StartupError::Failed(format!("{}: {error}", executable.display())))?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = answer.lines().map(str::to_owned);
        match (lines.next(), lines.next(), lines.next()) {
            (Some(version), Some(_), Some(theirs)) if theirs == PROTOCOL.to_string() => {
                Ok(Self { executable, version })
            }
            (Some(_), Some(found), Some(theirs)) => {
                Err(StartupError::OtherProtocol { path: executable, found, theirs })
            }
            (Some(found), _, _) if minor_of(&found).is_none() => {
                let wanted = format!("plugins need Python 3.{OLDEST} or newer");
                let found = format!("Python {found}");
                Err(StartupError::OtherVersion { origin, path: executable, found, wanted })
            }
            (Some(found), _, _) => Err(StartupError::NoWheel { path: executable, found }),
            (None, ..) => Err(StartupError::Failed(format!(
                "{} is no Python that runs: {}",
                executable.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            ))),
        }
    }

    /// An interpreter that is known to have the wheel of this program.
    pub fn known(executable: PathBuf, version: String) -> Self {
        Self { executable, version }
    }

    /// Its version, such as `3.11.7`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The command that makes it a host.
    pub fn command(&self) -> Command {
        self.module("qtforge.host")
    }

    /// The command that runs a module of the wheel.
    pub fn module(&self, name: &str) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(["-m", name]);
        command
    }
}

/// `path` itself, or what a bare name such as `python3.11` finds on `PATH`.
pub(super) fn find_executable(path: &Path) -> Option<PathBuf> {
    let runnable = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if path.components().count() > 1 || path.is_absolute() {
        let path = std::path::absolute(path).ok()?;
        return runnable(&path).then_some(path);
    }
    let paths: OsString = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(path)).find(|path| runnable(path))
}

/// The minor version, such as `3.11`, of a `version` such as `3.11.7`; `None` if that is too old.
pub(super) fn minor_of(version: &str) -> Option<String> {
    let mut parts = version.split('.');
    let minor: u32 = parts.next().filter(|major| *major == "3").and(parts.next())?.parse().ok()?;
    (minor >= OLDEST).then(|| format!("3.{minor}"))
}

/// The interpreter that called us, and where it looks for packages.
///
/// # Errors
/// What Python raised.
pub fn around(py: Python<'_>) -> PyResult<Site> {
    let executable: Option<PathBuf> = py.import("sys")?.getattr("executable")?.extract()?;
    look_around(py, &executable.unwrap_or_default())
}

/// The interpreter that runs here, which `executable` names, and where it looks for packages.
pub(super) fn look_around(py: Python<'_>, executable: &Path) -> PyResult<Site> {
    let version: String = py.import("platform")?.call_method0("python_version")?.extract()?;
    tracing::debug!(executable = %executable.display(), version, "interpreter started");
    let mut folders = Vec::new();
    for entry in py.import("sys")?.getattr("path")?.try_iter()? {
        // Anybody may have put anything there.
        if let Ok(folder) = entry?.extract::<PathBuf>() {
            folders.push(folder);
        }
    }
    Ok(Site { executable: executable.to_owned(), version, folders })
}
