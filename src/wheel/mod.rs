//! The extension module `qtforge._core`: what the Python package asks of the Rust side.
//!
//! Thin: each function takes Python's arguments, lets go of the GIL, and calls a room that knows how.
//! The documentation for users stands in the stubs beside the Python package.

#[cfg(not(feature = "embed"))]
mod command;
mod discovery;
mod here;
mod loader;
mod supervisor;

pub(crate) use here::Here;
pub(crate) use loader::{look_again, look_at};

use pyo3::prelude::{Bound, PyModule, PyModuleMethods, PyResult};
use pyo3::{pymodule, wrap_pyfunction};

/// What `import qtforge._core` gives.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PROTOCOL", crate::python::PROTOCOL)?;
    module.add_class::<loader::Loader>()?;
    module.add_class::<supervisor::Supervisor>()?;
    module.add_function(wrap_pyfunction!(discovery::discover, module)?)?;
    #[cfg(not(feature = "embed"))]
    {
        module.add_function(wrap_pyfunction!(command::main, module)?)?;
        module.add_function(wrap_pyfunction!(command::serve_host, module)?)?;
    }
    Ok(())
}
