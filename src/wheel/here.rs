//! A host that is the program which called us: each request runs on the calling thread.
//!
//! The same requests as in a child process, carried out by the same runtime; nothing is sent anywhere.
//! Called without the GIL, which is held while a request is carried out.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use pyo3::prelude::{Py, PyAny, Python};
use pyo3::types::{PyDict, PyDictMethods};

use crate::host::{Death, Host, Replacement, Sharing, Slot, Start, Started};
use crate::model::{Phase, PluginFault, PluginId, Site, Warning};
use crate::python::Runtime;
use crate::source::Source;

/// Plugins on the calling thread.
pub(crate) struct Here {
    pub(crate) runtime: Runtime,
    /// Starts that were asked for, and are carried out when somebody waits for them.
    begun: VecDeque<Start>,
    /// The same of a plugin that is to go on as before.
    restoring: Option<PluginId>,
    /// The same of code that runs beside a plugin, or of a method.
    asked: Option<(PluginId, Asked)>,
    /// What the interpreter is, if plugins are to be held against it.
    site: Option<Site>,
    published: Option<Published>,
}

/// Id to instance, for whoever calls plugins: an old instance stays there until the new one is live.
struct Published {
    instances: Py<PyDict>,
    /// Under which id each is there.
    ids: HashMap<PluginId, PluginId>,
}

impl Published {
    /// `live` is what of `key` is live now.
    fn update(&mut self, py: Python<'_>, key: &PluginId, live: Option<(PluginId, Py<PyAny>)>) {
        let instances = self.instances.bind(py);
        let before = match &live {
            Some((id, _)) => self.ids.insert(key.clone(), id.clone()).filter(|old| old != id),
            None => self.ids.remove(key),
        };
        // That there is no such key, or no memory, is all that can go wrong.
        if let Some((id, instance)) = live {
            let _ = instances.set_item(id.as_str(), instance);
        }
        if let Some(id) = before
            && !self.ids.values().any(|other| *other == id)
        {
            let _ = instances.del_item(id.as_str());
        }
    }
}

enum Asked {
    Code(String),
    Method(String, String),
}

fn ended() -> PluginFault {
    PluginFault::new(Phase::Host, "HostDied", "the interpreter is shutting down")
}

impl Here {
    /// Plugins of `runtime`.
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            begun: VecDeque::new(),
            restoring: None,
            asked: None,
            site: None,
            published: None,
        }
    }

    /// The same in the interpreter at `site`, with what is live in `instances`.
    pub(crate) fn published(self, site: Site, instances: Py<PyDict>) -> Self {
        let published = Published { instances, ids: HashMap::new() };
        Self { site: Some(site), published: Some(published), ..self }
    }

    fn publish(&mut self, py: Python<'_>, key: &PluginId) {
        if let Some(published) = &mut self.published {
            published.update(py, key, self.runtime.instance(py, key));
        }
    }
}

impl Host for Here {
    fn site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    fn prepare(&mut self, _source: &Source) {}

    fn compile(&mut self, sources: &[Source]) -> Result<(), PluginFault> {
        Python::try_attach(|py| self.runtime.compile(py, sources)).unwrap_or_else(|| Err(ended()))
    }

    fn begin(&mut self, start: Start) {
        self.begun.push_back(start);
    }

    fn started(&mut self) -> Started {
        let start = self.begun.pop_front();
        let started = start.and_then(|start| {
            let key = start.key.clone();
            Python::try_attach(|py| {
                let started = self.runtime.start(py, start);
                if started.result.is_ok() {
                    self.publish(py, &key);
                }
                started
            })
        });
        started.unwrap_or_else(|| Started::failed(ended()))
    }

    fn stop(&mut self, key: &PluginId, slot: Slot) -> Vec<Warning> {
        Python::try_attach(|py| self.runtime.stop(py, key, slot)).unwrap_or_default()
    }

    fn begin_restore(&mut self, key: &PluginId) {
        self.restoring = Some(key.clone());
    }

    fn restored(&mut self) -> Result<(), PluginFault> {
        let restored = self.restoring.take().and_then(|key| {
            Python::try_attach(|py| {
                let restored = self.runtime.restore(py, &key);
                self.publish(py, &key);
                restored
            })
        });
        restored.unwrap_or_else(|| Err(ended()))
    }

    fn forget(&mut self, key: &PluginId) {
        Python::try_attach(|py| {
            self.runtime.forget(py, key);
            self.publish(py, key);
        });
    }

    fn share(&mut self, sharing: Sharing) {
        self.runtime.share(sharing);
    }

    fn replace(&mut self, replacement: Replacement) {
        Python::try_attach(|py| self.runtime.replace(py, replacement));
    }

    fn settle(&mut self, for_good: bool, epoch: u64) {
        Python::try_attach(|py| self.runtime.settle(py, for_good, epoch));
    }

    fn begin_exec(&mut self, key: &PluginId, code: &str) {
        self.asked = Some((key.clone(), Asked::Code(code.to_owned())));
    }

    fn begin_call(&mut self, key: &PluginId, method: &str, arguments: &str) {
        let asked = Asked::Method(method.to_owned(), arguments.to_owned());
        self.asked = Some((key.clone(), asked));
    }

    fn executed(&mut self) -> Result<Option<String>, PluginFault> {
        let value = self.asked.take().and_then(|(key, asked)| {
            Python::try_attach(|py| match asked {
                Asked::Code(code) => self.runtime.exec(py, &key, &code),
                Asked::Method(method, arguments) => {
                    self.runtime.call(py, &key, &method, &arguments).map(Some)
                }
            })
        });
        value.unwrap_or_else(|| Err(ended()))
    }

    fn death(&mut self) -> Option<Death> {
        // If this process dies there is nobody left to ask.
        None
    }

    fn pause(&self) -> Duration {
        Duration::ZERO
    }

    fn revive(&mut self) -> Result<(), String> {
        Err("plugins run in the program itself".to_owned())
    }

    fn inspect(&mut self) -> (Vec<(PluginId, Warning)>, Duration) {
        // When garbage is collected is the program's own business.
        (Vec::new(), Duration::ZERO)
    }

    fn finish(&mut self) {}
}
