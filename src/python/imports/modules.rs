//! Own modules: found in the plugin's folder, compiled, executed, and put in their places.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use pyo3::exceptions::{PyImportError, PyModuleNotFoundError};
use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyModule, PyModuleMethods};

use super::code;
use super::importer::{Identity, Importer, lock};
use super::lines;
use super::loader::Making;
use super::locate::{self, Found, Namespaces};
use crate::host::Trace;
use crate::model::Phase;
use crate::python::tools::tools;

impl Importer {
    /// Executes the entry, which is the plugin's package itself. `sys.modules` shows this
    /// generation from here on.
    pub(crate) fn import_entry<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyModule>> {
        let this = slf.get();
        let py = slf.py();
        let Identity { package, home, entry, .. } = &this.identity;
        Self::show(slf)?;
        let module = Self::new_module(slf, package, Some(entry), Some(std::slice::from_ref(home)))?;
        let name = entry.file_stem().and_then(|stem| stem.to_str()).unwrap_or("__init__");
        if name != "__init__" {
            // A helper that imports the entry by its name gets this module, not a second one.
            this.put(py, &format!("{package}.{name}"), module.as_any())?;
        }
        Self::execute(slf, package, &module, entry)?;
        Ok(module)
    }

    /// The own module of the full name `full`, executed if it was not yet.
    pub(crate) fn import_own<'py>(
        slf: &Bound<'py, Self>,
        full: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let py = slf.py();
        let modules = this.modules.bind(py);
        if let Some(module) = modules.get_item(full)?
            && !lock(&this.state).importing.contains(full)
        {
            return Ok(module);
        }
        if let Some((parent, _)) = full.rsplit_once('.')
            && parent.len() > this.identity.package.len()
        {
            Self::import_own(slf, parent)?;
        }
        // importlib's own locks know about deadlocks between threads that import in a circle.
        let manager = tools(py)?
            .module_lock
            .bind(py)
            .call1((format!("{full}#{}", this.identity.generation),))?;
        manager.call_method0(intern!(py, "__enter__"))?;
        let result = match modules.get_item(full)? {
            Some(module) => Ok(module),
            None => Self::load(slf, full),
        };
        let none = py.None();
        manager.call_method1(intern!(py, "__exit__"), (&none, &none, &none))?;
        result
    }

    fn load<'py>(slf: &Bound<'py, Self>, full: &str) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let py = slf.py();
        let package = &this.identity.package;
        let (parent_name, leaf) = full.rsplit_once('.').unwrap_or((package, full));
        let parent = this.modules.bind(py).get_item(parent_name)?;
        let folders = this.folders(py, full)?;
        let module = match this.find(full, &folders, leaf) {
            Found::Package(path) => {
                let folder = path.parent().unwrap_or(&path).to_owned();
                let module = Self::new_module(slf, full, Some(&path), Some(&[folder]))?;
                Self::execute(slf, full, &module, &path)?;
                module.into_any()
            }
            Found::Module(path) => {
                let module = Self::new_module(slf, full, Some(&path), None)?;
                Self::execute(slf, full, &module, &path)?;
                module.into_any()
            }
            Found::Extension(path) => Self::load_extension(slf, full, &path)?,
            Found::Namespace(folders) => {
                let module = Self::new_module(slf, full, None, Some(&folders))?;
                this.put(py, full, module.as_any())?;
                module.into_any()
            }
            Found::Nothing => {
                return Err(this.missing(py, full));
            }
        };
        // A body may have put something else in its place.
        let module = if this.newest.load(Ordering::Relaxed) {
            let shown = sys_modules(py)?.get_item(full)?.unwrap_or(module);
            this.modules.bind(py).set_item(full, &shown)?;
            shown
        } else {
            module
        };
        if let Some(parent) = parent {
            this.bind_below(&parent, parent_name, leaf, &module);
        }
        Ok(module)
    }

    /// Where the own module `full` is looked for.
    pub(super) fn folders(&self, py: Python<'_>, full: &str) -> PyResult<Vec<PathBuf>> {
        let parent_name = full.rsplit_once('.').map_or(full, |(parent, _)| parent);
        let folders = match self.modules.bind(py).get_item(parent_name)? {
            Some(parent) => search_path(&parent)?,
            None => Some(vec![self.identity.home.clone()]),
        };
        folders.ok_or_else(|| {
            let parent = self.plain(parent_name);
            let message =
                format!("No module named '{}'; '{parent}' is not a package", self.plain(full));
            not_found(py, full, &message)
        })
    }

    /// Looks for the own module `full`, whose last name is `leaf`. What would be found instead if it
    /// were there is watched for.
    pub(super) fn find(&self, full: &str, folders: &[PathBuf], leaf: &str) -> Found {
        let suffixes = &self.shared.extension_suffixes;
        let is_top = full.len() == self.identity.package.len() + 1 + leaf.len();
        let namespaces = if is_top { Namespaces::OfCode } else { Namespaces::All };
        let found = locate::find(folders, leaf, suffixes, namespaces);
        if found == Found::Nothing {
            self.miss(full, folders.iter().map(|folder| folder.join(leaf)).collect());
        } else {
            let absent = locate::rivals(&found, folders, leaf, suffixes);
            self.learn(full, |name| name.absent.clone_from(&absent));
            self.tell(Trace { absent, ..Trace::default() });
        }
        found
    }

    pub(super) fn missing(&self, py: Python<'_>, full: &str) -> PyErr {
        not_found(py, full, &format!("No module named '{}'", self.plain(full)))
    }

    fn new_module<'py>(
        slf: &Bound<'py, Self>,
        full: &str,
        path: Option<&Path>,
        folders: Option<&[PathBuf]>,
    ) -> PyResult<Bound<'py, PyModule>> {
        let py = slf.py();
        let this = slf.get();
        let spec = Self::new_spec(slf, full, path, folders, Making::Fresh)?;
        let module = PyModule::new(py, full)?;
        let dict = module.dict();
        let parent = if folders.is_some() {
            full
        } else {
            full.rsplit_once('.').map_or("", |(parent, _)| parent)
        };
        dict.set_item(intern!(py, "__package__"), parent)?;
        dict.set_item(intern!(py, "__loader__"), spec.getattr(intern!(py, "loader"))?)?;
        let made_from = path.map(Path::to_owned).or_else(|| init_of(folders));
        let made_from = made_from.unwrap_or_default();
        dict.set_item(intern!(py, "__builtins__"), this.builtins_of(full, &made_from))?;
        this.learn(full, |name| {
            name.file = path.map(Path::to_owned);
            name.portable = this.carrier_of(full, &made_from).is_some();
        });
        if let Some(path) = path {
            dict.set_item(intern!(py, "__file__"), path.as_os_str())?;
        }
        if folders.is_some() {
            let folders = spec.getattr(intern!(py, "submodule_search_locations"))?;
            dict.set_item(intern!(py, "__path__"), folders)?;
        }
        dict.set_item(intern!(py, "__spec__"), spec)?;
        this.bind_carried(full, &module)?;
        Ok(module)
    }

    /// Runs the body of `module`, which is in its place before the first line runs.
    pub(super) fn execute(
        slf: &Bound<'_, Self>,
        full: &str,
        module: &Bound<'_, PyModule>,
        path: &Path,
    ) -> PyResult<()> {
        let this = slf.get();
        let py = slf.py();
        let began = this.begin_time(full);
        let code = match this.code(py, path) {
            Ok(code) => code,
            Err(error) => {
                this.end_time(began, None);
                return Err(error);
            }
        };
        if let Some(source) = this.executed(path) {
            lines::pin(py, &this.shared, &source)?;
        }
        this.put(py, full, module.as_any())?;
        lock(&this.state).importing.insert(full.to_owned());
        let spec = module.dict().get_item(intern!(py, "__spec__"))?;
        // With this mark Python's own messages speak of a partially initialized module.
        if let Some(spec) = &spec {
            spec.setattr(intern!(py, "_initializing"), true)?;
        }
        let body = began.map(|_| Instant::now());
        let result = code::execute(&code, &module.dict());
        this.end_time(began, body);
        lock(&this.state).importing.remove(full);
        if let Some(spec) = &spec {
            spec.setattr(intern!(py, "_initializing"), false)?;
        }
        if result.is_err() {
            this.take_out(py, full)?;
        }
        result
    }

    /// The code of an own file, from the content that was sent along or else from the disk.
    pub(super) fn code(&self, py: Python<'_>, path: &Path) -> PyResult<Py<PyAny>> {
        let timed = self.is_timed().then(Instant::now);
        let source = self.source(path).map_err(|error| {
            let message = format!("cannot read '{}': {error}", path.display());
            self.blame(py, Phase::Read, path, PyImportError::new_err(message))
        })?;
        let read = timed.map(|began| began.elapsed());
        self.tell(Trace { imported: vec![source.clone()], ..Trace::default() });
        lock(&self.state).executed.insert(path.to_owned(), source.clone());
        let code = code::of(py, &self.shared, &source)
            .map_err(|error| self.blame(py, Phase::Parse, path, error));
        if let Some(read) = read {
            self.note_code(path, read);
        }
        code
    }

    fn load_extension<'py>(
        slf: &Bound<'py, Self>,
        full: &str,
        path: &Path,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        this.tell(Trace { extensions: vec![path.to_owned()], ..Trace::default() });
        this.learn(full, |name| {
            name.file = Some(path.to_owned());
            name.extension = true;
            name.portable = this.carrier_of(full, path).is_some();
        });
        let machinery = py.import("importlib.machinery")?;
        let util = py.import("importlib.util")?;
        let loader = machinery.getattr("ExtensionFileLoader")?.call1((full, path.as_os_str()))?;
        let spec = util.call_method1("spec_from_file_location", (full, path.as_os_str()))?;
        spec.setattr("loader", &loader)?;
        let module = util.call_method1("module_from_spec", (&spec,))?;
        this.put(py, full, &module)?;
        if let Err(error) = loader.call_method1("exec_module", (&module,)) {
            this.take_out(py, full)?;
            return Err(error);
        }
        Ok(module)
    }

    fn put(&self, py: Python<'_>, full: &str, module: &Bound<'_, PyAny>) -> PyResult<()> {
        self.modules.bind(py).set_item(full, module)?;
        if self.newest.load(Ordering::Relaxed) {
            sys_modules(py)?.set_item(full, module)?;
        }
        Ok(())
    }

    fn take_out(&self, py: Python<'_>, full: &str) -> PyResult<()> {
        let modules = self.modules.bind(py);
        let Some(module) = modules.get_item(full)? else { return Ok(()) };
        modules.del_item(full)?;
        let shown = sys_modules(py)?;
        if shown.get_item(full)?.is_some_and(|other| other.is(&module)) {
            shown.del_item(full)?;
        }
        Ok(())
    }

    /// `sys.modules` shows this generation and no other of its plugin.
    pub(crate) fn show(slf: &Bound<'_, Self>) -> PyResult<()> {
        let this = slf.get();
        let py = slf.py();
        let package = this.identity.package.clone();
        let before = lock(&this.shared.newest).insert(package, slf.clone().unbind());
        if let Some(before) = before
            && !before.is(slf)
        {
            before.get().hide(py)?;
        }
        let shown = sys_modules(py)?;
        for (name, module) in this.modules.bind(py).iter() {
            shown.set_item(name, module)?;
        }
        for source in lock(&this.state).executed.values() {
            lines::pin(py, &this.shared, source)?;
        }
        this.newest.store(true, Ordering::Relaxed);
        Self::serve_carried(slf)
    }

    /// The entries of this generation leave `sys.modules`; its own imports go on to work.
    pub(crate) fn hide(&self, py: Python<'_>) -> PyResult<()> {
        if !self.newest.swap(false, Ordering::Relaxed) {
            // What it carried on is shown for another one.
            return Ok(());
        }
        let shown = sys_modules(py)?;
        for (name, module) in self.modules.bind(py).iter() {
            if shown.get_item(&name)?.is_some_and(|other| other.is(&module)) {
                shown.del_item(name)?;
            }
        }
        let mut newest = lock(&self.shared.newest);
        let gone = newest
            .get(&self.identity.package)
            .is_some_and(|other| other.get().identity.generation == self.identity.generation)
            .then(|| newest.remove(&self.identity.package));
        drop(newest);
        drop(gone);
        Ok(())
    }
}

pub(crate) fn sys_modules(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    Ok(tools(py)?.sys_modules.bind(py).clone())
}

/// What stands for a package without a file: the file that it would have.
pub(super) fn init_of(folders: Option<&[PathBuf]>) -> Option<PathBuf> {
    folders?.first().map(|folder| folder.join("__init__.py"))
}

/// The folders of a package, `None` for a plain module.
fn search_path(module: &Bound<'_, PyAny>) -> PyResult<Option<Vec<PathBuf>>> {
    let Ok(path) = module.getattr(intern!(module.py(), "__path__")) else { return Ok(None) };
    path.try_iter()?.map(|folder| folder?.extract()).collect::<PyResult<_>>().map(Some)
}

pub(super) fn not_found(py: Python<'_>, full: &str, message: &str) -> PyErr {
    let error = PyModuleNotFoundError::new_err(message.to_owned());
    // The name lets `except ImportError as e: e.name` work; it can be set on every ImportError.
    let _ = error.value(py).setattr(intern!(py, "name"), full);
    error
}
