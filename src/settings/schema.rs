//! The JSON Schema of `watch.toml`, for editors: made of the same tables, ranges and types as the
//! reader, so that it allows what this version accepts. `schema/watch.schema.json` is a copy.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::keys::{Keys, PLUGIN, RELOAD, TOP, WATCH};
use super::resolve::{SETTLE, SHUTDOWN_TIMEOUT, TIMEOUT};
use super::rules::{MILLISECONDS_RANGE, POLL_RANGE, SECONDS_RANGE};
use super::unavailable::{self, Asked, DEFAULT_ISOLATION};
use crate::model::{Activation, Isolation, PluginId, ReloadMode};

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watch.toml",
        "description": "Settings of replug, the hot-reload supervisor for Python plugins",
    });
    if let (Some(schema), Value::Object(table)) = (schema.as_object_mut(), table(&TOP, top)) {
        schema.extend(table);
    }
    schema
}

/// A table with these keys and no others.
fn table(keys: &Keys, property: fn(&str) -> Option<Value>) -> Value {
    let properties: Map<String, Value> = keys
        .keys
        .iter()
        .filter_map(|key| {
            let mut property = property(key)?;
            if is_refused(key, Asked::Other) {
                property = json!({"not": {}, "description": "Not available in this version"});
            }
            Some(((*key).to_owned(), property))
        })
        .collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn top(key: &str) -> Option<Value> {
    Some(match key {
        "paths" => {
            let about = "What to watch: folders or files, relative to this file. One that is \
                         missing so far is taken up when it appears";
            let mut paths = texts(about);
            paths["minItems"] = json!(1);
            paths
        }
        "shared" => texts("Folders of modules that all plugins may import and share"),
        "python" => filled("Interpreter to run plugins with, relative to this file"),
        "watch" => table(&WATCH, watch),
        "reload" => table(&RELOAD, reload),
        "plugins" => json!({
            "type": "object",
            "description": "Settings of single plugins, by id",
            "propertyNames": {"pattern": PluginId::PATTERN},
            "additionalProperties": table(&PLUGIN, plugin),
        }),
        _ => return None,
    })
}

fn watch(key: &str) -> Option<Value> {
    Some(match key {
        "ignore" => json!({
            "type": "array",
            "items": {"type": "string"},
            "description": "What not to look at, in gitignore syntax, on top of the built-in list",
        }),
        "gitignore" => boolean("Whether .gitignore files are honoured too", false),
        "settle_ms" => json!({
            "type": "integer",
            "minimum": MILLISECONDS_RANGE.start(),
            "maximum": MILLISECONDS_RANGE.end(),
            "default": u64::try_from(SETTLE.as_millis()).ok(),
            "description": "Quiet time waited for in a burst of saves, in milliseconds; a plain \
                            save does not wait for it",
        }),
        "poll" => {
            let number = json!({
                "type": "integer",
                "minimum": POLL_RANGE.start(),
                "maximum": POLL_RANGE.end(),
            });
            json!({
                "anyOf": [{"enum": ["auto", "never"]}, number],
                "default": "auto",
                "description": "How changes are noticed: \"auto\", the system tells and files are \
                                polled where it cannot; \"never\" polls nothing; a number: \
                                everything is polled, so many milliseconds apart",
            })
        }
        _ => return None,
    })
}

fn reload(key: &str) -> Option<Value> {
    Some(match key {
        "timeout" => {
            let about = "Deadline of each phase of a load (import, create, initialize), in seconds";
            with_default(seconds(about), TIMEOUT.as_secs())
        }
        "shutdown_timeout" => {
            let about = "Deadline of stop_service() and shutdown() together, in seconds";
            with_default(seconds(about), SHUTDOWN_TIMEOUT.as_secs())
        }
        "mode" => {
            let about = "\"exclusive\": the old instance is shut down, then the new one started; \
                         \"overlap\": the other way round";
            let words = words(key, &[ReloadMode::Exclusive, ReloadMode::Overlap], about);
            with_default(words, ReloadMode::default())
        }
        "isolation" => with_default(isolation(), DEFAULT_ISOLATION),
        "preload" => texts("Modules imported once in the process that children are forked from"),
        _ => return None,
    })
}

fn plugin(key: &str) -> Option<Value> {
    Some(match key {
        "enabled" => boolean("Whether it is loaded at all", true),
        "activation" => {
            let about = "\"lazy\": loaded when it is first asked for";
            words(key, &[Activation::Eager, Activation::Lazy], about)
        }
        "timeout" => seconds("Its own deadline of each phase, in seconds"),
        "isolation" => isolation(),
        "configuration" => {
            json!({"type": "object", "description": "Merged over that of its metadata"})
        }
        "limits" => json!({"type": "object", "description": "What its process may use"}),
        "sandbox" => json!({"type": "object", "description": "What its process may touch"}),
        _ => return None,
    })
}

fn isolation() -> Value {
    let all = [Isolation::None, Isolation::Shared, Isolation::Process];
    words("isolation", &all, "In which process plugins run")
}

/// Those of the words that this version accepts for `key`.
fn words<T: Serialize>(key: &str, all: &[T], description: &str) -> Value {
    let words: Vec<Value> = all
        .iter()
        .filter_map(|word| serde_json::to_value(word).ok())
        .filter(|word| !word.as_str().is_some_and(|word| is_refused(key, Asked::Word(word))))
        .collect();
    json!({"enum": words, "description": description})
}

fn is_refused(key: &str, asked: Asked<'_>) -> bool {
    unavailable::refusal(key, asked, "").is_some()
}

fn seconds(description: &str) -> Value {
    json!({
        "type": "number",
        "minimum": SECONDS_RANGE.start(),
        "maximum": SECONDS_RANGE.end(),
        "description": description,
    })
}

fn boolean(description: &str, default: bool) -> Value {
    json!({"type": "boolean", "default": default, "description": description})
}

fn filled(description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": description})
}

fn texts(description: &str) -> Value {
    let item = json!({"type": "string", "minLength": 1});
    json!({"type": "array", "items": item, "description": description})
}

fn with_default(mut property: Value, default: impl Serialize) -> Value {
    property["default"] = json!(default);
    property
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_property() {
        for (keys, property) in [
            (&TOP, top as fn(&str) -> Option<Value>),
            (&WATCH, watch),
            (&RELOAD, reload),
            (&PLUGIN, plugin),
        ] {
            for key in keys.keys {
                assert!(property(key).is_some(), "{key}");
            }
        }
    }
}
