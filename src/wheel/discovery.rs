//! `PythonPluginDiscovery` underneath: the same walk and the same rules as the watch, without running
//! any of the files that it finds.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::Python;
use pyo3::pyfunction;

use crate::discovery::Index;
use crate::model::Verdict;
use crate::watch::{Ignored, Rules, Tree};

/// The plugins below `roots`: id to entry. Of two with one id, the first by path.
#[pyfunction]
pub(super) fn discover(py: Python<'_>, roots: Vec<PathBuf>) -> BTreeMap<String, OsString> {
    py.detach(|| {
        let absolute = roots.iter().filter_map(|root| std::path::absolute(root).ok());
        let mut found = BTreeMap::new();
        for root in absolute {
            let base = root.clone();
            let rules = Rules::new(&Ignored { base, patterns: Vec::new(), gitignore: false });
            let files = Tree::new(vec![root], rules).scan();
            for unit in Index::default().fill(files) {
                let Some(verdict) = unit.verdict else { continue };
                let verdict = match verdict {
                    Verdict::Unparsed { otherwise, .. } => *otherwise,
                    verdict => verdict,
                };
                if let Verdict::Plugin(candidate) = verdict {
                    found
                        .entry(candidate.id.to_string())
                        .or_insert(candidate.entry.into_os_string());
                }
            }
        }
        found
    })
}
