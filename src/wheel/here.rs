//! A host that is the program which called us: each request runs on the calling thread.
//!
//! The same requests as in a child process, carried out by the same runtime; nothing is sent anywhere.
//! Called without the GIL, which is held while a request is carried out.

use std::collections::VecDeque;
use std::time::Duration;

use pyo3::Python;

use crate::host::{Death, Host, Slot, Start, Started, Trace};
use crate::model::{Phase, PluginFault, PluginId, Warning};
use crate::python::Runtime;
use crate::source::Source;

/// Plugins on the calling thread.
pub(super) struct Here {
    pub(super) runtime: Runtime,
    /// Starts that were asked for, and are carried out when somebody waits for them.
    begun: VecDeque<Start>,
}

fn ended() -> PluginFault {
    PluginFault::new(Phase::Host, "HostDied", "the interpreter is shutting down")
}

impl Here {
    /// Plugins of `runtime`.
    pub(super) fn new(runtime: Runtime) -> Self {
        Self { runtime, begun: VecDeque::new() }
    }
}

impl Host for Here {
    fn prepare(&mut self, _source: &Source) {}

    fn compile(&mut self, sources: &[Source]) -> Result<(), PluginFault> {
        Python::try_attach(|py| self.runtime.compile(py, sources)).unwrap_or_else(|| Err(ended()))
    }

    fn begin(&mut self, start: Start) {
        self.begun.push_back(start);
    }

    fn started(&mut self) -> Started {
        let start = self.begun.pop_front();
        let started =
            start.and_then(|start| Python::try_attach(|py| self.runtime.start(py, start)));
        started.unwrap_or_else(|| Started {
            result: Err(ended()),
            trace: Trace::default(),
            warnings: Vec::new(),
        })
    }

    fn stop(&mut self, key: &PluginId, slot: Slot) -> Vec<Warning> {
        Python::try_attach(|py| self.runtime.stop(py, key, slot)).unwrap_or_default()
    }

    fn restore(&mut self, key: &PluginId) -> Result<(), PluginFault> {
        Python::try_attach(|py| self.runtime.restore(py, key)).unwrap_or_else(|| Err(ended()))
    }

    fn forget(&mut self, key: &PluginId) {
        Python::try_attach(|py| self.runtime.forget(py, key));
    }

    fn exec(&mut self, key: &PluginId, code: &str) -> Result<Option<String>, PluginFault> {
        let value = Python::try_attach(|py| self.runtime.exec(py, key, code));
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
