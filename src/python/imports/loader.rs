//! What Python expects of the loader of a module: its source, its data, its resources.
//!
//! `inspect`, `pkgutil`, `importlib.resources` and tracebacks ask for these; they are answered from
//! the content that was executed. Also the finder that imports own modules by their full names for
//! others than the plugin itself (pickle, for one).

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use pyo3::exceptions::PyImportError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{
    PyBytes, PyBytesMethods, PyDictMethods, PyList, PyListMethods, PyModule, PyModuleMethods,
    PyTuple,
};
use pyo3::{pyclass, pymethods};

use super::carry::Carrier;
use super::importer::{Importer, Shared};
use super::modules::sys_modules;
use super::names::PLUGINS;
use super::{code, lookup, shared_finder};

/// What a loader does when it is asked to make its module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Making {
    /// It imports the own module, once a generation.
    Import,
    /// It makes another module of the same file, as `importlib.util.module_from_spec` promises.
    Fresh,
}

/// Whose module a loader loads.
pub(crate) enum Serving {
    /// That of one generation.
    One(Py<Importer>),
    /// One that may go over: that of the newest.
    Newest(Py<Carrier>),
}

/// The loader of one own module.
#[pyclass(frozen, module = "qtforge")]
pub(crate) struct OwnLoader {
    serving: Serving,
    name: String,
    file: Option<PathBuf>,
    making: Making,
}

impl OwnLoader {
    pub(crate) fn new(serving: Serving, name: &str, file: Option<&Path>, making: Making) -> Self {
        Self { serving, name: name.to_owned(), file: file.map(Path::to_owned), making }
    }

    /// The importer of the generation that the module belongs to.
    pub(super) fn importer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Importer>> {
        match &self.serving {
            Serving::One(importer) => Ok(importer.bind(py).clone()),
            Serving::Newest(carrier) => carrier.get().importer(py, None),
        }
    }

    fn file(&self) -> PyResult<&Path> {
        self.file
            .as_deref()
            .ok_or_else(|| PyImportError::new_err(format!("{} is a namespace", self.name)))
    }

    fn bytes<'py>(&self, py: Python<'py>, path: &Path) -> PyResult<Bound<'py, PyBytes>> {
        match self.importer(py)?.get().executed(path) {
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

    /// `None` leaves it to importlib to make an empty one.
    fn create_module<'py>(
        &self,
        py: Python<'py>,
        spec: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = spec;
        match self.making {
            Making::Import => Importer::import_own(&self.importer(py)?, &self.name).map(Some),
            Making::Fresh => Ok(None),
        }
    }

    fn exec_module(&self, py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
        match (self.making, &self.file) {
            // It was executed when it was made, and a namespace has no body.
            (Making::Import, _) | (_, None) => Ok(()),
            (Making::Fresh, Some(file)) => {
                Importer::execute_in(&self.importer(py)?, &self.name, module, file)
            }
        }
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
        let py = slf.py();
        let readers = py.import("importlib.readers")?;
        if slf.get().file.is_some() {
            return readers.getattr("FileReader")?.call1((slf,));
        }
        // A namespace. Its reader accepts only importlib's own kind of path, and needs none.
        let this = slf.get();
        let folders = this.importer(py)?.get().folders_of(py, &this.name)?;
        let class = readers.getattr("NamespaceReader")?;
        let reader = class.call_method1("__new__", (&class,))?;
        let path = readers.getattr("MultiplexedPath")?.call1(PyTuple::new(py, folders)?)?;
        reader.setattr("path", path)?;
        Ok(reader)
    }

    fn __repr__(&self) -> String {
        format!("<loader of {}>", self.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.serving {
            Serving::One(importer) => visit.call(importer),
            Serving::Newest(carrier) => visit.call(carrier),
        }
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
        let _ = path;
        let Some(rest) = name.strip_prefix(PLUGINS).and_then(|rest| rest.strip_prefix('.')) else {
            return Ok(None);
        };
        let package = rest.split('.').next().unwrap_or(rest);
        let importer = self
            .shared
            .newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&format!("{PLUGINS}.{package}"))
            .map(|importer| importer.clone_ref(py));
        let Some(importer) = importer else { return Ok(None) };
        // `importlib.reload` names the module; everybody else wants it imported.
        let making = if target.is_some() { Making::Fresh } else { Making::Import };
        Importer::spec_of(importer.bind(py), name, making)
    }
}

/// Registers the package of all plugins, its finder, and the look-ups by plain name.
pub(crate) fn install(py: Python<'_>, shared: &Arc<Shared>) -> PyResult<()> {
    let plugins = PyModule::new(py, PLUGINS)?;
    plugins.dict().set_item("__path__", PyList::empty(py))?;
    sys_modules(py)?.set_item(PLUGINS, &plugins)?;
    py.import("qtforge")?.setattr("plugins", plugins)?;

    let finder = Bound::new(py, PluginFinder { shared: shared.clone() })?;
    let meta_path = py.import("sys")?.getattr("meta_path")?;
    meta_path.cast_into::<PyList>()?.insert(0, finder)?;
    shared_finder::install(py, shared)?;
    lookup::install(py, shared)
}
