//! `Supervisor` underneath: the supervisor of `replug watch` for a program that holds it.
//!
//! The Python class above owns the thread that [`Supervisor::run`] lives on, and gives functions that
//! are called there. Nothing here waits with the GIL held, and nothing that may take long waits where
//! Ctrl-C could not end it.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use std::{env, process};

use crossbeam_channel::{Receiver, Sender, bounded, never, unbounded};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::{Py, PyAny, PyResult, Python};
use pyo3::types::PyDict;
use pyo3::{pyclass, pymethods};

use super::here::Here;
use crate::cli::{RAW_EVENTS, configuration};
use crate::host::{self, ChildOptions, Host, Hurry};
use crate::model::{Event, Isolation, PluginFault, PluginId};
use crate::python::{Runtime, around};
use crate::report::{JsonLines, Report};
use crate::settings::{self, CliLayer, Settings};
use crate::supervisor::{self, Command, Configuration, Inputs, Options, Reread};
use crate::watch;

/// How long a call into a plugin in a child may go on after somebody asked to stop.
const PATIENCE: Duration = Duration::from_secs(1);

/// The supervisor of one `qtforge.core.Supervisor`.
#[pyclass(frozen, module = "qtforge._core")]
pub(super) struct Supervisor {
    layer: CliLayer,
    settings: Settings,
    /// Id to instance, if plugins run in this process.
    published: Py<PyDict>,
    commands: Sender<Command>,
    stop: Sender<()>,
    stopping: Arc<AtomicBool>,
    hurry: OnceLock<Hurry>,
    /// The other ends, until it runs.
    ends: Mutex<Option<(Receiver<Command>, Receiver<()>)>>,
    /// Ready to run.
    ready: Mutex<Option<Run>>,
    process: u32,
}

/// The loop, whatever host it is over. Takes whom to tell.
type Run = Box<dyn FnOnce(Told) + Send>;

#[pymethods]
impl Supervisor {
    /// `settings` is a JSON object with the keys of `watch.toml`; `config` names such a file.
    #[new]
    fn new(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        config: Option<PathBuf>,
        settings: &str,
    ) -> PyResult<Self> {
        let mut layer = CliLayer::new(env::current_dir().map_err(PyOSError::new_err)?);
        layer.options = settings::given(&layer.cwd, settings).map_err(PyValueError::new_err)?;
        let paths: Vec<PathBuf> = paths.iter().map(|path| layer.absolute(path)).collect();
        layer.options.paths = (!paths.is_empty()).then_some(paths);
        layer.config = config;
        let settings = load(&layer).map_err(PyValueError::new_err)?;
        let (commands, asked) = unbounded();
        let (stop, stopped) = unbounded();
        Ok(Self {
            layer,
            settings,
            published: PyDict::new(py).unbind(),
            commands,
            stop,
            stopping: Arc::default(),
            hurry: OnceLock::new(),
            ends: Mutex::new(Some((asked, stopped))),
            ready: Mutex::new(None),
            process: process::id(),
        })
    }

    /// Id to instance, if plugins run in this process: an old one until a new one is live.
    #[getter]
    fn published(&self, py: Python<'_>) -> Py<PyDict> {
        self.published.clone_ref(py)
    }

    /// Starts the process that plugins run in, if they do not run in this one.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let Some((commands, stopped)) = lock(&self.ends).take() else {
            return Err(PyRuntimeError::new_err("it was started before"));
        };
        let (raw_sender, raw) = bounded(RAW_EVENTS);
        let (note_sender, notes) = unbounded();
        let (gone_sender, gone) = unbounded();
        let inputs = Inputs {
            raw,
            sender: watch::Sender::new(raw_sender),
            notes,
            gone,
            keys: never(),
            commands,
            stop: stopped,
            stopping: self.stopping.clone(),
        };
        let run = if self.settings.isolation == Isolation::None {
            let site = around(py)?;
            let python = site.version.clone();
            let runtime = Runtime::as_guest(py, note_sender, false)?;
            let host = Here::new(runtime).published(site, self.published.clone_ref(py));
            self.over(host, python, inputs)
        } else {
            let options = ChildOptions {
                python: self.settings.python.clone(),
                log: "warn,notify=off".to_owned(),
                ..ChildOptions::default()
            };
            let spawned = py.detach(|| host::spawn(options, note_sender, gone_sender));
            let (host, hurry) =
                spawned.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
            // Set once, here; nobody else does.
            let _ = self.hurry.set(hurry);
            let python = host.version().to_owned();
            self.over(host, python, inputs)
        };
        *lock(&self.ready) = Some(run);
        Ok(())
    }

    /// Runs on this thread until it is asked to stop. `tell` is called with each event, a JSON object.
    fn run(&self, py: Python<'_>, tell: Py<PyAny>) -> PyResult<()> {
        let Some(run) = lock(&self.ready).take() else {
            return Err(PyRuntimeError::new_err("it was not started"));
        };
        py.detach(|| run(Told { tell }));
        Ok(())
    }

    /// Asks it to stop, without waiting.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| {
            self.stopping.store(true, Ordering::Relaxed);
            // If nobody is there to hear it, it has stopped.
            let _ = self.stop.send(());
            if let Some(hurry) = self.hurry.get() {
                hurry(PATIENCE);
            }
        });
    }

    /// Asks for a reload; `answer` is called with the event that it came to, a JSON object, or with
    /// None if there is no such plugin.
    fn reload(&self, py: Python<'_>, id: &str, answer: Py<PyAny>) -> PyResult<()> {
        let Some(id) = PluginId::new(id) else { return tell(py, &answer, None::<String>) };
        let answer = move |outcome: Option<(SystemTime, Event)>| {
            let line = outcome.map(|(at, event)| line(at, &event));
            Python::try_attach(|py| report(py, tell(py, &answer, line)));
        };
        py.detach(|| drop(self.commands.send(Command::Reload(id, Box::new(answer)))));
        Ok(())
    }

    /// Asks for a plugin that may be lazy; `answer` is called with whether it is live now, or with None
    /// if there is no such plugin.
    fn wake(&self, py: Python<'_>, id: &str, answer: Py<PyAny>) -> PyResult<()> {
        let Some(id) = PluginId::new(id) else { return tell(py, &answer, None::<bool>) };
        let answer = move |awake: Option<bool>| {
            Python::try_attach(|py| report(py, tell(py, &answer, awake)));
        };
        py.detach(|| drop(self.commands.send(Command::Wake(id, Box::new(answer)))));
        Ok(())
    }

    /// Asks for a call in the process that plugins run in, with a JSON list of arguments; `answer` is
    /// called with what it returns, as JSON, and with what it raised (type, message, traceback), one of
    /// which is None; or with None alone if no such plugin is live.
    fn call(
        &self,
        py: Python<'_>,
        id: &str,
        method: String,
        arguments: String,
        answer: Py<PyAny>,
    ) -> PyResult<()> {
        let Some(id) = PluginId::new(id) else { return tell(py, &answer, None::<String>) };
        let answer = move |outcome: Option<Result<String, PluginFault>>| {
            let raised = |fault: PluginFault| (fault.kind, fault.message, fault.traceback);
            let told = outcome.map(|outcome| match outcome {
                Ok(value) => (Some(value), None),
                Err(fault) => (None, Some(raised(fault))),
            });
            Python::try_attach(|py| report(py, tell(py, &answer, told)));
        };
        let command = Command::Call(id, method, arguments, Box::new(answer));
        py.detach(|| drop(self.commands.send(command)));
        Ok(())
    }
}

impl Supervisor {
    fn over<H: Host + Send + 'static>(&self, host: H, python: String, inputs: Inputs) -> Run {
        let options = Options {
            once: false,
            timings: false,
            python,
            configuration: configured(&self.layer, self.settings.clone()),
            reread: reread(self.layer.clone()),
        };
        Box::new(move |told| {
            supervisor::Supervisor::new(options, inputs, host, Box::new(told)).run();
        })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if process::id() != self.process
            && let Some(run) = lock(&self.ready).take()
        {
            // In a fork there is none of the threads that its end would wait for.
            std::mem::forget(run);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What holds: a file counts only if one was named.
fn load(layer: &CliLayer) -> Result<Settings, String> {
    match layer.config {
        Some(_) => settings::load(layer).map_err(|error| error.to_string()),
        None => Ok(settings::without_file(layer)),
    }
}

fn configured(layer: &CliLayer, settings: Settings) -> Configuration {
    let configuration = configuration(layer, settings);
    let file = configuration.file.filter(|_| layer.config.is_some());
    Configuration { file, ..configuration }
}

fn reread(layer: CliLayer) -> Reread {
    Box::new(move || Ok(configured(&layer, load(&layer)?)))
}

fn tell<'py, T: pyo3::IntoPyObject<'py>>(
    py: Python<'py>,
    answer: &Py<PyAny>,
    value: T,
) -> PyResult<()> {
    answer.call1(py, (value,)).map(drop)
}

/// Nobody is there to catch it, so Python's own hook has it.
fn report(py: Python<'_>, outcome: PyResult<()>) {
    if let Err(error) = outcome {
        error.write_unraisable(py, None);
    }
}

/// An event as the event stream has it, without the end of the line.
fn line(at: SystemTime, event: &Event) -> String {
    let mut line = Vec::new();
    // Writing to memory cannot fail.
    let _ = JsonLines::new(&mut line).event(at, event);
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

/// Tells a Python function of each event.
struct Told {
    tell: Py<PyAny>,
}

impl Report for Told {
    fn event(&mut self, at: SystemTime, event: &Event) -> io::Result<()> {
        let line = line(at, event);
        let told = Python::try_attach(|py| report(py, tell(py, &self.tell, line)));
        // If the interpreter is shutting down nobody listens.
        told.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}
