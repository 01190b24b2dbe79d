//! Which folders and files are never looked at.
//!
//! The built-in list, what the user adds in gitignore syntax, and `.gitignore` files on request.
//! Only names below a root count: a root itself is what the user asked for.

use std::fmt;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, Glob};

/// Folders that hold no plugins, wherever they are.
const FOLDERS: &[&str] = &["__pycache__", "node_modules", "site-packages", "venv"];

/// How the names of files begin that editors and tools put beside a file for a moment: locks,
/// backups, contents that are about to be renamed into place, and what macOS knows of the file.
const LITTER: &[&str] = &[".#", ".~", ".tmp", "._"];

pub(super) fn is_litter(name: &str) -> bool {
    LITTER.iter().any(|start| name.starts_with(start))
}

/// What the user wants to be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Where the patterns are relative to.
    pub base: PathBuf,
    /// Patterns in gitignore syntax.
    pub patterns: Vec<String>,
    /// `.gitignore` files are honoured too.
    pub gitignore: bool,
}

/// The rules for all roots.
#[derive(Clone, Debug)]
pub struct Rules {
    own: Gitignore,
    /// The `.gitignore` files met so far, outermost first; `None` if they are not honoured.
    git: Option<Vec<Gitignore>>,
}

impl Rules {
    /// The built-in rules and those of the user.
    pub fn new(ignored: &Ignored) -> Self {
        let mut builder = GitignoreBuilder::new(&ignored.base);
        for pattern in &ignored.patterns {
            // The settings were checked, so a pattern that is refused here was refused there.
            let _ = builder.add_line(None, pattern);
        }
        let own = builder.build().unwrap_or_else(|_| Gitignore::empty());
        Self { own, git: ignored.gitignore.then(Vec::new) }
    }

    /// A folder is about to be listed: its `.gitignore` holds from here on.
    pub(crate) fn enter(&mut self, folder: &Path) {
        let Some(git) = &mut self.git else { return };
        let file = folder.join(".gitignore");
        if !file.is_file() {
            return;
        }
        git.retain(|known| known.path() != folder);
        let (rules, error) = Gitignore::new(&file);
        if let Some(error) = error {
            tracing::warn!(%error, "some lines of a .gitignore are not understood");
        }
        git.push(rules);
    }

    /// Whether a folder, or a file, is left out. Its parents were asked about before.
    pub fn is_ignored(&self, path: &Path, is_folder: bool) -> bool {
        self.why(path, is_folder).is_some()
    }

    /// The rule by which it is left out.
    pub(crate) fn why(&self, path: &Path, is_folder: bool) -> Option<Rule<'_>> {
        let text = path.file_name()?.to_string_lossy();
        if is_folder && text.starts_with('.') {
            return Some(Rule::Hidden);
        }
        if !is_folder && is_litter(&text) {
            return Some(Rule::Litter);
        }
        if is_folder {
            if let Some(name) = FOLDERS.iter().find(|name| **name == text) {
                return Some(Rule::Folder(name));
            }
            if path.join("pyvenv.cfg").is_file() {
                return Some(Rule::Environment);
            }
        }
        if let Match::Ignore(pattern) = self.own.matched(path, is_folder) {
            return Some(Rule::Setting(pattern));
        }
        let mut rule = None;
        let git = self.git.iter().flatten();
        for rules in git.filter(|rules| path.starts_with(rules.path())) {
            match rules.matched(path, is_folder) {
                Match::Ignore(pattern) => rule = Some(Rule::Git(pattern)),
                Match::Whitelist(_) => rule = None,
                Match::None => {}
            }
        }
        rule
    }
}

/// Why something is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule<'a> {
    /// A folder whose name begins with a dot.
    Hidden,
    /// A file that a tool has put there for a moment.
    Litter,
    /// A folder of that name holds no plugins.
    Folder(&'static str),
    /// It is a virtual environment, whatever its name.
    Environment,
    /// The settings say so.
    Setting(&'a Glob),
    /// A `.gitignore` says so.
    Git(&'a Glob),
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("hidden"),
            Self::Litter => f.write_str("temporary file"),
            Self::Folder(name) => f.write_str(name),
            Self::Environment => f.write_str("virtual environment"),
            Self::Setting(pattern) => write!(f, "{} in the settings", pattern.original()),
            Self::Git(pattern) => write!(f, "{} in .gitignore", pattern.original()),
        }
    }
}
