//! The lines of the event stream, read strictly: each field that the contract names must be there
//! and of its type. Fields and events that it does not name are allowed, as it tells readers to.

use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    Starting(Starting),
    Ready(Ready),
    Loaded(Live),
    Reloaded(Reloaded),
    Unloaded(Unloaded),
    Failed(Failed),
    Warning(Warning),
    Rescan(#[expect(dead_code, reason = "its shape is the check")] Rescan),
    Stopped(Stopped),
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Starting {
    pub(crate) version: String,
    pub(crate) protocol: u64,
    pub(crate) python: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) plugins: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Live {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) path_bytes: Option<String>,
    pub(crate) version: String,
    pub(crate) generation: u64,
    pub(crate) ms: f64,
    pub(crate) timings: Option<Timings>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reloaded {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) version: String,
    pub(crate) generation: u64,
    pub(crate) ms: f64,
    pub(crate) changed: Vec<String>,
    pub(crate) because: Because,
    pub(crate) timings: Option<Timings>,
}

/// With `--timings`; all in milliseconds.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Timings {
    pub(crate) wait: f64,
    pub(crate) check: f64,
    pub(crate) shutdown: f64,
    pub(crate) import: f64,
    pub(crate) create: f64,
    pub(crate) metadata: f64,
    pub(crate) initialize: f64,
    pub(crate) modules: Vec<ModuleTiming>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ModuleTiming {
    pub(crate) name: String,
    pub(crate) read: f64,
    pub(crate) compile: f64,
    pub(crate) execute: f64,
    pub(crate) total: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Because {
    Edit,
    Moved,
    Dependency,
    Shared,
    Metadata,
    Manual,
    Host,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Unloaded {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) because: Gone,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Gone {
    Deleted,
    Stop,
    Disabled,
    Renamed,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Failed {
    #[serde(deserialize_with = "nullable")]
    pub(crate) id: Option<String>,
    pub(crate) path: String,
    pub(crate) phase: Phase,
    pub(crate) error: Fault,
    pub(crate) kept: bool,
    pub(crate) ms: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Read,
    Parse,
    Metadata,
    Dependency,
    Import,
    Create,
    Initialize,
    Host,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fault {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "nullable")]
    pub(crate) file: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) line: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) column: Option<u64>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) traceback: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Warning {
    #[serde(deserialize_with = "nullable")]
    pub(crate) id: Option<String>,
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Rescan {
    #[serde(rename = "reason")]
    pub(crate) _reason: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Stopped {
    pub(crate) exit: i32,
}

/// A field that may be null and must not be absent.
fn nullable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

impl Event {
    /// One line of stdout, or why it is not one of the event stream.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|e| format!("not JSON: {e}"))?;
        if !value.is_object() {
            return Err("not an object".to_owned());
        }
        // Any date after 2020 will do: the clock of the machine is not under test, its unit is.
        match value.get("ts").and_then(Value::as_f64) {
            Some(ts) if ts > 1.5e9 && ts < 1e11 => {}
            _ => return Err("`ts` is not in seconds since the epoch".to_owned()),
        }
        let event: Self = serde_json::from_value(value).map_err(|e| e.to_string())?;
        event.check()?;
        Ok(event)
    }

    fn check(&self) -> Result<(), String> {
        let (path, ms) = match self {
            Self::Loaded(e) => (&e.path, e.ms),
            Self::Reloaded(e) => (&e.path, e.ms),
            Self::Failed(e) => (&e.path, e.ms),
            Self::Unloaded(e) => (&e.path, 0.0),
            _ => return Ok(()),
        };
        if !Path::new(path).is_absolute() {
            return Err(format!("`path` is not absolute: {path}"));
        }
        if ms < 0.0 {
            return Err(format!("`ms` is negative: {ms}"));
        }
        match self {
            Self::Reloaded(e) if e.changed.iter().any(|p| !Path::new(p).is_absolute()) => {
                Err("a path of `changed` is not absolute".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether it tells what came of a plugin. The others may come at any time.
    pub(crate) fn failed(&self) -> Option<&Failed> {
        match self {
            Self::Failed(failed) => Some(failed),
            _ => None,
        }
    }

    pub(crate) fn is_outcome(&self) -> bool {
        matches!(self, Self::Loaded(_) | Self::Reloaded(_) | Self::Unloaded(_) | Self::Failed(_))
    }

    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Loaded(e) => Some(&e.id),
            Self::Reloaded(e) => Some(&e.id),
            Self::Unloaded(e) => Some(&e.id),
            Self::Failed(e) => e.id.as_deref(),
            Self::Warning(e) => e.id.as_deref(),
            _ => None,
        }
    }

    /// The path that an outcome names.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Self::Loaded(e) => Some(&e.path),
            Self::Reloaded(e) => Some(&e.path),
            Self::Unloaded(e) => Some(&e.path),
            Self::Failed(e) => Some(&e.path),
            _ => None,
        }
    }

    /// Whether a generation of `id` went live.
    pub(crate) fn is_live(&self, id: &str) -> bool {
        matches!(self, Self::Loaded(_) | Self::Reloaded(_)) && self.id() == Some(id)
    }
}
