//! Puts the layers together: command line over environment over file over default.
//!
//! Takes what each layer said, gives [`Settings`]. It cannot fail, since each layer was checked
//! where it was read; it looks at the disk only to see which roots are one.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::{CliLayer, Partial, Settings, unavailable};

pub(super) const SETTLE: Duration = Duration::from_millis(20);
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The settings that follow from `cli` and from `file` (its absolute path and what it says).
pub(super) fn resolve(cli: &CliLayer, file: Option<(PathBuf, Partial)>) -> Settings {
    let (config_file, below) = file.unzip();
    // Without a word about paths the folder of the settings file is watched, or the current one.
    let home = config_file.as_deref().and_then(Path::parent).unwrap_or(&cli.cwd).to_owned();
    let said = cli.options.clone().over(below.unwrap_or_default());
    Settings {
        roots: distinct(said.paths.unwrap_or_else(|| vec![home])),
        shared: said.shared.unwrap_or_default(),
        python: said.python,
        config_file,
        ignore: said.ignore.unwrap_or_default(),
        gitignore: said.gitignore.unwrap_or(false),
        settle: said.settle.unwrap_or(SETTLE),
        poll: said.poll.unwrap_or_default(),
        timeout: said.timeout.unwrap_or(TIMEOUT),
        shutdown_timeout: said.shutdown_timeout.unwrap_or(SHUTDOWN_TIMEOUT),
        mode: said.mode.unwrap_or_default(),
        isolation: said.isolation.unwrap_or(unavailable::DEFAULT_ISOLATION),
        preload: said.preload.unwrap_or_default(),
        plugins: said.plugins.unwrap_or_default(),
    }
}

/// `path` as seen from `base`, without `.`, `..` and trailing slashes. What stands before a `..` is
/// taken for what it really is, since behind a symlink it leads elsewhere than its spelling says.
pub(super) fn absolute(base: &Path, path: &Path) -> PathBuf {
    let mut absolute = PathBuf::new();
    for part in base.join(path).components() {
        if part == Component::ParentDir {
            absolute = absolute.canonicalize().unwrap_or(absolute);
            absolute.pop();
        } else {
            absolute.push(part);
        }
    }
    absolute
}

/// The roots without those that lie inside another or are named twice, in their order.
fn distinct(roots: Vec<PathBuf>) -> Vec<PathBuf> {
    let real: Vec<PathBuf> = roots.iter().map(|root| real(root)).collect();
    let covered = |this: usize| {
        real.iter().enumerate().any(|(other, path)| {
            other != this && real[this].starts_with(path) && (real[this] != *path || other < this)
        })
    };
    roots
        .into_iter()
        .enumerate()
        .filter(|(this, _)| !covered(*this))
        .map(|(_, root)| root)
        .collect()
}

/// Where `path` really is. What is missing of it is taken as it is spelled.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|ancestor| {
        let real = ancestor.canonicalize().ok()?;
        Some((real, path.strip_prefix(ancestor).ok()?))
    });
    let Some((mut real, missing)) = found else { return path.to_owned() };
    for part in missing.components() {
        match part {
            Component::ParentDir => _ = real.pop(),
            part => real.push(part),
        }
    }
    real
}
