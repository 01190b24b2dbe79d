//! What plugins print, on its way from the child to a person: whole lines, each with the plugin's id.
//!
//! The child's stdout and stderr are pipes. Python's streams there say of each piece whose it is
//! (`src/python/prints.py`); what C code or another process writes belongs to the call under way. A
//! thread reads the pipes as it comes; whoever ends a call empties them first, so that what was
//! printed in it is told before its outcome. While nobody takes the lines, the pipes fill up, and
//! who prints waits, as on any pipe.

mod lines;
mod parse;

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;

use lines::Lines;
use parse::Parser;
pub use parse::tagged;

use crate::model::PluginId;

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// To stdout.
    Out,
    /// To stderr.
    Err,
}

/// Takes lines, without their ends, and whose they are, if that is known.
pub type Sink = Arc<dyn Fn(Stream, Option<&str>, &[u8]) + Send + Sync>;

/// Where lines go.
#[derive(Clone)]
pub struct Printing {
    /// Takes them, from any thread.
    pub sink: Sink,
    /// Stdout and stderr are one place, so that the order between the two counts.
    pub one_place: bool,
}

impl std::fmt::Debug for Printing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printing").field("one_place", &self.one_place).finish_non_exhaustive()
    }
}

/// The pipes of one child.
#[derive(Clone)]
pub(super) struct Prints {
    state: Arc<Mutex<State>>,
}

struct State {
    pipes: Vec<Pipe>,
    lines: Lines,
    /// Whose call is under way.
    owner: Option<String>,
    sink: Sink,
    /// Wakes the thread that reads, which may not have seen what others took out of the pipes.
    waker: Option<PipeWriter>,
}

struct Pipe {
    reader: PipeReader,
    stream: Stream,
    parser: Parser,
}

impl Prints {
    /// Gives the child that `command` is to start its pipes, whose tags begin with `mark`.
    pub(super) fn attach(
        command: &mut Command,
        printing: &Printing,
        mark: &str,
    ) -> io::Result<Self> {
        let mut pipes = Vec::new();
        let mut pipe = |stream| -> io::Result<PipeWriter> {
            let (reader, writer) = io::pipe()?;
            pipes.push(Pipe { reader, stream, parser: Parser::new(mark) });
            Ok(writer)
        };
        let out = pipe(Stream::Out)?;
        let err = if printing.one_place { out.try_clone()? } else { pipe(Stream::Err)? };
        command.stdout(out).stderr(err);
        let sink = printing.sink.clone();
        let state = State { pipes, lines: Lines::default(), owner: None, sink, waker: None };
        Ok(Self { state: Arc::new(Mutex::new(state)) })
    }

    /// Shows what comes, from now on until nobody holds the other ends any more.
    pub(super) fn start(&self) -> io::Result<()> {
        let prints = self.clone();
        let mut readers = Vec::new();
        for pipe in &self.lock().pipes {
            readers.push(pipe.reader.try_clone()?);
        }
        let (woken, waker) = io::pipe()?;
        self.lock().waker = Some(waker);
        let thread = thread::Builder::new().name("prints".to_owned());
        thread.spawn(move || prints.run(readers, woken))?;
        Ok(())
    }

    fn run(&self, mut readers: Vec<PipeReader>, mut woken: PipeReader) {
        while !readers.is_empty() {
            let due = self.lock().lines.due();
            let wait = due.map(|due| due.saturating_duration_since(Instant::now()));
            let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
            let mut entries: Vec<PollFd<'_>> =
                readers.iter().map(|reader| PollFd::new(reader, PollFlags::IN)).collect();
            entries.push(PollFd::new(&woken, PollFlags::IN));
            // An interrupted wait is one that ended early.
            let _ = poll(&mut entries, wait.as_ref());
            let over: Vec<bool> = entries[..readers.len()]
                .iter()
                .map(|entry| entry.revents() - PollFlags::IN != PollFlags::empty())
                .collect();
            let calls = ioctl_fionread(&woken).unwrap_or_default();
            // So many bytes are there, and nobody else takes them.
            let _ = io::copy(&mut (&mut woken).take(calls), &mut io::sink());
            let mut state = self.lock();
            state.drain();
            state.flush(|lines, tell| lines.flush_due(Instant::now(), tell));
            drop(state);
            let mut over = over.into_iter();
            // One that is closed at the other end is over when it is empty.
            readers.retain(|reader| {
                !over.next().unwrap_or_default()
                    || ioctl_fionread(reader).is_ok_and(|left| left > 0)
            });
        }
        self.end();
    }

    /// A call about `plugin` begins or, with `None`, has ended. What was printed until now is shown.
    pub(super) fn call(&self, plugin: Option<&PluginId>) {
        let mut state = self.lock();
        state.show();
        state.owner = plugin.map(|plugin| plugin.as_str().to_owned());
    }

    /// Shows what was printed until now.
    pub(super) fn show(&self) {
        self.lock().show();
    }

    /// The child has ended: shows all that is left.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.drain();
        state.flush(Lines::flush_all);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Shows what was printed in the calls until now. A line that somebody else has begun is left to
    /// the thread that reads: it may be waiting without a limit, since the pipe is empty again.
    fn show(&mut self) {
        self.drain();
        self.flush(Lines::flush_call);
        if self.lines.due().is_some()
            && let Some(waker) = &mut self.waker
        {
            // One that is gone needs no waking.
            let _ = waker.write_all(b".");
        }
    }

    /// Takes what is in the pipes at this moment. Who prints for ever keeps nobody here for ever.
    fn drain(&mut self) {
        let Self { pipes, lines, owner, sink, .. } = self;
        for Pipe { reader, stream, parser } in pipes {
            let available = ioctl_fionread(&*reader).unwrap_or_default();
            let mut bytes = Vec::new();
            // So many are there, and nobody else takes them, so this does not wait.
            if reader.take(available).read_to_end(&mut bytes).is_err() {
                continue;
            }
            parser.feed(&bytes, |source, piece| {
                let source = source.cloned().unwrap_or_else(|| parse::Source::call(owner.clone()));
                lines.push(*stream, source, piece, Instant::now(), &mut |stream, owner, line| {
                    sink(stream, owner, line);
                });
            });
        }
    }

    fn flush(&mut self, flush: impl FnOnce(&mut Lines, lines::Tell<'_>)) {
        let sink = &self.sink;
        flush(&mut self.lines, &mut |stream, owner, line| sink(stream, owner, line));
    }
}
