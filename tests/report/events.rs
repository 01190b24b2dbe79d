//! Events to tell: short ways to make them.

use std::path::PathBuf;
use std::time::Duration;

use replug::model::{
    Because, Event, Live, Phase, Place, PluginFault, PluginId, UnloadReason, Warning,
};

pub(crate) fn id(text: &str) -> PluginId {
    PluginId::new(text).unwrap()
}

pub(crate) fn live(name: &str, file: &str, version: &str, generation: u64, micros: u64) -> Live {
    Live {
        id: id(name),
        path: PathBuf::from(file),
        version: version.to_owned(),
        generation,
        took: Duration::from_micros(micros),
        timings: None,
    }
}

pub(crate) fn loaded(name: &str, file: &str) -> Event {
    Event::Loaded(live(name, file, "1.0.0", 1, 2_149))
}

pub(crate) fn reloaded(generation: u64, changed: &[&str], because: Because) -> Event {
    Event::Reloaded {
        live: live("com.example.clock", CLOCK, "1.0.1", generation, 2_400),
        changed: changed.iter().map(PathBuf::from).collect(),
        because,
    }
}

pub(crate) fn failed(
    name: Option<&str>,
    path: &str,
    fault: PluginFault,
    kept: Option<u64>,
) -> Event {
    let (path, took) = (PathBuf::from(path), Duration::from_micros(1_234));
    Event::Failed { id: name.map(id), path, fault, kept: kept.into(), took }
}

pub(crate) fn unloaded(because: UnloadReason) -> Event {
    Event::Unloaded { id: id("com.example.clock"), path: PathBuf::from(CLOCK), because }
}

pub(crate) fn warned(name: Option<&str>, code: &'static str, message: &str) -> Event {
    Event::Warned { id: name.map(id), warning: Warning::new(code, message) }
}

pub(crate) fn rescan() -> Event {
    Event::Rescan { reason: "the kernel's queue overflowed".to_owned() }
}

pub(crate) fn starting() -> Event {
    Event::Starting { version: "0.1.0", python: "3.11.7".to_owned() }
}

pub(crate) fn place(text: &str, column: Option<u32>, end_column: Option<u32>) -> Place {
    let (line, text) = (Some(12), Some(text.to_owned()));
    Place { file: PathBuf::from(CLOCK), line, column, end_column, text }
}

/// A fault in line 12 of the clock.
pub(crate) fn fault(
    message: &str,
    text: &str,
    column: Option<u32>,
    end_column: Option<u32>,
) -> PluginFault {
    PluginFault::new(Phase::Import, "NameError", message).at(place(text, column, end_column))
}

pub(crate) fn undefined() -> PluginFault {
    fault("name 'foo' is not defined", "    value = foo + 1", Some(13), Some(16))
}

pub(crate) const CLOCK: &str = "/home/ann/plugins/clock.py";
pub(crate) const BEEP: &str = "/home/ann/plugins/beep.py";

/// Bytes that are no UTF-8.
#[cfg(unix)]
pub(crate) fn latin_1() -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(b"/p/caf\xe9.py".to_vec()))
}
