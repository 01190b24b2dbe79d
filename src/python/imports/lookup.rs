//! Look-ups by plain name that somebody else makes for a plugin.
//!
//! `importlib.resources.files("own")`, `mock.patch("own.x")`, `logging.config` with `"own.Handler"`:
//! the name is the plugin's, the code that looks it up is not. These functions stand in for Python's
//! `__import__`, `import_module` and `find_spec`, and look down the stack for the plugin that asks.
//! An import *statement* outside of plugins is handed on at once.

use std::sync::Arc;

use pyo3::exceptions::PyModuleNotFoundError;
use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyModule, PyModuleMethods, PyString, PyStringMethods};
use pyo3::{pyclass, pymethods};

use super::carry::Carrier;
use super::graph::Binding;
use super::importer::{Importer, Shared};
use super::loader::OwnLoader;
use super::{code, shared_finder};
use crate::python::tools::tools;

/// Who looks a name up, seen from the stack.
struct Asking<'py> {
    importer: Bound<'py, Importer>,
    /// Only the standard library lies between: it does what the plugin told it. An installed
    /// library may as well mean a package of its own, so for that one own modules come last.
    direct: bool,
    /// The module that asks.
    module: Option<String>,
}

/// The plugin whose code is nearest on the stack of this thread.
fn asking<'py>(py: Python<'py>, shared: &Shared) -> PyResult<Option<Asking<'py>>> {
    let mut direct = true;
    let mut next = tools(py)?.get_frame.bind(py).call0().ok();
    while let Some(frame) = next.filter(|frame| !frame.is_none()) {
        if let Some(importer) = owner(&frame)? {
            let globals = frame.getattr(intern!(py, "f_globals"))?;
            let name = globals.get_item(intern!(py, "__name__"));
            let module = name.and_then(|name| name.extract()).ok();
            return Ok(Some(Asking { importer, direct, module }));
        }
        direct = direct && is_relay(&frame, shared)?;
        next = Some(frame.getattr(intern!(py, "f_back"))?);
    }
    Ok(None)
}

/// The plugin whose code is nearest on the stack of this thread; `None` as well if it is Python's own
/// import machinery that acts, for whomever.
pub(crate) fn nearest(py: Python<'_>) -> PyResult<Option<Bound<'_, Importer>>> {
    let mut next = tools(py)?.get_frame.bind(py).call0().ok();
    let mut innermost = true;
    while let Some(frame) = next.filter(|frame| !frame.is_none()) {
        if let Some(importer) = owner(&frame)? {
            return Ok(Some(importer));
        }
        if innermost {
            innermost = false;
            let code = frame.getattr(intern!(py, "f_code"))?;
            let file = code.getattr(intern!(py, "co_filename"))?.cast_into::<PyString>()?;
            if file.to_cow()?.starts_with("<frozen importlib") {
                return Ok(None);
            }
        }
        next = Some(frame.getattr(intern!(py, "f_back"))?);
    }
    Ok(None)
}

/// The generation of a plugin whose code `frame` runs.
pub(super) fn owner<'py>(frame: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Importer>>> {
    let py = frame.py();
    let builtins = frame.getattr(intern!(py, "f_builtins"))?;
    let Ok(builtins) = builtins.cast_into::<PyDict>() else { return Ok(None) };
    let Some(import) = builtins.get_item(intern!(py, "__import__"))? else { return Ok(None) };
    match import.cast_into::<Importer>() {
        Ok(importer) => Ok(Some(importer)),
        Err(other) => {
            let Ok(carrier) = other.into_inner().cast_into::<Carrier>() else { return Ok(None) };
            let globals = frame.getattr(intern!(py, "f_globals"))?;
            carrier.get().importer(py, Some(&globals)).map(Some)
        }
    }
}

/// Whether the code of `frame` only passes on what it is told.
fn is_relay(frame: &Bound<'_, PyAny>, shared: &Shared) -> PyResult<bool> {
    let py = frame.py();
    let globals = frame.getattr(intern!(py, "f_globals"))?;
    let Ok(globals) = globals.cast_into::<PyDict>() else { return Ok(false) };
    let Some(name) = globals.get_item(intern!(py, "__name__"))? else { return Ok(true) };
    let Ok(name) = name.cast_into::<PyString>() else { return Ok(false) };
    let name = name.to_cow()?;
    let top = name.split('.').next().unwrap_or(&name);
    Ok(top == "qtforge" || shared.standard_library.contains(top))
}

impl Importer {
    /// The full name of the own module that this plugin means by `name`, if it means one.
    pub(super) fn full_name(&self, py: Python<'_>, name: &str) -> PyResult<Option<String>> {
        if self.is_own(name) {
            return Ok(Some(name.to_owned()));
        }
        let top = name.split('.').next().unwrap_or(name);
        let is_own = self.origin(py, top)? == super::origin::Origin::Own;
        Ok(is_own.then(|| format!("{}.{name}", self.identity.package)))
    }
}

/// Does `mine` if a plugin asks for `name` and means an own module, `theirs` otherwise; for a library
/// that a plugin called, `theirs` first.
fn decide<'py>(
    py: Python<'py>,
    shared: &Shared,
    name: &str,
    mine: impl Fn(&Bound<'py, Importer>, &str) -> PyResult<Bound<'py, PyAny>>,
    theirs: impl Fn() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(Asking { importer, direct, module }) = asking(py, shared)? else { return theirs() };
    let mine = |full: &str| {
        if let Some(module) = &module {
            importer.get().note_taken(module, vec![(full.to_owned(), Binding::Itself)]);
        }
        mine(&importer, full)
    };
    if direct {
        return match importer.get().full_name(py, name)? {
            Some(full) => mine(&full),
            None => theirs(),
        };
    }
    match theirs() {
        Ok(found) if !found.is_none() => Ok(found),
        Err(error) if !is_about(py, &error, name)? => Err(error),
        nothing => match importer.get().full_name(py, name)? {
            Some(full) => mine(&full),
            None => nothing,
        },
    }
}

/// Whether `error` says that `name`, or a package that it lies in, is not there.
fn is_about(py: Python<'_>, error: &PyErr, name: &str) -> PyResult<bool> {
    if !error.is_instance_of::<PyModuleNotFoundError>(py) {
        return Ok(false);
    }
    let missing = error.value(py).getattr(intern!(py, "name"))?;
    let Ok(missing) = missing.extract::<String>() else { return Ok(false) };
    Ok(name == missing || name.strip_prefix(&missing).is_some_and(|rest| rest.starts_with('.')))
}

/// The stand-in for the `__import__` of everybody who is not a plugin.
#[pyclass(frozen, module = "qtforge")]
struct Import {
    shared: Arc<Shared>,
}

#[pymethods]
impl Import {
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
        let import = tools(py)?.import.bind(py);
        let real = || import.call1((name, globals, locals, fromlist, level));
        // A statement in a module, as nearly always: the module has a loader.
        let namespace = globals.and_then(|globals| globals.cast::<PyDict>().ok());
        if let Some(namespace) = namespace
            && let Some(loader) = namespace.get_item(intern!(py, "__loader__"))?
        {
            // Code of an own module that somebody else runs, such as `runpy`.
            return match loader.cast::<OwnLoader>() {
                Ok(loader) => {
                    let importer = loader.get().importer(py)?;
                    importer.call1((name, globals, locals, fromlist, level))
                }
                Err(_) => real(),
            };
        }
        if level > 0 {
            return real();
        }
        let mine = |importer: &Bound<'py, Importer>, _: &str| {
            importer.call1((name, globals, locals, fromlist, level))
        };
        decide(py, &self.shared, &name.to_cow()?, mine, real)
    }

    fn __repr__(&self) -> &'static str {
        "<built-in function __import__, with the modules of plugins>"
    }
}

/// The stand-ins for functions of `importlib`, for `relays.py` to put in place.
#[pyclass(frozen, module = "qtforge")]
struct Lookup {
    shared: Arc<Shared>,
    import_module: Py<PyAny>,
    find_spec: Py<PyAny>,
    resolve_name: Py<PyAny>,
}

impl Lookup {
    fn absolute<'py>(
        &self,
        name: &Bound<'py, PyString>,
        package: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyString>> {
        let py = name.py();
        match package {
            Some(package) if name.to_cow()?.starts_with('.') => {
                let name = self.resolve_name.bind(py).call1((name, package))?;
                Ok(name.cast_into::<PyString>()?)
            }
            _ => Ok(name.clone()),
        }
    }
}

#[pymethods]
impl Lookup {
    #[pyo3(signature = (name, package=None))]
    fn import_module<'py>(
        &self,
        name: &Bound<'py, PyString>,
        package: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let absolute = self.absolute(name, package)?;
        let mine = Importer::import_own;
        let theirs = || {
            let module = self.import_module.bind(py).call1((name, package));
            shared_finder::note_asked(py, &self.shared, &absolute.to_cow()?, module.as_ref().ok())?;
            module
        };
        decide(py, &self.shared, &absolute.to_cow()?, mine, theirs)
    }

    #[pyo3(signature = (name, package=None))]
    fn find_spec<'py>(
        &self,
        name: &Bound<'py, PyString>,
        package: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = name.py();
        let absolute = self.absolute(name, package)?;
        let theirs = || self.find_spec.bind(py).call1((name, package));
        decide(py, &self.shared, &absolute.to_cow()?, Importer::find_own, theirs)
    }

    /// The full name of what the plugin that asks means by `name`; `None` if that is no own module.
    fn full_name(&self, py: Python<'_>, name: &str) -> PyResult<Option<String>> {
        match asking(py, &self.shared)? {
            Some(Asking { importer, direct: true, .. }) => importer.get().full_name(py, name),
            _ => Ok(None),
        }
    }
}

/// Puts the stand-ins in place of Python's own functions.
pub(super) fn install(py: Python<'_>, shared: &Arc<Shared>) -> PyResult<()> {
    let util = py.import("importlib.util")?;
    let lookup = Lookup {
        shared: shared.clone(),
        import_module: py.import("importlib")?.getattr("import_module")?.unbind(),
        find_spec: util.getattr("find_spec")?.unbind(),
        resolve_name: util.getattr("resolve_name")?.unbind(),
    };
    let text = include_str!("relays.py");
    let code = code::compile_text(py, text, "<replug relays>")?;
    let relays = PyModule::new(py, "qtforge._relays")?;
    code::execute(&code, &relays.dict())?;
    relays.getattr("install")?.call1((Bound::new(py, lookup)?,))?;
    let import = Bound::new(py, Import { shared: shared.clone() })?;
    py.import("builtins")?.setattr("__import__", import)
}
