//! The interpreter that plugins would run with, and the virtual environment that it belongs to.

use std::path::{Path, PathBuf};

use crate::model::{Diagnosis, Health, Isolation};
use crate::python::{Interpreter, Outside, StartupError};
use crate::requirements;
use crate::settings::Settings;

const CHECK: &str = "python";

/// Names that virtual environments usually have, beside the project's files.
const USUAL: [&str; 2] = [".venv", "venv"];

pub(super) fn examine(settings: &Settings, cwd: &Path) -> Diagnosis {
    let (executable, version) = match choose(settings) {
        Ok(found) => found,
        Err(error) => {
            let failed = Diagnosis::ok(CHECK, error.to_string());
            return failed.but(Health::Fail, remedy(&error));
        }
    };
    let own = executable.parent().and_then(Path::parent).filter(|folder| is_environment(folder));
    let home = settings.config_file.as_deref().and_then(Path::parent).unwrap_or(cwd);
    let unused = USUAL.iter().map(|name| home.join(name)).find(|folder| is_environment(folder));
    let message = match own {
        Some(folder) => format!("{version}, of the virtual environment {}", folder.display()),
        None => format!("{version}, of no virtual environment"),
    };
    let found = Diagnosis::ok(CHECK, message)
        .about(&executable)
        .fact("version", version)
        .fact("virtual_environment", own.map(|folder| folder.to_string_lossy().into_owned()));
    match unused.filter(|_| own.is_none()) {
        Some(unused) => found.but(
            Health::Warn,
            format!(
                "{0} is not used; activate it, or write python = \"{0}/bin/python\" into watch.toml",
                unused.strip_prefix(home).unwrap_or(&unused).display()
            ),
        ),
        None => found,
    }
}

/// The interpreter that a host would be, and its version.
fn choose(settings: &Settings) -> Result<(PathBuf, String), StartupError> {
    match Interpreter::choose(settings.python.as_deref()) {
        Err(StartupError::OtherVersion { origin, path, .. })
            if settings.isolation != Isolation::None =>
        {
            let outside = Outside::check(origin, &path)?;
            Ok((path, outside.version().to_owned()))
        }
        Err(error) => Err(error),
        Ok(own) => {
            let (executable, minor) = Interpreter::locate(settings.python.as_deref())?;
            let version = requirements::find(&executable, &minor).version;
            Ok((own.executable().to_owned(), version))
        }
    }
}

fn is_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file()
}

/// What is to be done, which the error says in its own words where it knows better.
fn remedy(error: &StartupError) -> &'static str {
    match error {
        StartupError::NoWheel { .. } | StartupError::OtherProtocol { .. } => {
            "install it there, or name another interpreter with --python or `python` in watch.toml"
        }
        StartupError::Missing { .. }
        | StartupError::OtherVersion { .. }
        | StartupError::NotPython { .. }
        | StartupError::Failed(_) => {
            "name an interpreter that runs with --python or `python` in watch.toml"
        }
    }
}
