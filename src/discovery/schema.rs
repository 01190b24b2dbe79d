//! The JSON Schema of `plugin.json`, for editors: made of the list of fields that are known.
//! `schema/plugin.schema.json` is a copy.

use serde_json::{Map, Value, json};

use crate::model::PluginId;
use crate::model::fields::{ACTIVATION, ISOLATION, KNOWN, RELOAD};

/// The schema, draft 2020-12. Fields that are not known are kept for the plugin, so they are
/// allowed; `null` means that nothing is said.
pub fn schema() -> Value {
    let mut properties = Map::new();
    properties.insert(
        "id".to_owned(),
        json!({
            "type": "string",
            "pattern": PluginId::PATTERN,
            "description": "The name of the plugin, such as com.example.clock",
        }),
    );
    for field in KNOWN {
        if let Some(property) = property(field) {
            properties.insert(field.to_owned(), property);
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "plugin.json",
        "description": "A folder plugin of replug",
        "type": "object",
        "properties": properties,
        "required": ["id"],
    })
}

fn property(field: &str) -> Option<Value> {
    let (kind, description) = match field {
        "name" => (text(), "A name for people"),
        "version" => (text(), "Its version, 0.0.0 if nobody says"),
        "description" => (text(), "One line on what it does"),
        "author" => (json!({"type": ["string", "object", "null"]}), "Who wrote it"),
        "license" => (text(), "Under which licence"),
        "plugin_type" => (text(), "Such as service, utility, ui, filter or extension"),
        "dependencies" => (
            json!({"type": ["array", "null"], "items": {"type": "string", "pattern": PluginId::PATTERN}}),
            "Ids of plugins that must be live first",
        ),
        "requirements" => (texts(), "Python packages that it needs, as in PEP 508"),
        "capabilities" => (texts(), "What it offers, in its own words"),
        "tags" => (texts(), "Words to find it by"),
        "configuration" => (
            json!({"type": ["object", "null"]}),
            "Its settings, before those of watch.toml are merged over them",
        ),
        "activation" => (
            words(ACTIVATION.map(|(word, _)| word)),
            "When it is loaded; lazy: when first asked for",
        ),
        "entry" => (text(), "The file to run; it must lie in this folder"),
        "class" => (text(), "The class to make an instance of"),
        "reload" => (
            words(RELOAD.map(|(word, _)| word)),
            "exclusive: the old instance is shut down first; overlap: the new one is started first",
        ),
        "isolation" => (words(ISOLATION.map(|(word, _)| word)), "In which process it runs"),
        "timeout" => (
            json!({"type": ["number", "null"], "exclusiveMinimum": 0}),
            "Deadline of each phase of a load, in seconds",
        ),
        "watch" => (texts(), "Patterns of further files whose edit reloads the plugin"),
        "inputs" => (
            json!({"type": ["boolean", "null"], "default": true}),
            "Whether files that it read while it started are followed",
        ),
        "carry" => (
            texts(),
            "Patterns of own modules that go over to the next generation unless they changed",
        ),
        _ => return None,
    };
    let mut property = kind;
    property["description"] = json!(description);
    Some(property)
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

fn texts() -> Value {
    json!({"type": ["array", "null"], "items": {"type": "string"}})
}

fn words<const N: usize>(words: [&str; N]) -> Value {
    let words: Vec<Option<&str>> = words.into_iter().map(Some).chain([None]).collect();
    json!({"enum": words})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_field_has_a_property() {
        for field in KNOWN {
            assert!(property(field).is_some(), "{field}");
        }
    }
}
