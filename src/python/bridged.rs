//! Plugins in the hands of a program in another language, which names them by path and class and calls
//! what they have.
//!
//! Such a plugin need not know of us: any object will do, and its class is whatever the program says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::{Bound, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyDictMethods, PyModule, PyModuleMethods, PyType};

use super::fault;
use super::instance::{self, Made};
use super::runtime::Runtime;
use crate::model::{Phase, PluginFault, PluginId};

/// What instances are made with: by entry file, the name of a class or a factory.
#[derive(Default)]
pub(super) struct Wanted(HashMap<PathBuf, String>);

/// What everybody calls a factory, so that programs name it without knowing whether there is one.
const FACTORY: &str = "create_plugin";

impl Runtime {
    /// From now on plugins are made as the program that asks for them says, see [`Runtime::want`].
    #[must_use]
    pub fn for_a_bridge(mut self) -> Self {
        self.wanted = Some(Wanted::default());
        self
    }

    /// The class or factory that instances of the plugin at `entry` are made with; empty for whatever
    /// the usual rules find. What it was before.
    pub fn want(&mut self, entry: &Path, name: &str) -> String {
        let Some(Wanted(names)) = &mut self.wanted else { return String::new() };
        names.insert(entry.to_owned(), name.to_owned()).unwrap_or_default()
    }

    /// Calls `body`, which runs code of a live plugin, or of none in particular, for `limit` or the
    /// plugin's own deadline at most.
    ///
    /// # Errors
    /// What it raised. Phase `initialize` stands for "while live".
    pub fn run<'py>(
        &self,
        py: Python<'py>,
        key: Option<&PluginId>,
        limit: Duration,
        body: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>, PluginFault> {
        let live = key.and_then(|key| self.live(key));
        match live {
            Some(running) => {
                let importer = running.importer.bind(py);
                self.phase(importer, Phase::Initialize, running.limits.phase, |_| body.call0())
            }
            None => self.calls.call_any(py, limit, |_| body.call0()).map_err(|error| {
                let value = error.value(py).as_any();
                let (kind, message) = (fault::kind(value), fault::message(value));
                PluginFault::new(Phase::Initialize, kind, message)
            }),
        }
    }
}

impl Wanted {
    /// Makes the instance of the plugin at `entry`.
    pub(super) fn make<'py>(
        &self,
        module: &Bound<'py, PyModule>,
        entry: &Path,
        class: Option<&str>,
    ) -> PyResult<Made<'py>> {
        let name = self.0.get(entry).map_or("", String::as_str);
        let named = match name {
            "" => None,
            name => module.dict().get_item(name)?,
        };
        match named {
            Some(maker) if maker.is_callable() => return made(name, maker.call0()?),
            Some(_) => {
                return Ok(refused(format!("'{name}' is neither a class nor a function")));
            }
            None if !matches!(name, "" | FACTORY) => {
                return Ok(refused(format!("there is no class or function '{name}' (not found)")));
            }
            None => {}
        }
        if class.is_none()
            && let Some(factory) = module.dict().get_item(FACTORY)?
            && factory.is_callable()
        {
            return made(FACTORY, factory.call0()?);
        }
        let usual = instance::make(module, class)?;
        if let Made::Fault(_) = &usual
            && class.is_none()
            && let [class] = plain_classes(module)?.as_slice()
        {
            return class.call0().map(Made::Instance);
        }
        Ok(usual)
    }
}

fn made<'py>(name: &str, instance: Bound<'py, PyAny>) -> PyResult<Made<'py>> {
    if instance.is_none() {
        return Ok(refused(format!("{name}() returned None")));
    }
    Ok(Made::Instance(instance))
}

fn refused<'py>(message: String) -> Made<'py> {
    Made::Fault(PluginFault::new(Phase::Create, "PluginLoadError", message))
}

/// The classes with `initialize` that the module defines: one of a program that knows nothing of
/// `get_metadata`.
fn plain_classes<'py>(module: &Bound<'py, PyModule>) -> PyResult<Vec<Bound<'py, PyType>>> {
    let py = module.py();
    let name = module.name()?;
    let mut classes = Vec::new();
    for value in module.dict().values() {
        let Ok(class) = value.cast_into::<PyType>() else { continue };
        let own = class.getattr(intern!(py, "__module__")).and_then(|module| module.eq(&name));
        if own.unwrap_or(false) && class.hasattr(intern!(py, "initialize"))? {
            classes.push(class);
        }
    }
    Ok(classes)
}
