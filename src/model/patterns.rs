//! Patterns of files in a plugin's folder: `watch` and `carry` of its metadata.

use std::fmt;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Patterns in gitignore syntax, relative to a plugin's folder. What they match counts; a line with
/// `!` takes back what one before it matched.
#[derive(Clone)]
pub struct Patterns {
    home: PathBuf,
    lines: Vec<String>,
    compiled: Gitignore,
}

impl Patterns {
    /// The patterns `lines` for the folder `home`; `None` if there are none.
    pub fn new(home: &Path, lines: &[String]) -> Option<Self> {
        if lines.is_empty() {
            return None;
        }
        let mut builder = GitignoreBuilder::new(home);
        for line in lines {
            // Discovery refuses metadata with a pattern that cannot be read.
            let _ = builder.add_line(None, line);
        }
        let compiled = builder.build().ok()?;
        Some(Self { home: home.to_owned(), lines: lines.to_owned(), compiled })
    }

    /// Why `line` is no pattern.
    pub fn check(line: &str) -> Result<(), String> {
        match GitignoreBuilder::new("/").add_line(None, line) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The folder that they are for.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Whether they mean `path`.
    pub fn matches(&self, path: &Path) -> bool {
        path.starts_with(&self.home)
            && self.compiled.matched_path_or_any_parents(path, false).is_ignore()
    }
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.home == other.home && self.lines == other.lines
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}", self.lines, self.home.display())
    }
}
