//! The marks of a plugin: as text in the bytes (cheap, for every file), and in code (exact).

use std::sync::LazyLock;

use regex::bytes::Regex;
use ruff_python_ast::token::{Token, TokenKind};
use ruff_text_size::Ranged;

const NAMES: [&str; 3] = ["PluginInterface", "ServicePlugin", "PLUGIN_METADATA"];

/// Finds all that [`in_code`] finds, and marks in comments and strings.
#[expect(clippy::unwrap_used, reason = "a constant that every test compiles")]
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    let import = r"(?:[\w.]+(?:[\s\\]+as[\s\\]+\w+)?[\s\\]*,[\s\\]*)*qtforge\b";
    let pattern = format!(
        r"(?-u)\b(?:PluginInterface|ServicePlugin|PLUGIN_METADATA|from[\s\\]+qtforge|import[\s\\]+{import})\b"
    );
    Regex::new(&pattern).unwrap()
});

/// What every mark has in it. Plain words are searched for many bytes at a time, and almost no file
/// has one.
#[expect(clippy::unwrap_used, reason = "a constant that every test compiles")]
static WORDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("(?-u)qtforge|{}", NAMES.join("|"))).unwrap());

/// Whether `bytes` hold a mark anywhere, be it in a comment.
pub(super) fn in_text(bytes: &[u8]) -> bool {
    WORDS.is_match(bytes) && MARKS.is_match(bytes)
}

/// Whether the tokens of `text` hold a mark outside of comments and strings.
pub(super) fn in_code(text: &str, tokens: &[Token]) -> bool {
    let mut importing = false;
    for token in tokens {
        match token.kind() {
            TokenKind::Import | TokenKind::From => importing = true,
            TokenKind::Newline | TokenKind::Semi => importing = false,
            TokenKind::Name => {
                let name = text.get(token.range().to_std_range()).unwrap_or_default();
                if NAMES.contains(&name) || (importing && name == "qtforge") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

    use super::*;

    fn both(text: &str) -> (bool, bool) {
        let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
        (in_text(text.as_bytes()), in_code(text, parsed.tokens()))
    }

    #[test]
    fn marks_in_code_are_seen_by_both() {
        for text in [
            "from qtforge import core",
            "from qtforge.core import x",
            "import  qtforge",
            "import os, qtforge.core as q",
            "import os as o, sys, \\\n qtforge",
            "from \\\n qtforge import x",
            "class A(PluginInterface): pass",
            "class A(m.ServicePlugin): pass",
            "PLUGIN_METADATA: dict = {}",
            "x = f'{PLUGIN_METADATA}'",
        ] {
            assert_eq!(both(text), (true, true), "{text}");
        }
    }

    #[test]
    fn marks_in_comments_and_strings_are_text_only() {
        for text in [
            "# PluginInterface",
            "'''import qtforge'''",
            "x = 'PLUGIN_METADATA'",
            "f'ServicePlugin {x}'",
        ] {
            assert_eq!(both(text), (true, false), "{text}");
        }
    }

    #[test]
    fn other_words_are_no_marks() {
        for text in [
            "import qtforge_tools",
            "from os import path",
            "qtforge = 1",
            "MyPluginInterfaces = 1",
            "",
        ] {
            assert_eq!(both(text), (false, false), "{text}");
        }
    }
}
