//! Starts the interpreter: the right one, with the right home, and nothing of it left to chance.
//!
//! Takes the interpreter that the user asked for (or the active virtual environment, or the one
//! this program was built with), checks that this program can run it, and starts it on the calling
//! thread, which is from then on Python's main thread.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs, mem};

use pyo3::ffi;
use pyo3::prelude::{PyAnyMethods, PyResult, Python};

/// The interpreter to run, known to be one that this program can embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    executable: PathBuf,
}

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
        "{origin}: {} is Python {found}, and this program was built for Python {BUILT_FOR}; \
         make a virtual environment with Python {BUILT_FOR} (python{BUILT_FOR} -m venv .venv), or \
         build replug with PYO3_PYTHON={}", path.display(), path.display()
    )]
    OtherVersion {
        /// Who named it.
        origin: &'static str,
        /// What was named.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The interpreter itself gave up.
    #[error("Python did not start: {0}")]
    Failed(String),
}

const BUILD_PYTHON: &str = env!("REPLUG_BUILD_PYTHON");

/// The major and minor version that this program is linked with.
pub(crate) const BUILT_FOR: &str = concat_version();

const fn concat_version() -> &'static str {
    // Written out because the version is only known to the compiler through these switches.
    if cfg!(Py_3_15) {
        "3.15"
    } else if cfg!(Py_3_14) {
        "3.14"
    } else if cfg!(Py_3_13) {
        "3.13"
    } else if cfg!(Py_3_12) {
        "3.12"
    } else if cfg!(Py_3_11) {
        "3.11"
    } else {
        "3.10"
    }
}

impl Interpreter {
    /// Chooses: `asked` (from `--python`, `REPLUG_PYTHON` or `watch.toml`), else the active virtual
    /// environment, else the interpreter that this program was built with.
    ///
    /// # Errors
    /// [`StartupError::Missing`] and [`StartupError::OtherVersion`], each with the remedy.
    pub fn choose(asked: Option<&Path>) -> Result<Self, StartupError> {
        if let Some(path) = asked {
            return Self::check("python", path, "name one that is there");
        }
        if let Some(venv) = env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty()) {
            let python = Path::new(&venv).join("bin/python3");
            return Self::check(
                "VIRTUAL_ENV",
                &python,
                "deactivate that virtual environment or make it again",
            );
        }
        Self::check(
            "the interpreter that replug was built with",
            Path::new(BUILD_PYTHON),
            "build replug again, or name another one with --python",
        )
    }

    fn check(
        origin: &'static str,
        path: &Path,
        remedy: &'static str,
    ) -> Result<Self, StartupError> {
        let found = find_executable(path);
        let Some(executable) = found else {
            return Err(StartupError::Missing { origin, path: path.to_owned(), remedy });
        };
        match version_of(&executable) {
            Some(version) if !same_minor(&version) => {
                Err(StartupError::OtherVersion { origin, path: executable, found: version })
            }
            _ => Ok(Self { executable }),
        }
    }

    /// The executable that `sys.executable` will name.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Starts the interpreter on this thread and lets go of the GIL. Once a process.
    ///
    /// Signal handlers are left alone, nothing is read from the command line, and bytecode is
    /// neither written nor, for plugins, read. Returns the version, such as `3.11.7`.
    ///
    /// # Errors
    /// [`StartupError::Failed`], or [`StartupError::OtherVersion`] if the library that answered is
    /// not the one that was asked for.
    pub fn start(&self) -> Result<String, StartupError> {
        initialize(&self.executable)?;
        Python::attach(|py| self.look_at_it(py))
            .map_err(|error| StartupError::Failed(error.to_string()))
    }

    fn look_at_it(&self, py: Python<'_>) -> PyResult<String> {
        let version: String = py.import("platform")?.call_method0("python_version")?.extract()?;
        tracing::debug!(executable = %self.executable.display(), version, "interpreter started");
        Ok(version)
    }
}

/// `path` itself, or what a bare name such as `python3.11` finds on `PATH`.
fn find_executable(path: &Path) -> Option<PathBuf> {
    let runnable = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if path.components().count() > 1 || path.is_absolute() {
        let path = std::path::absolute(path).ok()?;
        return runnable(&path).then_some(path);
    }
    let paths: OsString = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(path)).find(|path| runnable(path))
}

/// The version of an interpreter: from `pyvenv.cfg` for a virtual environment, else by asking it.
fn version_of(executable: &Path) -> Option<String> {
    let venv = executable.parent().and_then(Path::parent).map(|folder| folder.join("pyvenv.cfg"));
    if let Some(text) = venv.and_then(|path| fs::read_to_string(path).ok()) {
        let version = text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            matches!(key.trim(), "version" | "version_info").then(|| value.trim().to_owned())
        });
        if version.is_some() {
            return version;
        }
    }
    if executable == Path::new(BUILD_PYTHON) {
        return None;
    }
    let output = std::process::Command::new(executable)
        .args(["-I", "-S", "-c", "import platform; print(platform.python_version())"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn same_minor(version: &str) -> bool {
    let mut parts = version.split('.');
    let minor = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    BUILT_FOR.split_once('.') == Some(minor)
}

#[expect(unsafe_code, reason = "CPython's start-up is C API only")]
fn initialize(executable: &Path) -> Result<(), StartupError> {
    let name = CString::new(executable.as_os_str().as_bytes())
        .map_err(|_| StartupError::Failed("its path holds a NUL byte".to_owned()))?;
    // SAFETY: the configuration is initialized by CPython before any field is read, the pointers
    // passed are alive for each call, and no other thread of this process knows Python yet.
    unsafe {
        let mut config: ffi::PyConfig = mem::zeroed();
        let config_ptr: *mut ffi::PyConfig = &raw mut config;
        ffi::PyConfig_InitPythonConfig(config_ptr);
        (*config_ptr).parse_argv = 0;
        // Ctrl-C belongs to the supervisor; a handler of Python's would take it away.
        (*config_ptr).install_signal_handlers = 0;
        // The folder that the user stands in is not a place to import from.
        #[cfg(Py_3_11)]
        {
            (*config_ptr).safe_path = 1;
        }
        (*config_ptr).write_bytecode = 0;
        let mut status = ffi::PyConfig_SetBytesString(
            config_ptr,
            &raw mut (*config_ptr).executable,
            name.as_ptr(),
        );
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::PyConfig_SetBytesString(
                config_ptr,
                &raw mut (*config_ptr).program_name,
                name.as_ptr(),
            );
        }
        if ffi::PyStatus_Exception(status) == 0 {
            status = ffi::Py_InitializeFromConfig(config_ptr);
        }
        ffi::PyConfig_Clear(config_ptr);
        if ffi::PyStatus_Exception(status) != 0 {
            let text = if status.err_msg.is_null() {
                "no reason given".to_owned()
            } else {
                std::ffi::CStr::from_ptr(status.err_msg).to_string_lossy().into_owned()
            };
            return Err(StartupError::Failed(text));
        }
        ffi::PyEval_SaveThread();
    }
    Ok(())
}
