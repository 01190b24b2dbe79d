//! A fault of the settings, for the person who wrote them.
//!
//! Carries the place in the file as data, so that a report can draw a code frame; as text it is
//! one line of the form `watch.toml:7:1: unknown key …`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::Place;

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// Where. Line and column are there unless the file as a whole is to blame.
    pub place: Box<Place>,
    /// The key in question.
    pub key: Option<String>,
    /// The known key that an unknown one is nearest to.
    pub nearest: Option<&'static str>,
    /// What is wrong and what is expected, without the place.
    pub message: String,
    /// The file as the person wrote it, which is how it is shown.
    shown: PathBuf,
}

impl SettingsError {
    /// A fault of the file as a whole.
    pub(super) fn of_file(path: &Path, shown: &Path, message: impl Into<String>) -> Self {
        Self::at(Place::file(path), shown, message)
    }

    /// A fault at a place.
    pub(super) fn at(place: Place, shown: &Path, message: impl Into<String>) -> Self {
        Self {
            place: Box::new(place),
            key: None,
            nearest: None,
            message: message.into(),
            shown: shown.to_owned(),
        }
    }

    /// The same fault, about `key`.
    #[must_use]
    pub(super) fn about(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown.display())?;
        for number in [self.place.line, self.place.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for SettingsError {}
