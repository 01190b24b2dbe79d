//! `PythonPluginLoader` underneath: one loader, with the whole reload transaction, for one program.
//!
//! The Python class above sees to it that one change happens at a time; reading `published` needs
//! nothing but the GIL, so it never waits for a change.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::{Bound, Py, PyAny, PyErr, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods};
use pyo3::{pyclass, pymethods};

use super::here::Here;
use crate::discovery;
use crate::host::Note;
use crate::loader::{self, Policy};
use crate::model::{
    Edit, Event, MANIFEST, Phase, Place, PluginFault, PluginId, ReloadMode, UnitChange, Verdict,
};
use crate::python::Runtime;
use crate::source::Source;

/// The plugins of one `PythonPluginLoader`.
#[pyclass(frozen, module = "qtforge._core")]
pub(super) struct Loader {
    inner: Mutex<Inner>,
    /// Id to instance, as of the last change that is complete.
    published: Py<PyDict>,
}

struct Inner {
    loader: loader::Loader<Here>,
    notes: Receiver<Note>,
}

/// What a change came to: the id that is live afterwards, what failed, and what a person should know.
#[derive(Default)]
struct Outcome {
    id: Option<PluginId>,
    failures: Vec<(Option<PluginId>, PathBuf, PluginFault)>,
    warnings: Vec<String>,
}

impl Outcome {
    fn take_in(&mut self, event: Event) {
        match event {
            Event::Failed { id, path, fault, .. } => self.failures.push((id, path, fault)),
            Event::Warned { id, warning } => {
                let about = id.map(|id| format!("{id}: ")).unwrap_or_default();
                self.warnings.push(format!("{about}{}", warning.message));
            }
            _ => {}
        }
    }

    fn failed(mut self, path: &Path, fault: PluginFault) -> Self {
        self.failures.push((None, path.to_owned(), fault));
        self
    }
}

#[pymethods]
impl Loader {
    #[new]
    fn new(py: Python<'_>, timeout: f64, shutdown_timeout: f64, mode: &str) -> PyResult<Self> {
        let mode = match mode {
            "exclusive" => ReloadMode::Exclusive,
            "overlap" => ReloadMode::Overlap,
            other => {
                let message = format!("mode: {other:?} is neither \"exclusive\" nor \"overlap\"");
                return Err(PyValueError::new_err(message));
            }
        };
        let policy = Policy {
            timeout: seconds("timeout", timeout)?,
            shutdown_timeout: seconds("shutdown_timeout", shutdown_timeout)?,
            mode,
            ..Policy::default()
        };
        let (sender, notes) = unbounded();
        let runtime = Runtime::as_guest(py, sender, true)?;
        let loader = loader::Loader::new(Here::new(runtime), policy);
        let inner = Mutex::new(Inner { loader, notes });
        Ok(Self { inner, published: PyDict::new(py).unbind() })
    }

    /// Id to instance; never changed while a change is under way.
    #[getter]
    fn published(&self, py: Python<'_>) -> Py<PyDict> {
        self.published.clone_ref(py)
    }

    /// Loads what is at `path`; a plugin from there that is loaded is reloaded.
    fn load<'py>(&self, py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyDict>> {
        self.change(py, |inner| inner.load(&path))
    }

    /// Gives a plugin a new generation from what is on disk now; `None` if it is not known.
    fn reload<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(unit) = self.unit(py, id) else { return Ok(None) };
        self.change(py, |inner| inner.renew(&unit)).map(Some)
    }

    /// Ends a plugin; `None` if it is not known.
    fn unload<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(unit) = self.unit(py, id) else { return Ok(None) };
        self.change(py, |inner| inner.forget(&unit)).map(Some)
    }
}

impl Loader {
    fn unit(&self, py: Python<'_>, id: &str) -> Option<PathBuf> {
        let id = PluginId::new(id)?;
        py.detach(|| lock(&self.inner).loader.unit_of(&id))
    }

    /// Carries a change out without the GIL, and publishes what is live afterwards.
    fn change<'py>(
        &self,
        py: Python<'py>,
        change: impl FnOnce(&mut Inner) -> Outcome + Send,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (outcome, cause) = py.detach(|| {
            let mut inner = lock(&self.inner);
            // The last fault of another change says nothing about this one.
            drop(inner.loader.host_mut().runtime.take_cause());
            inner.take_notes();
            let outcome = change(&mut inner);
            let cause = inner.loader.host_mut().runtime.take_cause();
            (outcome, cause)
        });
        self.publish(py)?;
        tell(py, outcome, cause)
    }

    fn publish(&self, py: Python<'_>) -> PyResult<()> {
        let live = py.detach(|| {
            let mut inner = lock(&self.inner);
            Python::attach(|py| inner.loader.host_mut().runtime.instances(py))
        });
        let published = self.published.bind(py);
        for id in published.keys() {
            let id: String = pyo3::prelude::PyAnyMethods::extract(&id)?;
            if !live.iter().any(|(other, _)| other.as_str() == id) {
                published.del_item(id)?;
            }
        }
        for (id, instance) in live {
            published.set_item(id.as_str(), instance)?;
        }
        Ok(())
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// What plugins imported since the last change belongs to them as well.
    fn take_notes(&mut self) {
        while let Ok(note) = self.notes.try_recv() {
            self.loader.note(note, &mut |_| {});
        }
    }

    fn load(&mut self, path: &Path) -> Outcome {
        let found = match look_at(path) {
            Ok(found) => found,
            Err(fault) => return Outcome::default().failed(path, fault),
        };
        let unit = found.unit.clone();
        if self.loader.at(&unit).is_some_and(|(_, live)| live) {
            return self.renew(&unit);
        }
        let mut outcome = Outcome::default();
        let edit = Edit { units: vec![found], ..Edit::nothing() };
        self.loader.apply(edit, &mut |event| outcome.take_in(event));
        if outcome.failures.is_empty()
            && let Some(id) = self.id_at(&unit)
        {
            // A lazy one is asked for by this.
            self.loader.wake(&id, &mut |event| outcome.take_in(event));
        }
        if self.loader.at(&unit).is_some_and(|(_, live)| live) {
            outcome.id = self.id_at(&unit);
        } else {
            // Nothing of a failed load stays, or it might load by itself some day.
            self.forget(&unit);
        }
        outcome
    }

    /// A new generation of what is at `unit`, from what is on disk now.
    fn renew(&mut self, unit: &Path) -> Outcome {
        let mut outcome = Outcome::default();
        let Some((key, _)) = self.loader.at(unit) else { return outcome };
        let mut edit = Edit::nothing();
        for (path, known) in self.loader.files_of(&key) {
            let read = Source::read(&path).ok();
            if read.as_ref().map(|source| source.hash) != known {
                edit.changed.insert(path, read);
            }
        }
        let entry = self.loader.entry_of(&key).unwrap_or_else(|| unit.to_owned());
        match look_again(&entry, self.loader.has_own_id(&key)) {
            Ok(found) => edit.units.push(found),
            Err(fault) => return outcome.failed(&entry, fault),
        }
        self.loader.renew(edit, &key, &mut |event| outcome.take_in(event));
        if self.loader.at(unit).is_some_and(|(_, live)| live) {
            outcome.id = self.id_at(unit);
        }
        outcome
    }

    fn forget(&mut self, unit: &Path) -> Outcome {
        let mut outcome = Outcome::default();
        let gone =
            UnitChange { unit: unit.to_owned(), verdict: None, entry: None, entry_path: None };
        let edit = Edit { units: vec![gone], ..Edit::nothing() };
        self.loader.apply(edit, &mut |event| outcome.take_in(event));
        outcome
    }

    fn id_at(&self, unit: &Path) -> Option<PluginId> {
        let (key, _) = self.loader.at(unit)?;
        self.loader.id_of(&key)
    }
}

/// What a path that somebody named is: a file, a file of a folder with `plugin.json`, or that folder.
pub(crate) fn look_at(path: &Path) -> Result<UnitChange, PluginFault> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        let message = format!("cannot read {}: {error}", path.display());
        PluginFault::new(Phase::Read, "ReadError", message).at(Place::file(path))
    };
    let path = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
    let is_folder = path.is_dir();
    let folder = if is_folder { path.as_path() } else { path.parent().unwrap_or(&path) };
    let manifest = Source::read(&folder.join(MANIFEST));
    match manifest {
        Ok(manifest) => {
            let found = if is_folder {
                discovery::classify_folder(&manifest, &|_| true, &mut Source::read)
            } else {
                discovery::classify_folder_with(&manifest, &path)
            };
            let unit = folder.to_owned();
            let discovery::FolderVerdict { verdict, entry, entry_path } = found;
            Ok(UnitChange { unit, verdict: Some(verdict), entry, entry_path })
        }
        Err(error) if is_folder => Err(unreadable(&folder.join(MANIFEST), &error)),
        Err(_) => {
            let source = Source::read(&path).map_err(|error| unreadable(&path, &error))?;
            let verdict = match discovery::classify_named_file(&source) {
                Verdict::NotAPlugin => {
                    let message = "no id can be made of the name of this file; give it one with \
                                   PLUGIN_METADATA";
                    let fault = PluginFault::new(Phase::Metadata, "InvalidMetadata", message);
                    return Err(fault.at(Place::file(&path)));
                }
                verdict => verdict,
            };
            let (verdict, entry) = (Some(verdict), Some(source));
            Ok(UnitChange { unit: path, verdict, entry, entry_path: None })
        }
    }
}

/// The same for a plugin that is loaded. One that said its id itself is still that plugin if its file
/// does not any more: it has failed, and no other one has come.
pub(crate) fn look_again(path: &Path, has_own_id: bool) -> Result<UnitChange, PluginFault> {
    let mut found = look_at(path)?;
    if has_own_id
        && let Some(Verdict::Plugin(candidate)) = &found.verdict
        && candidate.provisional
    {
        let message = "the file does not read as a plugin any more";
        let fault = PluginFault::new(Phase::Metadata, "InvalidMetadata", message);
        let (id, otherwise) = (Some(candidate.id.clone()), Box::new(Verdict::NotAPlugin));
        // What Python says of it comes first: it may not even parse.
        found.verdict = Some(Verdict::Unparsed { id, fault, otherwise });
    }
    Ok(found)
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    let duration = Duration::try_from_secs_f64(value).ok().filter(|it| !it.is_zero());
    duration.filter(|it| Instant::now().checked_add(*it).is_some()).ok_or_else(|| {
        PyValueError::new_err(format!("{name}: {value} is no number of seconds above 0"))
    })
}

/// The outcome for Python: `id`, `failures`, `warnings`, and the exception behind the last failure.
fn tell<'py>(
    py: Python<'py>,
    outcome: Outcome,
    cause: Option<PyErr>,
) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("id", outcome.id.as_ref().map(PluginId::as_str))?;
    told.set_item("warnings", outcome.warnings)?;
    let mut failures: Vec<Bound<'py, PyDict>> = Vec::new();
    for (id, path, fault) in outcome.failures {
        let failure = PyDict::new(py);
        failure.set_item("id", id.as_ref().map(PluginId::as_str))?;
        failure.set_item("path", path.as_os_str())?;
        failure.set_item("phase", fault.phase.as_str())?;
        failure.set_item("type", &fault.kind)?;
        failure.set_item("message", &fault.message)?;
        let place = fault.place.as_ref();
        failure.set_item("file", place.map(|place| place.file.as_os_str()))?;
        failure.set_item("line", place.and_then(|place| place.line))?;
        failure.set_item("traceback", fault.traceback)?;
        failures.push(failure);
    }
    told.set_item("failures", failures)?;
    let cause: Option<Py<PyAny>> = cause.map(|error| error.into_value(py).into_any());
    told.set_item("cause", cause)?;
    Ok(told)
}
