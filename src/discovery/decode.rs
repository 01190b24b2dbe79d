//! Bytes to text, as Python reads a source: byte order mark, coding cookie, else UTF-8.
//!
//! Always gives a text, so that a broken file can still be recognised by its id; beside it the
//! first thing that Python would object to.

use std::borrow::Cow;
use std::sync::LazyLock;

use encoding_rs::Encoding;
use regex::bytes::Regex;
use ruff_text_size::{TextRange, TextSize};

/// A decoded source.
pub(super) struct Decoded<'a> {
    /// The text without byte order mark; U+FFFD stands for what could not be read.
    pub(super) text: Cow<'a, str>,
    /// What is wrong with the bytes, and where in `text`.
    pub(super) fault: Option<(String, TextRange)>,
}

/// PEP 263's own expression.
#[expect(clippy::unwrap_used, reason = "a constant that every test compiles")]
static COOKIE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u)^[ \t\x0c]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)").unwrap());

/// Decodes `bytes` as Python would.
pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let (marked, body) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(body) => (true, body),
        None => (false, bytes),
    };
    let cookie = cookie(body);
    let mut decoded = match cookie.as_deref().map(normalize) {
        None => utf8(body, marked, false),
        Some(name) if name == "utf-8" || name.starts_with("utf-8-") => utf8(body, marked, true),
        Some(name) if marked => {
            let message = format!("encoding problem: {name} with BOM");
            Decoded { fault: Some((message, start())), ..utf8(body, marked, true) }
        }
        Some(name) => other(body, &name),
    };
    // A NUL is fine for the decoder and never for Python; it tells later than a broken encoding.
    if decoded.fault.is_none()
        && let Some(at) = decoded.text.find('\0')
    {
        let message = "source code cannot contain null bytes".to_owned();
        decoded.fault = Some((message, one_at(at, 1)));
    }
    decoded
}

/// The encoding that line 1 names, or line 2 if line 1 holds no code.
fn cookie(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    for _ in 0..2 {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        if let Some(found) = COOKIE.captures(line) {
            return Some(String::from_utf8_lossy(&found[1]).into_owned());
        }
        let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | 0x0c));
        if first.is_some_and(|byte| *byte != b'#') {
            return None;
        }
        rest = after.strip_prefix(b"\r\n").or(after.get(1..)).unwrap_or_default();
    }
    None
}

/// Python's spelling of the two encodings that it treats in a special way.
fn normalize(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is = |word: &str| {
        name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    if name == "utf8" || name == "u8" {
        return "utf-8".into();
    }
    if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") || name == "latin1" || name == "l1" {
        return "latin-1".into();
    }
    name
}

fn utf8(bytes: &[u8], marked: bool, declared: bool) -> Decoded<'_> {
    let Err(error) = std::str::from_utf8(bytes) else {
        return Decoded { text: String::from_utf8_lossy(bytes), fault: None };
    };
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or_default();
    let message = if marked || declared {
        format!("'utf-8' codec can't decode byte 0x{byte:02x}")
    } else {
        format!("Non-UTF-8 code starting with '\\x{byte:02x}', but no encoding declared")
    };
    Decoded { text: String::from_utf8_lossy(bytes), fault: Some((message, one_at(at, 3))) }
}

fn other<'a>(bytes: &'a [u8], name: &str) -> Decoded<'a> {
    match name {
        "latin-1" => Decoded { text: encoding_rs::mem::decode_latin1(bytes), fault: None },
        "ascii" | "us-ascii" => {
            let fault = bytes.iter().position(|byte| !byte.is_ascii()).map(|at| {
                let message = format!("'ascii' codec can't decode byte 0x{:02x}", bytes[at]);
                (message, one_at(at, 1))
            });
            Decoded { text: encoding_rs::mem::decode_latin1(bytes), fault }
        }
        _ => {
            let known =
                Encoding::for_label(name.as_bytes()).filter(|known| known.is_ascii_compatible());
            let Some(encoding) = known else {
                let message = format!("encoding problem: {name}");
                return Decoded {
                    text: encoding_rs::mem::decode_latin1(bytes),
                    fault: Some((message, start())),
                };
            };
            let (text, bad) = encoding.decode_without_bom_handling(bytes);
            let fault = bad.then(|| {
                let at = text.find(char::REPLACEMENT_CHARACTER).unwrap_or_default();
                (format!("'{name}' codec can't decode these bytes"), one_at(at, 3))
            });
            Decoded { text, fault }
        }
    }
}

fn start() -> TextRange {
    one_at(0, 0)
}

fn one_at(at: usize, len: u32) -> TextRange {
    TextRange::at(TextSize::try_from(at).unwrap_or_default(), TextSize::new(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let decoded = decode(bytes);
        assert_eq!(decoded.fault, None);
        decoded.text.into_owned()
    }

    fn fault(bytes: &[u8]) -> String {
        decode(bytes).fault.unwrap().0
    }

    #[test]
    fn utf8_is_the_default_with_or_without_mark() {
        assert_eq!(text("ä".as_bytes()), "ä");
        assert_eq!(text(b"\xef\xbb\xbfx"), "x");
        assert_eq!(text(b"\xef\xbb\xbf# coding: utf-8\nx"), "# coding: utf-8\nx");
        assert_eq!(text(b""), "");
    }

    #[test]
    fn the_cookie_is_read_where_python_reads_it() {
        assert_eq!(text(b"# -*- coding: latin-1 -*-\n\xe4"), "# -*- coding: latin-1 -*-\nä");
        assert_eq!(
            text(b"#!/x\r\n# vim: set fileencoding=ISO_8859_1 :\r\n\xe4").chars().last(),
            Some('ä')
        );
        assert_eq!(text(b"\n# coding=cp1251\n\xe4").chars().last(), Some('д'));
        assert_eq!(text(b"# coding: latin-1\r\x80").chars().last(), Some('\u{80}'));
        assert!(fault(b"\n\n# coding: latin-1\n\xe4").starts_with("Non-UTF-8"));
        assert!(fault(b"x = 1\n# coding: latin-1\n\xe4").starts_with("Non-UTF-8"));
        assert!(fault(b"x = '# coding: latin-1'\n\xe4").starts_with("Non-UTF-8"));
    }

    #[test]
    fn what_python_refuses_is_told_with_its_place() {
        let decoded = decode(b"ok\n\xff\n");
        assert_eq!(decoded.text, "ok\n\u{fffd}\n");
        let (message, range) = decoded.fault.unwrap();
        assert_eq!(message, "Non-UTF-8 code starting with '\\xff', but no encoding declared");
        assert_eq!(range.start().to_usize(), 3);
        assert_eq!(fault(b"# coding: nonsense\n"), "encoding problem: nonsense");
        assert_eq!(fault(b"# coding: utf-16\n"), "encoding problem: utf-16");
        assert_eq!(fault(b"\xef\xbb\xbf# coding: latin-1\n"), "encoding problem: latin-1 with BOM");
        assert_eq!(fault(b"# coding: ascii\n\xe4"), "'ascii' codec can't decode byte 0xe4");
        assert_eq!(fault(b"# coding: utf-8\n\xe4"), "'utf-8' codec can't decode byte 0xe4");
        assert_eq!(fault(b"a = 'x\0y'"), "source code cannot contain null bytes");
    }
}
