//! What Python expects of the loader of a module: its source, its data, its resources.
//!
//! `inspect`, `pkgutil`, `importlib.resources` and tracebacks ask for these; they are answered from
//! the content that was executed. Also the finder that imports own modules for others than the
//! plugin itself (pickle, for one), and the wrapper of `importlib.import_module`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use pyo3::exceptions::PyImportError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{
    PyBytes, PyBytesMethods, PyDict, PyDictMethods, PyList, PyListMethods, PyModule,
    PyModuleMethods,
};
use pyo3::{pyclass, pyfunction, pymethods, wrap_pyfunction};

use super::code;
use super::importer::{Importer, Shared};
use super::modules::sys_modules;
use super::names::PLUGINS;

/// The loader of one own module.
#[pyclass(frozen, module = "qtforge")]
pub(crate) struct OwnLoader {
    importer: Py<Importer>,
    name: String,
    file: Option<PathBuf>,
}

impl OwnLoader {
    pub(crate) fn new(importer: Py<Importer>, name: &str, file: Option<&Path>) -> Self {
        Self { importer, name: name.to_owned(), file: file.map(Path::to_owned) }
    }

    fn file(&self) -> PyResult<&Path> {
        self.file
            .as_deref()
            .ok_or_else(|| PyImportError::new_err(format!("{} is a namespace", self.name)))
    }

    fn bytes<'py>(&self, py: Python<'py>, path: &Path) -> PyResult<Bound<'py, PyBytes>> {
        match self.importer.get().executed(path) {
            Some(source) => Ok(PyBytes::new(py, &source.bytes)),
            None => Ok(PyBytes::new(py, &std::fs::read(path)?)),
        }
    }
}

#[pymethods]
impl OwnLoader {
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    #[getter]
    fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    fn create_module<'py>(
        &self,
        py: Python<'py>,
        spec: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = spec;
        Importer::import_own(self.importer.bind(py), &self.name)
    }

    fn exec_module(&self, module: &Bound<'_, PyAny>) {
        // It was executed when it was made.
        let _ = module;
    }

    #[pyo3(signature = (name=None))]
    fn get_source<'py>(&self, py: Python<'py>, name: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        let _ = name;
        let bytes = self.bytes(py, self.file()?)?;
        py.import("importlib.util")?.call_method1("decode_source", (bytes,))
    }

    fn get_data<'py>(&self, py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyBytes>> {
        self.bytes(py, &path)
    }

    #[pyo3(signature = (name=None))]
    fn get_filename(&self, name: Option<&str>) -> PyResult<&Path> {
        let _ = name;
        self.file()
    }

    #[pyo3(signature = (name=None))]
    fn is_package(&self, name: Option<&str>) -> bool {
        let _ = name;
        self.file
            .as_ref()
            .is_none_or(|file| file.file_stem().is_some_and(|stem| stem == "__init__"))
    }

    #[pyo3(signature = (name=None))]
    fn get_code(&self, py: Python<'_>, name: Option<&str>) -> PyResult<Py<PyAny>> {
        let _ = name;
        let path = self.file()?;
        let bytes = self.bytes(py, path)?;
        code::compile(py, &crate::source::Source::new(path, bytes.as_bytes().to_vec()))
    }

    #[pyo3(signature = (name=None))]
    fn get_resource_reader<'py>(
        slf: Bound<'py, Self>,
        name: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = name;
        slf.py().import("importlib.readers")?.getattr("FileReader")?.call1((slf,))
    }

    fn __repr__(&self) -> String {
        format!("<loader of {}>", self.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.importer)
    }
}

/// Finds own modules by their full name, for whoever asks.
#[pyclass(frozen, module = "qtforge")]
struct PluginFinder {
    shared: Arc<Shared>,
}

#[pymethods]
impl PluginFinder {
    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = (path, target);
        let Some(rest) = name.strip_prefix(PLUGINS).and_then(|rest| rest.strip_prefix('.')) else {
            return Ok(None);
        };
        let Some((package, _)) = rest.split_once('.') else { return Ok(None) };
        let importer = self
            .shared
            .newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&format!("{PLUGINS}.{package}"))
            .map(|importer| importer.clone_ref(py));
        let Some(importer) = importer else { return Ok(None) };
        let module = Importer::import_own(importer.bind(py), name)?;
        let file: Option<PathBuf> =
            module.getattr("__file__").ok().and_then(|file| file.extract().ok());
        let loader = Bound::new(py, OwnLoader::new(importer, name, file.as_deref()))?;
        let options = PyDict::new(py);
        options.set_item("is_package", module.hasattr("__path__")?)?;
        let spec = py.import("importlib.machinery")?.getattr("ModuleSpec")?;
        spec.call((name, loader), Some(&options)).map(Some)
    }
}

/// `importlib.import_module`, which sees own modules when a plugin calls it.
#[pyfunction]
#[pyo3(signature = (name, package=None))]
fn import_module<'py>(
    py: Python<'py>,
    name: &str,
    package: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let frame = py.import("sys")?.call_method0("_getframe")?;
    let builtins = frame.getattr("f_builtins")?;
    if let Ok(import) = builtins.get_item("__import__")
        && let Ok(importer) = import.cast::<Importer>()
    {
        let absolute = match (name.starts_with('.'), package) {
            (true, Some(package)) => py
                .import("importlib.util")?
                .call_method1("resolve_name", (name, package))?
                .extract::<String>()?,
            _ => name.to_owned(),
        };
        if let Some(module) = Importer::import_module(importer, &absolute)? {
            return Ok(module);
        }
    }
    let original = py.import("importlib")?.getattr("import_module")?.getattr("__wrapped__");
    match original {
        Ok(original) => original.call1((name, package)),
        Err(_) => {
            py.import("importlib")?.getattr("_bootstrap")?.call_method1("_gcd_import", (name,))
        }
    }
}

/// Registers the package of all plugins, its finder, and the wrapper of `import_module`.
pub(crate) fn install(py: Python<'_>, shared: &Arc<Shared>) -> PyResult<()> {
    let plugins = PyModule::new(py, PLUGINS)?;
    plugins.dict().set_item("__path__", PyList::empty(py))?;
    sys_modules(py)?.set_item(PLUGINS, &plugins)?;
    py.import("qtforge")?.setattr("plugins", plugins)?;

    let finder = Bound::new(py, PluginFinder { shared: shared.clone() })?;
    let meta_path = py.import("sys")?.getattr("meta_path")?;
    meta_path.cast_into::<PyList>()?.insert(0, finder)?;

    let importlib = py.import("importlib")?;
    let original = importlib.getattr("import_module")?;
    let wrapper = wrap_pyfunction!(import_module, &importlib)?;
    // A built-in function takes no attributes; a partial does, and calls without a frame between.
    let wrapper = py.import("functools")?.getattr("partial")?.call1((wrapper,))?;
    wrapper.setattr("__wrapped__", original)?;
    wrapper.setattr("__name__", "import_module")?;
    importlib.setattr("import_module", wrapper)
}
