//! Takes apart what comes out of a child's pipe: pieces with a tag that says whose they are, and all
//! that somebody else wrote in between.
//!
//! A tag is `ESC _ MARK ; THREAD ; ID ; LENGTH ESC \`, with as many bytes of text after it. A tag and
//! its text are written at once and are short enough for a pipe to keep them together. The mark is
//! another one in each run, so that nothing looks like a tag by chance.

const BEGIN: &[u8] = b"\x1b_";
const END: &[u8] = b"\x1b\\";

/// Longer than any tag that is written.
const LONGEST: usize = 1024;

/// Who wrote a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The number of the thread; 0 is Python's main thread, `None` something else than Python.
    pub(super) thread: Option<u64>,
    /// The id of the plugin, if it is known.
    pub(super) owner: Option<String>,
}

impl Source {
    /// Something that is not Python, while a call of `owner` is under way.
    pub(super) fn call(owner: Option<String>) -> Self {
        Self { thread: None, owner }
    }
}

/// A piece of text that belongs to nobody, with its tag.
pub fn tagged(mark: &str, text: &[u8]) -> Vec<u8> {
    let mut bytes = [BEGIN, mark.as_bytes(), b";0;;"].concat();
    bytes.extend_from_slice(text.len().to_string().as_bytes());
    bytes.extend_from_slice(END);
    bytes.extend_from_slice(text);
    bytes
}

/// Takes bytes as they come, in whatever portions.
pub(super) struct Parser {
    mark: Vec<u8>,
    /// What may be the beginning of a tag.
    held: Vec<u8>,
    /// Whose the next bytes are, and how many.
    tagged: Option<(Source, usize)>,
}

impl Parser {
    pub(super) fn new(mark: &str) -> Self {
        let mark = [BEGIN, mark.as_bytes(), b";"].concat();
        Self { mark, held: Vec::new(), tagged: None }
    }

    /// Gives each piece to `out`, with its source if it has a tag.
    pub(super) fn feed(&mut self, bytes: &[u8], mut out: impl FnMut(Option<&Source>, &[u8])) {
        let joined;
        let mut rest = if self.held.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.held).as_slice(), bytes].concat();
            joined.as_slice()
        };
        while !rest.is_empty() {
            if let Some((source, left)) = self.tagged.take() {
                let (piece, after) = rest.split_at(left.min(rest.len()));
                out(Some(&source), piece);
                if piece.len() < left {
                    self.tagged = Some((source, left - piece.len()));
                }
                rest = after;
                continue;
            }
            let at = self.next_mark(rest);
            if at > 0 {
                out(None, &rest[..at]);
                rest = &rest[at..];
                continue;
            }
            match self.tag(rest) {
                Tag::Whole(source, length, text) => {
                    self.tagged = (length > 0).then_some((source, length));
                    rest = text;
                }
                Tag::Begun => {
                    self.held = rest.to_vec();
                    return;
                }
                Tag::Other => {
                    out(None, &rest[..1]);
                    rest = &rest[1..];
                }
            }
        }
    }

    /// Where the next tag may begin, at most the length of `bytes`.
    fn next_mark(&self, bytes: &[u8]) -> usize {
        let mut from = 0;
        while let Some(at) = bytes[from..].iter().position(|byte| *byte == self.mark[0]) {
            let at = from + at;
            let length = self.mark.len().min(bytes.len() - at);
            if bytes[at..at + length] == self.mark[..length] {
                return at;
            }
            from = at + 1;
        }
        bytes.len()
    }

    /// The tag that `bytes` begin with.
    fn tag<'a>(&self, bytes: &'a [u8]) -> Tag<'a> {
        let Some(rest) = bytes.strip_prefix(self.mark.as_slice()) else {
            let begun = bytes.len() < self.mark.len() && self.mark.starts_with(bytes);
            return if begun { Tag::Begun } else { Tag::Other };
        };
        let Some(end) = rest.windows(END.len()).position(|window| window == END) else {
            return if rest.len() < LONGEST { Tag::Begun } else { Tag::Other };
        };
        let text = &rest[end + END.len()..];
        let parsed = std::str::from_utf8(&rest[..end]).ok().and_then(|fields| {
            let mut fields = fields.split(';');
            let (thread, owner, length) = (fields.next()?, fields.next()?, fields.next()?);
            let owner = Some(owner.to_owned()).filter(|owner| !owner.is_empty());
            let source = Source { thread: Some(thread.parse().ok()?), owner };
            Some((source, length.parse().ok()?))
        });
        parsed.map_or(Tag::Other, |(source, length)| Tag::Whole(source, length, text))
    }
}

enum Tag<'a> {
    /// Whose, how many bytes, and what comes after the tag.
    Whole(Source, usize, &'a [u8]),
    /// Its end has not come yet.
    Begun,
    /// It only looked like one.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(thread: u64, owner: &str, text: &str) -> String {
        format!("\x1b_m4rk;{thread};{owner};{}\x1b\\{text}", text.len())
    }

    /// All pieces, those of one source that follow each other joined.
    fn pieces(bytes: &[u8], portion: usize) -> Vec<(Option<String>, String)> {
        let mut parser = Parser::new("m4rk");
        let mut pieces: Vec<(Option<String>, String)> = Vec::new();
        for portion in bytes.chunks(portion) {
            parser.feed(portion, |source, piece| {
                let owner = source.map(|source| source.owner.clone().unwrap_or_default());
                let text = String::from_utf8_lossy(piece);
                match pieces.last_mut() {
                    Some((last, joined)) if *last == owner => joined.push_str(&text),
                    _ => pieces.push((owner, text.into_owned())),
                }
            });
        }
        pieces
    }

    #[test]
    fn whatever_the_portions_each_piece_has_its_owner() {
        let text = format!(
            "raw {}{}between \x1b_other;{}\x1b[0m end",
            tag(0, "a", "of a\n"),
            tag(7, "b", "of \x1b_m4 b\n"),
            tag(0, "", "nobody's\n")
        );
        let expected = [
            (None, "raw "),
            (Some("a"), "of a\n"),
            (Some("b"), "of \x1b_m4 b\n"),
            (None, "between \x1b_other;"),
            (Some(""), "nobody's\n"),
            (None, "\x1b[0m end"),
        ];
        let expected: Vec<(Option<String>, String)> =
            expected.map(|(owner, text)| (owner.map(str::to_owned), text.to_owned())).to_vec();
        for portion in 1..=text.len() {
            assert_eq!(pieces(text.as_bytes(), portion), expected, "in portions of {portion}");
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_is_text() {
        for text in ["\x1b_m4rk;x;y;z\x1b\\", "\x1b_m4rk;0;a\x1b\\", "\x1b\x1b\x1b_n"] {
            assert_eq!(pieces(text.as_bytes(), 3), [(None, text.to_owned())]);
        }
    }

    #[test]
    fn what_nobody_owns_is_tagged_so() {
        assert_eq!(tagged("m4rk", b"log\n"), tag(0, "", "log\n").as_bytes());
    }
}
