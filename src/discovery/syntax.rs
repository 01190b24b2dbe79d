//! Parsing that no source can crash.
//!
//! Takes a text and what is to be learned from its tree; the tree is parsed, walked and dropped on
//! a stack that is large enough for it, and never leaves this file.

use std::thread;

use ruff_python_ast::{ModModule, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};

use super::nesting;
use crate::calm::calmly;

/// Trees up to this height need no stack of their own.
const SHALLOW: usize = 300;
/// What a tree needs for each level of its height, with a good margin.
const STACK_PER_LEVEL: usize = 1536;
/// What it needs besides.
const STACK_BASE: usize = 1024 * 1024;

/// A module as the parser sees it, syntax errors and all.
pub(super) type Tree = Parsed<ModModule>;

/// What `learn` says about the tree of `text`.
///
/// # Errors
/// Why there is no tree, in words for the author.
pub(super) fn with_tree<T: Send>(
    text: &str,
    learn: impl FnOnce(&Tree) -> Option<T> + Send,
) -> Result<T, String> {
    let height = nesting::bound(text)?;
    // A parser that panics has met a bug of its own; that must not take the supervisor along.
    let work = || calmly(|| parse(text).and_then(|tree| learn(&tree)));
    let learned = if height <= SHALLOW {
        work().flatten()
    } else {
        thread::scope(|scope| {
            let size = STACK_BASE + height * STACK_PER_LEVEL;
            let builder = thread::Builder::new().name("deep-parse".into()).stack_size(size);
            let worker = builder.spawn_scoped(scope, work).ok()?;
            worker.join().ok()?.flatten()
        })
    };
    learned
        .ok_or_else(|| "this source is more than the parser of the discovery can take".to_owned())
}

fn parse(text: &str) -> Option<Tree> {
    // The newest grammar: whether this interpreter can compile it is for the interpreter to say.
    let options =
        ParseOptions::from(Mode::Module).with_target_version(PythonVersion::latest_preview());
    parse_unchecked(text, options).try_into_module()
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Facts;
    use super::super::nesting::{MAX_MARKS, count_marks};
    use super::*;

    fn survives(text: &str) -> Result<(), String> {
        // The facts are what discovery learns, so all of its own walks run here as well.
        with_tree(text, |tree| Some(Facts::of(text, tree))).map(drop)
    }

    /// As many steps as are let through beside some other code.
    fn tower(step: &str, marks: usize) -> String {
        step.repeat((marks - 20) / count_marks(step.as_bytes()))
    }

    #[test]
    fn the_highest_trees_that_are_let_through_fit_their_stack() {
        let before = [
            "-",
            "not ",
            "lambda:",
            "await ",
            "1 if 1 else ",
            "1**",
            "lambda a=-1: ",
            "yield a, ",
            "yield -",
        ];
        let after = ["+1", "**1", ".b", "()", "[0]", " if 1 else 1", "==1"];
        let lines = ["if 1: ", "async ", "match a: ", "while -1: "];
        for marks in [SHALLOW, 5_000, MAX_MARKS] {
            let body = "PLUGIN_METADATA = {'id': 'a'}\ndef get_metadata():\n return";
            let before = before.map(|step| format!("{body} {}1", tower(step, marks)));
            let after = after.map(|step| format!("{body} a{}", tower(step, marks)));
            let lines = lines.map(|step| format!("{}pass", tower(step, marks)));
            for text in before.iter().chain(&after).chain(&lines) {
                assert_eq!(survives(text), Ok(()), "{}…", &text[..30]);
            }
        }
    }

    #[test]
    fn code_that_only_the_recovery_of_the_parser_sees_fits_as_well() {
        let steps: String = (0..500).map(|n| format!("{}if 1, 2:\n", " ".repeat(n))).collect();
        let nested = format!("PLUGIN_METADATA = {}1{}", "{'a':".repeat(200), "}".repeat(200));
        assert_eq!(survives(&format!("foo(\n{steps}")), Ok(()));
        assert_eq!(survives(&nested), Ok(()));
        for step in ["-", "{1:", "[", "(", "f(", "lambda:", "if 1: ", "{'a':"] {
            let tower = tower(step, MAX_MARKS);
            let text = format!("f'''{{ ; \n }}''' '''\nPLUGIN_METADATA = {tower} '''");
            assert_eq!(survives(&text), Ok(()), "{step}");
        }
    }

    #[test]
    fn a_panic_inside_is_an_answer() {
        let answer = with_tree("x = 1", |_| -> Option<()> { panic!("on purpose") });
        assert!(answer.unwrap_err().contains("more than the parser"));
    }

    #[test]
    fn too_deep_is_told_in_the_words_of_the_interpreter() {
        assert_eq!(survives(&"(".repeat(100_000)), Err("too many nested parentheses".into()));
    }
}
