//! A host in this process: one thread that started the interpreter and runs all plugin code.
//!
//! The thread is Python's main thread, so a call that hangs can be interrupted by a signal. It holds
//! the GIL only while it carries a request out; while it waits, the threads of plugins run.

use std::io;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use pyo3::{PyResult, Python};

use super::client::{Client, Link};
use super::message::{Request, Response};
use super::{Death, Note};
use crate::model::PluginId;
use crate::python::{AskTerminal, Interpreter, Runtime, StartupError, Urgency};

/// Address space for the stack of Python's main thread; only what is used becomes memory. Deep
/// recursion in a plugin shall end as `RecursionError`, not as the end of the process.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Which interpreter to start.
#[derive(Clone)]
pub struct LocalOptions {
    /// The executable that was asked for, if one was.
    pub python: Option<PathBuf>,
    /// A call that cannot be interrupted ends the process: there is somebody to start another.
    pub expendable: bool,
    /// What plugins print is tagged, and the tags begin so.
    pub tag_prints: Option<String>,
    /// Asks for the terminal, for a debugger.
    pub terminal: AskTerminal,
}

/// Starts the interpreter in this process, once. What plugins import after their start arrives at
/// `notes`. Also gives a way to end the call under way soon.
///
/// # Errors
/// [`StartupError`].
pub fn in_this_process(
    options: &LocalOptions,
    notes: Sender<Note>,
) -> Result<(Client, Urgency), StartupError> {
    let (requests, inbox) = unbounded();
    let (outbox, responses) = unbounded();
    let answer = move |response| outbox.send(response).is_ok();
    let PythonThread { thread, version, urgency } =
        PythonThread::start(options, notes, inbox.into_iter(), answer)?;
    let link = LocalLink { requests, responses, thread: Some(thread) };
    Ok((Client { link: Box::new(link), version, prepared: None }, urgency))
}

/// The thread that runs plugins.
pub(super) struct PythonThread {
    pub(super) thread: JoinHandle<()>,
    pub(super) version: String,
    pub(super) urgency: Urgency,
}

impl PythonThread {
    /// Starts the thread. It carries out what `requests` gives, until there are no more, the last one
    /// was carried out, or `answer` says that nobody listens.
    pub(super) fn start(
        options: &LocalOptions,
        notes: Sender<Note>,
        requests: impl Iterator<Item = Request> + Send + 'static,
        answer: impl FnMut(Response) -> bool + Send + 'static,
    ) -> Result<Self, StartupError> {
        let interpreter = Interpreter::choose(options.python.as_deref())?;
        let (expendable, tag_prints) = (options.expendable, options.tag_prints.clone());
        let terminal = options.terminal.clone();
        let prepare = move |py: Python<'_>| {
            Runtime::new(py, notes, expendable, tag_prints.as_deref(), terminal)
        };
        let (started, starting) = bounded(1);
        let failed = |error: io::Error| StartupError::Failed(error.to_string());
        let thread = thread::Builder::new()
            .name("python".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || run(&interpreter, prepare, requests, answer, &started))
            .map_err(failed)?;
        let (version, urgency) = starting
            .recv()
            .unwrap_or_else(|_| Err(StartupError::Failed("its thread ended".to_owned())))?;
        Ok(Self { thread, version, urgency })
    }
}

/// The way to that thread within one process.
struct LocalLink {
    requests: Sender<Request>,
    responses: Receiver<Response>,
    thread: Option<JoinHandle<()>>,
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
        if let Some(thread) = self.thread.take() {
            // It ends by itself after the last request; a panic there was reported where it was.
            let _ = thread.join();
        }
    }
}

type Starting = Result<(String, Urgency), StartupError>;

fn run(
    interpreter: &Interpreter,
    prepare: impl FnOnce(Python<'_>) -> PyResult<Runtime>,
    requests: impl Iterator<Item = Request>,
    mut answer: impl FnMut(Response) -> bool,
    started: &Sender<Starting>,
) {
    let runtime = interpreter.start().and_then(|version| {
        let runtime = Python::attach(prepare);
        let runtime = runtime.map_err(|error| StartupError::Failed(error.to_string()))?;
        Ok((runtime, version))
    });
    let mut runtime = match runtime {
        Ok((runtime, version)) => {
            let _ = started.send(Ok((version, runtime.urgency())));
            runtime
        }
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    for request in requests {
        let last = matches!(request, Request::Finish);
        let response = Python::attach(|py| carry_out(py, &mut runtime, request));
        if !answer(response) || last {
            break;
        }
    }
}

fn carry_out(py: Python<'_>, runtime: &mut Runtime, request: Request) -> Response {
    match request {
        Request::Compile(sources) => Response::Done(runtime.compile(py, &sources)),
        Request::Start(start) => Response::Started(Box::new(runtime.start(py, *start))),
        Request::Stop(key, slot) => Response::Stopped(runtime.stop(py, &key, slot)),
        Request::Restore(key) => Response::Done(runtime.restore(py, &key)),
        Request::Forget(key) => {
            runtime.forget(py, &key);
            Response::Done(Ok(()))
        }
        Request::Exec(key, code) => Response::Value(runtime.exec(py, &key, &code)),
        Request::Finish => {
            runtime.finish(py);
            Response::Done(Ok(()))
        }
    }
}
