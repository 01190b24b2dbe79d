//! From an offset in a text to the place that a person is shown.

use std::path::Path;

use ruff_text_size::TextRange;

use crate::model::Place;

/// The place of `range` in `text`, the decoded content of `file`.
pub(super) fn place_of(file: &Path, text: &str, range: TextRange) -> Place {
    let start = floor(text, range.start().to_usize());
    let end = floor(text, range.end().to_usize());
    let line_start = text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let column = |at: usize| number(text[line_start..at].chars().count() + 1);
    Place {
        file: file.to_owned(),
        line: Some(number(count_breaks(&text.as_bytes()[..line_start]) + 1)),
        column: Some(column(start)),
        end_column: (start < end && end <= line_end).then(|| column(end)),
        text: Some(text[line_start..line_end].to_owned()),
    }
}

/// How many lines end in `bytes`, where `\r\n` is one end.
fn count_breaks(bytes: &[u8]) -> usize {
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|&pair| ends(pair)).count()
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use ruff_text_size::TextSize;

    use super::*;

    fn at(text: &str, start: u32, end: u32) -> (Option<u32>, Option<u32>, Option<u32>, String) {
        let range = TextRange::new(TextSize::new(start), TextSize::new(end));
        let place = place_of(Path::new("/p.py"), text, range);
        (place.line, place.column, place.end_column, place.text.unwrap())
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        assert_eq!(at("abc", 0, 0), (Some(1), Some(1), None, "abc".into()));
        assert_eq!(at("a\nöx = 1\n", 4, 5), (Some(2), Some(2), Some(3), "öx = 1".into()));
        assert_eq!(at("a\r\nb\rc\n", 5, 6), (Some(3), Some(1), Some(2), "c".into()));
        assert_eq!(at("a\n", 2, 2), (Some(2), Some(1), None, String::new()));
        assert_eq!(at("ab\nc", 1, 4), (Some(1), Some(2), None, "ab".into()));
    }

    #[test]
    fn an_offset_outside_is_no_panic() {
        assert_eq!(at("ö", 1, 9), (Some(1), Some(1), Some(2), "ö".into()));
    }
}
