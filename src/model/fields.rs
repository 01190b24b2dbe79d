//! Literal fields to checked metadata, or the field that cannot be used and why.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Activation, Fields, Isolation, Metadata, Patterns, PluginId, ReloadMode};

/// A field that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Its name.
    pub field: String,
    /// What is wrong with it, and what it must be; names the field.
    pub message: String,
}

impl FieldFault {
    /// "`field` must be …, not …".
    fn must_be(field: &str, wanted: &str, value: &Value) -> Self {
        let message = format!("`{field}` must be {wanted}, not {}", kind_of(value));
        Self { field: field.to_owned(), message }
    }
}

/// The metadata that `fields` say, with the defaults for what they do not say.
///
/// # Errors
/// The first field of a wrong type or value.
pub fn check_fields(fields: &Fields, id: &PluginId) -> Result<Metadata, FieldFault> {
    let mut metadata = Metadata {
        name: id.as_str().to_owned(),
        version: "0.0.0".to_owned(),
        inputs: true,
        ..Metadata::default()
    };
    let m = &mut metadata;
    for (field, value) in fields {
        match field.as_str() {
            // `None` is what a Python author writes for "nothing to say".
            "id" => {}
            _ if value.is_null() && is_known(field) => {}
            "name" => m.name = text(field, value)?,
            "version" => m.version = text(field, value)?,
            "description" => m.description = text(field, value)?,
            "author" => m.author = author(field, value)?,
            "license" => m.license = text(field, value)?,
            "plugin_type" => m.plugin_type = text(field, value)?,
            "dependencies" => m.dependencies = ids(field, value)?,
            "requirements" => m.requirements = texts(field, value)?,
            "capabilities" => m.capabilities = texts(field, value)?,
            "tags" => m.tags = texts(field, value)?,
            "configuration" => m.configuration = object(field, value)?.clone(),
            "activation" => m.activation = word(field, value, &ACTIVATION)?,
            "entry" => drop(text(field, value)?),
            "class" => m.class = Some(text(field, value)?),
            "reload" => m.reload = Some(word(field, value, &RELOAD)?),
            "isolation" => m.isolation = Some(isolation(field, value)?),
            "timeout" => m.timeout = Some(seconds(field, value)?),
            "watch" => m.watch = patterns(field, value)?,
            "inputs" => {
                m.inputs = value
                    .as_bool()
                    .ok_or_else(|| FieldFault::must_be(field, "true or false", value))?;
            }
            "carry" => m.carry = patterns(field, value)?,
            // `PluginMetadata(extra={...})` says what `extra` is, rather than being in it.
            "extra" if value.is_object() => m.extra.extend(object(field, value)?.clone()),
            _ => drop(m.extra.insert(field.clone(), value.clone())),
        }
    }
    Ok(metadata)
}

pub(crate) const KNOWN: [&str; 20] = [
    "name",
    "version",
    "description",
    "author",
    "license",
    "plugin_type",
    "dependencies",
    "requirements",
    "capabilities",
    "tags",
    "configuration",
    "activation",
    "entry",
    "class",
    "reload",
    "isolation",
    "timeout",
    "watch",
    "inputs",
    "carry",
];
pub(crate) const ACTIVATION: [(&str, Activation); 2] =
    [("eager", Activation::Eager), ("lazy", Activation::Lazy)];
pub(crate) const RELOAD: [(&str, ReloadMode); 2] =
    [("exclusive", ReloadMode::Exclusive), ("overlap", ReloadMode::Overlap)];
pub(crate) const ISOLATION: [(&str, Isolation); 2] =
    [("none", Isolation::None), ("shared", Isolation::Shared)];

/// Whether `field` is one of a plugin's metadata, beside its id.
pub(crate) fn is_known(field: &str) -> bool {
    KNOWN.contains(&field)
}

fn text(field: &str, value: &Value) -> Result<String, FieldFault> {
    value.as_str().map(str::to_owned).ok_or_else(|| FieldFault::must_be(field, "a string", value))
}

/// Whoever writes `process` counts on it, so it is refused rather than ignored.
fn isolation(field: &str, value: &Value) -> Result<Isolation, FieldFault> {
    if value == "process" {
        let message = format!(
            "`{field}` \"process\" is not available in this version; all plugins share one child \
             process, which is \"shared\""
        );
        return Err(FieldFault { field: field.to_owned(), message });
    }
    word(field, value, &ISOLATION)
}

/// A string, or the `{"name": …, "email": …}` that other manifests have.
fn author(field: &str, value: &Value) -> Result<String, FieldFault> {
    let Value::Object(person) = value else { return text(field, value) };
    let known = ["name", "email", "id"].iter().find_map(|key| person.get(*key)?.as_str());
    Ok(known.unwrap_or_default().to_owned())
}

fn texts(field: &str, value: &Value) -> Result<Vec<String>, FieldFault> {
    let wanted = "a list of strings";
    let items = value.as_array().ok_or_else(|| FieldFault::must_be(field, wanted, value))?;
    let item = |item: &Value| {
        let fault = || FieldFault {
            field: field.to_owned(),
            message: format!("`{field}` must be {wanted}, and one of them is {}", kind_of(item)),
        };
        item.as_str().map(str::to_owned).ok_or_else(fault)
    };
    items.iter().map(item).collect()
}

fn patterns(field: &str, value: &Value) -> Result<Vec<String>, FieldFault> {
    let patterns = texts(field, value)?;
    for pattern in &patterns {
        Patterns::check(pattern).map_err(|message| FieldFault {
            field: field.to_owned(),
            message: format!("`{field}` must be patterns in gitignore syntax: {message}"),
        })?;
    }
    Ok(patterns)
}

fn ids(field: &str, value: &Value) -> Result<Vec<PluginId>, FieldFault> {
    let id = |text: String| {
        PluginId::new(&text).ok_or_else(|| FieldFault {
            field: field.to_owned(),
            message: format!(
                "`{field}` must be a list of plugin ids, and {text:?} is no id ({})",
                ID_RULE
            ),
        })
    };
    texts(field, value)?.into_iter().map(id).collect()
}

/// What an id is made of, for messages.
pub(crate) const ID_RULE: &str =
    "letters, digits, `_`, `.` and `-`, the first of them a letter, digit or `_`";

fn object<'a>(field: &str, value: &'a Value) -> Result<&'a Map<String, Value>, FieldFault> {
    value.as_object().ok_or_else(|| FieldFault::must_be(field, "an object", value))
}

fn word<T: Copy>(field: &str, value: &Value, words: &[(&str, T)]) -> Result<T, FieldFault> {
    let allowed = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let Some(said) = value.as_str() else {
        return Err(FieldFault::must_be(field, &format!("one of {allowed}"), value));
    };
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == said) {
        return Ok(*meant);
    }
    let distance = |word: &str| strsim::damerau_levenshtein(&said.to_lowercase(), word);
    let nearest = words.iter().map(|(word, _)| *word).min_by_key(|word| distance(word));
    let hint = match nearest {
        Some(word) if distance(word) * 2 <= word.len() => format!("; did you mean `{word}`?"),
        _ => String::new(),
    };
    let message = format!("`{field}` must be one of {allowed}, not {said:?}{hint}");
    Err(FieldFault { field: field.to_owned(), message })
}

fn seconds(field: &str, value: &Value) -> Result<Duration, FieldFault> {
    let wanted = "a number of seconds above 0";
    let number = value.as_f64().ok_or_else(|| FieldFault::must_be(field, wanted, value))?;
    let duration = Duration::try_from_secs_f64(number).ok().filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| FieldFault {
        field: field.to_owned(),
        message: format!("`{field}` must be {wanted}, not {value}"),
    })
}

/// The kind of a value in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(fields: Value) -> Result<Metadata, FieldFault> {
        let Value::Object(fields) = fields else { unreachable!() };
        check_fields(&fields, &PluginId::new("com.example.a").unwrap())
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let metadata = check(json!({"id": "com.example.a"})).unwrap();
        assert_eq!(metadata.name, "com.example.a");
        assert_eq!(metadata.version, "0.0.0");
        assert!(metadata.inputs && metadata.extra.is_empty());
        assert_eq!(metadata.timeout, None);
        assert_eq!(
            check(KNOWN.iter().map(|field| (field.to_string(), Value::Null)).collect()),
            Ok(metadata)
        );
    }

    #[test]
    fn every_field_is_taken() {
        let metadata = check(json!({
            "name": "A", "version": "1.2", "description": "d", "author": {"id": "x", "name": "N"}, "license": "MIT",
            "plugin_type": "service", "dependencies": ["b", "c.d"], "requirements": ["numpy>=1"],
            "capabilities": ["x"], "tags": ["t"], "configuration": {"k": [1]}, "activation": "lazy",
            "entry": "m.py", "class": "C", "reload": "overlap", "isolation": "none", "timeout": 1.5,
            "watch": ["*.x"], "inputs": false, "carry": ["sympy*"], "extra": {"e": 1}, "homepage": "h",
        }))
        .unwrap();
        assert_eq!((metadata.name.as_str(), metadata.author.as_str()), ("A", "N"));
        assert_eq!(metadata.dependencies[1].as_str(), "c.d");
        assert_eq!(metadata.activation, Activation::Lazy);
        assert_eq!(metadata.reload, Some(ReloadMode::Overlap));
        assert_eq!(metadata.isolation, Some(Isolation::None));
        assert_eq!(metadata.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(metadata.class.as_deref(), Some("C"));
        assert!(!metadata.inputs);
        assert_eq!(Value::from(metadata.extra), json!({"e": 1, "homepage": "h"}));
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        for (field, value) in [
            ("name", json!(1)),
            ("version", json!(1.0)),
            ("author", json!(["a"])),
            ("dependencies", json!("b")),
            ("dependencies", json!([1])),
            ("dependencies", json!(["no id"])),
            ("tags", json!({})),
            ("configuration", json!([])),
            ("activation", json!(true)),
            ("reload", json!("later")),
            ("timeout", json!("10")),
            ("timeout", json!(0)),
            ("timeout", json!(-1)),
            ("timeout", json!(true)),
            ("timeout", json!(1e300)),
            ("inputs", json!("no")),
            ("entry", json!(3)),
            ("carry", json!("x")),
        ] {
            let fault = check(json!({field: value})).unwrap_err();
            assert_eq!(fault.field, field);
            assert!(fault.message.contains(&format!("`{field}`")), "{}", fault.message);
        }
    }

    #[test]
    fn a_wrong_word_is_met_with_the_right_ones() {
        let fault = check(json!({"reload": "overlpa"})).unwrap_err();
        assert_eq!(
            fault.message,
            "`reload` must be one of `exclusive`, `overlap`, not \"overlpa\"; did you mean `overlap`?"
        );
        let fault = check(json!({"isolation": "x"})).unwrap_err();
        assert_eq!(fault.message, "`isolation` must be one of `none`, `shared`, not \"x\"");
    }
}
