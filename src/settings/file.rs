//! Reads a `watch.toml`.
//!
//! Takes its path, gives what it says as a [`Partial`] with absolute paths, nothing if the file is
//! not there, or a [`SettingsError`] that points at the first fault.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str;

use toml::de::{DeTable, DeValue, Error};

use super::document::Document;
use super::keys::{PLUGIN, RELOAD, TOP, WATCH};
use super::resolve::absolute;
use super::rules::{
    ACTIVATION, BOOLEAN, ISOLATION, MILLISECONDS, MODE, MODULES, PATH, PATHS, PATTERNS, POLL,
    SECONDS,
};
use super::section::{Name, Section, in_order};
use super::{Partial, PluginSettings, SettingsError};
use crate::model::PluginId;
use crate::source::{ReadError, Source};

/// What the file at `path` says; `shown` is what errors call it.
pub(super) fn read(path: &Path, shown: &Path) -> Result<Option<Partial>, SettingsError> {
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(ReadError::Missing) => return Ok(None),
        Err(error) => return Err(SettingsError::of_file(path, shown, error.to_string())),
    };
    // Some editors put a byte order mark in front, which is no part of the first line.
    let bytes = source.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.bytes);
    let text = str::from_utf8(bytes).map_err(|error| {
        let good = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let end = good.len();
        Document { path, shown, text: good }.error(end..end, "the file is not UTF-8 from here on")
    })?;
    parse(&Document { path, shown, text }).map(Some)
}

pub(super) fn parse(document: &Document<'_>) -> Result<Partial, SettingsError> {
    let table = DeTable::parse(document.text).map_err(|error| broken(document, &error))?;
    let top = Section::new(document, Name::Top, table.get_ref(), &TOP)?;
    let folder = document.path.parent().unwrap_or(document.path);
    let path = |text: String| absolute(folder, Path::new(&text));
    let paths = |texts: Vec<String>| texts.into_iter().map(path).collect::<Vec<PathBuf>>();

    let mut partial = Partial {
        paths: top.filled_list("paths", &PATHS)?.map(paths),
        shared: top.list("shared", &PATHS)?.map(paths),
        python: top.one("python", &PATH)?.map(path),
        ..Partial::default()
    };
    if let Some(table) = top.table("watch")? {
        let watch = Section::new(document, Name::Section("watch"), table, &WATCH)?;
        partial.ignore = watch.list("ignore", &PATTERNS)?;
        partial.gitignore = watch.one("gitignore", &BOOLEAN)?;
        partial.settle = watch.one("settle_ms", &MILLISECONDS)?;
        partial.poll = watch.one("poll", &POLL)?;
    }
    if let Some(table) = top.table("reload")? {
        let reload = Section::new(document, Name::Section("reload"), table, &RELOAD)?;
        partial.timeout = reload.one("timeout", &SECONDS)?;
        partial.shutdown_timeout = reload.one("shutdown_timeout", &SECONDS)?;
        partial.mode = reload.one("mode", &MODE)?;
        partial.isolation = reload.one("isolation", &ISOLATION)?;
        partial.preload = reload.list("preload", &MODULES)?;
    }
    if let Some(table) = top.table("plugins")? {
        partial.plugins = Some(plugins(document, table)?);
    }
    Ok(partial)
}

/// The tables below `[plugins]`.
fn plugins(
    document: &Document<'_>,
    table: &DeTable<'_>,
) -> Result<BTreeMap<PluginId, PluginSettings>, SettingsError> {
    let mut plugins = BTreeMap::new();
    for (key, value) in in_order(table) {
        let name = key.get_ref().as_ref();
        let error = |message| Err(document.error(key.span(), message).about(name));
        let Some(id) = PluginId::new(name) else {
            let name = name.escape_debug();
            return error(format!(
                "`{name}` is no plugin id; one has letters, digits, `_`, `.` and `-`, and begins \
                 with a letter, a digit or `_`"
            ));
        };
        let DeValue::Table(table) = value.get_ref() else {
            return error(format!(
                "`{name}` in [plugins] must be a table, as in [plugins.\"{name}\"]"
            ));
        };
        plugins.insert(id, plugin(document, name, table)?);
    }
    Ok(plugins)
}

fn plugin(
    document: &Document<'_>,
    id: &str,
    table: &DeTable<'_>,
) -> Result<PluginSettings, SettingsError> {
    let section = Section::new(document, Name::Plugin(id), table, &PLUGIN)?;
    // These have no reader yet; the table of what is unavailable refuses them here.
    section.table("limits")?;
    section.table("sandbox")?;
    Ok(PluginSettings {
        enabled: section.one("enabled", &BOOLEAN)?.unwrap_or(true),
        activation: section.one("activation", &ACTIVATION)?,
        timeout: section.one("timeout", &SECONDS)?,
        isolation: section.one("isolation", &ISOLATION)?,
        configuration: section.json("configuration")?,
    })
}

/// What the TOML parser could not read.
fn broken(document: &Document<'_>, error: &Error) -> SettingsError {
    let span = error.span().unwrap_or_default();
    let key = document.excerpt(span.clone()).to_owned();
    if error.message() == "duplicate key" {
        return document.error(span, format!("`{key}` is there twice")).about(&key);
    }
    document.error(span, format!("this is not TOML: {}", error.message()))
}
