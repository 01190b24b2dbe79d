//! Which folders and files are never looked at.
//!
//! The built-in list, what the user adds in gitignore syntax, and `.gitignore` files on request.
//! Only names below a root count: a root itself is what the user asked for.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Folders that hold no plugins, wherever they are.
const FOLDERS: &[&str] = &["__pycache__", "node_modules", "site-packages", "venv"];

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
        let Some(name) = path.file_name() else { return false };
        let text = name.to_string_lossy();
        if text.starts_with('.') {
            return true;
        }
        if is_folder && (FOLDERS.contains(&text.as_ref()) || path.join("pyvenv.cfg").is_file()) {
            return true;
        }
        if self.own.matched(path, is_folder).is_ignore() {
            return true;
        }
        let git = self.git.iter().flatten();
        let mut ignored = false;
        for rules in git.filter(|rules| path.starts_with(rules.path())) {
            match rules.matched(path, is_folder) {
                ignore::Match::Ignore(_) => ignored = true,
                ignore::Match::Whitelist(_) => ignored = false,
                ignore::Match::None => {}
            }
        }
        ignored
    }
}
