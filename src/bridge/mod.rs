//! The door for QtForge's C++ class: its JSON-lines protocol on a pair of pipes.
//!
//! A thread reads lines; the loop, on Python's main thread, has each answered by `qtforge._bridge`,
//! which knows the protocol, and writes the answer. The plugins are those of the one loader
//! (`src/bridge/plugins.rs`), in this process, which belongs to nobody but them.

mod edits;
mod plugins;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, at, bounded, never, select, unbounded};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};

use crate::host::{Hurry, Note};
use crate::loader::Policy;
use crate::python::{Interpreter, Runtime, StartupError};
use crate::watch::Raw;
use edits::Edits;
use plugins::Plugins;

pub use edits::Watching;

/// Longer lines are not read to their end.
const LONGEST: u64 = 64 * 1024 * 1024;

/// How many requests are read ahead of the one that is carried out.
const AHEAD: usize = 8;

/// How to serve.
pub struct Options {
    /// Where requests come from.
    pub requests: File,
    /// Where answers go.
    pub answers: File,
    /// What the user decided about plugins.
    pub policy: Policy,
    /// Somebody wants the program to stop.
    pub stop: Receiver<()>,
    /// Whether edits reload by themselves, and how they are noticed.
    pub watching: Option<Watching>,
    /// Takes a way to end the call under way soon.
    pub hurried: Box<dyn FnOnce(Hurry) + Send>,
}

/// Why the service ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no interpreter.
    #[error(transparent)]
    Startup(#[from] StartupError),
    /// What Python raised where no plugin is to blame.
    #[error("{0}")]
    Python(String),
    /// The answers cannot be written.
    #[error("the answers cannot be written: {0}")]
    Answers(io::Error),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error.to_string())
    }
}

/// Serves with `interpreter` until the requests end, one asks for the end, or somebody stops it.
///
/// # Errors
/// [`Failure`]. A host that does not read its answers any more is no failure.
pub fn serve(interpreter: Interpreter, options: Options) -> Result<(), Failure> {
    let (outcome, told) = bounded(1);
    let body = move || {
        // Whoever asked waits for it.
        let _ = outcome.send(serve_here(&interpreter, options));
    };
    let failed = |error: io::Error| StartupError::Failed(error.to_string());
    let ended = Interpreter::on_main_thread(body).map_err(failed)?;
    let outcome = told.recv();
    let ended = ended.wait();
    outcome.unwrap_or_else(|_| {
        let how = if ended { "ended" } else { "failed" };
        Err(Failure::Python(format!("Python's main thread {how} without a word")))
    })
}

/// What the loop waits for.
enum Input {
    /// The program asks for something.
    Line(Vec<u8>),
    /// The same in a line that is too long.
    TooLong,
    /// A plugin imported something.
    Noted(Box<Note>),
    /// Something happened to a file.
    Told(Raw),
    /// Edits may have settled.
    Settled,
    /// That was all.
    End,
}

/// The way back to the program, for whoever has something to say. One write a line, so that nobody
/// reads half of one.
#[derive(Clone)]
struct Answers(Arc<Mutex<File>>);

impl Answers {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line)
    }
}

fn serve_here(interpreter: &Interpreter, options: Options) -> Result<(), Failure> {
    let Options { requests, answers, policy, stop, watching, hurried } = options;
    let site = interpreter.start()?;
    let answers = Answers(Arc::new(Mutex::new(answers)));
    let (sender, notes) = unbounded();
    let (plugins, session) = Python::attach(|py| {
        // Nobody has a terminal here: stdin and stdout are the program's.
        let terminal = Arc::new(|_| false);
        let runtime = Runtime::new(py, sender, false, None, None, terminal)?.for_a_bridge();
        let urgency = runtime.urgency();
        hurried(Box::new(move |limit| urgency.hurry(limit)));
        let plugins = Bound::new(py, Plugins::new(py, runtime, site, policy, answers.clone()))?;
        let session = py.import("qtforge._bridge")?.getattr("Session")?.call1((&plugins,))?;
        PyResult::Ok((plugins.unbind(), session.unbind()))
    })?;
    let lines = read_lines(requests).map_err(Failure::Answers)?;
    let served = answers.line(b"{\"ready\": true}\n").map_or_else(ended_by, |()| {
        let edits = watching.map(Edits::new);
        let channels = Channels { lines, stop, notes };
        answer_all(&plugins, &session, &answers, &channels, edits)
    });
    Python::attach(|py| plugins.get().finish(py));
    served
}

/// Answers until there is an end.
fn answer_all(
    plugins: &Py<Plugins>,
    session: &Py<PyAny>,
    answers: &Answers,
    channels: &Channels,
    mut edits: Option<Edits>,
) -> Result<(), Failure> {
    loop {
        if let Some(edits) = &mut edits
            && let Some((imported, news)) = plugins.get().news()
        {
            edits.executed(imported);
            edits.follow(news);
        }
        let (answer, over) = match next(channels, edits.as_ref()) {
            Input::Line(line) => Python::attach(|py| answer(session.bind(py), &line))?,
            Input::TooLong => Python::attach(|py| refuse(session.bind(py)))?,
            Input::Noted(note) => {
                plugins.get().note(*note);
                continue;
            }
            Input::Told(raw) => {
                if let Some(edits) = &mut edits {
                    edits.take_in(raw);
                }
                continue;
            }
            Input::Settled => {
                let changed = edits.as_mut().map(Edits::settled).unwrap_or_default();
                if !changed.is_empty() {
                    Python::attach(|py| {
                        let told = plugins.get().edited(py, changed)?;
                        session.bind(py).call_method1("tell", (told,)).map(drop)
                    })?;
                }
                continue;
            }
            Input::End => return Ok(()),
        };
        if let Some(answer) = answer
            && let Err(error) = answers.line(&answer)
        {
            return ended_by(error);
        }
        if over {
            return Ok(());
        }
    }
}

/// A program that went away is no fault of ours.
fn ended_by(error: io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(Failure::Answers(error)) }
}

fn answer(session: &Bound<'_, PyAny>, line: &[u8]) -> PyResult<(Option<Vec<u8>>, bool)> {
    let answer: Option<Vec<u8>> = session.call_method1("answer", (line,))?.extract()?;
    Ok((answer, session.getattr("over")?.extract()?))
}

fn refuse(session: &Bound<'_, PyAny>) -> PyResult<(Option<Vec<u8>>, bool)> {
    Ok((Some(session.call_method1("too_long", (LONGEST,))?.extract()?), false))
}

/// Where what is to be done comes from.
struct Channels {
    lines: Receiver<Input>,
    stop: Receiver<()>,
    notes: Receiver<Note>,
}

/// Waits for the next thing to do. Who wants to stop goes before who wants something.
fn next(channels: &Channels, edits: Option<&Edits>) -> Input {
    let Channels { lines, stop, notes } = channels;
    let raw = edits.map_or_else(never, |edits| edits.raw.clone());
    let timer = edits.and_then(Edits::deadline).map_or_else(never, at);
    if stop.try_recv().is_ok() {
        return Input::End;
    }
    select! {
        recv(raw) -> raw => raw.map_or(Input::End, Input::Told),
        recv(timer) -> _ => Input::Settled,
        recv(stop) -> _ => Input::End,
        recv(notes) -> note => note.map_or(Input::End, |note| Input::Noted(Box::new(note))),
        recv(lines) -> line => line.unwrap_or(Input::End),
    }
}

fn read_lines(requests: File) -> io::Result<Receiver<Input>> {
    let (sender, lines) = bounded(AHEAD);
    let thread = thread::Builder::new().name("requests".to_owned());
    thread.spawn(move || {
        // The end of the pipe and a pipe that cannot be read are the same to us.
        if let Err(error) = forward_lines(BufReader::new(requests), &sender) {
            tracing::warn!(%error, "the requests cannot be read any more");
        }
    })?;
    Ok(lines)
}

/// Hands on lines until there are no more, or nobody wants them.
fn forward_lines(mut requests: impl BufRead, lines: &Sender<Input>) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        if requests.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n") || (line.len() as u64) < LONGEST;
        let input = if whole { Input::Line(line) } else { Input::TooLong };
        if !whole {
            requests.skip_until(b'\n')?;
        }
        if lines.send(input).is_err() {
            return Ok(());
        }
    }
}
