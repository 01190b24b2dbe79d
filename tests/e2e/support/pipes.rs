//! What comes from the program's pipes and of its end, collected by threads, so that whoever waits
//! can do so with a deadline.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{mem, thread};

/// Longer than anything may take on the busiest machine; it is reached only by a failing test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// What has come from a pipe so far, and whether it is at its end.
#[derive(Default)]
pub(crate) struct Tape {
    bytes: Mutex<(Vec<u8>, bool)>,
    moved: Condvar,
}

impl Tape {
    pub(super) fn push(&self, bytes: &[u8]) {
        self.bytes.lock().unwrap().0.extend_from_slice(bytes);
        self.moved.notify_all();
    }

    pub(super) fn end(&self) {
        self.bytes.lock().unwrap().1 = true;
        self.moved.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap().0).into_owned()
    }

    /// Waits until `enough(bytes, ended)`, and says whether that came to be before the deadline.
    pub(crate) fn wait(&self, mut enough: impl FnMut(&[u8], bool) -> bool) -> bool {
        let guard = self.bytes.lock().unwrap();
        let (guard, _) = self
            .moved
            .wait_timeout_while(guard, DEADLINE, |(bytes, ended)| !enough(bytes, *ended))
            .unwrap();
        enough(&guard.0, guard.1)
    }
}

/// Waits for the process in a thread, so that a test can wait for it with a deadline.
pub(crate) fn reap(mut child: Child) -> Receiver<ExitStatus> {
    let (send, exit) = mpsc::channel();
    thread::spawn(move || {
        if let Ok(status) = child.wait() {
            let _ = send.send(status);
        }
    });
    exit
}

pub(crate) fn read_lines(pipe: ChildStdout, tape: Arc<Tape>) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            tape.push(&line);
            let whole = mem::take(&mut line);
            // A line that lacks its break or is not UTF-8 must not pass for a good one.
            let text = match whole.strip_suffix(b"\n") {
                Some(text) => String::from_utf8(text.to_vec())
                    .unwrap_or_else(|e| format!("not UTF-8: {}", e.into_bytes().escape_ascii())),
                None => format!("no line break at its end: {}", whole.escape_ascii()),
            };
            if send.send(text).is_err() {
                break;
            }
        }
        tape.end();
    });
    lines
}

pub(crate) fn drain(mut pipe: ChildStderr, tape: Arc<Tape>) {
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            tape.push(&buffer[..length]);
        }
        tape.end();
    });
}

pub(super) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The beginning and the end of a long text.
pub(super) fn shorten(text: &str) -> String {
    const HALF: usize = 20_000;
    if text.chars().count() <= 2 * HALF {
        return text.to_owned();
    }
    let start: String = text.chars().take(HALF).collect();
    let skip = text.chars().count() - HALF;
    format!("{start}\n[…]\n{}", text.chars().skip(skip).collect::<String>())
}
