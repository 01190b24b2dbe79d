//! What Python sees of shared modules: the finder before its own path finder, and the `__import__` of
//! shared modules, which knows who imports what.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyImportError;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBytes, PyDict, PyDictMethods, PyList, PyListMethods, PyModule, PyModuleMethods, PyString,
    PyStringMethods, PyTuple,
};
use pyo3::{intern, pyclass, pymethods};

use super::importer::{Shared, lock};
use super::locate::{self, Found, Namespaces};
use super::shared::Lead;
use super::statement::resolve;
use super::{code, lines, lookup};
use crate::host::SharedModule;
use crate::model::Phase;
use crate::python::tools::tools;
use crate::source::Source;

/// `importlib.machinery.PathFinder`, looked up before any plugin runs.
static PATH_FINDER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The file of the installed module `top`; `None` for a folder without `__init__.py`, too.
pub(super) fn regular(py: Python<'_>, top: &str) -> PyResult<Option<PathBuf>> {
    let Some(finder) = PATH_FINDER.get(py) else { return Ok(None) };
    let spec = finder.bind(py).call_method1(intern!(py, "find_spec"), (top,))?;
    if spec.is_none() {
        return Ok(None);
    }
    Ok(spec.getattr(intern!(py, "origin"))?.extract().ok())
}

/// The finder of shared modules; callable as their `__import__`.
#[pyclass(frozen, module = "qtforge")]
struct SharedModules {
    shared: Arc<Shared>,
    builtins: OnceLock<Py<PyDict>>,
    loader: OnceLock<Py<PyAny>>,
}

#[pymethods]
impl SharedModules {
    /// The `__import__` of shared modules.
    #[pyo3(signature = (name, globals=None, locals=None, fromlist=None, level=0))]
    fn __call__<'py>(
        &self,
        name: &Bound<'py, PyString>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let text = name.to_cow()?;
        let importer = name_of(globals)?;
        if level == 0 {
            self.look_up(py, importer.as_deref(), &text)?;
        }
        let empty = PyTuple::empty(py).into_any();
        let import = tools(py)?.import.bind(py);
        let result = import.call1((name, globals, locals, fromlist.unwrap_or(&empty), level));
        let absolute =
            if level > 0 { resolve(&text, globals, level)? } else { Some(text.into_owned()) };
        if let (Some(importer), Some(absolute)) = (importer, absolute) {
            let from = fromlist.filter(|list| list.is_truthy().unwrap_or_default());
            let reach = self.shared.commons.reach(&absolute, from, result.as_ref().ok())?;
            self.shared.commons.note_edges(&importer, reach);
        }
        result
    }

    #[pyo3(signature = (name, path=None, target=None))]
    fn find_spec<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        path: Option<Bound<'py, PyAny>>,
        target: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = target;
        let this = slf.get();
        let py = slf.py();
        let commons = &this.shared.commons;
        if !commons.is_active() {
            return Ok(None);
        }
        let (leaf, folders, namespaces) = match name.rsplit_once('.') {
            Some((parent, leaf)) => {
                if !lock(&commons.state).facts.known.contains_key(parent) {
                    return Ok(None);
                }
                let Some(path) = path else { return Ok(None) };
                let folders = path.try_iter()?.map(|folder| folder?.extract());
                (leaf, folders.collect::<PyResult<Vec<PathBuf>>>()?, Namespaces::All)
            }
            None if name == "qtforge" || this.shared.standard_library.contains(name) => {
                return Ok(None);
            }
            None => (name, lock(&commons.state).facts.folders.clone(), Namespaces::OfCode),
        };
        let suffixes = &this.shared.extension_suffixes;
        let found = locate::find(&folders, leaf, suffixes, namespaces);
        let mut told = SharedModule { name: name.to_owned(), ..SharedModule::default() };
        let mut package = Vec::new();
        let spec = match &found {
            Found::Nothing => return Ok(None),
            Found::Namespace(portions) => {
                if namespaces == Namespaces::OfCode && regular(py, name)?.is_some() {
                    return Ok(None);
                }
                package.clone_from(portions);
                this.spec(py, name, None, Some(portions))?
            }
            Found::Package(file) => {
                package = vec![file.parent().unwrap_or(file).to_owned()];
                let loader = this.loader(slf, name, file)?;
                this.spec(py, name, Some((file, loader)), Some(&package))?
            }
            Found::Module(file) => {
                let loader = this.loader(slf, name, file)?;
                this.spec(py, name, Some((file, loader)), None)?
            }
            Found::Extension(file) => {
                told.extensions.push(file.clone());
                let util = tools(py)?.util.bind(py);
                util.call_method1("spec_from_file_location", (name, file.as_os_str()))?
            }
        };
        told.absent = locate::rivals(&found, &folders, leaf, suffixes);
        commons.note_found(name, package);
        commons.tell(told);
        Ok(Some(spec))
    }

    /// The builtins of shared modules, with an `__import__` that knows who asks.
    #[getter]
    fn builtins<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyDict>> {
        self.builtins.get().map(|builtins| builtins.bind(py).clone())
    }

    /// The code of the shared module `name`, from the content that was sent or else from the disk.
    fn code(&self, py: Python<'_>, name: &str, path: PathBuf) -> PyResult<Py<PyAny>> {
        let commons = &self.shared.commons;
        let given = {
            let mut state = lock(&commons.state);
            let again = !state.facts.ran.insert(name.to_owned());
            // `importlib.reload` asks for what is on disk now.
            state.facts.given.get(&path).filter(|_| !again).cloned()
        };
        let source = given.map_or_else(|| Source::read(&path), Ok).map_err(|error| {
            let absent = vec![path.clone()];
            let name = name.to_owned();
            commons.tell(SharedModule { name, absent, ..SharedModule::default() });
            let message = format!("cannot read '{}': {error}", path.display());
            blame(py, Phase::Read, &path, PyImportError::new_err(message))
        })?;
        lock(&commons.state).facts.executed.insert(path.clone(), source.clone());
        lines::pin(py, &self.shared, &source)?;
        let told = Some(source.clone());
        commons.tell(SharedModule { name: name.to_owned(), source: told, ..Default::default() });
        code::of(py, &self.shared, &source).map_err(|error| blame(py, Phase::Parse, &path, error))
    }

    /// The content of a shared file as it was executed.
    fn data<'py>(&self, py: Python<'py>, path: PathBuf) -> Option<Bound<'py, PyBytes>> {
        let source = self.shared.commons.executed(&path)?;
        Some(PyBytes::new(py, &source.bytes))
    }

    fn __repr__(&self) -> &'static str {
        "<shared modules>"
    }
}

impl SharedModules {
    /// Where the first part of `name` leads, for the shared module `importer`.
    fn look_up(&self, py: Python<'_>, importer: Option<&str>, name: &str) -> PyResult<()> {
        let top = name.split('.').next().unwrap_or(name);
        let commons = &self.shared.commons;
        if let (Lead::Elsewhere(missed), Some(importer)) =
            (commons.lead(py, &self.shared, top)?, importer)
        {
            let reach = super::shared::Reach { missed, ..Default::default() };
            commons.note_edges(importer, reach);
        }
        Ok(())
    }

    fn loader<'py>(
        &self,
        slf: &Bound<'py, Self>,
        name: &str,
        file: &Path,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match self.loader.get() {
            Some(class) => class.bind(py).call1((slf, name, file.as_os_str())),
            None => Ok(py.None().into_bound(py)),
        }
    }

    fn spec<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        file: Option<(&Path, Bound<'py, PyAny>)>,
        package: Option<&[PathBuf]>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = PyDict::new(py);
        options.set_item(intern!(py, "is_package"), package.is_some())?;
        let (path, loader) = file.unzip();
        options.set_item(intern!(py, "origin"), path.map(Path::as_os_str))?;
        let spec = tools(py)?.module_spec.bind(py).call((name, loader), Some(&options))?;
        if path.is_some() {
            spec.setattr(intern!(py, "has_location"), true)?;
        }
        if let Some(folders) = package {
            let folders = PyList::new(py, folders.iter().map(|folder| folder.as_os_str()))?;
            spec.setattr(intern!(py, "submodule_search_locations"), folders)?;
        }
        Ok(spec)
    }
}

/// The plugin whose import that is, if one is known, is told of by the file.
fn blame(py: Python<'_>, phase: Phase, path: &Path, error: PyErr) -> PyErr {
    match lookup::nearest(py) {
        Ok(Some(importer)) => importer.get().blame(py, phase, path, error),
        _ => error,
    }
}

/// The name of the module with these globals.
pub(super) fn name_of(globals: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
    let Some(globals) = globals.and_then(|globals| globals.cast::<PyDict>().ok()) else {
        return Ok(None);
    };
    let name = globals.get_item(intern!(globals.py(), "__name__"))?;
    Ok(name.and_then(|name| name.extract().ok()))
}

/// Somebody has imported `name` by a function of `importlib`: whose shared module that is from now on,
/// the stack tells.
pub(super) fn note_asked<'py>(
    py: Python<'py>,
    shared: &Shared,
    name: &str,
    module: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    if !shared.commons.is_active() {
        return Ok(());
    }
    let mut next = tools(py)?.get_frame.bind(py).call0().ok();
    while let Some(frame) = next.filter(|frame| !frame.is_none()) {
        if let Some(importer) = lookup::owner(&frame)? {
            let globals = frame.getattr(intern!(py, "f_globals"))?;
            return importer.get().note_uses(Some(&globals), name, None, module);
        }
        let builtins = frame.getattr(intern!(py, "f_builtins"))?;
        let import = builtins.cast_into::<PyDict>().ok().map(|it| it.get_item("__import__"));
        if let Some(Some(import)) = import.transpose()?
            && import.cast::<SharedModules>().is_ok()
        {
            let globals = frame.getattr(intern!(py, "f_globals"))?;
            if let Some(importer) = name_of(Some(&globals))? {
                let reach = shared.commons.reach(name, None, module)?;
                shared.commons.note_edges(&importer, reach);
            }
            return Ok(());
        }
        next = Some(frame.getattr(intern!(py, "f_back"))?);
    }
    Ok(())
}

/// Puts the finder before Python's own path finder.
pub(super) fn install(py: Python<'_>, shared: &Arc<Shared>) -> PyResult<()> {
    let path_finder = py.import("importlib.machinery")?.getattr("PathFinder")?;
    let module = PyModule::new(py, "qtforge._shared")?;
    let code = code::compile_text(py, include_str!("shared.py"), "<replug shared modules>")?;
    code::execute(&code, &module.dict())?;
    let modules = SharedModules {
        shared: shared.clone(),
        builtins: OnceLock::new(),
        loader: OnceLock::new(),
    };
    let modules = Bound::new(py, modules)?;
    let builtins = py.import("builtins")?.dict().copy()?;
    builtins.set_item("__import__", &modules)?;
    // Nobody else has seen these yet.
    let _ = modules.get().builtins.set(builtins.unbind());
    let _ = modules.get().loader.set(module.getattr("SharedLoader")?.unbind());
    let meta_path = py.import("sys")?.getattr("meta_path")?.cast_into::<PyList>()?;
    let at = meta_path.iter().position(|finder| finder.is(&path_finder));
    meta_path.insert(at.unwrap_or(meta_path.len()), modules)?;
    let _ = PATH_FINDER.set(py, path_finder.unbind());
    Ok(())
}
