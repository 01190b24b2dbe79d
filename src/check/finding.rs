//! One thing that is wrong, or that a person should know.

use std::path::Path;

use crate::model::{Phase, Place, PluginFault, PluginId};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The plugin does not load, or not as it is meant to.
    Error,
    /// It loads.
    Warning,
}

impl Level {
    /// `"error"` or `"warning"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, with its place and what to do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// About which plugin, if that is known.
    pub id: Option<PluginId>,
    /// What, and where: the file always, the line and the column from 1.
    pub fault: PluginFault,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// A finding of `fault`, which is in the file of `place` if it does not say itself where it is.
    pub(super) fn new(
        level: Level,
        id: Option<&PluginId>,
        mut fault: PluginFault,
        place: Option<Place>,
        remedy: impl Into<String>,
    ) -> Self {
        let place = fault.place.take().or(place).unwrap_or_default();
        // An editor jumps somewhere, and a file as a whole begins at its beginning.
        let line = Some(place.line.unwrap_or(1));
        let column = Some(place.column.unwrap_or(1));
        fault.place = Some(Place { line, column, ..place });
        Self { level, id: id.cloned(), fault, remedy: remedy.into() }
    }

    /// A root, or a folder below one, that cannot be looked at.
    pub fn of_unusable(path: &Path, why: &str) -> Self {
        let message = format!("{} cannot be looked at: {why}", path.display());
        let fault = PluginFault::new(Phase::Read, "ReadError", message);
        let remedy = "name a folder or a file that is there and may be read";
        Self::new(Level::Error, None, fault, Some(Place::file(path)), remedy)
    }

    /// What a fault that discovery or the loader has words for is mended by.
    pub(super) fn of_fault(id: Option<&PluginId>, fault: PluginFault, file: Place) -> Self {
        let remedy = remedy(&fault);
        Self::new(Level::Error, id, fault, Some(file), remedy)
    }
}

fn remedy(fault: &PluginFault) -> &'static str {
    match (fault.phase, fault.kind.as_str()) {
        (Phase::Parse, _) => {
            "mend it here or just before; what else may be wrong in this file shows then"
        }
        (Phase::Read, "FileTooLarge") => {
            "split the file, or leave it out with `ignore` in watch.toml"
        }
        (Phase::Read, _) => "make it readable, or leave it out with `ignore` in watch.toml",
        (_, "InvalidManifest") => {
            "write it as a JSON object; schema/plugin.schema.json says which fields there are"
        }
        (_, "EntryOutside") => "move the file into the folder of the plugin, and name it there",
        (_, "NoEntry") => "write a plugin.py, or name a file of the folder as `entry`",
        _ => "give it such a value, or leave it out if it is not needed",
    }
}
