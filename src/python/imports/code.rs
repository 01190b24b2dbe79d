//! Compiling: from bytes to code objects, each content once.
//!
//! The bytes are the ones that were hashed; no `.pyc` is read or written, so that what runs is what
//! was saved, however fast one save follows another. What outlives the process is in `store.rs`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pyo3::prelude::{Bound, IntoPyObject, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyBytes, PyDict};

use super::importer::{Shared, lock};
use crate::python::tools::tools;
use crate::source::{ContentHash, Source};

/// The code of each file as it was last compiled.
#[derive(Default)]
pub(crate) struct CodeCache {
    codes: HashMap<PathBuf, (ContentHash, Py<PyAny>)>,
    /// How long each compilation took, until somebody asks.
    times: HashMap<PathBuf, Duration>,
}

impl CodeCache {
    /// The code of `source`, if it is the content that was compiled last.
    pub(crate) fn find(&self, py: Python<'_>, source: &Source) -> Option<Py<PyAny>> {
        self.codes
            .get(&source.path)
            .filter(|(hash, _)| *hash == source.hash)
            .map(|(_, code)| code.clone_ref(py))
    }

    /// Keeps the code of `source`. What it replaces comes back, to be dropped where nothing is
    /// locked.
    pub(crate) fn keep(
        &mut self,
        py: Python<'_>,
        source: &Source,
        code: &Py<PyAny>,
    ) -> Option<Py<PyAny>> {
        self.codes
            .insert(source.path.clone(), (source.hash, code.clone_ref(py)))
            .map(|(_, replaced)| replaced)
    }

    /// How long `path` took to compile, if it was compiled since this was asked last.
    pub(super) fn take_time(&mut self, path: &Path) -> Duration {
        self.times.remove(path).unwrap_or_default()
    }

    /// Lets go of files that no plugin uses any more; to be dropped where nothing is locked.
    pub(crate) fn forget(&mut self, paths: Vec<PathBuf>) -> Vec<Py<PyAny>> {
        self.times.retain(|path, _| !paths.contains(path));
        paths.iter().filter_map(|path| self.codes.remove(path)).map(|(_, code)| code).collect()
    }
}

/// The code of `source`: as it was compiled before, by this process or another, else compiled now.
pub(crate) fn of(py: Python<'_>, shared: &Shared, source: &Source) -> PyResult<Py<PyAny>> {
    let known = lock(&shared.codes).find(py, source);
    if let Some(code) = known {
        return Ok(code);
    }
    // Not under the lock: compiling may run finalizers, and those may import.
    let stored = shared.store.get().and_then(|store| store.find(py, source));
    let code = match stored {
        Some(code) => code,
        None => {
            let began = Instant::now();
            let code = compile(py, source)?;
            lock(&shared.codes).times.insert(source.path.clone(), began.elapsed());
            if let Some(store) = shared.store.get() {
                store.add(py, source, &code);
            }
            code
        }
    };
    let replaced = lock(&shared.codes).keep(py, source, &code);
    drop(replaced);
    Ok(code)
}

/// Compiles the bytes of `source`; encoding cookies and byte order marks are Python's own business.
pub(crate) fn compile(py: Python<'_>, source: &Source) -> PyResult<Py<PyAny>> {
    let bytes = PyBytes::new(py, &source.bytes);
    compile_with(py, bytes.as_any(), &source.path)
}

/// Compiles a text of our own.
pub(crate) fn compile_text(py: Python<'_>, text: &str, name: &str) -> PyResult<Py<PyAny>> {
    compile_with(py, text.into_pyobject(py)?.as_any(), Path::new(name))
}

fn compile_with(py: Python<'_>, text: &Bound<'_, PyAny>, path: &Path) -> PyResult<Py<PyAny>> {
    let compile = tools(py)?.compile.bind(py);
    let name = path.as_os_str();
    // flags 0, dont_inherit: nothing of our own `from __future__` reaches a plugin.
    Ok(compile.call1((text, name, "exec", 0, true))?.unbind())
}

/// Runs code as the body of a module.
pub(crate) fn execute(code: &Py<PyAny>, globals: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = globals.py();
    tools(py)?.exec.bind(py).call1((code, globals))?;
    Ok(())
}
