//! Module specs of own modules: what `importlib.util.find_spec` tells, without running anything.

use std::path::{Path, PathBuf};

use pyo3::intern;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyList, PyModule, PyModuleMethods};

use super::importer::{Identity, Importer, lock};
use super::loader::{Making, OwnLoader, Serving};
use super::locate::Found;
use super::modules::{init_of, sys_modules};
use super::{code, lines};
use crate::python::tools::tools;

impl Importer {
    /// The spec of the own module `full`; Python's None if there is none of that name. Packages that
    /// it lies in are imported.
    pub(super) fn find_own<'py>(slf: &Bound<'py, Self>, full: &str) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        if let Some(module) = this.modules.bind(py).get_item(full)? {
            return module.getattr(intern!(py, "__spec__"));
        }
        let spec = Self::spec_of(slf, full, Making::Fresh)?;
        Ok(spec.unwrap_or_else(|| py.None().into_bound(py)))
    }

    /// The spec of the own module `full`, for whoever makes modules from specs.
    pub(super) fn spec_of<'py>(
        slf: &Bound<'py, Self>,
        full: &str,
        making: Making,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let this = slf.get();
        let Identity { package, home, entry, .. } = &this.identity;
        let spec = |path: Option<&Path>, folders: Option<&[PathBuf]>| {
            Self::new_spec(slf, full, path, folders, making).map(Some)
        };
        if full == package {
            return spec(Some(entry), Some(std::slice::from_ref(home)));
        }
        if let Some((parent, _)) = full.rsplit_once('.')
            && parent.len() > package.len()
        {
            Self::import_own(slf, parent)?;
        }
        let folders = this.folders(py, full)?;
        let leaf = full.rsplit_once('.').map_or(full, |(_, leaf)| leaf);
        match this.find(full, &folders, leaf) {
            Found::Package(path) => {
                let folder = path.parent().unwrap_or(&path).to_owned();
                spec(Some(&path), Some(&[folder]))
            }
            Found::Extension(path) if making == Making::Fresh => {
                let util = tools(py)?.util.bind(py);
                util.call_method1("spec_from_file_location", (full, path.as_os_str())).map(Some)
            }
            Found::Module(path) | Found::Extension(path) => spec(Some(&path), None),
            Found::Namespace(folders) => spec(None, Some(&folders)),
            Found::Nothing => match making {
                Making::Fresh => Ok(None),
                // So that the message speaks of the name that the author knows.
                Making::Import => Err(this.missing(py, full)),
            },
        }
    }

    pub(super) fn new_spec<'py>(
        slf: &Bound<'py, Self>,
        full: &str,
        path: Option<&Path>,
        folders: Option<&[PathBuf]>,
        making: Making,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let made_from = path.map(Path::to_owned).or_else(|| init_of(folders)).unwrap_or_default();
        let serving = match slf.get().carrier_of(full, &made_from) {
            Some(carrier) => Serving::Newest(carrier.clone_ref(py)),
            None => Serving::One(slf.clone().unbind()),
        };
        let loader = Bound::new(py, OwnLoader::new(serving, full, path, making))?;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "origin"), path.map(Path::as_os_str))?;
        options.set_item(intern!(py, "is_package"), folders.is_some())?;
        let spec = tools(py)?.module_spec.bind(py).call((full, loader), Some(&options))?;
        if path.is_some() {
            spec.setattr(intern!(py, "has_location"), true)?;
        }
        if let Some(folders) = folders {
            let folders = PyList::new(py, folders.iter().map(|folder| folder.as_os_str()))?;
            spec.setattr(intern!(py, "submodule_search_locations"), folders)?;
        }
        Ok(spec)
    }

    /// The folders that the imported package `full` consists of.
    pub(super) fn folders_of(&self, py: Python<'_>, full: &str) -> PyResult<Vec<PathBuf>> {
        let Some(module) = self.modules.bind(py).get_item(full)? else { return Ok(Vec::new()) };
        module.getattr(intern!(py, "__path__"))?.extract()
    }

    /// Runs the body of the own module `full` in a module that somebody else made, or once more in
    /// the one that is imported, as `importlib.reload` does.
    pub(super) fn execute_in(
        slf: &Bound<'_, Self>,
        full: &str,
        module: &Bound<'_, PyModule>,
        path: &Path,
    ) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        module.dict().set_item(intern!(py, "__builtins__"), this.builtins_of(full, path))?;
        let is = |other: Option<Bound<'_, PyAny>>| other.is_some_and(|other| other.is(module));
        let imported = is(this.modules.bind(py).get_item(full)?);
        if !imported && is(sys_modules(py)?.get_item(full)?) {
            // importlib put it there, so it is the one from now on.
            return Self::execute(slf, full, module, path);
        }
        if imported {
            // What is on disk now is what its author asks for.
            let mut state = lock(&this.state);
            state.executed.remove(path);
            state.given.remove(path);
        }
        let code = this.code(py, path)?;
        if let Some(source) = this.executed(path) {
            lines::pin(py, &this.shared, &source)?;
        }
        code::execute(&code, &module.dict())
    }
}
