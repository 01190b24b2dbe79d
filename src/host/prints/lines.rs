//! Pieces of text in, whole lines out, so that what several write at a time does not mix.
//!
//! A line that lacks its end comes out when the call that wrote it ends, or half a second after it
//! was begun, with an end of its own.

use std::time::{Duration, Instant};

use super::Stream;
use super::parse::Source;

/// How long the beginning of a line may wait for its end.
const PATIENCE: Duration = Duration::from_millis(500);

/// A line longer than this comes out in pieces.
const LONGEST: usize = 1 << 20;

/// Takes each line, without its end, and whose it is.
pub(super) type Tell<'a> = &'a mut dyn FnMut(Stream, Option<&str>, &[u8]);

/// The lines that were begun.
#[derive(Default)]
pub(super) struct Lines {
    /// In the order in which they were begun.
    open: Vec<Open>,
}

struct Open {
    stream: Stream,
    source: Source,
    text: Vec<u8>,
    since: Instant,
}

impl Open {
    fn tell(&self, tell: Tell<'_>) {
        tell(self.stream, self.source.owner.as_deref(), &self.text);
    }
}

impl Lines {
    pub(super) fn push(
        &mut self,
        stream: Stream,
        source: Source,
        mut piece: &[u8],
        now: Instant,
        tell: Tell<'_>,
    ) {
        let open = self.open.iter().position(|o| o.stream == stream && o.source == source);
        let mut line = match open {
            Some(at) => self.open.remove(at),
            None => Open { stream, source, text: Vec::new(), since: now },
        };
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            line.text.extend_from_slice(&piece[..end]);
            line.tell(tell);
            line.text.clear();
            line.since = now;
            piece = &piece[end + 1..];
        }
        line.text.extend_from_slice(piece);
        if line.text.len() > LONGEST {
            line.tell(tell);
        } else if !line.text.is_empty() {
            self.open.push(line);
            self.open.sort_by_key(|line| line.since);
        }
    }

    /// When [`Lines::flush_due`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.open.first().map(|line| line.since + PATIENCE)
    }

    pub(super) fn flush_due(&mut self, now: Instant, tell: Tell<'_>) {
        self.flush(|line| line.since + PATIENCE <= now, tell);
    }

    /// What was written on Python's main thread or by something else than Python.
    pub(super) fn flush_call(&mut self, tell: Tell<'_>) {
        self.flush(|line| matches!(line.source.thread, None | Some(0)), tell);
    }

    pub(super) fn flush_all(&mut self, tell: Tell<'_>) {
        self.flush(|_| true, tell);
    }

    fn flush(&mut self, due: impl Fn(&Open) -> bool, tell: Tell<'_>) {
        self.open.retain(|line| {
            let due = due(line);
            if due {
                line.tell(tell);
            }
            !due
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Told {
        lines: Lines,
        told: Vec<String>,
        began: Instant,
    }

    impl Told {
        fn new() -> Self {
            Self { lines: Lines::default(), told: Vec::new(), began: Instant::now() }
        }

        fn push(&mut self, thread: Option<u64>, piece: &str, ms: u64) {
            let source = Source { thread, owner: Some("a".to_owned()) };
            let at = self.began + Duration::from_millis(ms);
            let told = &mut self.told;
            self.lines.push(Stream::Out, source, piece.as_bytes(), at, &mut |_, _, line| {
                told.push(String::from_utf8_lossy(line).into_owned());
            });
        }

        fn at(&mut self, ms: u64) {
            let at = self.began + Duration::from_millis(ms);
            let told = &mut self.told;
            self.lines.flush_due(at, &mut |_, _, line| {
                told.push(String::from_utf8_lossy(line).into_owned());
            });
        }
    }

    #[test]
    fn the_lines_of_two_threads_do_not_mix() {
        let mut told = Told::new();
        told.push(Some(0), "one ", 0);
        told.push(Some(9), "other\nand ", 1);
        told.push(Some(0), "two\n\n", 2);
        assert_eq!(told.told, ["other", "one two", ""]);
    }

    #[test]
    fn the_beginning_of_a_line_does_not_wait_for_ever() {
        let mut told = Told::new();
        told.push(None, "name? ", 0);
        told.at(499);
        assert!(told.told.is_empty());
        told.at(500);
        assert_eq!(told.told, ["name? "]);
        assert_eq!(told.lines.due(), None);
    }
}
