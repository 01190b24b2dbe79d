//! The import statements of a source, wherever they stand in it: also in functions and branches.
//!
//! Nothing runs, so imports by name (`importlib.import_module`) are not among them.

use ruff_python_ast::Stmt;
use ruff_python_ast::statement_visitor::{StatementVisitor, walk_stmt};
use ruff_text_size::Ranged;

use super::decode::decode;
use super::syntax::with_tree;
use crate::source::Source;

/// One module that is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name, as it is written; empty in `from . import name`.
    pub module: String,
    /// How many dots stand before it.
    pub level: u32,
    /// What is imported from it; nothing in a plain `import`.
    pub names: Vec<String>,
    /// The line of the statement, from 1.
    pub line: u32,
}

/// The imports of `source`, in the order of the text; none of what cannot be parsed.
pub fn imports(source: &Source) -> Vec<Import> {
    let decoded = decode(&source.bytes);
    let text = decoded.text.as_ref();
    let found = with_tree(text, |tree| {
        let mut finder = Finder { text, found: Vec::new() };
        finder.visit_body(&tree.syntax().body);
        Some(finder.found)
    });
    found.unwrap_or_default()
}

struct Finder<'a> {
    text: &'a str,
    found: Vec<Import>,
}

impl Finder<'_> {
    fn line(&self, statement: &Stmt) -> u32 {
        let before = &self.text[..statement.start().to_usize()];
        let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
        u32::try_from(breaks).unwrap_or(u32::MAX - 1) + 1
    }
}

impl<'a> StatementVisitor<'a> for Finder<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                let line = self.line(statement);
                self.found.extend(import.names.iter().map(|alias| Import {
                    module: alias.name.to_string(),
                    level: 0,
                    names: Vec::new(),
                    line,
                }));
            }
            Stmt::ImportFrom(import) => self.found.push(Import {
                module: import.module.as_ref().map(ToString::to_string).unwrap_or_default(),
                level: import.level,
                names: import.names.iter().map(|alias| alias.name.to_string()).collect(),
                line: self.line(statement),
            }),
            _ => walk_stmt(self, statement),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_wherever_they_stand() {
        let text = "import a.b as x, c\ndef f():\n    from .d import e, f\nif 1:\n    pass\n\
                    else:\n    try:\n        from .. import g\n    except E:\n        import h\n";
        let found = imports(&Source::new("/x.py", text.as_bytes().to_vec()));
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.module.as_str(), it.level, it.names.join(","), it.line))
            .collect();
        let no = String::new;
        assert_eq!(
            told,
            [
                ("a.b", 0, no(), 1),
                ("c", 0, no(), 1),
                ("d", 1, "e,f".to_owned(), 3),
                ("", 2, "g".to_owned(), 8),
                ("h", 0, no(), 10),
            ]
        );
        assert_eq!(imports(&Source::new("/x.py", b"import (".to_vec())), []);
    }
}
