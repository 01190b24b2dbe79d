//! Events as JSON lines: one object a line, UTF-8, flushed line by line.
//!
//! The wire types live here, apart from the domain types, so that renaming something inside cannot
//! change what readers outside rely on. A line holds no line break of any kind, whatever a plugin
//! puts in its messages.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Report;
use super::timings::TimingsWire;
use crate::model::{Event, Generation, Live, PluginFault, PluginId};

/// The version of the event stream; it grows when a reader of the old one would be misled.
const PROTOCOL: u32 = 1;

/// Writes each event as one JSON object on a line of its own.
#[derive(Debug)]
pub struct JsonLines<W: Write> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// JSON lines on `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Report for JsonLines<W> {
    fn event(&mut self, at: SystemTime, event: &Event) -> io::Result<()> {
        let (event, fields) = fields(event);
        let json = serde_json::to_string(&Line { event, ts: seconds(at), fields })?;
        let mut line = on_one_line(json);
        line.push('\n');
        // One write for the whole line, so that no reader ever sees half of it.
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    ts: f64,
    #[serde(flatten)]
    fields: Fields<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    Starting {
        version: &'static str,
        protocol: u32,
        python: &'a str,
    },
    Ready {
        plugins: usize,
    },
    Loaded(LiveWire<'a>),
    Reloaded {
        #[serde(flatten)]
        live: LiveWire<'a>,
        changed: Vec<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        changed_bytes: Option<Vec<String>>,
        because: &'static str,
    },
    Unloaded {
        id: &'a str,
        #[serde(flatten)]
        path: PathWire<'a>,
        because: &'static str,
    },
    Failed {
        id: Option<&'a str>,
        #[serde(flatten)]
        path: PathWire<'a>,
        phase: &'static str,
        error: ErrorWire<'a>,
        kept: bool,
        ms: f64,
    },
    Warning {
        id: Option<&'a str>,
        code: &'a str,
        message: &'a str,
    },
    Rescan {
        reason: &'a str,
    },
    Stopped {
        exit: u8,
    },
}

#[derive(Serialize)]
struct LiveWire<'a> {
    id: &'a str,
    #[serde(flatten)]
    path: PathWire<'a>,
    version: &'a str,
    generation: Generation,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings: Option<TimingsWire<'a>>,
}

impl<'a> LiveWire<'a> {
    fn new(live: &'a Live) -> Self {
        Self {
            id: live.id.as_str(),
            path: PathWire::new(&live.path),
            version: &live.version,
            generation: live.generation,
            ms: milliseconds(live.took),
            timings: live.timings.as_deref().map(TimingsWire::new),
        }
    }
}

#[derive(Serialize)]
pub(super) struct PathWire<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl<'a> PathWire<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path: path.to_string_lossy(), path_bytes: bytes_if_lost(path) }
    }
}

#[derive(Serialize)]
pub(super) struct ErrorWire<'a> {
    r#type: &'a str,
    message: &'a str,
    file: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_bytes: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    traceback: Option<&'a str>,
}

impl<'a> ErrorWire<'a> {
    pub(super) fn new(fault: &'a PluginFault) -> Self {
        let place = fault.place.as_ref();
        Self {
            r#type: &fault.kind,
            message: &fault.message,
            file: place.map(|place| place.file.to_string_lossy()),
            file_bytes: place.and_then(|place| bytes_if_lost(&place.file)),
            line: place.and_then(|place| place.line),
            column: place.and_then(|place| place.column),
            traceback: fault.traceback.as_deref(),
        }
    }
}

/// The event's name on the wire and what goes with it.
fn fields(event: &Event) -> (&'static str, Fields<'_>) {
    match event {
        Event::Starting { version, python } => {
            ("starting", Fields::Starting { version, protocol: PROTOCOL, python })
        }
        Event::Ready { plugins } => ("ready", Fields::Ready { plugins: *plugins }),
        Event::Loaded(live) => ("loaded", Fields::Loaded(LiveWire::new(live))),
        Event::Reloaded { live, changed, because } => (
            "reloaded",
            Fields::Reloaded {
                live: LiveWire::new(live),
                changed: changed.iter().map(|path| path.to_string_lossy()).collect(),
                changed_bytes: all_bytes_if_one_lost(changed),
                because: because.as_str(),
            },
        ),
        Event::Unloaded { id, path, because } => (
            "unloaded",
            Fields::Unloaded {
                id: id.as_str(),
                path: PathWire::new(path),
                because: because.as_str(),
            },
        ),
        Event::Failed { id, path, fault, kept, took } => (
            "failed",
            Fields::Failed {
                id: id.as_ref().map(PluginId::as_str),
                path: PathWire::new(path),
                phase: fault.phase.as_str(),
                error: ErrorWire::new(fault),
                kept: kept.is_any(),
                ms: milliseconds(*took),
            },
        ),
        Event::Warned { id, warning } => (
            "warning",
            Fields::Warning {
                id: id.as_ref().map(PluginId::as_str),
                code: &warning.code,
                message: &warning.message,
            },
        ),
        Event::Rescan { reason } => ("rescan", Fields::Rescan { reason }),
        Event::Stopped { exit } => ("stopped", Fields::Stopped { exit: *exit }),
    }
}

/// JSON leaves these three as they are inside a string, but some readers end a line at them. They
/// occur in strings only, where an escape means the same.
pub(super) fn on_one_line(json: String) -> String {
    if !json.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return json;
    }
    json.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Seconds since the epoch, to the microsecond; negative before it.
fn seconds(at: SystemTime) -> f64 {
    let seconds = match at.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    };
    (seconds * 1e6).round() / 1e6
}

/// Milliseconds to two decimals; more would be noise.
pub(super) fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e5).round() / 1e2
}

/// The raw bytes of a path that text cannot hold.
pub(super) fn bytes_if_lost(path: &Path) -> Option<String> {
    path.to_str().is_none().then(|| hex(path))
}

fn all_bytes_if_one_lost(paths: &[PathBuf]) -> Option<Vec<String>> {
    let lost = paths.iter().any(|path| path.to_str().is_none());
    lost.then(|| paths.iter().map(|path| hex(path)).collect())
}

fn hex(path: &Path) -> String {
    path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
