//! The names of plugin packages in `sys.modules`, and the names that belong to Python.

use std::collections::{HashMap, HashSet};

use pyo3::prelude::{PyAnyMethods, PyResult, Python};

use crate::model::PluginId;

/// The package that all plugins' packages lie in.
pub(crate) const PLUGINS: &str = "qtforge.plugins";

/// Gives each plugin one package name, for good: numbered names would grow loggers and break
/// pickles, and a bare id could hide a real package.
#[derive(Default)]
pub(crate) struct PackageNames {
    owners: HashMap<String, Owner>,
}

/// A plugin of one of the loaders of this process.
pub(crate) type Owner = (u64, PluginId);

impl PackageNames {
    /// The package of `key`, such as `qtforge.plugins.com_example_clock`.
    pub(crate) fn of(&mut self, owner: &Owner) -> String {
        let stem: String = owner
            .1
            .as_str()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
            .collect();
        let mut name = stem.clone();
        let mut number = 1;
        // `a.b` and `a_b` are different plugins, and so is the `a.b` of another loader.
        while self.owners.get(&name).is_some_and(|other| other != owner) {
            number += 1;
            name = format!("{stem}__{number}");
        }
        self.owners.insert(name.clone(), owner.clone());
        format!("{PLUGINS}.{name}")
    }

    /// A loader is gone, and others may have its names.
    pub(crate) fn release(&mut self, loader: u64) {
        self.owners.retain(|_, owner| owner.0 != loader);
    }
}

/// The names of the standard library's top-level modules.
pub(crate) fn standard_library(py: Python<'_>) -> PyResult<HashSet<String>> {
    let sys = py.import("sys")?;
    let mut names = HashSet::new();
    for list in ["stdlib_module_names", "builtin_module_names"] {
        for name in sys.getattr(list)?.try_iter()? {
            names.insert(name?.extract()?);
        }
    }
    Ok(names)
}
