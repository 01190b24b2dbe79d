//! JSON values to Python objects and back, for metadata and configuration.

use pyo3::prelude::{Bound, IntoPyObject, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{
    PyBool, PyBoolMethods, PyDict, PyDictMethods, PyFloat, PyInt, PyList, PyListMethods, PyString,
    PyStringMethods, PyTypeMethods,
};
use serde_json::{Map, Number, Value};

use super::text::lossy;

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
        return Value::String(lossy(text));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let entries = dict.iter().map(|(key, entry)| (text(&key), value(&entry, depth - 1)));
        return Value::Object(entries.collect());
    }
    if is_sequence(object)
        && let Ok(items) = object.try_iter()
    {
        return Value::Array(
            items.filter_map(Result::ok).map(|item| value(&item, depth - 1)).collect(),
        );
    }
    Value::String(text(object))
}

/// What JSON holds of an object, exactly.
///
/// # Errors
/// What it cannot hold, in words that follow "`field` ".
pub(crate) fn exactly(object: &Bound<'_, PyAny>) -> Result<Value, String> {
    exact(object, "", DEPTH)
}

fn exact(object: &Bound<'_, PyAny>, at: &str, depth: u32) -> Result<Value, String> {
    let unfit = |what: &str| {
        let place = if at.is_empty() { "is".to_owned() } else { format!("has at `{at}`") };
        Err(format!("{place} {what}"))
    };
    if depth == 0 {
        return unfit("more levels than can travel; maybe it holds itself");
    }
    if object.is_none() || object.is_instance_of::<PyBool>() {
        return Ok(value(object, depth));
    }
    if object.is_instance_of::<PyInt>() {
        let signed = object.extract::<i64>().map(Value::from);
        let number = signed.or_else(|_| object.extract::<u64>().map(Value::from));
        return number.or_else(|_| unfit("an integer of more than 64 bits"));
    }
    if object.is_instance_of::<PyFloat>() {
        let number = object.extract::<f64>().ok().and_then(Number::from_f64);
        return number.map_or_else(
            || unfit(&format!("{}, which JSON has no number for", text(object))),
            |number| Ok(Value::Number(number)),
        );
    }
    if let Ok(said) = object.cast::<PyString>() {
        return match said.to_str() {
            Ok(said) => Ok(Value::from(said)),
            Err(_) => unfit("a string that is no text: half of a surrogate pair"),
        };
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let mut map = Map::new();
        for (key, entry) in dict.iter() {
            let name = key.cast::<PyString>().ok().and_then(|key| key.to_str().ok());
            let Some(name) = name else {
                let place = if at.is_empty() { String::new() } else { format!("at `{at}` ") };
                let key = shown(&key);
                return Err(format!(
                    "has {place}the key {key}, and JSON has only strings for keys"
                ));
            };
            let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            map.insert(name.to_owned(), exact(&entry, &at, depth - 1)?);
        }
        return Ok(Value::Object(map));
    }
    if is_sequence(object)
        && let Ok(items) = object.try_iter()
    {
        let mut list = Vec::new();
        for (index, item) in items.enumerate() {
            let Ok(item) = item else { return unfit("a list that cannot be read") };
            list.push(exact(&item, &format!("{at}[{index}]"), depth - 1)?);
        }
        return Ok(Value::Array(list));
    }
    let kind = object.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    unfit(&format!("a value of type {kind}, which JSON cannot hold"))
}

fn shown(object: &Bound<'_, PyAny>) -> String {
    object.repr().map(|text| lossy(&text)).unwrap_or_default()
}

fn is_sequence(object: &Bound<'_, PyAny>) -> bool {
    ["list", "tuple", "set", "frozenset"].contains(
        &object.get_type().name().map(|name| name.to_string()).unwrap_or_default().as_str(),
    )
}

fn text(object: &Bound<'_, PyAny>) -> String {
    object.str().map(|text| lossy(&text)).unwrap_or_default()
}
