//! The start of one generation, step by step: import, create, metadata, initialize.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pyo3::prelude::{Bound, PyAny, PyResult, Python};
use pyo3::types::PyModule;
use serde_json::{Map, Value};

use super::call::Called;
use super::imports::Importer;
use super::instance::{self, Made};
use super::runtime::{Running, Runtime};
use super::waking::{Asker, Wake};
use super::{context, fault, life};
use crate::host::Start;
use crate::model::{FieldFault, Fields, Phase, Place, PluginFault, PluginId, check_fields, merge};

impl Runtime {
    pub(super) fn start_with(
        &self,
        start: &Start,
        importer: &Bound<'_, Importer>,
        needs: &mut Vec<PluginId>,
    ) -> Result<(Fields, Running), PluginFault> {
        let module = self.phase(importer, Phase::Import, start.limits.phase, |_| {
            Importer::import_entry(importer)
        })?;
        let instance = self.create(start, importer, &module)?;
        let fields = self.metadata(start, importer, &module, &instance)?;
        let id = self.runtime_id(start, &fields)?;
        let metadata = check_fields(&fields, &id).map_err(|fault| unusable(start, fault))?;
        self.needs(start, metadata.dependencies, needs)?;
        let asker = Asker::new(importer).map_err(|error| {
            fault::describe(importer.py(), &error, Phase::Initialize, importer.get())
        })?;
        if self.by_user {
            let context = self.follow(start, importer, &instance)?.unbind();
            let (importer, instance) = (importer.clone().unbind(), instance.unbind());
            let (limits, undone) = (start.limits, Mutex::default());
            let ended = AtomicBool::new(false);
            let running = Running { id, importer, instance, context, asker, limits, ended, undone };
            return Ok((fields, running));
        }
        let configuration = configuration(start, &fields, &id);
        let context = self.context(importer, start, &id, &configuration, &asker)?;
        let refused = self.phase(importer, Phase::Initialize, start.limits.phase, |_| {
            if let Some(undo) = &self.undo {
                undo.imported(importer)?;
            }
            instance::initialize(&instance, &context)
        });
        let fault = match refused {
            Ok(None) => {
                let running = Running {
                    id,
                    importer: importer.clone().unbind(),
                    instance: instance.unbind(),
                    context: context.unbind(),
                    asker,
                    limits: start.limits,
                    ended: AtomicBool::new(false),
                    undone: Mutex::default(),
                };
                return Ok((fields, running));
            }
            Ok(Some(message)) => refusal(&message, importer.get()),
            Err(fault) => fault,
        };
        self.waking.ends(&asker);
        self.dispose(importer, &context, start.limits.shutdown);
        Err(fault)
    }

    /// What the program that loaded it did with the generation before, done with this one.
    fn follow<'py>(
        &self,
        start: &Start,
        importer: &Bound<'py, Importer>,
        instance: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>, PluginFault> {
        let py = importer.py();
        let limit = start.limits.phase;
        let life = self.phase(importer, Phase::Create, limit, |_| life::new(instance))?;
        let before = self.latest(&start.key);
        let Some(before) = before.as_ref().map(|running| running.context.bind(py)) else {
            return Ok(life);
        };
        let followed =
            self.phase(importer, Phase::Initialize, limit, |_| life::follow(&life, before));
        let fault = match followed {
            Ok(None) => return Ok(life),
            Ok(Some(message)) => refusal(&message, importer.get()),
            Err(fault) => fault,
        };
        self.dispose(importer, &life, start.limits.shutdown);
        self.phase(importer, Phase::Initialize, limit, |_| life::abandon(&life))?;
        Err(fault)
    }

    fn create<'py>(
        &self,
        start: &Start,
        importer: &Bound<'py, Importer>,
        module: &Bound<'py, PyModule>,
    ) -> Result<Bound<'py, PyAny>, PluginFault> {
        let class = start.class.as_deref();
        let made =
            self.phase(importer, Phase::Create, start.limits.phase, |_| match &self.wanted {
                Some(wanted) => wanted.make(module, &start.entry, class),
                None => instance::make(module, class),
            })?;
        match made {
            Made::Instance(instance) => Ok(instance),
            Made::Fault(fault) => Err(fault.at(Place::file(&importer.get().identity.entry))),
        }
    }

    /// Literal metadata comes first; what shows only now adds what that does not say.
    fn metadata(
        &self,
        start: &Start,
        importer: &Bound<'_, Importer>,
        module: &Bound<'_, PyModule>,
        instance: &Bound<'_, PyAny>,
    ) -> Result<Fields, PluginFault> {
        let said = self.phase(importer, Phase::Metadata, start.limits.phase, |_| {
            instance::metadata(module, instance, &start.fields)
        })?;
        let said = said.map_err(|fault| unusable(start, fault))?;
        let mut fields = start.fields.clone();
        for (name, value) in said {
            if start.provisional && name == "id" {
                fields.insert(name, value);
            } else {
                fields.entry(name).or_insert(value);
            }
        }
        Ok(fields)
    }

    fn context<'py>(
        &self,
        importer: &Bound<'py, Importer>,
        start: &Start,
        id: &PluginId,
        configuration: &Map<String, Value>,
        asker: &Arc<Asker>,
    ) -> Result<Bound<'py, PyAny>, PluginFault> {
        let py = importer.py();
        let before =
            self.latest(&start.key).and_then(|running| context::state(running.context.bind(py)));
        // It waits for locks, of `logging` for one, that a thread of a plugin may hold.
        self.phase(importer, Phase::Initialize, start.limits.phase, |py| {
            let wake = Wake { waking: self.waking.clone(), asker: asker.clone() };
            context::new(self.hub.bind(py), id, before.as_ref(), configuration, wake)
        })
    }

    /// The id that a plugin has at run time.
    fn runtime_id(&self, start: &Start, fields: &Fields) -> Result<PluginId, PluginFault> {
        if !start.provisional {
            return Ok(start.id.clone());
        }
        let entry = || Place::file(&start.entry);
        let said = fields.get("id");
        let id = match said.and_then(|id| id.as_str()).map(PluginId::new) {
            Some(Some(id)) => id,
            // It has no id of its own.
            None if said.is_none() => start.id.clone(),
            _ => {
                return Err(PluginFault::new(
                    Phase::Metadata,
                    "InvalidMetadata",
                    format!(
                        "get_metadata() gives {} as id; an id has letters, digits, '_', '.' and \
                         '-', and begins with a letter, a digit or '_'",
                        said.map(ToString::to_string).unwrap_or_default()
                    ),
                )
                .at(entry()));
            }
        };
        match self.holder(start, &id) {
            Some(holder) => Err(PluginFault::new(
                Phase::Metadata,
                "DuplicatePluginId",
                format!(
                    "the id {id} is taken: {} and {} both have it",
                    holder.display(),
                    start.entry.display()
                ),
            )
            .at(entry())),
            None => Ok(id),
        }
    }

    /// The entry of another plugin that has this id: one that is live here, or one that the loader
    /// knows of.
    fn holder(&self, start: &Start, id: &PluginId) -> Option<PathBuf> {
        let live = self.live_besides(&start.key);
        let holder = live.iter().find(|running| running.id == *id);
        let known = || start.taken.iter().find(|taken| taken.id == *id);
        holder
            .map(|running| running.importer.get().identity.entry.clone())
            .or_else(|| known().map(|taken| taken.entry.clone()))
    }

    fn live_besides(&self, key: &PluginId) -> Vec<Arc<Running>> {
        let slots = self.slots.borrow();
        let others = slots.iter().filter(|(other, _)| *other != key);
        others.filter_map(|(_, slots)| slots.live.clone()).collect()
    }

    /// What it depends on is there. That was seen to before its start, unless it shows only now; then
    /// all of it goes into `needs`.
    fn needs(
        &self,
        start: &Start,
        dependencies: Vec<PluginId>,
        needs: &mut Vec<PluginId>,
    ) -> Result<(), PluginFault> {
        if dependencies.is_empty() || start.fields.contains_key("dependencies") {
            return Ok(());
        }
        let live = self.live_besides(&start.key);
        let live: HashSet<&PluginId> = live.iter().map(|running| &running.id).collect();
        let Some(missing) = dependencies.iter().find(|id| !live.contains(id)) else {
            return Ok(());
        };
        let message = format!("it needs the plugin {missing}, which is not live");
        *needs = dependencies;
        Err(PluginFault::new(Phase::Dependency, "MissingDependency", message)
            .at(Place::file(&start.entry)))
    }

    /// One step of a start: guarded, with a deadline, its exception as a fault.
    pub(super) fn phase<'py, T>(
        &self,
        importer: &Bound<'py, Importer>,
        phase: Phase,
        limit: Duration,
        body: impl FnOnce(Python<'py>) -> PyResult<T>,
    ) -> Result<T, PluginFault> {
        let py = importer.py();
        let began = self.clock.borrow().is_some().then(Instant::now);
        let called = self.calls.call(importer, limit, body);
        if let (Some(timings), Some(began)) = (self.clock.borrow_mut().as_mut(), began) {
            match phase {
                Phase::Import => timings.import += began.elapsed(),
                Phase::Create => timings.create += began.elapsed(),
                Phase::Metadata => timings.metadata += began.elapsed(),
                _ => timings.initialize += began.elapsed(),
            }
        }
        called.and_then(Called::in_time).map_err(|error| {
            self.note_cause(py, &error);
            self.calls.told(importer, limit, || fault::describe(py, &error, phase, importer.get()))
        })
    }
}

/// The configuration of a plugin that turned out to have `id`: what the user said over what its
/// `get_metadata()` said, if nothing of it was to be read before.
fn configuration(start: &Start, fields: &Fields, id: &PluginId) -> Map<String, Value> {
    let said = start.configurations.get(id).unwrap_or(&start.configuration);
    match fields.get("configuration") {
        Some(Value::Object(own)) if !start.fields.contains_key("configuration") => {
            let mut configuration = own.clone();
            merge(&mut configuration, said);
            configuration
        }
        _ => said.clone(),
    }
}

/// A field that shows only at run time and cannot be used.
fn unusable(start: &Start, fault: FieldFault) -> PluginFault {
    PluginFault::new(Phase::Metadata, "InvalidMetadata", fault.message)
        .at(Place::file(&start.entry))
}

pub(super) fn refusal(message: &str, importer: &Importer) -> PluginFault {
    PluginFault::new(Phase::Initialize, "PluginLoadError", message)
        .at(Place::file(&importer.identity.entry))
}
