//! A host in this process: one thread that started the interpreter and runs all plugin code.
//!
//! The thread is Python's main thread, so a call that hangs can be interrupted by a signal. It holds
//! the GIL only while it carries a request out; while it waits, the threads of plugins run.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use pyo3::Python;

use super::client::{Client, Link};
use super::message::{Request, Response};
use super::turns::Turns;
use super::{Death, Note};
use crate::model::{PluginId, Site};
use crate::python::{AskTerminal, Ended, Interpreter, Runtime, StartupError, Urgency};

/// Which interpreter to start.
#[derive(Clone)]
pub struct LocalOptions {
    /// The executable that was asked for, if one was.
    pub python: Option<PathBuf>,
    /// A call that cannot be interrupted ends the process: there is somebody to start another.
    pub expendable: bool,
    /// What plugins print is tagged, and the tags begin so.
    pub tag_prints: Option<String>,
    /// Where compiled code is kept, if it is.
    pub cache: Option<PathBuf>,
    /// Asks for the terminal, for a debugger.
    pub terminal: AskTerminal,
}

/// Runs plugins in this process, on Python's main thread; once. What they import after their start
/// arrives at `notes`. Also gives a way to end the call under way soon.
///
/// # Errors
/// [`StartupError`].
pub fn in_this_process(
    options: &LocalOptions,
    notes: Sender<Note>,
) -> Result<(Client, Urgency), StartupError> {
    let interpreter = Interpreter::choose(options.python.as_deref())?;
    let options = options.clone();
    let (requests, inbox) = unbounded();
    let (outbox, responses) = unbounded();
    let answer = move |_about: Option<&PluginId>, response| outbox.send(response).is_ok();
    let (started, starting) = bounded(1);
    let body = move || {
        // Whoever asked waits for it.
        let tell = move |outcome| started.send(outcome).is_ok();
        carry_out_all(&interpreter, &options, notes, inbox, answer, tell);
    };
    let failed = |error: io::Error| StartupError::Failed(error.to_string());
    let ended = Interpreter::on_main_thread(body).map_err(failed)?;
    let (site, urgency) = starting
        .recv()
        .unwrap_or_else(|_| Err(StartupError::Failed("its thread ended".to_owned())))?;
    let link = LocalLink { requests, responses, ended: Some(ended) };
    Ok((Client::new(Box::new(link), site), urgency))
}

/// The way to that thread within one process.
struct LocalLink {
    requests: Sender<Request>,
    responses: Receiver<Response>,
    ended: Option<Ended>,
}

impl Link for LocalLink {
    fn send(&mut self, request: Request, _about: Option<&PluginId>) -> bool {
        self.requests.send(request).is_ok()
    }

    fn receive(&mut self) -> Option<Response> {
        self.responses.recv().ok()
    }

    fn death(&mut self) -> Option<Death> {
        // If this process dies there is nobody left to ask.
        None
    }

    fn pause(&self) -> Duration {
        Duration::ZERO
    }

    fn revive(&mut self) -> Result<(), String> {
        Err("plugins run in the supervisor's own process".to_owned())
    }

    fn close(&mut self) {
        if let Some(ended) = self.ended.take() {
            // It ends by itself after the last request; a panic there was reported where it was.
            let _ = ended.wait();
        }
    }
}

/// Where requests come from.
pub(super) trait Requests {
    /// Waits for the next one; `None` if there are no more.
    fn next(&mut self) -> Option<Request>;

    /// Whether none is waiting to be carried out.
    fn is_idle(&self) -> bool;
}

impl Requests for Receiver<Request> {
    fn next(&mut self) -> Option<Request> {
        self.recv().ok()
    }

    fn is_idle(&self) -> bool {
        self.is_empty()
    }
}

/// What it is and a way to hurry, or why there is no interpreter.
pub(super) type Starting = Result<(Site, Urgency), StartupError>;

/// Starts the interpreter on this thread, which is Python's main thread then, and carries out what
/// `requests` gives, until there are no more, the last one was carried out, or `answer` or `started`
/// says that nobody listens.
pub(super) fn carry_out_all(
    interpreter: &Interpreter,
    options: &LocalOptions,
    notes: Sender<Note>,
    requests: impl Requests + Send + 'static,
    answer: impl Fn(Option<&PluginId>, Response) -> bool + 'static,
    started: impl FnOnce(Starting) -> bool,
) {
    let runtime = interpreter.start().and_then(|site| {
        let (expendable, mark) = (options.expendable, options.tag_prints.as_deref());
        let (cache, terminal) = (options.cache.clone(), options.terminal.clone());
        let runtime =
            Python::attach(|py| Runtime::new(py, notes, expendable, mark, cache, terminal));
        let runtime = runtime.map_err(|error| StartupError::Failed(error.to_string()))?;
        Ok((runtime, site))
    });
    match runtime {
        Ok((runtime, site)) => {
            if started(Ok((site, runtime.urgency()))) {
                Turns::new(runtime, requests, answer).run();
            }
        }
        Err(error) => _ = started(Err(error)),
    }
}
