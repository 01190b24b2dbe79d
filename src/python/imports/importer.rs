//! The private import machinery of one generation of a plugin: its modules, and what is known of them.
//!
//! An [`Importer`] is the `__import__` of all modules of one generation. Own modules live under the
//! plugin's package in `sys.modules` and in a table of the generation, so that two generations that
//! are alive at once each see their own.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crossbeam_channel::Sender;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::pyclass;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyDictMethods, PyModuleMethods};

use super::carry::{Borrowed, Carrying};
use super::code::CodeCache;
use super::graph::Names;
use super::lines::Pinned;
use super::names::{self, PackageNames};
use super::origin::Origin;
use super::paths::AddedPaths;
use super::shared::Commons;
use super::store::CodeStore;
use super::timed::Clock;
use crate::host::{Input, Note, Trace};
use crate::model::{Generation, Phase, PluginId, Warning};
use crate::python::filters::AddedFilters;
use crate::source::{ReadError, Source};

/// What all importers of one process share.
pub(crate) struct Shared {
    pub(crate) codes: Mutex<CodeCache>,
    /// Compiled code that outlives the process, if it is kept.
    pub(crate) store: OnceLock<Arc<CodeStore>>,
    pub(crate) names: Mutex<PackageNames>,
    pub(crate) pinned: Mutex<Pinned>,
    pub(crate) standard_library: HashSet<String>,
    pub(crate) extension_suffixes: Vec<String>,
    /// The modules that all plugins share.
    pub(crate) commons: Commons,
    /// The generation of each package that `sys.modules` shows.
    pub(crate) newest: Mutex<HashMap<String, Py<Importer>>>,
}

impl Shared {
    /// Of this process; the first call prepares its interpreter.
    pub(crate) fn of_process(py: Python<'_>) -> PyResult<Arc<Self>> {
        static SHARED: PyOnceLock<Arc<Shared>> = PyOnceLock::new();
        let shared = SHARED.get_or_try_init(py, || {
            let suffixes = py.import("importlib.machinery")?.getattr("EXTENSION_SUFFIXES")?;
            let shared = Arc::new(Self {
                codes: Mutex::new(CodeCache::default()),
                store: OnceLock::new(),
                names: Mutex::new(PackageNames::default()),
                pinned: Mutex::default(),
                standard_library: names::standard_library(py)?,
                extension_suffixes: suffixes.extract()?,
                commons: Commons::default(),
                newest: Mutex::new(HashMap::new()),
            });
            super::loader::install(py, &shared)?;
            PyResult::Ok(shared)
        })?;
        Ok(shared.clone())
    }
}

/// Which generation of which plugin.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key: PluginId,
    pub(crate) generation: Generation,
    pub(crate) package: String,
    pub(crate) home: PathBuf,
    pub(crate) entry: PathBuf,
}

/// The private import machinery of one generation; callable as its `__import__`.
#[pyclass(frozen, weakref, module = "qtforge")]
pub(crate) struct Importer {
    pub(crate) identity: Identity,
    pub(super) shared: Arc<Shared>,
    notes: Sender<Note>,
    /// Full name to module.
    pub(super) modules: Py<PyDict>,
    /// The builtins that the modules see: Python's, with this importer as `__import__`.
    pub(super) builtins: Py<PyDict>,
    /// What may go over to the next generation, if anything may.
    pub(super) carrying: OnceLock<Carrying>,
    pub(super) state: Mutex<State>,
    /// Whether `sys.modules` shows this generation.
    pub(super) newest: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    /// Contents that the supervisor sent along.
    pub(super) given: HashMap<PathBuf, Source>,
    /// Everything that was executed.
    pub(super) executed: HashMap<PathBuf, Source>,
    /// Full names whose bodies are running.
    pub(super) importing: HashSet<String>,
    /// Top-level names that were decided already.
    pub(super) origins: HashMap<String, Origin>,
    pub(super) trace: Trace,
    /// Files of its own that it has written.
    pub(super) written: HashSet<PathBuf>,
    pub(super) warnings: Vec<Warning>,
    /// Shared modules that it is known to use.
    pub(super) uses: HashSet<String>,
    /// The start is over: what comes now is told at once.
    pub(super) settled: bool,
    /// The exception that one of our own files caused by not being readable or not being Python.
    pub(super) broken: Option<(Phase, PathBuf, Py<PyAny>)>,
    /// `sys.path` entries that this plugin added: before and after everybody's.
    pub(super) paths: AddedPaths,
    /// Filters of warnings that this plugin added.
    pub(super) filters: Option<Arc<AddedFilters>>,
    /// Who imported what, if anything may be carried.
    pub(super) names: Names,
    pub(super) borrowed: Borrowed,
    pub(super) clock: Option<Clock>,
    /// Modules of which was told that they can never be carried.
    pub(super) uncarried: HashSet<String>,
}

/// The data behind a lock. A thread that panicked left it whole: it is plain data.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Importer {
    /// An importer without modules. `given` are contents that need not be read.
    pub(crate) fn new<'py>(
        py: Python<'py>,
        identity: Identity,
        given: Vec<Source>,
        shared: Arc<Shared>,
        notes: Sender<Note>,
    ) -> PyResult<Bound<'py, Self>> {
        let builtins = py.import("builtins")?.dict().copy()?;
        let given = given.into_iter().map(|source| (source.path.clone(), source)).collect();
        let importer = Bound::new(
            py,
            Self {
                identity,
                shared,
                notes,
                modules: PyDict::new(py).unbind(),
                builtins: builtins.clone().unbind(),
                carrying: OnceLock::new(),
                state: Mutex::new(State { given, ..State::default() }),
                newest: AtomicBool::new(false),
            },
        )?;
        builtins.set_item("__import__", &importer)?;
        Ok(importer)
    }

    /// What was reached for since the last time; what comes later is sent as a [`Note`] if
    /// `settled`.
    pub(crate) fn take_trace(&self, settled: bool) -> (Trace, Vec<Warning>) {
        let mut state = lock(&self.state);
        state.settled = settled;
        state.given.clear();
        (std::mem::take(&mut state.trace), std::mem::take(&mut state.warnings))
    }

    /// The phase and file to blame, if `error` came from an own file that is not readable Python.
    pub(crate) fn blamed(&self, py: Python<'_>, error: &PyErr) -> Option<(Phase, PathBuf)> {
        let broken = lock(&self.state).broken.take()?;
        broken.2.is(error.value(py)).then_some((broken.0, broken.1))
    }

    /// The content of an own file, or of a shared one, as it was executed.
    pub(crate) fn executed(&self, path: &Path) -> Option<Source> {
        let own = lock(&self.state).executed.get(path).cloned();
        own.or_else(|| self.shared.commons.executed(path))
    }

    /// The own files that were executed.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        lock(&self.state).executed.keys().cloned().collect()
    }

    /// A text that is about to be executed beside the plugin; tracebacks show its lines.
    pub(crate) fn add_text(&self, name: &str, text: &str) {
        let source = Source::new(name, text.as_bytes().to_vec());
        lock(&self.state).executed.insert(source.path.clone(), source);
    }

    /// The builtins of the plugin's modules, with its own `__import__`.
    pub(crate) fn builtins<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.builtins.bind(py).clone()
    }

    pub(crate) fn paths(&self) -> AddedPaths {
        lock(&self.state).paths.clone()
    }

    pub(crate) fn set_paths(&self, paths: AddedPaths) {
        lock(&self.state).paths = paths;
    }

    pub(crate) fn filters(&self) -> Option<Arc<AddedFilters>> {
        lock(&self.state).filters.clone()
    }

    pub(crate) fn set_filters(&self, filters: Option<Arc<AddedFilters>>) {
        let before = std::mem::replace(&mut lock(&self.state).filters, filters);
        drop(before);
    }

    /// A full name as the plugin's author would write it.
    pub(crate) fn plain<'a>(&self, full: &'a str) -> &'a str {
        full.strip_prefix(&self.identity.package)
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(full)
    }

    pub(super) fn source(&self, path: &Path) -> Result<Source, ReadError> {
        {
            let state = lock(&self.state);
            if let Some(source) = state.executed.get(path).or_else(|| state.given.get(path)) {
                return Ok(source.clone());
            }
        }
        Source::read(path)
    }

    /// The exception of an import that failed holds the frames that it went through.
    pub(crate) fn forget_fault(&self) {
        let broken = lock(&self.state).broken.take();
        drop(broken);
    }

    pub(super) fn blame(&self, py: Python<'_>, phase: Phase, path: &Path, error: PyErr) -> PyErr {
        let value = error.value(py).clone().into_any().unbind();
        lock(&self.state).broken = Some((phase, path.to_owned(), value));
        error
    }

    pub(super) fn tell(&self, trace: Trace) {
        let mut state = lock(&self.state);
        if state.settled {
            // The receiver is gone only when everything ends.
            let _ = self.notes.send(Note {
                key: Some(self.identity.key.clone()),
                generation: self.identity.generation,
                trace,
            });
        } else {
            state.trace.extend(trace);
        }
    }

    /// The plugin is about to read a file of its own, and these modules of it are at work. That counts
    /// until it is live.
    pub(crate) fn note_input(&self, path: PathBuf, readers: Vec<String>) {
        let known = {
            let state = lock(&self.state);
            if state.settled {
                return;
            }
            state.trace.inputs.iter().find(|input| input.path == path).cloned()
        };
        let is_known = known.is_some();
        let Some(input) = known.or_else(|| as_it_is(path)) else { return };
        for reader in readers {
            self.learn(&reader, |name| name.inputs.push(input.clone()));
        }
        if !is_known {
            self.tell(Trace { inputs: vec![input], ..Trace::default() });
        }
    }

    /// The plugin is about to write a file of its own, so an edit of it is none of a person's.
    pub(crate) fn note_written(&self, path: PathBuf) {
        if lock(&self.state).written.insert(path.clone()) {
            self.tell(Trace { wrote: vec![path], ..Trace::default() });
        }
    }

    /// A thread of the plugin waits for a service that nobody offers.
    pub(crate) fn wish(&self, service: String) {
        self.tell(Trace { wishes: vec![service], ..Trace::default() });
    }

    pub(super) fn miss(&self, full: &str, missed: Vec<PathBuf>) {
        self.learn(full, |name| name.missed.clone_from(&missed));
        self.tell(Trace { missed, ..Trace::default() });
    }
}

/// A file as it is now; `None` if it is a folder or a device, or may not be read: there is nothing to
/// follow.
fn as_it_is(path: PathBuf) -> Option<Input> {
    let hash = match Source::read_any(&path) {
        Ok(source) => Some(source.hash),
        Err(ReadError::Missing) => None,
        Err(_) => return None,
    };
    Some(Input { path, hash })
}
