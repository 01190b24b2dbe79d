//! Starts the interpreter: the right one, with the right home, and nothing of it left to chance.
//!
//! Takes the interpreter that the user asked for (or the active virtual environment, or the one
//! this program was built with), checks that this program can run it, and starts it on the calling
//! thread, which is from then on Python's main thread.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io, mem, thread};

use pyo3::ffi;
use pyo3::prelude::Python;

use super::interpreter::{Ended, StartupError, find_executable, look_around, minor_of};
use crate::model::Site;

/// Address space for the stack of Python's main thread; only what is used becomes memory. Deep
/// recursion in a plugin shall end as `RecursionError`, not as the end of the process.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// The interpreter to run, known to be one that this program can embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    executable: PathBuf,
}

const BUILD_PYTHON: &str = env!("REPLUG_BUILD_PYTHON");

/// The major and minor version that this program is linked with.
pub const BUILT_FOR: &str = concat_version();

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
    /// [`StartupError::Missing`], [`StartupError::NotPython`] and [`StartupError::OtherVersion`],
    /// each with the remedy.
    pub fn choose(asked: Option<&Path>) -> Result<Self, StartupError> {
        let (origin, executable) = find(asked)?;
        match version_by_files(&executable).or_else(|| version_by_asking(&executable)) {
            Some(version) if minor_of(&version).as_deref() == Some(BUILT_FOR) => {
                Ok(Self { executable })
            }
            Some(found) => {
                let wanted = built_for();
                let found = format!("Python {found}");
                Err(StartupError::OtherVersion { origin, path: executable, found, wanted })
            }
            None if executable == Path::new(BUILD_PYTHON) => Ok(Self { executable }),
            None => Err(StartupError::NotPython { origin, path: executable }),
        }
    }

    /// The executable that plugins would run with, in this process or in one of its own, and its
    /// version, as far as that can be told without running it.
    ///
    /// # Errors
    /// [`StartupError::Missing`] and [`StartupError::NotPython`].
    pub fn locate(asked: Option<&Path>) -> Result<(PathBuf, String), StartupError> {
        let (origin, executable) = find(asked)?;
        if executable == Path::new(BUILD_PYTHON) {
            return Ok((executable, BUILT_FOR.to_owned()));
        }
        let version = version_by_files(&executable).or_else(|| version_by_name(&executable));
        match version {
            Some(version) => match minor_of(&version) {
                Some(minor) => Ok((executable, minor)),
                None => {
                    let (found, wanted) = (format!("Python {version}"), built_for());
                    Err(StartupError::OtherVersion { origin, path: executable, found, wanted })
                }
            },
            None if is_named_like_python(&executable) => Ok((executable, BUILT_FOR.to_owned())),
            None => Err(StartupError::NotPython { origin, path: executable }),
        }
    }

    /// The executable that `sys.executable` will name.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// Runs `body` on a thread of its own, which shall start the interpreter and is then Python's
    /// main thread.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn on_main_thread(body: impl FnOnce() + Send + 'static) -> io::Result<Ended> {
        let thread = thread::Builder::new().name("python".to_owned()).stack_size(STACK_BYTES);
        Ok(Ended::Thread(thread.spawn(body)?))
    }

    /// Starts the interpreter on this thread and lets go of the GIL. Once a process.
    ///
    /// Signal handlers are left alone, nothing is read from the command line, and bytecode is
    /// neither written nor, for plugins, read. Returns what it is and where it finds
    /// packages.
    ///
    /// # Errors
    /// [`StartupError::Failed`], or [`StartupError::OtherVersion`] if the library that answered is
    /// not the one that was asked for.
    pub fn start(&self) -> Result<Site, StartupError> {
        initialize(&self.executable)?;
        Python::attach(|py| look_around(py, &self.executable))
            .map_err(|error| StartupError::Failed(error.to_string()))
    }
}

fn built_for() -> String {
    format!("this program was built for Python {BUILT_FOR}")
}

/// The executable that was asked for, and who asked.
fn find(asked: Option<&Path>) -> Result<(&'static str, PathBuf), StartupError> {
    let venv = env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty());
    let (origin, path, remedy) = match (asked, venv) {
        (Some(path), _) => ("python", path.to_owned(), "name one that is there"),
        (None, Some(venv)) => (
            "VIRTUAL_ENV",
            Path::new(&venv).join("bin/python3"),
            "deactivate that virtual environment or make it again",
        ),
        (None, None) => (
            "the interpreter that replug was built with",
            BUILD_PYTHON.into(),
            "build replug again, or name another one with --python",
        ),
    };
    match find_executable(&path) {
        Some(executable) => Ok((origin, executable)),
        None => Err(StartupError::Missing { origin, path, remedy }),
    }
}

/// The version of the interpreter of a virtual environment, by its `pyvenv.cfg`.
fn version_by_files(executable: &Path) -> Option<String> {
    if !is_named_like_python(executable) {
        return None;
    }
    let venv = executable.parent().and_then(Path::parent)?.join("pyvenv.cfg");
    fs::read_to_string(venv).ok()?.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        matches!(key.trim(), "version" | "version_info").then(|| value.trim().to_owned())
    })
}

/// The version that an interpreter tells of itself.
fn version_by_asking(executable: &Path) -> Option<String> {
    if executable == Path::new(BUILD_PYTHON) {
        return None;
    }
    let output = std::process::Command::new(executable)
        .args(["-I", "-S", "-c", "import platform; print(platform.python_version())"])
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    let is_version = text.starts_with(|char: char| char.is_ascii_digit()) && text.contains('.');
    (output.status.success() && is_version).then(|| text.to_owned())
}

/// The version in the name of the file that it really is, such as `python3.11`.
fn version_by_name(executable: &Path) -> Option<String> {
    let real = fs::canonicalize(executable).ok()?;
    let version = real.file_name()?.to_str()?.strip_prefix("python")?;
    version.contains('.').then(|| version.to_owned())
}

fn is_named_like_python(executable: &Path) -> bool {
    executable.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"))
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
