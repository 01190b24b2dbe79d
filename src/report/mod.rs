//! Tells the world what happened, event by event.
//!
//! Takes [`Event`]s and a writer that somebody else opened; gives JSON lines for programs
//! ([`JsonLines`]) or text for a person ([`Person`]). It never touches stdout itself, and it knows
//! of the other rooms only the shared words.

mod checked;
mod diagnoses;
mod failures;
mod footer;
mod frame;
mod json;
mod line;
mod lines;
mod link;
mod listing;
mod options;
mod person;
mod reasons;
mod status;
mod text;
mod timings;
mod tree;
mod view;

use std::io;
use std::time::SystemTime;

use crate::model::Event;

pub use json::JsonLines;
pub use lines::{broken_line, diagnosis_line, exec_line, finding_line, new_line, plugin_line};
pub use options::{Moment, PersonOptions};
pub use person::Person;
pub use reasons::reason_line;
pub use timings::table;
pub use tree::dot;
pub use view::View;

/// Somebody who is told of every event, in order.
pub trait Report: Send {
    /// Tells of one event that happened at `at`; what was written has been flushed on return.
    ///
    /// # Errors
    /// Whatever the writer says; a closed pipe is [`io::ErrorKind::BrokenPipe`].
    fn event(&mut self, at: SystemTime, event: &Event) -> io::Result<()>;

    /// Shows something that a person at the keyboard asked for at `at`. A program is shown nothing.
    ///
    /// # Errors
    /// As for [`Report::event`].
    fn show(&mut self, _at: SystemTime, _view: &View<'_>) -> io::Result<()> {
        Ok(())
    }
}
