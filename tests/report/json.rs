//! The JSON lines, read back with types of this test's own that refuse a field too many or too few.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use replug::model::{Because, Event, Phase, Place, PluginFault, UnloadReason};
use replug::report::{JsonLines, Report};
use serde::Deserialize;

use crate::events::*;

fn at() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_000)
}

pub(crate) fn json(event: &Event) -> String {
    let mut out = Vec::new();
    JsonLines::new(&mut out).event(at(), event).unwrap();
    let text = String::from_utf8(out).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{85}', '\u{2028}', '\u{2029}'];
    assert!(!line.contains(breaks), "a line break in {line:?}");
    line.to_owned()
}

/// An event as a strict reader sees it. `Option` would let a field be missing; [`Nullable`] does
/// not.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "event", rename_all = "lowercase", deny_unknown_fields)]
enum Wire {
    Starting {
        ts: f64,
        version: String,
        protocol: u32,
        python: String,
    },
    Ready {
        ts: f64,
        plugins: usize,
    },
    Loaded {
        ts: f64,
        id: String,
        path: String,
        path_bytes: Option<String>,
        version: String,
        generation: u64,
        ms: f64,
    },
    Reloaded {
        ts: f64,
        id: String,
        path: String,
        version: String,
        generation: u64,
        ms: f64,
        changed: Vec<String>,
        changed_bytes: Option<Vec<String>>,
        because: String,
    },
    Unloaded {
        ts: f64,
        id: String,
        path: String,
        because: String,
    },
    Failed {
        ts: f64,
        id: Nullable<String>,
        path: String,
        phase: String,
        error: WireError,
        kept: bool,
        ms: f64,
    },
    Warning {
        ts: f64,
        id: Nullable<String>,
        code: String,
        message: String,
    },
    Rescan {
        ts: f64,
        reason: String,
    },
    Stopped {
        ts: f64,
        exit: u8,
    },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct WireError {
    r#type: String,
    message: String,
    file: Nullable<String>,
    file_bytes: Option<String>,
    line: Nullable<u32>,
    column: Nullable<u32>,
    traceback: Nullable<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Nullable<T> {
    Value(T),
    Null(()),
}

fn read(event: &Event) -> Wire {
    let line = json(event);
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

const TS: f64 = 1_700_000_000.25;

#[test]
fn starting_says_who_speaks_which_protocol() {
    assert_eq!(
        json(&starting()),
        r#"{"event":"starting","ts":1700000000.25,"version":"0.1.0","protocol":1,"python":"3.11.7"}"#
    );
    let wire = Wire::Starting {
        ts: TS,
        version: "0.1.0".to_owned(),
        protocol: 1,
        python: "3.11.7".to_owned(),
    };
    assert_eq!(read(&starting()), wire);
}

#[test]
fn ready_rescan_and_stopped_are_short() {
    assert_eq!(read(&Event::Ready { plugins: 6 }), Wire::Ready { ts: TS, plugins: 6 });
    let reason = "the kernel's queue overflowed".to_owned();
    assert_eq!(read(&rescan()), Wire::Rescan { ts: TS, reason });
    assert_eq!(read(&Event::Stopped { exit: 1 }), Wire::Stopped { ts: TS, exit: 1 });
}

#[test]
fn a_time_before_the_epoch_is_negative() {
    let mut out = Vec::new();
    let before = UNIX_EPOCH - Duration::from_millis(1_500);
    JsonLines::new(&mut out).event(before, &Event::Stopped { exit: 0 }).unwrap();
    assert_eq!(out, b"{\"event\":\"stopped\",\"ts\":-1.5,\"exit\":0}\n");
}

#[test]
fn loaded_rounds_milliseconds_to_two_decimals() {
    let wire = Wire::Loaded {
        ts: TS,
        id: "com.example.clock".to_owned(),
        path: CLOCK.to_owned(),
        path_bytes: None,
        version: "1.0.0".to_owned(),
        generation: 1,
        ms: 2.15,
    };
    assert_eq!(read(&loaded("com.example.clock", CLOCK)), wire);
}

#[test]
fn reloaded_tells_the_files_and_the_reason() {
    let wire = |changed: &[&str], because: &str| Wire::Reloaded {
        ts: TS,
        id: "com.example.clock".to_owned(),
        path: CLOCK.to_owned(),
        version: "1.0.1".to_owned(),
        generation: 2,
        ms: 2.4,
        changed: changed.iter().map(ToString::to_string).collect(),
        changed_bytes: None,
        because: because.to_owned(),
    };
    assert_eq!(read(&reloaded(2, &[CLOCK, BEEP], Because::Edit)), wire(&[CLOCK, BEEP], "edit"));
    for (because, word) in [
        (Because::Moved, "moved"),
        (Because::Dependency, "dependency"),
        (Because::Shared, "shared"),
        (Because::Metadata, "metadata"),
        (Because::Manual, "manual"),
        (Because::Host, "host"),
    ] {
        assert_eq!(read(&reloaded(2, &[], because)), wire(&[], word));
    }
}

#[test]
fn unloaded_tells_the_reason() {
    for (because, word) in [
        (UnloadReason::Deleted, "deleted"),
        (UnloadReason::Stop, "stop"),
        (UnloadReason::Disabled, "disabled"),
        (UnloadReason::Renamed, "renamed"),
    ] {
        let wire = Wire::Unloaded {
            ts: TS,
            id: "com.example.clock".to_owned(),
            path: CLOCK.to_owned(),
            because: word.to_owned(),
        };
        assert_eq!(read(&unloaded(because)), wire);
    }
}

#[test]
fn failed_has_every_field_of_the_error() {
    let mut fault = undefined();
    fault.traceback = Some("Traceback (most recent call last):\n  File …\n".to_owned());
    let wire = Wire::Failed {
        ts: TS,
        id: Nullable::Value("com.example.clock".to_owned()),
        path: CLOCK.to_owned(),
        phase: "import".to_owned(),
        error: WireError {
            r#type: "NameError".to_owned(),
            message: "name 'foo' is not defined".to_owned(),
            file: Nullable::Value(CLOCK.to_owned()),
            file_bytes: None,
            line: Nullable::Value(12),
            column: Nullable::Value(13),
            traceback: Nullable::Value("Traceback (most recent call last):\n  File …\n".to_owned()),
        },
        kept: true,
        ms: 1.23,
    };
    assert_eq!(read(&failed(Some("com.example.clock"), CLOCK, fault, Some(2))), wire);
}

#[test]
fn what_is_unknown_of_a_failure_is_null_and_not_missing() {
    let fault = PluginFault::new(Phase::Parse, "SyntaxError", "invalid syntax");
    let event = failed(None, BEEP, fault, None);
    assert_eq!(
        json(&event),
        r#"{"event":"failed","ts":1700000000.25,"id":null,"path":"/home/ann/plugins/beep.py","phase":"parse","error":{"type":"SyntaxError","message":"invalid syntax","file":null,"line":null,"column":null,"traceback":null},"kept":false,"ms":1.23}"#
    );
    let Wire::Failed { id, error, kept, .. } = read(&event) else { panic!("not a failure") };
    assert_eq!((id, kept), (Nullable::Null(()), false));
    assert_eq!(error.file, Nullable::Null(()));
    assert_eq!((error.line, error.column), (Nullable::Null(()), Nullable::Null(())));
    assert_eq!(error.traceback, Nullable::Null(()));
}

#[test]
fn a_warning_may_be_about_no_plugin() {
    let wire = |id| Wire::Warning {
        ts: TS,
        id,
        code: "poll_fallback".to_owned(),
        message: "polling".to_owned(),
    };
    let named = warned(Some("a"), "poll_fallback", "polling");
    assert_eq!(read(&named), wire(Nullable::Value("a".to_owned())));
    assert_eq!(read(&warned(None, "poll_fallback", "polling")), wire(Nullable::Null(())));
}

#[test]
fn whatever_a_message_holds_stays_on_one_line_and_comes_back_whole() {
    let message = "a\nb\r\u{b}\u{85}\u{2028}\u{2029}\u{0}\u{1b}[2J \"quoted\" \\ \u{feff}é 漢 🦀";
    let Wire::Warning { message: back, .. } = read(&warned(None, "leak", message)) else {
        panic!("not a warning")
    };
    assert_eq!(back, message);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_comes_with_its_bytes() {
    const HEX: &str = "2f702f636166e92e7079";
    let mut about = live("a", CLOCK, "1.0.0", 1, 0);
    about.path = latin_1();
    let Wire::Loaded { path, path_bytes, .. } = read(&Event::Loaded(about)) else {
        panic!("not a load")
    };
    assert_eq!((path.as_str(), path_bytes.as_deref()), ("/p/caf\u{fffd}.py", Some(HEX)));

    let mut event = reloaded(2, &["/p/a.py"], Because::Edit);
    if let Event::Reloaded { changed, .. } = &mut event {
        changed.push(latin_1());
    }
    let Wire::Reloaded { changed, changed_bytes, .. } = read(&event) else {
        panic!("not a reload")
    };
    assert_eq!(changed, ["/p/a.py", "/p/caf\u{fffd}.py"]);
    assert_eq!(changed_bytes.unwrap(), ["2f702f612e7079", HEX]);

    let fault = PluginFault::new(Phase::Read, "PermissionError", "").at(Place::file(latin_1()));
    let Wire::Failed { error, .. } = read(&failed(None, CLOCK, fault, None)) else {
        panic!("not a failure")
    };
    assert_eq!(error.file, Nullable::Value("/p/caf\u{fffd}.py".to_owned()));
    assert_eq!(error.file_bytes.as_deref(), Some(HEX));
}
