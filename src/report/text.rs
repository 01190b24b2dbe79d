//! Text of others made safe to show, and paths made short.
//!
//! What plugins and file names say may hold line breaks, terminal escapes and marks that turn the
//! writing direction. None of it may fake a line of this program, move the cursor or hide text.

use std::fmt::Write as _;
use std::path::Path;

/// An exception may carry the repr of all its data; a person reads the beginning.
const MESSAGE_LENGTH: usize = 1000;

/// Whether `char` does something to a terminal or to the layout instead of showing a mark.
pub(super) fn is_hazard(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}')
}

/// `text` on one line, with every hazard written as Python would write it: `\n`, `\x1b`, `\u202e`.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            _ if !is_hazard(char) => safe.push(char),
            // Writing to a String cannot fail.
            _ if char < '\u{100}' => {
                let _ = write!(safe, "\\x{:02x}", u32::from(char));
            }
            _ => {
                let _ = write!(safe, "\\u{:04x}", u32::from(char));
            }
        }
    }
    safe
}

/// A message, safe to show and of a length that leaves the rest of the screen alone.
pub(super) fn message(text: &str) -> String {
    cut(&escape(text), MESSAGE_LENGTH)
}

/// `path` as a person in the folder `base` would type it, or in full if it lies elsewhere.
pub(super) fn short_path(path: &Path, base: &Path) -> String {
    let short = match path.strip_prefix(base) {
        Ok(inside) if !inside.as_os_str().is_empty() => inside,
        _ => path,
    };
    escape(&short.to_string_lossy())
}

/// The first `width` characters of `line`; one that is cut ends in `…`.
pub(super) fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
