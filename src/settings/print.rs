//! The settings in force as a `watch.toml`, with a comment that says where each value comes from.
//!
//! What it prints can be saved and used: it means the same as what it was printed from.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, str};

use serde::Serialize;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::keys::{Keys, PLUGIN, RELOAD, TOP, WATCH};
use super::unavailable::{self, Asked};
use super::{CliLayer, DEFAULT_FILE, PluginSettings, Poll, Settings, SettingsError, load};

/// Who said the value of a key, in words, where that was the command line or the environment.
pub type Origins = BTreeMap<&'static str, String>;

/// The settings that follow from `layer`, with `origins` for what it says.
///
/// # Errors
/// As for [`load`].
pub fn print(layer: &CliLayer, origins: &Origins) -> Result<String, SettingsError> {
    let settings = load(layer)?;
    let file = settings.config_file.as_deref();
    let text = file.and_then(|file| fs::read(file).ok()).unwrap_or_default();
    let shown = layer.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let page = Page { shown, lines: lines(str::from_utf8(&text).unwrap_or_default()), origins };

    let mut out = String::from("# The settings in force, each with its origin.\n");
    let _ = match file {
        Some(file) => writeln!(out, "# Settings file: {}", printable(file)),
        None => writeln!(out, "# Settings file: none; {} would be read", printable(shown)),
    };
    page.table(&mut out, &[], &TOP, |key| top(&settings, key));
    page.table(&mut out, &["watch"], &WATCH, |key| watch(&settings, key));
    page.table(&mut out, &["reload"], &RELOAD, |key| reload(&settings, key));
    for (id, settings) in &settings.plugins {
        page.table(&mut out, &["plugins", id.as_str()], &PLUGIN, |key| plugin(settings, key));
    }
    Ok(out)
}

/// What a key says.
enum Said {
    /// A value.
    Value(Value),
    /// Nothing, which means what the words say.
    Nothing(&'static str),
    /// The key is the head of a table, which is printed by itself.
    Table,
}

struct Page<'a> {
    shown: &'a Path,
    lines: BTreeMap<Vec<String>, usize>,
    origins: &'a Origins,
}

impl Page<'_> {
    fn table(&self, out: &mut String, name: &[&str], keys: &Keys, said: impl Fn(&str) -> Said) {
        let quoted = |word: &&str| match *word {
            "watch" | "reload" | "plugins" => (*word).to_owned(),
            id => Value::from(id).to_string(),
        };
        // Writing to a String cannot fail, here and below.
        if !name.is_empty() {
            let name: Vec<String> = name.iter().map(quoted).collect();
            let _ = writeln!(out, "\n[{}]", name.join("."));
        }
        for key in keys.keys {
            let origin = self.origin(name, key);
            let _ = match said(key) {
                Said::Table => Ok(()),
                Said::Nothing(meaning) => writeln!(out, "# {key}: {meaning}  # {origin}"),
                // What this version does not have can be named but not set.
                Said::Value(value) if is_refused(key, &value) => {
                    writeln!(out, "# {key} = {value}  # {origin}")
                }
                Said::Value(value) => writeln!(out, "{key} = {value}  # {origin}"),
            };
        }
    }

    fn origin(&self, table: &[&str], key: &str) -> String {
        // The command line knows no plugins by name.
        if let Some(origin) = self.origins.get(key).filter(|_| table.len() < 2) {
            return origin.clone();
        }
        let path: Vec<String> = table.iter().chain([&key]).map(|&part| part.to_owned()).collect();
        match self.lines.get(&path) {
            Some(line) => format!("{}:{line}", printable(self.shown)),
            None => "default".to_owned(),
        }
    }
}

fn is_refused(key: &str, value: &Value) -> bool {
    let asked = match value {
        Value::String(word) => Asked::Word(word),
        _ => Asked::Other,
    };
    unavailable::refusal(key, asked, "").is_some()
}

fn top(settings: &Settings, key: &str) -> Said {
    match key {
        "paths" => Said::Value(paths(&settings.roots)),
        "shared" => Said::Value(paths(&settings.shared)),
        "python" => match &settings.python {
            Some(python) => Said::Value(path(python)),
            None => Said::Nothing("the active virtual environment's, else the one built with"),
        },
        _ => Said::Table,
    }
}

fn watch(settings: &Settings, key: &str) -> Said {
    Said::Value(match key {
        "ignore" => texts(&settings.ignore),
        "gitignore" => Value::from(settings.gitignore),
        "settle_ms" => milliseconds(settings.settle),
        "poll" => match settings.poll {
            Poll::Auto => Value::from("auto"),
            Poll::Never => Value::from("never"),
            Poll::Every(pause) => milliseconds(pause),
        },
        _ => return Said::Table,
    })
}

fn reload(settings: &Settings, key: &str) -> Said {
    Said::Value(match key {
        "timeout" => seconds(settings.timeout),
        "shutdown_timeout" => seconds(settings.shutdown_timeout),
        "mode" => word(settings.mode),
        "isolation" => word(settings.isolation),
        "preload" => texts(&settings.preload),
        _ => return Said::Table,
    })
}

fn plugin(settings: &PluginSettings, key: &str) -> Said {
    let value = match key {
        "enabled" => Some(Value::from(settings.enabled)),
        "activation" => settings.activation.map(word),
        "timeout" => settings.timeout.map(seconds),
        "isolation" => settings.isolation.map(word),
        "configuration" => Value::try_from(&settings.configuration).ok(),
        // This version refuses the rest.
        _ => return Said::Nothing("none"),
    };
    value.map_or(Said::Nothing("as its metadata says"), Said::Value)
}

/// One of the words that the type itself lists.
fn word(word: impl Serialize) -> Value {
    // A variant without content is a string in every format.
    Value::try_from(word).unwrap_or_else(|_| Value::from(""))
}

fn milliseconds(time: Duration) -> Value {
    Value::from(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

fn seconds(time: Duration) -> Value {
    match i64::try_from(time.as_secs()) {
        Ok(seconds) if time.subsec_nanos() == 0 => Value::from(seconds),
        _ => Value::from(time.as_secs_f64()),
    }
}

fn paths(paths: &[PathBuf]) -> Value {
    Value::from(paths.iter().map(|item| path(item)).collect::<Vec<Value>>())
}

fn path(path: &Path) -> Value {
    Value::from(path.to_string_lossy().as_ref())
}

fn texts(texts: &[String]) -> Value {
    Value::from(texts.to_vec())
}

/// A path on one line of a comment.
fn printable(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

/// The line of each key of a file, by the names of the tables around it and its own.
fn lines(text: &str) -> BTreeMap<Vec<String>, usize> {
    let mut lines = BTreeMap::new();
    // The same marks as the reader of the file leaves out.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Ok(table) = DeTable::parse(text) {
        note(text, table.get_ref(), &[], &mut lines);
    }
    lines
}

fn note(
    text: &str,
    table: &DeTable<'_>,
    around: &[String],
    lines: &mut BTreeMap<Vec<String>, usize>,
) {
    for (key, value) in table {
        let path = [around, &[key.get_ref().to_string()]].concat();
        let before = text.get(..key.span().start).unwrap_or_default();
        lines.insert(path.clone(), before.matches('\n').count() + 1);
        if let DeValue::Table(table) = value.get_ref() {
            note(text, table, &path, lines);
        }
    }
}
