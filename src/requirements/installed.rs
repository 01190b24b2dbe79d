//! The packages in folders such as `site-packages`, by what their installers left there.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::normalized;

/// What lies in each folder, as long as the folder says that it has not changed.
#[derive(Default)]
pub(super) struct Shelves(HashMap<PathBuf, Shelf>);

struct Shelf {
    changed: Option<SystemTime>,
    /// By name; where the metadata of each lies.
    packages: HashMap<String, PathBuf>,
}

impl Shelves {
    /// Looks again at those of `folders` that have changed.
    pub(super) fn refresh(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            let changed = fs::metadata(folder).and_then(|metadata| metadata.modified()).ok();
            let known = self.0.get(folder).is_some_and(|shelf| shelf.changed == changed);
            if !known || changed.is_none() || is_fresh(changed) {
                let packages = list(folder);
                self.0.insert(folder.clone(), Shelf { changed, packages });
            }
        }
    }

    /// The version of a package by its normalized name, in the first folder that has it.
    pub(super) fn version(&self, folders: &[PathBuf], name: &str) -> Option<String> {
        let shelves = folders.iter().filter_map(|folder| self.0.get(folder));
        shelves.filter_map(|shelf| shelf.packages.get(name)).find_map(|path| version(path))
    }
}

/// A folder that was changed a moment ago may change again without showing it.
fn is_fresh(changed: Option<SystemTime>) -> bool {
    let age = changed.and_then(|changed| changed.elapsed().ok());
    age.is_none_or(|age| age.as_secs() < 2)
}

fn list(folder: &Path) -> HashMap<String, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let package = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let stem = name.strip_suffix(".dist-info").or(name.strip_suffix(".egg-info"))?;
        // A `-` within the name of a package was written as `_` by whoever made this.
        let package = stem.split_once('-').map_or(stem, |(package, _)| package);
        Some((normalized(package)?, entry.path()))
    };
    entries.filter_map(package).collect()
}

/// The version that the metadata at `path` tells; none if the package was removed by halves.
fn version(path: &Path) -> Option<String> {
    let file = match path.extension().is_some_and(|extension| extension == "dist-info") {
        true => path.join("METADATA"),
        false if path.is_dir() => path.join("PKG-INFO"),
        false => path.to_owned(),
    };
    let text = fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The headers end at the first empty line.
    let headers = text.lines().take_while(|line| !line.is_empty());
    let version = headers.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("version").then(|| value.trim().to_owned())
    });
    version.filter(|version| !version.is_empty())
}
