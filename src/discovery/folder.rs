//! One folder with `plugin.json`: which plugin is it, and which file is its entry?
//!
//! Takes the manifest and a way to read the entry; gives a [`Verdict`] and the entry as it was
//! read. Looks at the folder itself only to find the entry and to see that it lies inside.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::classify::{Layer, Merged, Module, invalid, merge, not_an_id};
use super::manifest::Manifest;
use crate::model::fields::kind_of;
use crate::model::{
    Candidate, Phase, Place, PluginFault, PluginId, PluginKind, Verdict, is_python,
};
use crate::source::{ReadError, Source};

/// What a folder with `plugin.json` is.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderVerdict {
    /// What it is; never [`Verdict::NotAPlugin`].
    pub verdict: Verdict,
    /// The entry as it was read.
    pub entry: Option<Source>,
    /// Where the entry is, if that could be told.
    pub entry_path: Option<PathBuf>,
}

/// A folder plugin of which somebody named the file `entry`. It is the entry if `plugin.json` names
/// none; another one that this names is a fault.
pub fn classify_folder_with(manifest: &Source, entry: &Path) -> FolderVerdict {
    let mut folder = FolderVerdict { verdict: Verdict::NotAPlugin, entry: None, entry_path: None };
    let mut id = None;
    let found = look(manifest, Some(entry), &|_| true, &mut Source::read, &mut folder, &mut id);
    folder.verdict = found.unwrap_or_else(|fault| Verdict::Broken { id, fault });
    folder
}

/// A folder plugin. `manifest` is its `plugin.json`; `counts` tells whether a file is left out, or is
/// only another way to one that is met elsewhere, and so is not what a folder with one file has;
/// `read` is called at most once, for the entry.
pub fn classify_folder(
    manifest: &Source,
    counts: &dyn Fn(&Path) -> bool,
    read: &mut dyn FnMut(&Path) -> Result<Source, ReadError>,
) -> FolderVerdict {
    let mut folder = FolderVerdict { verdict: Verdict::NotAPlugin, entry: None, entry_path: None };
    let mut id = None;
    folder.verdict = match look(manifest, None, counts, read, &mut folder, &mut id) {
        Ok(verdict) => verdict,
        Err(fault) => Verdict::Broken { id, fault },
    };
    folder
}

/// Fills `folder` and `id` as far as it gets.
fn look(
    source: &Source,
    named: Option<&Path>,
    counts: &dyn Fn(&Path) -> bool,
    read: &mut dyn FnMut(&Path) -> Result<Source, ReadError>,
    folder: &mut FolderVerdict,
    id: &mut Option<PluginId>,
) -> Result<Verdict, PluginFault> {
    let manifest = Manifest::parse(source)?;
    *id = manifest_id(&manifest)?;
    let home = source.path.parent().unwrap_or(&source.path);
    let path = match (named, manifest.fields.get("entry")) {
        (Some(named), None) => named.to_owned(),
        _ => find_entry(home, &manifest, counts)?,
    };
    if let Some(named) = named.filter(|named| *named != path) {
        let message = format!(
            "its `entry` is {}, and not {}; load that one, or the folder",
            path.display(),
            named.display()
        );
        return Err(invalid(message, manifest.place("entry")));
    }
    let path = folder.entry_path.insert(path);
    // What the manifest itself gets wrong is told before, and apart from, the entry's faults.
    let layer = || Layer {
        fields: &manifest.fields,
        computed: Vec::new(),
        place: Box::new(|field| manifest.place(field)),
    };
    if let Some(id) = id {
        merge(&[layer()], id)?;
    }
    inside(home, path, &manifest)?;
    let entry = read(path).map_err(|error| unreadable(&error, path, &manifest))?;
    let entry = folder.entry.insert(entry);

    let module = Module::of(entry);
    let known = id.clone().map_or_else(|| module.literal_id(), |id| Ok(Some(id)));
    let missing = || {
        let message =
            "`id` is missing: neither plugin.json nor the entry's literal metadata has one";
        invalid(message.to_owned(), Place::file(&source.path))
    };
    let verdict = match known.and_then(|known| known.ok_or_else(missing)) {
        Err(fault) => Verdict::Broken { id: None, fault },
        Ok(id) => {
            let layers: Vec<_> = std::iter::once(layer()).chain(module.layers()).collect();
            match merge(&layers, &id) {
                Err(fault) => Verdict::Broken { id: Some(id), fault },
                Ok(Merged { fields, metadata, computed }) => Verdict::Plugin(Box::new(Candidate {
                    id,
                    provisional: false,
                    kind: PluginKind::Folder,
                    entry: path.clone(),
                    home: home.to_owned(),
                    manifest: Some(source.path.clone()),
                    fields,
                    metadata,
                    computed,
                })),
            }
        }
    };
    // What cannot be parsed may hide its metadata, but not the id that the manifest has.
    Ok(match module.or_unparsed(verdict) {
        Verdict::Unparsed { id: told, fault, otherwise } => {
            Verdict::Unparsed { id: told.or_else(|| id.clone()), fault, otherwise }
        }
        verdict => verdict,
    })
}

fn manifest_id(manifest: &Manifest<'_>) -> Result<Option<PluginId>, PluginFault> {
    let Some(value) = manifest.fields.get("id") else { return Ok(None) };
    match value.as_str().and_then(PluginId::new) {
        Some(id) => Ok(Some(id)),
        None => Err(invalid(not_an_id(value), manifest.place("id"))),
    }
}

/// The file that `entry` names, else the first that the rules know.
fn find_entry(
    home: &Path,
    manifest: &Manifest<'_>,
    counts: &dyn Fn(&Path) -> bool,
) -> Result<PathBuf, PluginFault> {
    match manifest.fields.get("entry") {
        None | Some(serde_json::Value::Null) => usual_entry(home, manifest, counts),
        Some(serde_json::Value::String(entry)) => {
            let mut depth = 0_usize;
            let mut path = home.to_owned();
            for component in Path::new(entry).components() {
                match component {
                    Component::CurDir => continue,
                    Component::Normal(_) => depth += 1,
                    Component::ParentDir if depth > 0 => depth -= 1,
                    _ => return Err(outside(entry, manifest)),
                }
                path.push(component);
            }
            if depth == 0 {
                let message = format!("`entry` {entry:?} names no file");
                return Err(no_entry(message, manifest));
            }
            Ok(path)
        }
        Some(other) => {
            let message = format!("`entry` must be a string, not {}", kind_of(other));
            Err(invalid(message, manifest.place("entry")))
        }
    }
}

fn usual_entry(
    home: &Path,
    manifest: &Manifest<'_>,
    counts: &dyn Fn(&Path) -> bool,
) -> Result<PathBuf, PluginFault> {
    let found = match candidates(home, counts) {
        Ok(entry) => return Ok(entry),
        Err(found) => found,
    };
    let named = named_after(home);
    match found.as_slice() {
        [] => {
            let named = named.to_string_lossy();
            let message = format!(
                "no entry: looked for plugin.py, __init__.py, {named} and for any .py in the folder"
            );
            Err(no_entry(message, manifest))
        }
        several => {
            let names: Vec<_> = several
                .iter()
                .filter_map(|path| path.file_name())
                .map(|n| n.to_string_lossy())
                .collect();
            let message = format!(
                "no entry: there is no plugin.py, __init__.py or {}, and more than one other .py ({}); name one as `entry`",
                named.to_string_lossy(),
                names.join(", ")
            );
            Err(no_entry(message, manifest))
        }
    }
}

/// The entry that a folder would have whose `plugin.json` names none.
pub(super) fn likely_entry(home: &Path) -> Option<PathBuf> {
    candidates(home, &|_| true).ok()
}

fn named_after(home: &Path) -> OsString {
    let mut named = home.file_name().unwrap_or_default().to_owned();
    named.push(".py");
    named
}

/// The entry by the rules; `Err` has what could all be it.
fn candidates(home: &Path, counts: &dyn Fn(&Path) -> bool) -> Result<PathBuf, Vec<PathBuf>> {
    for name in ["plugin.py".into(), "__init__.py".into(), named_after(home)] {
        let path = home.join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    let listing = fs::read_dir(home).into_iter().flatten().filter_map(Result::ok);
    let hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut found: Vec<PathBuf> = listing
        .map(|item| home.join(item.file_name()))
        .filter(|path| is_python(path) && !hidden(path))
        .collect();
    found.retain(|path| path.is_file());
    if found.iter().any(|path| counts(path)) {
        found.retain(|path| counts(path));
    }
    found.sort();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(found),
    }
}

/// Holds that the entry lies inside the folder once every symlink is followed.
fn inside(home: &Path, path: &Path, manifest: &Manifest<'_>) -> Result<(), PluginFault> {
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| unreadable(&read_error(error), path, manifest))
    };
    let shown = path.strip_prefix(home).unwrap_or(path).to_string_lossy();
    if real(path)?.starts_with(real(home)?) { Ok(()) } else { Err(outside(&shown, manifest)) }
}

fn read_error(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => {
            ReadError::Missing
        }
        _ => ReadError::Io(error),
    }
}

fn unreadable(error: &ReadError, path: &Path, manifest: &Manifest<'_>) -> PluginFault {
    let shown = path.display();
    let kind = match error {
        ReadError::Missing | ReadError::NotAFile => {
            return no_entry(format!("the entry {shown} cannot be used: {error}"), manifest);
        }
        ReadError::TooLarge { .. } => "FileTooLarge",
        ReadError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            "PermissionError"
        }
        ReadError::Io(_) => "OSError",
    };
    PluginFault::new(Phase::Read, kind, format!("the entry {shown} cannot be read: {error}"))
        .at(Place::file(path))
}

fn outside(entry: &str, manifest: &Manifest<'_>) -> PluginFault {
    let message = format!("the entry {entry:?} lies outside of the plugin's folder");
    PluginFault::new(Phase::Metadata, "EntryOutside", message).at(manifest.place("entry"))
}

fn no_entry(message: String, manifest: &Manifest<'_>) -> PluginFault {
    PluginFault::new(Phase::Metadata, "NoEntry", message).at(manifest.place("entry"))
}
