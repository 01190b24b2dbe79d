//! Looks for a module in folders, in Python's own order; touches nothing but the file system.

use std::fs;
use std::path::{Path, PathBuf};

/// What a module name stands for in a list of folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A folder with `__init__.py`, which this is.
    Package(PathBuf),
    /// A `.py` file.
    Module(PathBuf),
    /// A shared library that is a module.
    Extension(PathBuf),
    /// Folders of that name without `__init__.py`.
    Namespace(Vec<PathBuf>),
    /// Nothing of that name.
    Nothing,
}

/// Which folders without `__init__.py` are modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespaces {
    /// Those that hold Python somewhere below: beside an entry lie folders of data, too.
    OfCode,
    /// All, as in Python.
    All,
}

/// Looks for `name` in each of `folders` in turn. `suffixes` are the endings of extension modules.
pub(crate) fn find(
    folders: &[PathBuf],
    name: &str,
    suffixes: &[String],
    namespaces: Namespaces,
) -> Found {
    let mut portions = Vec::new();
    for folder in folders {
        let base = folder.join(name);
        let is_folder = base.is_dir();
        if is_folder {
            let init = base.join("__init__.py");
            if init.is_file() {
                return Found::Package(init);
            }
        }
        for suffix in suffixes {
            let path = with_suffix(&base, suffix);
            if path.is_file() {
                return Found::Extension(path);
            }
        }
        let path = with_suffix(&base, ".py");
        if path.is_file() {
            return Found::Module(path);
        }
        if is_folder && (namespaces == Namespaces::All || holds_python(&base, 3)) {
            portions.push(base);
        }
    }
    if portions.is_empty() { Found::Nothing } else { Found::Namespace(portions) }
}

/// The files that would have been found instead of `found`, had they been there.
pub(crate) fn rivals(
    found: &Found,
    folders: &[PathBuf],
    name: &str,
    suffixes: &[String],
) -> Vec<PathBuf> {
    let mut rivals = Vec::new();
    for folder in folders {
        let base = folder.join(name);
        let module = with_suffix(&base, ".py");
        let in_order = std::iter::once(base.join("__init__.py"))
            .chain(suffixes.iter().map(|suffix| with_suffix(&base, suffix)))
            .chain(std::iter::once(module));
        for path in in_order {
            match found {
                Found::Package(it) | Found::Module(it) | Found::Extension(it) if *it == path => {
                    return rivals;
                }
                _ => rivals.push(path),
            }
        }
    }
    rivals
}

/// `base` with `suffix` put behind it; `Path::with_extension` would cut at a dot in the name.
fn with_suffix(base: &Path, suffix: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

/// Whether a folder is likely meant as a package: a folder of data is not.
fn holds_python(folder: &Path, depth: u32) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let path = entry.path();
        crate::model::is_python(&path)
            || (depth > 0 && path.is_dir() && holds_python(&path, depth - 1))
    })
}
