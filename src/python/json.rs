//! JSON values to Python objects and back, for metadata and configuration.

use pyo3::prelude::{Bound, IntoPyObject, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{
    PyBool, PyBoolMethods, PyDict, PyDictMethods, PyFloat, PyInt, PyList, PyListMethods, PyString,
    PyStringMethods, PyTypeMethods,
};
use serde_json::{Map, Number, Value};

/// Deeper structures are cut off: metadata is never that deep, and a list may hold itself.
const DEPTH: u32 = 64;

pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (None, Some(number)) => number.into_pyobject(py)?.into_any(),
            _ => number.as_f64().unwrap_or(f64::NAN).into_pyobject(py)?.into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            list.into_any()
        }
        Value::Object(map) => dict(py, map)?.into_any(),
    })
}

pub(crate) fn dict<'py>(py: Python<'py>, map: &Map<String, Value>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in map {
        dict.set_item(key, to_python(py, value)?)?;
    }
    Ok(dict)
}

/// What JSON can hold of an object; the rest as its text.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> Value {
    value(object, DEPTH)
}

fn value(object: &Bound<'_, PyAny>, depth: u32) -> Value {
    if object.is_none() || depth == 0 {
        return Value::Null;
    }
    if let Ok(boolean) = object.cast::<PyBool>() {
        return Value::Bool(boolean.is_true());
    }
    if object.is_instance_of::<PyInt>() {
        if let Ok(number) = object.extract::<i64>() {
            return Value::from(number);
        }
    } else if object.is_instance_of::<PyFloat>() {
        let number = object.extract::<f64>().ok().and_then(Number::from_f64);
        return number.map_or(Value::Null, Value::Number);
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Value::String(text.to_string_lossy().into_owned());
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let entries = dict.iter().map(|(key, entry)| (text(&key), value(&entry, depth - 1)));
        return Value::Object(entries.collect());
    }
    let is_sequence = ["list", "tuple", "set", "frozenset"].contains(
        &object.get_type().name().map(|name| name.to_string()).unwrap_or_default().as_str(),
    );
    if is_sequence && let Ok(items) = object.try_iter() {
        return Value::Array(
            items.filter_map(Result::ok).map(|item| value(&item, depth - 1)).collect(),
        );
    }
    Value::String(text(object))
}

fn text(object: &Bound<'_, PyAny>) -> String {
    object.str().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}
