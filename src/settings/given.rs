//! Settings that a program gives as values, by the keys and rules of `watch.toml`.
//!
//! They are written down as such a file and read like one, so that the two cannot differ.

use std::path::Path;

use serde_json::{Map, Value};

use super::document::Document;
use super::{Partial, file};

/// What `json`, an object, says; relative paths start from `cwd`.
///
/// # Errors
/// One sentence about the first fault.
pub fn given(cwd: &Path, json: &str) -> Result<Partial, String> {
    let values: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| error.to_string())?;
    let table = toml::Table::try_from(values).map_err(|error| error.to_string())?;
    let shown = Path::new("settings");
    let path = cwd.join(shown);
    let text = table.to_string();
    let document = Document { path: &path, shown, text: &text };
    file::parse(&document).map_err(|error| error.message)
}
