//! Code that a person runs beside a live plugin.

use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods};

use super::fault;
use super::imports::Importer;
use super::text::lossy;
use crate::model::PluginFault;
use crate::source::Source;

const NAME: &str = "<exec>";

/// Whether `code` is Python.
///
/// # Errors
/// A fault of phase `parse` that shows the line of `code`.
pub(crate) fn check(py: Python<'_>, code: &str) -> Result<(), PluginFault> {
    let compile = || py.import("builtins")?.call_method1("compile", (code, NAME, "exec"));
    let source = || Source::new(NAME, code.as_bytes());
    compile().map(drop).map_err(|error| fault::not_python(py, &error, &source()))
}

/// Runs `code`; the `repr` of a trailing expression, unless that is None.
pub(crate) fn run(
    importer: &Bound<'_, Importer>,
    instance: &Bound<'_, PyAny>,
    context: &Bound<'_, PyAny>,
    code: &str,
) -> PyResult<Option<String>> {
    let py = importer.py();
    importer.get().add_text(NAME, code);
    let globals = PyDict::new(py);
    globals.set_item("__builtins__", importer.get().builtins(py))?;
    // As if it stood in the plugin: relative and private imports work.
    globals.set_item("__name__", &importer.get().identity.package)?;
    globals.set_item("__package__", &importer.get().identity.package)?;
    globals.set_item("plugin", instance)?;
    globals.set_item("context", context)?;
    globals.set_item("qtforge", py.import("qtforge")?)?;

    let ast = py.import("ast")?;
    let builtins = py.import("builtins")?;
    let tree = ast.call_method1("parse", (code, NAME))?;
    let body = tree.getattr("body")?;
    let last = body.len()?.checked_sub(1).map(|last| body.get_item(last)).transpose()?;
    let expression = ast.getattr("Expr")?;
    let value = match last {
        Some(last) if last.is_instance(&expression)? => {
            body.call_method0("pop")?;
            Some(ast.getattr("Expression")?.call1((last.getattr("value")?,))?)
        }
        _ => None,
    };
    let compiled = builtins.call_method1("compile", (tree, NAME, "exec"))?;
    builtins.call_method1("exec", (compiled, &globals))?;
    let Some(value) = value else { return Ok(None) };
    let compiled = builtins.call_method1("compile", (value, NAME, "eval"))?;
    let value = builtins.call_method1("eval", (compiled, &globals))?;
    if value.is_none() {
        return Ok(None);
    }
    Ok(Some(lossy(&value.repr()?)))
}
