//! What plugins add to `sys.path`: remembered for each, and in force for its own imports only.

use pyo3::prelude::{PyAnyMethods, PyResult, Python};
use pyo3::types::{PyList, PyListMethods};

/// What a plugin added to `sys.path`; in force for its own imports only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AddedPaths {
    pub(crate) front: Vec<String>,
    pub(crate) back: Vec<String>,
}

/// `sys.path` with a plugin's additions, until it is put back.
pub(crate) struct PathsInForce {
    front: usize,
    back: usize,
}

/// Puts `added` on `sys.path` for one import outside of a guarded call; `None` if there is nothing
/// to add.
pub(crate) fn with_paths(py: Python<'_>, added: &AddedPaths) -> PyResult<Option<PathsInForce>> {
    if added == &AddedPaths::default() {
        return Ok(None);
    }
    let path = py.import("sys")?.getattr("path")?.cast_into::<PyList>()?;
    for (position, entry) in added.front.iter().enumerate() {
        path.insert(position, entry)?;
    }
    for entry in &added.back {
        path.append(entry)?;
    }
    Ok(Some(PathsInForce { front: added.front.len(), back: added.back.len() }))
}

impl PathsInForce {
    pub(crate) fn put_back(self, py: Python<'_>) -> PyResult<()> {
        let path = py.import("sys")?.getattr("path")?.cast_into::<PyList>()?;
        path.del_slice(0, self.front)?;
        path.del_slice(path.len().saturating_sub(self.back), path.len())
    }
}
