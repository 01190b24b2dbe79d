//! How deep a syntax tree can become, told before there is a tree.
//!
//! A tree is parsed, walked and dropped by recursion, so a source of a few megabytes of brackets,
//! minus signs or lambdas could overflow the stack and end the process. Takes a text; gives an
//! upper bound for the depth of its tree, or refuses what no CPython compiles either.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer::lex};

/// CPython's own limit for open brackets.
const MAX_BRACKETS: usize = 200;
/// CPython's own limit for indentation levels.
const MAX_INDENTS: usize = 100;
/// More than a megabyte of ordinary source; numbers, names, strings and commas do not count.
pub(super) const MAX_MARKS: usize = 100_000;

const WORDS: [&[u8]; 32] = [
    b"and",
    b"as",
    b"assert",
    b"async",
    b"await",
    b"case",
    b"class",
    b"def",
    b"del",
    b"elif",
    b"else",
    b"except",
    b"finally",
    b"for",
    b"from",
    b"global",
    b"if",
    b"import",
    b"in",
    b"is",
    b"lambda",
    b"match",
    b"nonlocal",
    b"not",
    b"or",
    b"raise",
    b"return",
    b"try",
    b"type",
    b"while",
    b"with",
    b"yield",
];

/// An upper bound for the depth of the tree of `text`, but for a small factor.
///
/// It holds for every text, also for one with syntax errors: the parser's recovery may take text
/// for code and code for text, so what counts is what stands in the file, wherever it stands.
///
/// # Errors
/// A message for the author, in CPython's words where it has some.
pub(super) fn bound(text: &str) -> Result<usize, String> {
    let marks = count_marks(text.as_bytes());
    // Below that many marks none of the limits can be broken, which spares small files this pass.
    if marks >= MAX_INDENTS {
        hold_limits(text)?;
    }
    if marks > MAX_MARKS {
        return Err(format!(
            "too large to be read without running it: {marks} operators, brackets and keywords, \
             more than {MAX_MARKS}"
        ));
    }
    Ok(marks)
}

/// How many operators, opening brackets and keywords there are, be it in a string or comment.
pub(super) fn count_marks(text: &[u8]) -> usize {
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    let words = text.split(|byte| !in_word(byte));
    let next_is_digit = |at: usize| text.get(at + 1).is_some_and(u8::is_ascii_digit);
    let is_mark = |(at, byte): (usize, &u8)| match byte {
        b'.' => !next_is_digit(at),
        b'(' | b'[' | b'{' | b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^'
        | b'~' | b'<' | b'>' | b'=' | b'!' => true,
        _ => false,
    };
    words.filter(|word| WORDS.contains(word)).count()
        + text.iter().enumerate().filter(|&pair| is_mark(pair)).count()
}

/// Refuses what the tokenizer of CPython refuses.
fn hold_limits(text: &str) -> Result<(), String> {
    let mut lexer = lex(text, Mode::Module);
    let (mut brackets, mut indents) = (0_usize, 0_usize);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => brackets += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                brackets = brackets.saturating_sub(1);
            }
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            _ => {}
        }
        if brackets > MAX_BRACKETS {
            return Err("too many nested parentheses".to_owned());
        }
        if indents >= MAX_INDENTS {
            return Err("too many levels of indentation".to_owned());
        }
    }
}

#[cfg(test)]
#[path = "nesting_tests.rs"]
mod tests;
