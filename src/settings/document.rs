//! The text of a settings file, and how to point at a piece of it.

use std::ops::Range;
use std::path::Path;

use super::SettingsError;
use crate::model::Place;

/// A settings file as it was read.
pub(super) struct Document<'a> {
    /// Where it lies; absolute.
    pub(super) path: &'a Path,
    /// How the person calls it.
    pub(super) shown: &'a Path,
    /// What is in it.
    pub(super) text: &'a str,
}

impl Document<'_> {
    /// An error about the piece at `span`.
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) -> SettingsError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |number: usize| u32::try_from(number).ok();
        let column = before[line_start..].chars().count() + 1;
        let place = Place {
            file: self.path.to_owned(),
            line: count(before.matches('\n').count() + 1),
            column: count(column),
            end_column: count(column + self.excerpt(span).chars().count()),
            text: self.text[line_start..].lines().next().map(str::to_owned),
        };
        SettingsError::at(place, self.shown, message)
    }

    /// The piece at `span`, as far as it stands on one line.
    pub(super) fn excerpt(&self, span: Range<usize>) -> &str {
        self.text.get(span).and_then(|piece| piece.lines().next()).unwrap_or_default()
    }
}
