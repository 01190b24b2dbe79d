//! Generations that have ended: whether they are gone, and who holds them if they are not.
//!
//! Looked for when nobody waits, once for each generation. The search is `leaks.py`.

use std::time::{Duration, Instant};

use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyModule, PyModuleMethods, PyWeakrefMethods, PyWeakrefReference};
use pyo3::{pyfunction, wrap_pyfunction};

use super::imports::{self, Importer};
use crate::model::{PluginId, Warning};

/// The generations that are to be looked at.
pub(crate) struct Leaks {
    search: Py<PyModule>,
    ended: Vec<Ended>,
    /// So many of them are a reason to drop those that are gone already.
    most: usize,
}

/// Nobody looks while one reload follows the other, and most generations are gone by themselves.
const FEW: usize = 64;

struct Ended {
    key: PluginId,
    package: String,
    generation: u64,
    importer: Py<PyWeakrefReference>,
}

/// The generation whose code is nearest on the stack.
#[pyfunction]
pub(super) fn nearest(py: Python<'_>) -> PyResult<Option<Bound<'_, Importer>>> {
    imports::nearest(py)
}

impl Leaks {
    /// Nothing to look at yet.
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let code = imports::compile_text(py, include_str!("leaks.py"), "<replug leaks>")?;
        let search = PyModule::new(py, "qtforge._leaks")?;
        imports::execute(&code, &search.dict())?;
        search.getattr("install")?.call1((wrap_pyfunction!(nearest, &search)?,))?;
        Ok(Self { search: search.unbind(), ended: Vec::new(), most: FEW })
    }

    /// A generation has ended, and nothing of ours needs it any more. It is looked at if anything is.
    pub(crate) fn ended(leaks: &mut Option<Self>, importer: &Bound<'_, Importer>) {
        let this = importer.get();
        this.forget_fault();
        let Some(leaks) = leaks else { return };
        if leaks.ended.len() >= leaks.most {
            leaks.ended.retain(|one| one.importer(importer.py()).is_some());
            leaks.most = FEW.max(leaks.ended.len() * 2);
        }
        match PyWeakrefReference::new(importer) {
            Ok(weak) => leaks.ended.push(Ended {
                key: this.identity.key.clone(),
                package: this.identity.package.clone(),
                generation: this.identity.generation,
                importer: weak.unbind(),
            }),
            Err(error) => tracing::debug!(%error, "an ended generation cannot be followed"),
        }
    }

    /// Looks at all generations that have ended since the last time, and how long that took.
    pub(crate) fn inspect(&mut self, py: Python<'_>) -> (Vec<(PluginId, Warning)>, Duration) {
        let began = Instant::now();
        let mut warnings = Vec::new();
        if let Err(error) = self.look(py, &mut warnings) {
            tracing::debug!(%error, "ended generations could not be looked at");
        }
        (warnings, began.elapsed())
    }

    fn look(&mut self, py: Python<'_>, warnings: &mut Vec<(PluginId, Warning)>) -> PyResult<()> {
        let search = self.search.bind(py);
        let ended = std::mem::take(&mut self.ended);
        for one in &ended {
            if let Some(importer) = one.importer(py) {
                let builtins = importer.get().builtins(py);
                search.call_method1("forget_registrations", (builtins, &one.package))?;
            }
        }
        search.call_method0("collect")?;
        for one in &ended {
            let Some(importer) = one.importer(py) else { continue };
            warnings.push((one.key.clone(), one.explain(search, &importer)?));
        }
        Ok(())
    }
}

impl Ended {
    fn importer<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Importer>> {
        self.importer.bind(py).upgrade()?.cast_into().ok()
    }

    fn explain(
        &self,
        search: &Bound<'_, PyModule>,
        importer: &Bound<'_, Importer>,
    ) -> PyResult<Warning> {
        let builtins = importer.get().builtins(importer.py());
        let number = self.generation;
        let threads: Vec<String> = search.call_method1("threads", (&builtins,))?.extract()?;
        if !threads.is_empty() {
            let message = format!(
                "generation {number} has ended, and its code still runs in the thread {}; end and \
                 join it in shutdown()",
                threads.join(", ")
            );
            return Ok(Warning::new("thread_left", message));
        }
        let holder: Bound<'_, PyAny> =
            search.call_method1("holder", (importer, builtins, &self.package))?;
        let message = format!(
            "generation {number} has ended and stays in memory; it is held by {}; let go of it in \
             shutdown()",
            holder.extract::<String>()?
        );
        Ok(Warning::new("leak", message))
    }
}
