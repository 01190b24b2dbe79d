//! From a module to a plugin's instance, and the calls that an instance is asked for.

use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDictMethods, PyModule, PyModuleMethods, PyType, PyTypeMethods};

use crate::model::{Fields, Phase, PluginFault};

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
        let defined_here = class
            .getattr(intern!(py, "__module__"))
            .is_ok_and(|module| module.eq(&name).unwrap_or(false));
        let is_plugin = class.hasattr(intern!(py, "get_metadata"))?
            && class.hasattr(intern!(py, "initialize"))?;
        let abstract_methods = class.getattr(intern!(py, "__abstractmethods__"));
        let is_abstract = abstract_methods.is_ok_and(|names| names.is_truthy().unwrap_or(false));
        let known = classes.iter().any(|other| other.is(&class));
        if defined_here && is_plugin && !is_abstract && !known {
            classes.push(class);
        }
    }
    Ok(classes)
}

/// The metadata that the instance gives, as fields; empty if it has no `get_metadata`.
pub(crate) fn metadata(instance: &Bound<'_, PyAny>) -> PyResult<Fields> {
    let py = instance.py();
    let Ok(method) = instance.getattr(intern!(py, "get_metadata")) else {
        return Ok(Fields::new());
    };
    let mut metadata = method.call0()?;
    if let Ok(to_dict) = metadata.getattr(intern!(py, "to_dict")) {
        metadata = to_dict.call0()?;
    }
    match super::json::from_python(&metadata) {
        serde_json::Value::Object(fields) => Ok(fields),
        _ => Ok(Fields::new()),
    }
}

/// Calls `initialize`, with the context if it takes an argument, then `start_service` of a
/// `ServicePlugin`. A message if it refused.
pub(crate) fn initialize(
    instance: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
) -> PyResult<Option<&'static str>> {
    let py = instance.py();
    if let Ok(method) = instance.getattr(intern!(py, "initialize")) {
        let answer =
            if takes_argument(&method)? { method.call1((context,))? } else { method.call0()? };
        if let Some(refusal) = refusal(&answer, "initialize() returned False")? {
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
        return refusal(&answer, "start_service() returned False");
    }
    Ok(None)
}

fn refusal(answer: &Bound<'_, PyAny>, message: &'static str) -> PyResult<Option<&'static str>> {
    if answer.get_type().name()? == "coroutine" {
        answer.call_method0("close")?;
        return Ok(Some("it is an `async def`, and nothing awaits it: make it a plain `def`"));
    }
    Ok(answer.is(pyo3::types::PyBool::new(answer.py(), false).as_any()).then_some(message))
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

/// Whether a method can be called with one argument. Asked of the code object where there is one,
/// because `inspect` is slow to import.
fn takes_argument(method: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = method.py();
    let function = method.getattr(intern!(py, "__func__")).unwrap_or_else(|_| method.clone());
    let bound = i64::from(!function.is(method));
    let Ok(code) = function.getattr(intern!(py, "__code__")) else {
        return takes_argument_by_signature(method);
    };
    if function.hasattr(intern!(py, "__wrapped__"))? {
        return takes_argument_by_signature(method);
    }
    let count: i64 = code.getattr(intern!(py, "co_argcount"))?.extract()?;
    let flags: i64 = code.getattr(intern!(py, "co_flags"))?.extract()?;
    const VARIABLE_ARGUMENTS: i64 = 0x04;
    Ok(count > bound || flags & VARIABLE_ARGUMENTS != 0)
}

fn takes_argument_by_signature(method: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = method.py();
    let inspect = py.import("inspect")?;
    let Ok(signature) = inspect.call_method1("signature", (method,)) else { return Ok(true) };
    // Whether it can be called is exactly what bind() answers.
    Ok(signature.call_method1("bind", (py.None(),)).is_ok())
}
