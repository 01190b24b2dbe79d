//! From the name that a person gave to an id, a class, and a place on disk.

use std::path::{Path, PathBuf};

use crate::model::PluginId;

/// Words that Python keeps for itself.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// What a new plugin is called, and where.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) id: PluginId,
    /// The module, or the folder of a folder plugin: the last part of the id.
    module: String,
    /// The folder that it is written into; absolute.
    pub(super) folder: PathBuf,
}

impl Name {
    /// The name in `path`, which is absolute: the last part is the id.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let (Some(folder), Some(text)) = (path.parent(), path.file_name()) else {
            return Err(format!("{} holds no name for a plugin", path.display()));
        };
        let text = text.to_string_lossy();
        let text = text.strip_suffix(".py").unwrap_or(&text);
        let id = PluginId::new(text).ok_or_else(|| {
            format!(
                "{text:?} cannot be the id of a plugin: one has letters, digits, `_`, `.` and \
                 `-`, and begins with a letter, a digit or `_`, as in com.example.clock"
            )
        })?;
        let module = text.rsplit('.').next().unwrap_or_default().replace('-', "_");
        let begins = module.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_');
        if !begins || KEYWORDS.contains(&module.as_str()) {
            return Err(format!(
                "the last part of {text:?} cannot be the name of a Python module: it is \
                 {module:?}, and must begin with a letter or `_` and be no word of Python itself"
            ));
        }
        Ok(Self { id, module, folder: folder.to_owned() })
    }

    /// The file, or the folder, to write.
    pub(super) fn target(&self, folder: bool) -> PathBuf {
        let name = if folder { self.module.clone() } else { format!("{}.py", self.module) };
        self.folder.join(name)
    }

    /// A template with this name in it.
    pub(super) fn fill(&self, template: &str) -> String {
        let words = || self.module.split('_').filter(|word| !word.is_empty());
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        let class: String = words().map(capital).collect();
        // `_` alone, and what begins with a digit after a `_`, would be no name of a class.
        let plain = class.starts_with(|char: char| char.is_ascii_alphabetic());
        let class = if plain { class } else { format!("Plugin{class}") };
        let name = words().map(capital).collect::<Vec<_>>().join(" ");
        let name = if name.is_empty() { self.id.to_string() } else { name };
        template
            .replace("@ID@", self.id.as_str())
            .replace("@NAME@", &name)
            .replace("@CLASS@", &class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<(String, String, String), String> {
        let name = Name::of(&Path::new("/srv/plugins").join(text))?;
        Ok((name.id.to_string(), name.module.clone(), name.fill("@CLASS@ @NAME@")))
    }

    #[test]
    fn a_name_gives_id_module_and_class() {
        for (text, id, module, class) in [
            ("clock", "clock", "clock", "Clock Clock"),
            ("clock.py", "clock", "clock", "Clock Clock"),
            (
                "com.example.wall-clock",
                "com.example.wall-clock",
                "wall_clock",
                "WallClock Wall Clock",
            ),
            ("_", "_", "_", "Plugin _"),
            ("_3d", "_3d", "_3d", "Plugin3d 3d"),
            ("a__b", "a__b", "a__b", "AB A B"),
        ] {
            assert_eq!(name(text), Ok((id.into(), module.into(), class.into())), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_plugin_is_told_why() {
        for (text, why) in [
            ("my plugin", "cannot be the id"),
            ("-clock", "cannot be the id"),
            ("ü", "cannot be the id"),
            ("3d", "cannot be the name of a Python module"),
            ("com.example.class", "cannot be the name of a Python module"),
            ("com.example.", "cannot be the name of a Python module"),
        ] {
            let error = name(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Name::of(Path::new("/")).is_err());
    }
}
