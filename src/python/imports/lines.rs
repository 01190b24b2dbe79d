//! Source lines as they ran, for Python's own tracebacks.
//!
//! `traceback`, `inspect` and `logging` ask `linecache`, which reads the file as it is now. An entry
//! without a time is never checked against the disk, so a generation that is kept after a bad save
//! shows its own lines. One entry a file, however often it is reloaded.

use std::collections::HashMap;
use std::path::PathBuf;

use pyo3::prelude::{IntoPyObject, PyResult, Python};
use pyo3::types::{PyDictMethods, PyList, PyListMethods};

use super::importer::{Shared, lock};
use crate::python::tools::tools;
use crate::source::{ContentHash, Source};

/// The content that `linecache` shows for each path.
#[derive(Default)]
pub(crate) struct Pinned(HashMap<PathBuf, ContentHash>);

/// From now on `linecache` shows the lines of `source` for its path.
pub(super) fn pin(py: Python<'_>, shared: &Shared, source: &Source) -> PyResult<()> {
    let cache = tools(py)?.lines.bind(py);
    let path = source.path.as_os_str().into_pyobject(py)?;
    let before = lock(&shared.pinned).0.insert(source.path.clone(), source.hash);
    // Somebody may have emptied the cache.
    if before == Some(source.hash) && cache.contains(&path)? {
        return Ok(());
    }
    let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.bytes);
    let lines = PyList::empty(py);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(bare) if !bare.ends_with(b"\r") => lines.append(String::from_utf8_lossy(line))?,
            // `linecache` has one kind of line end.
            bare => {
                let bare = bare.unwrap_or(line);
                let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
                lines.append(format!("{}\n", String::from_utf8_lossy(bare)))?;
            }
        }
    }
    let entry = (bytes.len(), py.None(), lines, &path).into_pyobject(py)?;
    cache.set_item(&path, entry)
}

/// `linecache` reads these files from the disk again, if anybody asks.
pub(crate) fn unpin(py: Python<'_>, shared: &Shared, paths: &[PathBuf]) -> PyResult<()> {
    let lines = tools(py)?.lines.bind(py);
    for path in paths {
        lock(&shared.pinned).0.remove(path);
        if lines.contains(path.as_os_str())? {
            lines.del_item(path.as_os_str())?;
        }
    }
    Ok(())
}
