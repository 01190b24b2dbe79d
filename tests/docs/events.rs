//! The example lines of the event stream have the fields that the program writes, in that order.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use replug::model::{
    Because, Event, Live, Phase, Place, PluginFault, PluginId, UnloadReason, Warning,
};
use replug::report::{JsonLines, Report};
use serde_json::Value;

use crate::markdown::block;
use crate::text_of;

#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn id() -> PluginId {
    PluginId::new("com.example.clock").unwrap()
}

fn path() -> PathBuf {
    PathBuf::from("/srv/plugins/clock.py")
}

fn live() -> Live {
    let took = Duration::from_millis(3);
    Live { id: id(), path: path(), version: "1.0.0".to_owned(), generation: 1, took, timings: None }
}

/// One event of each kind, in the order of the document.
fn one_of_each() -> Vec<Event> {
    let fault = PluginFault::new(Phase::Parse, "SyntaxError", "expected ':'");
    let events = vec![
        Event::Starting { version: "0.1.0", python: "3.11.7".to_owned() },
        Event::Loaded(live()),
        Event::Ready { plugins: 1 },
        Event::Reloaded { live: live(), changed: vec![path()], because: Because::Edit },
        Event::Failed {
            id: Some(id()),
            path: path(),
            fault: fault.at(Place { line: Some(45), column: Some(27), ..Place::file(path()) }),
            kept: replug::model::Kept::Generation(2),
            took: Duration::from_millis(2),
        },
        Event::Warned { id: Some(id()), warning: Warning::new("shutdown_raised", "it raised") },
        Event::Rescan { reason: "lost".to_owned() },
        Event::Unloaded { id: id(), path: path(), because: UnloadReason::Deleted },
        Event::Stopped { exit: 0 },
    ];
    // Whoever adds a kind of event is led here, and from here to the document.
    for event in &events {
        match event {
            Event::Starting { .. }
            | Event::Loaded(_)
            | Event::Ready { .. }
            | Event::Reloaded { .. }
            | Event::Failed { .. }
            | Event::Warned { .. }
            | Event::Rescan { .. }
            | Event::Unloaded { .. }
            | Event::Stopped { .. } => {}
        }
    }
    events
}

/// The names of the fields, those of inner objects behind a dot.
fn fields(object: &Value, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in object.as_object().expect("an object") {
        names.push(format!("{prefix}{name}"));
        if value.is_object() {
            names.extend(fields(value, &format!("{prefix}{name}.")));
        }
    }
    names
}

#[test]
fn each_event_is_shown_with_all_its_fields() {
    let shown = block(&text_of("README.md"), "json events");
    let pipe = Pipe::default();
    let mut report = JsonLines::new(pipe.clone());
    for event in one_of_each() {
        report.event(SystemTime::UNIX_EPOCH, &event).unwrap();
    }
    let written = String::from_utf8(pipe.0.lock().unwrap().clone()).unwrap();
    let parse = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (shown, written) = (parse(&shown), parse(&written));
    assert_eq!(shown.len(), written.len());
    for (shown, written) in shown.iter().zip(&written) {
        assert_eq!(shown["event"], written["event"]);
        assert_eq!(fields(shown, ""), fields(written, ""), "fields of {}", written["event"]);
    }
}
