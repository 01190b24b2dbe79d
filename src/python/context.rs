//! The context that a generation is initialized with: made, and undone, by `qtforge._host`.

use pyo3::intern;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyDictMethods};
use serde_json::{Map, Value};

use super::waking::Wake;
use crate::model::PluginId;

/// A meeting place for plugins: that of this process, or one for those of a single supervisor among
/// several.
pub(crate) fn hub(py: Python<'_>, of_process: bool) -> PyResult<Py<PyAny>> {
    let host = py.import("qtforge._host")?;
    let hub = if of_process { host.getattr("HUB")? } else { host.call_method0("new_hub")? };
    Ok(hub.unbind())
}

/// A context for `id` at `hub`, with a shallow copy of `state`; it calls `wake` for what nobody offers.
pub(crate) fn new<'py>(
    hub: &Bound<'py, PyAny>,
    id: &PluginId,
    state: Option<&Bound<'py, PyDict>>,
    configuration: &Map<String, Value>,
    wake: Wake,
) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = hub.py();
    let state = match state {
        Some(state) => state.copy()?,
        None => PyDict::new(py),
    };
    let configuration = super::json::dict(py, configuration)?;
    let make = MAKE.import(py, "qtforge._host", "new_context")?;
    make.call1((id.as_str(), state, configuration, hub, wake))
}

/// The state to hand on; `None` if the plugin put something else than a dict in its place.
pub(crate) fn state<'py>(context: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    context.getattr(intern!(context.py(), "state")).ok()?.cast_into::<PyDict>().ok()
}

/// Undoes what was subscribed, registered or put under `on_cleanup`, which is dropped without being
/// called unless `calls_cleanups`; what failed, as text.
pub(crate) fn dispose(context: &Bound<'_, PyAny>, calls_cleanups: bool) -> PyResult<Vec<String>> {
    let py = context.py();
    if calls_cleanups {
        return context.call_method0(intern!(py, "_dispose"))?.extract();
    }
    let options = PyDict::new(py);
    options.set_item("calls_cleanups", false)?;
    context.call_method(intern!(py, "_dispose"), (), Some(&options))?.extract()
}

/// Nobody asks for this plugin's configuration any more.
pub(crate) fn forget(hub: &Bound<'_, PyAny>, id: &PluginId) -> PyResult<()> {
    hub.call_method1(intern!(hub.py(), "forget"), (id.as_str(),))?;
    Ok(())
}
