//! What `list`, `check`, `doctor` and `exec` tell as JSON: one object a line, the wire types apart from the
//! domain types.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{ErrorWire, PathWire, bytes_if_lost, on_one_line};
use crate::model::{Activation, Candidate, Diagnosis, PluginFault, PluginId, PluginKind};

#[derive(Serialize)]
struct PluginWire<'a> {
    id: &'a str,
    kind: &'static str,
    #[serde(flatten)]
    path: PathWire<'a>,
    version: &'a str,
    dependencies: Vec<&'a str>,
    requirements: &'a [String],
    activation: Activation,
    /// The id was made from the name of the file; the plugin may give itself another one.
    provisional: bool,
    /// Fields that are no literals: what stands for them here may be another at run time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    computed: Vec<&'a str>,
}

/// A plugin as discovery sees it, with its line break.
pub fn plugin_line(plugin: &Candidate) -> String {
    let metadata = &plugin.metadata;
    line(&PluginWire {
        id: plugin.id.as_str(),
        kind: plugin.kind.as_str(),
        path: PathWire::new(&plugin.entry),
        version: &metadata.version,
        dependencies: metadata.dependencies.iter().map(PluginId::as_str).collect(),
        requirements: &metadata.requirements,
        activation: metadata.activation,
        provisional: plugin.provisional,
        computed: plugin.computed.iter().map(String::as_str).collect(),
    })
}

#[derive(Serialize)]
struct BrokenWire<'a> {
    id: Option<&'a str>,
    kind: &'static str,
    #[serde(flatten)]
    path: PathWire<'a>,
    error: ErrorWire<'a>,
}

/// Something that means to be a plugin and cannot be one, with its line break.
pub fn broken_line(
    id: Option<&PluginId>,
    kind: PluginKind,
    path: &Path,
    fault: &PluginFault,
) -> String {
    let id = id.map(PluginId::as_str);
    let (kind, path) = (kind.as_str(), PathWire::new(path));
    line(&BrokenWire { id, kind, path, error: ErrorWire::new(fault) })
}

#[derive(Serialize)]
struct FindingWire<'a> {
    level: &'static str,
    id: Option<&'a str>,
    phase: &'static str,
    r#type: &'a str,
    message: &'a str,
    remedy: &'a str,
    file: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_bytes: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    end_column: Option<u32>,
}

/// Something that `check` found, with its line break; `level` is `error` or `warning`.
pub fn finding_line(
    level: &'static str,
    id: Option<&PluginId>,
    fault: &PluginFault,
    remedy: &str,
) -> String {
    let place = fault.place.clone().unwrap_or_default();
    line(&FindingWire {
        level,
        id: id.map(PluginId::as_str),
        phase: fault.phase.as_str(),
        r#type: &fault.kind,
        message: &fault.message,
        remedy,
        file: place.file.to_string_lossy(),
        file_bytes: bytes_if_lost(&place.file),
        line: place.line,
        column: place.column,
        end_column: place.end_column,
    })
}

#[derive(Serialize)]
struct DiagnosisWire<'a> {
    check: &'static str,
    level: &'static str,
    message: &'a str,
    remedy: Option<&'a str>,
    path: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(flatten)]
    facts: &'a Map<String, Value>,
}

/// Something that `doctor` found out, with its line break; `level` is `ok`, `warn` or `fail`.
pub fn diagnosis_line(found: &Diagnosis) -> String {
    let path = found.path.as_deref();
    line(&DiagnosisWire {
        check: found.check,
        level: found.health.as_str(),
        message: &found.message,
        remedy: found.remedy.as_deref(),
        path: path.map(Path::to_string_lossy),
        path_bytes: path.and_then(bytes_if_lost),
        facts: &found.facts,
    })
}

#[derive(Serialize)]
#[serde(untagged)]
enum ExecWire<'a> {
    Value { id: &'a str, value: Option<&'a str> },
    Error { id: &'a str, phase: &'static str, error: ErrorWire<'a> },
}

/// What came of code that was run beside a plugin, with its line break. The value is what Python's
/// `repr` makes of it.
pub fn exec_line(id: &PluginId, outcome: &Result<Option<String>, PluginFault>) -> String {
    let id = id.as_str();
    line(&match outcome {
        Ok(value) => ExecWire::Value { id, value: value.as_deref() },
        Err(fault) => {
            let (phase, error) = (fault.phase.as_str(), ErrorWire::new(fault));
            ExecWire::Error { id, phase, error }
        }
    })
}

#[derive(Serialize)]
struct NewWire<'a> {
    id: &'a str,
    #[serde(flatten)]
    path: PathWire<'a>,
}

/// A plugin that was written, with its line break; `path` is its entry.
pub fn new_line(id: &PluginId, path: &Path) -> String {
    line(&NewWire { id: id.as_str(), path: PathWire::new(path) })
}

pub(super) fn line(wire: &impl Serialize) -> String {
    // Wire types hold nothing but text, numbers and lists of those, which JSON can hold.
    let json = serde_json::to_string(wire).unwrap_or_default();
    on_one_line(json) + "\n"
}
