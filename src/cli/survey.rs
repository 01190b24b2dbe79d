//! What `list`, `check`, `doctor` and `exec` begin with: the settings, and the plugins that are found.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::args::Common;
use super::problem::Problem;
use crate::settings::{self, CliLayer, Poll, Settings};
use crate::watch::{Ignored, Polling, Rules, Tree};

/// The settings of a project.
pub(super) fn settings(common: &Common) -> Result<Settings, Problem> {
    settings::load(&common.layer).map_err(|error| Problem::usage(&error))
}

/// The files under the roots that can be part of a plugin.
pub(super) fn files(layer: &CliLayer, settings: &Settings) -> Vec<PathBuf> {
    look(layer, settings).0
}

/// The same, and what cannot be looked at, each with the reason.
pub(super) fn look(
    layer: &CliLayer,
    settings: &Settings,
) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let rules = Rules::new(&ignored(layer, settings));
    let mut tree = Tree::new(settings.roots.clone(), rules);
    let files = tree.scan();
    let mut closed = unusable_roots(settings);
    let below = tree.unreadable().iter().filter(|(path, _)| !settings.roots.contains(path));
    closed.extend(below.map(|(path, why)| (path.clone(), why.clone())));
    (files, closed)
}

/// What is left out.
pub(super) fn ignored(layer: &CliLayer, settings: &Settings) -> Ignored {
    let base = settings.config_file.as_deref().and_then(Path::parent).unwrap_or(&layer.cwd);
    Ignored {
        base: base.to_owned(),
        patterns: settings.ignore.clone(),
        gitignore: settings.gitignore,
    }
}

/// How changes are noticed.
pub(super) fn polling(poll: Poll) -> Polling {
    match poll {
        Poll::Auto => Polling::Auto,
        Poll::Never => Polling::Never,
        Poll::Every(pause) => Polling::Every(pause),
    }
}

/// The roots that cannot be looked at, each with the reason. Unlike `watch`, what only looks does
/// not wait for them to appear.
fn unusable_roots(settings: &Settings) -> Vec<(PathBuf, String)> {
    let look = |root: &PathBuf| {
        let metadata = fs::metadata(root)?;
        if metadata.is_dir() {
            fs::read_dir(root).map(drop)
        } else {
            fs::File::open(root).map(drop)
        }
    };
    let roots = settings.roots.iter();
    roots
        .filter_map(|root| look(root).err().map(|error| (root.clone(), error.to_string())))
        .collect()
}

/// A line for whoever wonders why there is nothing on stdout.
pub(super) fn say_no_plugins() {
    let _ = writeln!(io::stderr(), "replug: no plugins found");
}
