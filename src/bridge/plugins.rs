//! The plugins that one host program has loaded: the loader of the supervisor over a host in this
//! process, as `qtforge._bridge` asks for it.
//!
//! Used on Python's main thread only, but for [`Plugins::tell`]. A plugin that finds its way here
//! while it is called is refused.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::SystemTime;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::{Bound, Py, PyAny, PyResult, Python};
use pyo3::types::{PyDict, PyDictMethods};
use pyo3::{pyclass, pymethods};

use super::Answers;
use super::edits::{Changed, News};
use crate::host::Note;
use crate::loader::{Imported, Loader, Policy};
use crate::model::{Edit, Event, MANIFEST, PluginFault, PluginId, Site, UnitChange, Verdict};
use crate::python::Runtime;
use crate::report::{JsonLines, Report};
use crate::source::Source;
use crate::wheel::{Here, look_again, look_at};

/// See the module.
#[pyclass(frozen, module = "qtforge._bridge")]
pub(super) struct Plugins {
    inner: Mutex<Inner>,
    answers: Answers,
}

struct Inner {
    loader: Loader<Here>,
    /// By unit, the id that a plugin has which does not say one.
    named: HashMap<PathBuf, PluginId>,
    /// What was executed since somebody asked.
    imported: Vec<Imported>,
}

/// What a piece of a plugin's code gave, or why it failed.
type Ran<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyDict>>);

/// What a change came to.
#[derive(Default)]
struct Outcome {
    id: Option<PluginId>,
    failures: Vec<PluginFault>,
    events: Vec<String>,
}

impl Outcome {
    fn take_in(&mut self, event: Event) {
        if let Event::Warned { id, warning } = &event {
            let about = id.as_ref().map(|id| format!("{id}: ")).unwrap_or_default();
            tracing::warn!("{about}{}", warning.message);
        }
        let mut line = Vec::new();
        if JsonLines::new(&mut line).event(SystemTime::now(), &event).is_ok() {
            self.events.push(String::from_utf8_lossy(&line).into_owned());
        }
        if let Event::Failed { fault, .. } = event {
            self.failures.push(fault);
        }
    }

    fn failed(mut self, fault: PluginFault) -> Self {
        self.failures.push(fault);
        self
    }
}

#[pymethods]
impl Plugins {
    /// Loads what is at `path`; a plugin from there that is loaded is reloaded. `wanted` names the
    /// class or the factory; one without an id of its own is called `id`, or like its file.
    fn load<'py>(
        &self,
        py: Python<'py>,
        path: PathBuf,
        wanted: &str,
        id: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let id = id.and_then(PluginId::new);
        let outcome = self.change(py, |inner| inner.load(&path, wanted, id))?;
        tell(py, outcome)
    }

    /// Gives a plugin a new generation from what is on disk now; `None` if it is not loaded.
    fn reload<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let renew = |inner: &mut Inner| Some(inner.renew(&inner.unit(id)?));
        self.change(py, renew)?.map(|outcome| tell(py, outcome)).transpose()
    }

    /// Ends a plugin; `None` if it is not loaded.
    fn unload<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Option<Bound<'py, PyDict>>> {
        let forget = |inner: &mut Inner| Some(inner.forget(&inner.unit(id)?));
        self.change(py, forget)?.map(|outcome| tell(py, outcome)).transpose()
    }

    /// Ends all plugins, dependents first; the events.
    fn stop(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.change(py, |inner| {
            let mut outcome = Outcome::default();
            inner.loader.stop(&mut |event| outcome.take_in(event));
            outcome.events
        })
    }

    /// The instance of a plugin, if it is loaded.
    fn instance(&self, py: Python<'_>, id: &str) -> PyResult<Option<Py<PyAny>>> {
        let mut inner = self.lock()?;
        let instances = inner.loader.host_mut().runtime.instances(py);
        Ok(instances.into_iter().find(|(known, _)| known.as_str() == id).map(|(_, it)| it))
    }

    /// The metadata of a plugin that is written down, as a JSON object.
    fn said(&self, id: &str) -> PyResult<String> {
        let inner = self.lock()?;
        let said = PluginId::new(id).and_then(|id| inner.loader.fields_of(&id));
        Ok(serde_json::Value::Object(said.unwrap_or_default()).to_string())
    }

    /// Calls `body`, which runs code of that plugin, for the time that its phases have; what it gave,
    /// or what failed. Without a plugin, what it raises is told in short.
    fn run<'py>(
        &self,
        py: Python<'py>,
        id: Option<&str>,
        body: &Bound<'py, PyAny>,
    ) -> PyResult<Ran<'py>> {
        let mut inner = self.lock()?;
        let limit = inner.loader.policy().timeout;
        let key = id.and_then(PluginId::new).and_then(|id| inner.loader.key_of(&id));
        match inner.loader.host_mut().runtime.run(py, key.as_ref(), limit, body) {
            Ok(value) => Ok((Some(value), None)),
            Err(fault) => Ok((None, Some(failure(py, &fault)?))),
        }
    }

    /// Writes a line to the program; on any thread.
    fn tell(&self, py: Python<'_>, line: Vec<u8>) {
        let told = py.detach(|| self.answers.line(&line));
        if let Err(error) = told {
            tracing::debug!(%error, "nobody reads what is told");
        }
    }
}

impl Plugins {
    pub(super) fn new(
        py: Python<'_>,
        runtime: Runtime,
        site: Site,
        policy: Policy,
        answers: Answers,
    ) -> Self {
        let here = Here::new(runtime).published(site, PyDict::new(py).unbind());
        let loader = Loader::new(here, policy);
        Self {
            inner: Mutex::new(Inner { loader, named: HashMap::new(), imported: Vec::new() }),
            answers,
        }
    }

    /// What a plugin imported long after its start belongs to it as well.
    pub(super) fn note(&self, note: Note) {
        if let Ok(mut inner) = self.lock() {
            let imported = inner.loader.note(note, &mut |_| {});
            inner.imported.extend(imported);
        }
    }

    /// What plugins were made of and have reached for since the last time.
    pub(super) fn news(&self) -> Option<(Vec<Imported>, News)> {
        let mut inner = self.lock().ok()?;
        let mut imported = std::mem::take(&mut inner.imported);
        let files = inner.loader.take_news();
        if !files.is_empty() {
            // What was read here and sent along is not told as imported.
            let known =
                inner.loader.standings().into_iter().flat_map(|it| inner.loader.files_of(&it.key));
            let new = known.filter(|(path, _)| files.iter().any(|(file, _)| file == path));
            imported.extend(new.filter_map(|(path, hash)| Some(Imported { path, hash: hash? })));
        }
        let patterns = inner.loader.take_patterns();
        Some((imported, News { files, patterns, missed: inner.loader.missed() }))
    }

    /// These files were edited; what became of the plugins.
    pub(super) fn edited(&self, py: Python<'_>, changed: Changed) -> PyResult<Vec<String>> {
        self.change(py, |inner| inner.edited(changed).events)
    }

    /// Ends what is left, and runs what is to run before the process ends.
    pub(super) fn finish(&self, py: Python<'_>) {
        if let Err(error) = self.stop(py) {
            tracing::error!(%error, "the plugins could not be ended");
        }
        if let Ok(mut inner) = self.lock() {
            inner.loader.host_mut().runtime.finish(py);
        }
    }

    fn lock(&self) -> PyResult<MutexGuard<'_, Inner>> {
        match self.inner.try_lock() {
            Ok(inner) => Ok(inner),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("a plugin is being called or changed"))
            }
        }
    }

    /// Carries a change out without the GIL.
    fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut Inner) -> T + Send,
    ) -> PyResult<T> {
        let mut inner = self.lock()?;
        let inner = &mut *inner;
        Ok(py.detach(|| change(inner)))
    }
}

impl Inner {
    fn unit(&self, id: &str) -> Option<PathBuf> {
        self.loader.unit_of(&PluginId::new(id)?)
    }

    fn is_live(&self, unit: &Path) -> bool {
        self.loader.at(unit).is_some_and(|(_, live)| live)
    }

    fn load(&mut self, path: &Path, wanted: &str, id: Option<PluginId>) -> Outcome {
        let mut found = match look_at(path) {
            Ok(found) => found,
            Err(fault) => return Outcome::default().failed(fault),
        };
        let unit = found.unit.clone();
        let before = self.want(&found, wanted);
        if self.is_live(&unit) {
            let outcome = self.renew(&unit);
            if !outcome.failures.is_empty() {
                self.want(&found, &before);
            }
            return outcome;
        }
        if let Some(id) = id.or_else(|| id_of(&unit)) {
            self.named.insert(unit.clone(), id);
        }
        self.name(&mut found);
        let mut outcome = Outcome::default();
        let edit = Edit { units: vec![found], ..Edit::nothing() };
        self.apply(edit, &mut outcome);
        if outcome.failures.is_empty()
            && let Some(id) = self.id_at(&unit)
        {
            // A lazy one is asked for by this.
            self.loader.wake(&id, &mut |event| outcome.take_in(event));
        }
        if self.is_live(&unit) {
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
            Ok(mut found) => {
                self.name(&mut found);
                edit.units.push(found);
            }
            Err(fault) => return outcome.failed(fault),
        }
        let imported = self.loader.renew(edit, &key, &mut |event| outcome.take_in(event));
        self.imported.extend(imported);
        if self.is_live(unit) {
            outcome.id = self.id_at(unit);
        }
        outcome
    }

    fn forget(&mut self, unit: &Path) -> Outcome {
        let mut outcome = Outcome::default();
        let gone =
            UnitChange { unit: unit.to_owned(), verdict: None, entry: None, entry_path: None };
        let edit = Edit { units: vec![gone], ..Edit::nothing() };
        self.apply(edit, &mut outcome);
        outcome
    }

    /// Brings what is loaded in line with files that were edited.
    fn edited(&mut self, changed: Changed) -> Outcome {
        let mut edit = Edit { changed, ..Edit::nothing() };
        for plugin in self.loader.standings() {
            let Some(unit) = self.loader.unit_of(&plugin.id) else { continue };
            let entry = plugin.path;
            let concerns = |path: &Path| edit.changed.contains_key(path);
            if !concerns(&entry) && !concerns(&unit.join(MANIFEST)) {
                continue;
            }
            match look_again(&entry, self.loader.has_own_id(&plugin.key)) {
                Ok(mut found) if found.unit == unit => {
                    self.name(&mut found);
                    // What is parsed here is what is compiled.
                    if let Some(source) = &found.entry
                        && edit.changed.contains_key(&source.path)
                    {
                        edit.changed.insert(source.path.clone(), Some(source.clone()));
                    }
                    edit.units.push(found);
                }
                _ => edit.units.push(UnitChange {
                    unit,
                    verdict: None,
                    entry: None,
                    entry_path: None,
                }),
            }
        }
        let mut outcome = Outcome::default();
        self.apply(edit, &mut outcome);
        outcome
    }

    fn apply(&mut self, edit: Edit, outcome: &mut Outcome) {
        let imported = self.loader.apply(edit, &mut |event| outcome.take_in(event));
        self.imported.extend(imported);
    }

    fn id_at(&self, unit: &Path) -> Option<PluginId> {
        let (key, _) = self.loader.at(unit)?;
        self.loader.id_of(&key)
    }

    /// The class or factory to make the instance with from now on; what it was.
    fn want(&mut self, found: &UnitChange, wanted: &str) -> String {
        let Some(entry) = &found.entry else { return String::new() };
        self.loader.host_mut().runtime.want(&entry.path, wanted)
    }

    /// Gives a plugin that does not say its id the one that it was named.
    fn name(&self, found: &mut UnitChange) {
        let Some(id) = self.named.get(&found.unit) else { return };
        let mut verdict = found.verdict.as_mut();
        while let Some(Verdict::Unparsed { otherwise, .. }) = verdict {
            verdict = Some(&mut **otherwise);
        }
        if let Some(Verdict::Plugin(candidate)) = verdict
            && candidate.provisional
        {
            candidate.id = id.clone();
        }
    }
}

/// The id of a plugin that has none: the stem of its file, as far as it can be one.
fn id_of(unit: &Path) -> Option<PluginId> {
    let stem = unit.file_stem()?.to_string_lossy();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    PluginId::new(&stem.chars().map(|c| if fits(c) { c } else { '_' }).collect::<String>())
}

fn tell(py: Python<'_>, outcome: Outcome) -> PyResult<Bound<'_, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("id", outcome.id.as_ref().map(PluginId::as_str))?;
    told.set_item("events", outcome.events)?;
    let failures = outcome.failures.iter().map(|fault| failure(py, fault));
    told.set_item("failures", failures.collect::<PyResult<Vec<_>>>()?)?;
    Ok(told)
}

fn failure<'py>(py: Python<'py>, fault: &PluginFault) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    let place = fault.place.as_ref();
    told.set_item("type", &fault.kind)?;
    told.set_item("message", &fault.message)?;
    told.set_item("file", place.map(|place| place.file.to_string_lossy()))?;
    told.set_item("line", place.and_then(|place| place.line))?;
    told.set_item("traceback", fault.traceback.as_deref())?;
    Ok(told)
}
