//! From a module to a plugin's instance, and the calls that an instance is asked for.

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyDict, PyDictMethods, PyModule, PyModuleMethods, PyString, PyStringMethods, PyType,
    PyTypeMethods,
};

use super::json;
use crate::model::fields::is_known;
use crate::model::{FieldFault, Fields, Phase, PluginFault};

/// What was found in a module.
pub(crate) enum Made<'py> {
    /// An instance.
    Instance(Bound<'py, PyAny>),
    /// The module does not say clearly what its plugin is.
    Fault(PluginFault),
}

fn refuse<'py>(kind: &str, message: String) -> Made<'py> {
    Made::Fault(PluginFault::new(Phase::Create, kind, message))
}

/// Makes the instance: `create_plugin()`, else the class that `plugin.json` names, else the one
/// plugin class that is defined in the module, else the module itself.
pub(crate) fn make<'py>(module: &Bound<'py, PyModule>, class: Option<&str>) -> PyResult<Made<'py>> {
    let py = module.py();
    if let Some(factory) = module.dict().get_item(intern!(py, "create_plugin"))?
        && factory.is_callable()
    {
        return call_factory(&factory, "create_plugin()");
    }
    if let Some(name) = class {
        return match module.dict().get_item(name)? {
            Some(class) if class.is_callable() => call_factory(&class, name),
            Some(_) => Ok(refuse("PluginLoadError", format!("'{name}' is not a class"))),
            None => Ok(refuse(
                "PluginLoadError",
                format!("there is no class '{name}', which plugin.json names"),
            )),
        };
    }
    let classes = plugin_classes(module)?;
    match classes.as_slice() {
        [class] => class.call0().map(Made::Instance),
        [] if module.hasattr("initialize")? || module.hasattr("shutdown")? => {
            Ok(Made::Instance(module.clone().into_any()))
        }
        [] => Ok(refuse(
            "PluginLoadError",
            "no plugin in this module: define create_plugin(), or a class with get_metadata() and \
             initialize(), or functions initialize() and shutdown()"
                .to_owned(),
        )),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|class| class.name().map(|name| name.to_string()))
                .collect::<PyResult<_>>()?;
            Ok(refuse(
                "PluginLoadError",
                format!(
                    "{} could all be the plugin; say which by create_plugin(), or by \"class\" in \
                     plugin.json",
                    names.join(" and ")
                ),
            ))
        }
    }
}

fn call_factory<'py>(factory: &Bound<'py, PyAny>, name: &str) -> PyResult<Made<'py>> {
    let instance = factory.call0()?;
    if instance.is_none() {
        return Ok(refuse("PluginLoadError", format!("{name} returned None")));
    }
    let py = instance.py();
    let methods = [intern!(py, "initialize"), intern!(py, "shutdown"), intern!(py, "get_metadata")];
    let mut serves = false;
    for method in methods {
        // Asked as it will be called: a `__getattr__` may have it.
        serves = serves || instance.getattr_opt(method)?.is_some_and(|method| method.is_callable());
    }
    if !serves {
        let kind = instance.get_type().name()?;
        return Ok(refuse(
            "PluginLoadError",
            format!(
                "{name} returned an object of type {kind}, which is no plugin: it has none of the \
                 methods initialize(), shutdown() and get_metadata()"
            ),
        ));
    }
    Ok(Made::Instance(instance))
}

/// The concrete classes with `get_metadata` and `initialize` that the module itself defines.
fn plugin_classes<'py>(module: &Bound<'py, PyModule>) -> PyResult<Vec<Bound<'py, PyType>>> {
    let py = module.py();
    let name = module.name()?;
    let mut classes: Vec<Bound<'py, PyType>> = Vec::new();
    for value in module.dict().values() {
        let Ok(class) = value.cast_into::<PyType>() else { continue };
        let known = classes.iter().any(|other| other.is(&class));
        if !known && unless_it_raises(py, is_plugin_class(&class, &name))?.unwrap_or(false) {
            classes.push(class);
        }
    }
    Ok(classes)
}

fn is_plugin_class(class: &Bound<'_, PyType>, module: &Bound<'_, PyString>) -> PyResult<bool> {
    let py = class.py();
    let defined_here = class.getattr(intern!(py, "__module__"))?.eq(module)?;
    let is_plugin = defined_here
        && class.hasattr(intern!(py, "get_metadata"))?
        && class.hasattr(intern!(py, "initialize"))?;
    if !is_plugin {
        return Ok(false);
    }
    let abstract_methods = class.getattr_opt(intern!(py, "__abstractmethods__"))?;
    Ok(!abstract_methods.map_or(Ok(false), |names| names.is_truthy())?)
}

/// A class may have attributes that raise when they are looked at; that makes it no plugin, and is
/// nobody's fault. A deadline that has passed is no such thing.
fn unless_it_raises<T>(py: Python<'_>, asked: PyResult<T>) -> PyResult<Option<T>> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_instance_of::<PyException>(py) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What shows of its metadata only when it runs, by order of trust: what `PLUGIN_METADATA` of its
/// module says beside what is `known`, then what `get_metadata()` says beside that. `Err` within is a
/// field that cannot be used.
pub(crate) fn metadata(
    module: &Bound<'_, PyModule>,
    instance: &Bound<'_, PyAny>,
    known: &Fields,
) -> PyResult<Result<Fields, FieldFault>> {
    let py = instance.py();
    let mut fields = Fields::new();
    if let Some(declared) = module.dict().get_item(intern!(py, "PLUGIN_METADATA"))?
        && let Ok(declared) = declared.cast::<PyDict>()
        && let Err(fault) = add(&mut fields, declared, known)
    {
        return Ok(Err(fault));
    }
    let Ok(method) = instance.getattr(intern!(py, "get_metadata")) else {
        return Ok(Ok(fields));
    };
    let mut metadata = method.call0()?;
    if let Ok(to_dict) = metadata.getattr(intern!(py, "to_dict")) {
        metadata = to_dict.call0()?;
    }
    // The id that `get_metadata()` gives is the one that counts where none was to be read.
    let declared_id = fields.shift_remove("id");
    if let Ok(described) = metadata.cast::<PyDict>()
        && let Err(fault) = add(&mut fields, described, known)
    {
        return Ok(Err(fault));
    }
    if let Some(id) = declared_id {
        fields.entry("id").or_insert(id);
    }
    Ok(Ok(fields))
}

/// Adds what a dict says beside what is `known` and what is there. Of a field that nobody here reads,
/// what JSON cannot hold is kept as its text.
fn add(fields: &mut Fields, dict: &Bound<'_, PyDict>, known: &Fields) -> Result<(), FieldFault> {
    for (name, value) in dict.iter() {
        let Ok(name) = name.extract::<String>() else { continue };
        if known.contains_key(&name) && name != "id" || fields.contains_key(&name) {
            continue;
        }
        let value = if name == "id" || !is_known(&name) {
            json::from_python(&value)
        } else {
            json::exactly(&value).map_err(|what| {
                let message = format!("`{name}` {what}");
                FieldFault { field: name.clone(), message }
            })?
        };
        fields.insert(name, value);
    }
    Ok(())
}

/// Calls `initialize`, with the context if it takes an argument, then `start_service` of a
/// `ServicePlugin`. A message if it refused.
pub(crate) fn initialize(
    instance: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
) -> PyResult<Option<String>> {
    let py = instance.py();
    if let Ok(method) = instance.getattr(intern!(py, "initialize")) {
        let answer = match takes(&method)? {
            Takes::Argument => method.call1((context,))?,
            Takes::Keyword => {
                let named = PyDict::new(py);
                named.set_item(intern!(py, "context"), context)?;
                method.call((), Some(&named))?
            }
            Takes::Nothing => method.call0()?,
        };
        if let Some(refusal) = refusal(&answer, "initialize()")? {
            return Ok(Some(refusal));
        }
    }
    if is_a(instance, "PluginInterface")? {
        // Authors forget to keep them, and the helpers of the base class speak of them.
        if instance.getattr(intern!(py, "_context"))?.is_none() {
            instance.setattr(intern!(py, "_context"), context)?;
        }
        instance.setattr(intern!(py, "_initialized"), true)?;
    }
    if is_a(instance, "ServicePlugin")? {
        let answer = instance.call_method0(intern!(py, "start_service"))?;
        return refusal(&answer, "start_service()");
    }
    Ok(None)
}

/// Why the answer is none to go on with: `False`, or QtForge's `{"success": False, "error": "…"}`.
fn refusal(answer: &Bound<'_, PyAny>, what: &str) -> PyResult<Option<String>> {
    let py = answer.py();
    if answer.get_type().name()? == "coroutine" {
        answer.call_method0("close")?;
        let message = "it is an `async def`, and nothing awaits it: make it a plain `def`";
        return Ok(Some(message.to_owned()));
    }
    let no = PyBool::new(py, false);
    if answer.is(no.as_any()) {
        return Ok(Some(format!("{what} returned False")));
    }
    let Ok(told) = answer.cast::<PyDict>() else { return Ok(None) };
    if !told.get_item(intern!(py, "success"))?.is_some_and(|success| success.is(no.as_any())) {
        return Ok(None);
    }
    let why = match told.get_item(intern!(py, "error"))? {
        Some(error) => format!(": {}", error.str()?.to_string_lossy()),
        None => String::new(),
    };
    Ok(Some(format!("{what} refused{why}")))
}

/// Calls `stop_service`, if this is a `ServicePlugin`.
pub(crate) fn stop_service(instance: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_a(instance, "ServicePlugin")? {
        instance.call_method0(intern!(instance.py(), "stop_service"))?;
    }
    Ok(())
}

/// Calls `shutdown`, if there is one.
pub(crate) fn shutdown(instance: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = instance.py();
    if let Ok(method) = instance.getattr(intern!(py, "shutdown")) {
        method.call0()?;
    }
    Ok(())
}

/// Whatever `shutdown` did, the instance is not initialized any more.
pub(crate) fn mark_ended(instance: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_a(instance, "PluginInterface")? {
        instance.setattr(intern!(instance.py(), "_initialized"), false)?;
    }
    Ok(())
}

fn is_a(instance: &Bound<'_, PyAny>, class: &str) -> PyResult<bool> {
    static INTERFACE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static SERVICE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let cell = if class == "ServicePlugin" { &SERVICE } else { &INTERFACE };
    instance.is_instance(cell.import(instance.py(), "qtforge.core", class)?)
}

/// How `initialize` wants the context.
enum Takes {
    Argument,
    /// `def initialize(self, *, context)`.
    Keyword,
    Nothing,
}

/// Asked of the code object where there is one, because `inspect` is slow to import.
fn takes(method: &Bound<'_, PyAny>) -> PyResult<Takes> {
    let py = method.py();
    let function = method.getattr(intern!(py, "__func__")).unwrap_or_else(|_| method.clone());
    let bound = i64::from(!function.is(method));
    let Ok(code) = function.getattr(intern!(py, "__code__")) else {
        return takes_by_signature(method);
    };
    if function.hasattr(intern!(py, "__wrapped__"))? {
        return takes_by_signature(method);
    }
    let count: i64 = code.getattr(intern!(py, "co_argcount"))?.extract()?;
    let flags: i64 = code.getattr(intern!(py, "co_flags"))?.extract()?;
    const VARIABLE_ARGUMENTS: i64 = 0x04;
    const VARIABLE_KEYWORDS: i64 = 0x08;
    if count > bound || flags & VARIABLE_ARGUMENTS != 0 {
        return Ok(Takes::Argument);
    }
    let keywords: i64 = code.getattr(intern!(py, "co_kwonlyargcount"))?.extract()?;
    if keywords == 0 && flags & VARIABLE_KEYWORDS == 0 {
        return Ok(Takes::Nothing);
    }
    takes_by_signature(method)
}

/// Whether it can be called in a way is exactly what `bind()` answers.
fn takes_by_signature(method: &Bound<'_, PyAny>) -> PyResult<Takes> {
    let py = method.py();
    let inspect = py.import("inspect")?;
    let Ok(signature) = inspect.call_method1("signature", (method,)) else {
        return Ok(Takes::Argument);
    };
    let named = PyDict::new(py);
    named.set_item("context", py.None())?;
    Ok(if signature.call_method1("bind", (py.None(),)).is_ok() {
        Takes::Argument
    } else if signature.call_method("bind", (), Some(&named)).is_ok() {
        Takes::Keyword
    } else {
        Takes::Nothing
    })
}
