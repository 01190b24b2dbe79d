//! What the world is told of each event: as JSON lines, and as text for a person.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may fail it")]

#[path = "report/events.rs"]
mod events;
#[path = "report/json.rs"]
mod json;
#[path = "report/person.rs"]
mod person;
#[path = "report/terminal.rs"]
mod terminal;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use proptest::prelude::{any, prop, proptest};
use replug::model::{Event, Phase, Place, PluginFault};
use replug::report::{JsonLines, Person, PersonOptions, Report};

use events::{CLOCK, failed};
use json::json;
use person::{options, person};

/// Notes what was written and when it was flushed.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<String>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().push("flush".to_owned());
        Ok(())
    }
}

#[test]
fn each_line_is_one_write_and_one_flush() {
    let pipe = Pipe::default();
    let mut report: Box<dyn Report> = Box::new(JsonLines::new(Box::new(pipe.clone())));
    report.event(UNIX_EPOCH, &Event::Ready { plugins: 1 }).unwrap();
    report.event(UNIX_EPOCH, &Event::Stopped { exit: 0 }).unwrap();
    let written = pipe.0.lock().unwrap().clone();
    assert_eq!(
        written,
        [
            "{\"event\":\"ready\",\"ts\":0.0,\"plugins\":1}\n",
            "flush",
            "{\"event\":\"stopped\",\"ts\":0.0,\"exit\":0}\n",
            "flush",
        ]
    );
}

#[test]
fn a_closed_pipe_is_told_to_the_caller() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let event = Event::Stopped { exit: 0 };
    let json = JsonLines::new(Closed).event(UNIX_EPOCH, &event).unwrap_err();
    assert_eq!(json.kind(), io::ErrorKind::BrokenPipe);
    let person = Person::new(Closed, options()).event(UNIX_EPOCH, &event).unwrap_err();
    assert_eq!(person.kind(), io::ErrorKind::BrokenPipe);
}

proptest! {
    #[test]
    fn any_fault_can_be_told(
        text in prop::option::of(any::<String>()),
        message in any::<String>(),
        traceback in prop::option::of("( {2}File \"|x|\n|Traceback \\(|\\PC|\u{1b}|\t){0,40}"),
        line in any::<Option<u32>>(),
        column in prop::option::of(0..200_u32),
        end_column in any::<Option<u32>>(),
        width in 0..200_usize,
    ) {
        let place = Place { file: PathBuf::from(CLOCK), line, column, end_column, text };
        let mut fault = PluginFault::new(Phase::Import, "E", message).at(place);
        fault.traceback = traceback;
        let event = failed(None, CLOCK, fault, None);
        let told = person(PersonOptions { width, ..options() }, std::slice::from_ref(&event));
        assert!(!told.contains(|char: char| char.is_control() && char != '\n'), "{told:?}");
        json(&event);
    }
}
