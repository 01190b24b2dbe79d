//! The import statement of a plugin.

use pyo3::exceptions::PyModuleNotFoundError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods, PyString, PyStringMethods, PyTuple};
use pyo3::{intern, pymethods};

use super::importer::Importer;
use super::origin::Origin;
use super::paths;
use crate::python::tools::tools;

#[pymethods]
impl Importer {
    /// The `__import__` of the plugin's modules.
    #[pyo3(signature = (name, globals=None, locals=None, fromlist=None, level=0))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::import(slf, name, globals, locals, fromlist, level)
    }

    fn __repr__(&self) -> String {
        format!("<imports of {}>", self.identity.key)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(carrier) = self.carrier() {
            visit.call(carrier)?;
        }
        visit.call(&self.modules)?;
        visit.call(&self.builtins)
    }
}

impl Importer {
    /// What an import statement in a module of this generation gives.
    pub(super) fn import<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let this = slf.get();
        let text = name.to_cow()?;
        let from = match fromlist {
            Some(list) if list.is_truthy()? => Some(list),
            _ => None,
        };
        let own = if level > 0 {
            resolve(&text, globals, level)?.filter(|full| this.is_own(full))
        } else if this.is_own(&text) {
            Some(text.to_string())
        } else {
            let top = text.split('.').next().unwrap_or(&text);
            match this.origin(py, top)? {
                Origin::Own => {
                    let package = &this.identity.package;
                    let full = format!("{package}.{text}");
                    let module = Self::import_names_of(slf, &full, globals, from)?;
                    if from.is_none() {
                        return Self::import_own(slf, &format!("{package}.{top}"));
                    }
                    return Ok(module);
                }
                Origin::Elsewhere => {
                    this.note_foreign(globals, top)?;
                    None
                }
                Origin::Shared => {
                    this.note_foreign(globals, top)?;
                    let module =
                        Self::import_elsewhere(slf, name, globals, locals, fromlist, level);
                    this.note_uses(globals, &text, from, module.as_ref().ok())?;
                    return module;
                }
            }
        };
        match own {
            Some(full) if from.is_some() || level > 0 => {
                Self::import_names_of(slf, &full, globals, from)
            }
            _ => Self::import_elsewhere(slf, name, globals, locals, fromlist, level),
        }
    }

    /// The own module `full`, with those of its `names` that are modules.
    fn import_names_of<'py>(
        slf: &Bound<'py, Self>,
        full: &str,
        globals: Option<&Bound<'py, PyAny>>,
        names: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let imported =
            Self::import_own(slf, full).and_then(|module| Self::with_names(slf, module, names));
        slf.get().note_import(globals, full, names, imported.as_ref().ok())?;
        imported
    }

    fn with_names<'py>(
        slf: &Bound<'py, Self>,
        module: Bound<'py, PyAny>,
        names: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Some(names) = names {
            Self::import_names(slf, &module, names)?;
        }
        Ok(module)
    }

    /// The names of `from module import …` that are modules still to be imported.
    fn import_names<'py>(
        slf: &Bound<'py, Self>,
        module: &Bound<'py, PyAny>,
        names: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        if !module.hasattr(intern!(py, "__path__"))? {
            return Ok(());
        }
        let base: String = module.getattr(intern!(py, "__name__"))?.extract()?;
        for name in names.try_iter()? {
            let name = name?;
            let Ok(text) = name.cast::<PyString>() else { continue };
            if text.to_cow()? == "*" {
                if let Ok(all) = module.getattr(intern!(py, "__all__")) {
                    Self::import_names(slf, module, &all)?;
                }
            } else if !module.hasattr(text)? {
                let full = format!("{base}.{}", text.to_cow()?);
                match Self::import_own(slf, &full) {
                    Ok(_) => {}
                    // Not a module: `from` itself says that the name is missing.
                    Err(error) if is_missing(py, &error, &full)? => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn import_elsewhere<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
        globals: Option<&Bound<'py, PyAny>>,
        locals: Option<&Bound<'py, PyAny>>,
        fromlist: Option<&Bound<'py, PyAny>>,
        level: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let real = tools(py)?.import.bind(py);
        let empty = PyTuple::empty(py).into_any();
        let arguments = (name, globals, locals, fromlist.unwrap_or(&empty), level);
        match real.call1(arguments) {
            Err(error) if error.is_instance_of::<PyModuleNotFoundError>(py) => {
                // Long after the plugin put a folder on `sys.path`, it is still there for it.
                match paths::with_paths(py, &slf.get().paths()) {
                    Ok(Some(restore)) => {
                        let result = real.call1(arguments);
                        restore.put_back(py)?;
                        result
                    }
                    _ => Err(error),
                }
            }
            result => result,
        }
    }

    /// Whether a full name is one of this plugin's.
    pub(crate) fn is_own(&self, full: &str) -> bool {
        full.strip_prefix(&self.identity.package)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The full name that a relative import means, `None` if the importing module has no package.
pub(super) fn resolve(
    name: &str,
    globals: Option<&Bound<'_, PyAny>>,
    level: i32,
) -> PyResult<Option<String>> {
    let Some(globals) = globals.and_then(|globals| globals.cast::<PyDict>().ok()) else {
        return Ok(None);
    };
    let text = |key: &str| -> PyResult<Option<String>> {
        Ok(globals.get_item(key)?.and_then(|value| value.extract().ok()))
    };
    let package = match text("__package__")? {
        Some(package) => Some(package),
        None if globals.contains("__path__")? => text("__name__")?,
        None => text("__name__")?.and_then(|name| Some(name.rsplit_once('.')?.0.to_owned())),
    };
    let Some(mut base) = package.as_deref() else { return Ok(None) };
    for _ in 1..level {
        let Some((parent, _)) = base.rsplit_once('.') else { return Ok(None) };
        base = parent;
    }
    Ok(Some(if name.is_empty() { base.to_owned() } else { format!("{base}.{name}") }))
}

fn is_missing(py: Python<'_>, error: &PyErr, full: &str) -> PyResult<bool> {
    if !error.is_instance_of::<PyModuleNotFoundError>(py) {
        return Ok(false);
    }
    let name = error.value(py).getattr(intern!(py, "name"))?;
    Ok(name.extract::<String>().is_ok_and(|name| name == full))
}
