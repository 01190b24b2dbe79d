//! `plugin.json`: bytes to fields, or where it is broken and how.

use std::path::Path;

use ruff_text_size::{TextRange, TextSize};
use serde_json::Value;

use super::place::place_of;
use crate::model::fields::kind_of;
use crate::model::{Fields, Phase, Place, PluginFault};
use crate::source::Source;

/// A manifest that could be read.
pub(super) struct Manifest<'a> {
    path: &'a Path,
    text: &'a str,
    /// What it says.
    pub(super) fields: Fields,
}

impl<'a> Manifest<'a> {
    /// Reads a manifest.
    ///
    /// # Errors
    /// A `metadata` fault of kind `InvalidManifest`.
    pub(super) fn parse(source: &'a Source) -> Result<Self, PluginFault> {
        let path = source.path.as_path();
        let fault = |message: String, place: Place| {
            PluginFault::new(Phase::Metadata, "InvalidManifest", message).at(place)
        };
        let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            let message =
                format!("plugin.json is not UTF-8: byte 0x{:02x}", bytes.get(at).unwrap_or(&0));
            fault(message, place_of(path, &String::from_utf8_lossy(bytes), range(at, at)))
        })?;
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self { path, text, fields }),
            Ok(other) => {
                let message = format!("plugin.json must hold an object, not {}", kind_of(&other));
                let at = text.len() - text.trim_start().len();
                Err(fault(message, place_of(path, text, range(at, at))))
            }
            Err(error) => {
                let at = offset(text, error.line(), error.column());
                // serde_json ends its message with the place, which is told apart.
                let message = error.to_string();
                let what =
                    message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
                Err(fault(
                    format!("plugin.json is not JSON: {what}"),
                    place_of(path, text, range(at, at)),
                ))
            }
        }
    }

    /// Where `field` stands, or the file as a whole.
    pub(super) fn place(&self, field: &str) -> Place {
        match key(self.text, field) {
            Some(found) => place_of(self.path, self.text, found),
            None => Place::file(self.path),
        }
    }
}

impl Manifest<'_> {
    /// Where `text` stands in the list that `field` is.
    pub(super) fn element(&self, field: &str, text: &str) -> Option<Place> {
        let start = key(self.text, field)?.end().to_usize();
        // As it is usually written; an escaped spelling is shown by its field.
        let word = serde_json::to_string(text).ok()?;
        let at = start + self.text.get(start..)?.find(&word)?;
        Some(place_of(self.path, self.text, range(at, at + word.len())))
    }
}

/// The byte that serde_json's line and column (which count bytes) point at.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}

/// The last key `wanted` of the outermost object of a valid JSON text: the one that counts.
fn key(text: &str, wanted: &str) -> Option<TextRange> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut found) = (0, 0_usize, None);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(bytes, at);
                let is_key = depth == 1
                    && text.get(end..).is_some_and(|rest| rest.trim_start().starts_with(':'));
                let said = || serde_json::from_str::<String>(text.get(at..end)?).ok();
                if is_key && said().is_some_and(|said| said == wanted) {
                    found = Some(range(at, end));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The offset after the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn range(start: usize, end: usize) -> TextRange {
    let size = |at| TextSize::try_from(at).unwrap_or_default();
    TextRange::new(size(start), size(end).max(size(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> (String, Option<u32>, Option<u32>) {
        let source = Source::new("/p/plugin.json", bytes);
        let fault = Manifest::parse(&source).err().unwrap();
        assert_eq!((fault.phase, fault.kind.as_str()), (Phase::Metadata, "InvalidManifest"));
        let place = fault.place.unwrap();
        assert_eq!(place.file, Path::new("/p/plugin.json"));
        (fault.message, place.line, place.column)
    }

    #[test]
    fn what_is_broken_is_told_with_line_and_column() {
        assert_eq!(
            fault("{\n  \"ä\": \"ö\" 1\n}".as_bytes()),
            ("plugin.json is not JSON: expected `,` or `}`".into(), Some(2), Some(12))
        );
        assert_eq!(fault(b"").0, "plugin.json is not JSON: EOF while parsing a value");
        assert_eq!(fault(b"\n []").0, "plugin.json must hold an object, not a list");
        assert_eq!(fault(b"\n []").1, Some(2));
        assert_eq!(
            fault(b"{\n\"\xff\"}"),
            ("plugin.json is not UTF-8: byte 0xff".into(), Some(2), Some(2))
        );
        assert!(fault("[".repeat(1_000_000).as_bytes()).0.contains("recursion limit"));
    }

    #[test]
    fn a_mark_is_tolerated_and_the_last_of_two_keys_counts() {
        let text = "\u{feff}{\"id\": \"a\",\n \"x\": {\"id\": 1},\n \"v\": \"\\\"id\\\":\",\n \"\\u0069d\": \"b\"}";
        let source = Source::new("/p/plugin.json", text.as_bytes());
        let manifest = Manifest::parse(&source).ok().unwrap();
        assert_eq!(manifest.fields["id"], "b");
        assert_eq!(manifest.place("id").line, Some(4));
        assert_eq!(manifest.place("nothing"), Place::file("/p/plugin.json"));
    }
}
