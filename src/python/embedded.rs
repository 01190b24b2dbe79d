//! The `qtforge` package inside this program: what plugins import, found before any other.
//!
//! The same files make the wheel. Their text is part of the binary, so that the two cannot differ
//! in version, and nothing needs to be installed for a plugin to run.

use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyModuleMethods, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyListMethods, PyModule};
use pyo3::{PyErr, exceptions::PyImportError, intern, pyclass, pymethods};

include!(concat!(env!("OUT_DIR"), "/qtforge_sources.rs"));

/// Finds and loads the modules of the embedded `qtforge`.
#[pyclass(frozen, module = "qtforge")]
struct EmbeddedFinder;

/// The text of a module, and whether it is a package.
fn find(name: &str) -> Option<(&'static str, &'static str, bool)> {
    SOURCES
        .iter()
        .find(|(module, _, _, _)| *module == name)
        .map(|(_, path, text, package)| (*path, *text, *package))
}

#[pymethods]
impl EmbeddedFinder {
    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec<'py>(
        slf: Bound<'py, Self>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = (path, target);
        let py = slf.py();
        let Some((file, _, package)) = find(name) else { return Ok(None) };
        let options = PyDict::new(py);
        options.set_item("origin", format!("<{file}>"))?;
        options.set_item("is_package", package)?;
        let spec = py.import("importlib.machinery")?.getattr("ModuleSpec")?;
        spec.call((name, slf), Some(&options)).map(Some)
    }

    fn create_module(&self, spec: Bound<'_, PyAny>) -> Option<Py<PyAny>> {
        let _ = spec;
        None
    }

    fn exec_module(&self, module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        let name = module.name()?.to_string();
        let (file, text, _) = find(&name).ok_or_else(|| missing(&name))?;
        let code = super::imports::compile_text(py, text, &format!("<{file}>"))?;
        super::imports::execute(&code, &module.dict())
    }

    fn get_source(&self, name: &str) -> PyResult<&'static str> {
        find(name).map(|(_, text, _)| text).ok_or_else(|| missing(name))
    }

    fn is_package(&self, name: &str) -> PyResult<bool> {
        find(name).map(|(_, _, package)| package).ok_or_else(|| missing(name))
    }
}

fn missing(name: &str) -> PyErr {
    PyImportError::new_err(format!("{name} is no part of qtforge"))
}

/// Makes `import qtforge` find the embedded package, whatever is installed.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let finder = Bound::new(py, EmbeddedFinder)?;
    let meta_path = py.import("sys")?.getattr(intern!(py, "meta_path"))?;
    meta_path.cast_into::<pyo3::types::PyList>()?.insert(0, finder)
}
