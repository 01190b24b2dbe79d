//! The line that stays below all others on a terminal: a question, or how far the first pass is.

use std::time::{Duration, SystemTime};

use super::text::cut;

/// Nobody needs to be told of a first pass that is over before.
const PATIENCE: Duration = Duration::from_millis(500);

/// Back to the first column, and the row emptied.
const ERASE: &str = "\r\u{1b}[K";

/// What stands at the bottom, if anything.
#[derive(Debug, Default)]
pub(super) struct Footer {
    text: Option<String>,
    shown: bool,
    began: Option<SystemTime>,
}

impl Footer {
    /// The first pass begins.
    pub(super) fn begin(&mut self, at: SystemTime) {
        self.began = Some(at);
    }

    /// How far it is, if it takes long.
    pub(super) fn progress(&mut self, at: SystemTime, done: usize, total: usize) {
        let took = self.began.and_then(|began| at.duration_since(began).ok());
        if took.is_some_and(|took| took >= PATIENCE) {
            self.text = Some(format!("loading: {done} of {total} plugins"));
        }
    }

    /// Something stands there from now on.
    pub(super) fn set(&mut self, text: String) {
        self.text = Some(text);
    }

    /// Nothing stands there any more.
    pub(super) fn clear(&mut self) {
        self.text = None;
    }

    /// `text` with what is needed around it, so that the footer stays below it.
    pub(super) fn below(&mut self, text: &str, width: usize) -> String {
        let (erase, footer) = self.around(width);
        format!("{erase}{text}{footer}")
    }

    /// What is to be written before and after anything else.
    pub(super) fn around(&mut self, width: usize) -> (&'static str, String) {
        let erase = if self.shown { ERASE } else { "" };
        // A footer of more than one row could not be erased.
        let footer = self.text.as_ref().map(|footer| cut(footer, width.saturating_sub(1)));
        self.shown = footer.is_some();
        (erase, footer.unwrap_or_default())
    }
}
