//! That the bound holds: against real trees of random and of hostile sources.

use proptest::prelude::*;
use ruff_python_ast::AnyNodeRef;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use super::*;

#[derive(Default)]
struct Depth {
    now: usize,
    most: usize,
}

impl<'a> SourceOrderVisitor<'a> for Depth {
    fn enter_node(&mut self, _: AnyNodeRef<'a>) -> TraversalSignal {
        self.now += 1;
        self.most = self.most.max(self.now);
        TraversalSignal::Traverse
    }

    fn leave_node(&mut self, _: AnyNodeRef<'a>) {
        self.now -= 1;
    }
}

fn real_depth(text: &str) -> usize {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let mut depth = Depth::default();
    depth.visit_mod(parsed.syntax());
    depth.most
}

const WORDS: &[&str] = &[
    "a",
    "1",
    "'s'",
    "+",
    "-",
    "**",
    "not",
    "lambda",
    "lambda:",
    "lambda a, b:",
    ":",
    ",",
    ";",
    ".b",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "if",
    "else",
    "if 1 else",
    "for",
    "in",
    "await",
    "async",
    "yield",
    "*",
    "=",
    ":=",
    "and",
    "is not",
    "f'{",
    "}'",
    "f\"{a:{",
    "}}\"",
    "while 1:",
    "def f():",
    "class C:",
    "try:",
    "except:",
    "match a:",
    "case",
    "|",
    "return",
    "import",
    "from",
    "with",
    "as",
    "elif",
    "@",
    "->",
    "del",
    "type",
    "\n",
    "\n ",
    "\n  ",
    "\n    ",
    "\\\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_tree_is_deeper_than_its_marks_say(
        head in prop::collection::vec(prop::sample::select(WORDS), 0..6),
        body in prop::collection::vec(prop::sample::select(WORDS), 1..6),
        times in 1_usize..60,
    ) {
        let text = format!("{} {}", head.join(" "), format!("{} ", body.join(" ")).repeat(times));
        if let Ok(bound) = bound(&text) {
            let depth = real_depth(&text);
            prop_assert!(depth <= 4 * bound + 12, "{depth} in {text:?} of {bound}");
        }
    }
}

#[test]
fn operators_and_keywords_count_wherever_they_stand() {
    assert_eq!(count_marks(b"notes, _if; x: 'a' # lambda\\\n"), 1);
    assert_eq!(count_marks(b"x = not(-y.z) # 'if'"), 6);
    assert_eq!(count_marks(b"[1.5, 2.5, .5, 'a', \"b\"]"), 1);
    assert_eq!(count_marks(b""), 0);
}

#[test]
fn what_cpython_refuses_is_refused_in_its_words() {
    let steps = |n| (0..n).map(|n| format!("{}if 1:\n", " ".repeat(n))).collect::<String>();
    let nested = |n| format!("x = {}{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(bound(&nested(201)).unwrap_err(), "too many nested parentheses");
    assert_eq!(bound(&"{1:".repeat(1_000_000)).unwrap_err(), "too many nested parentheses");
    assert_eq!(bound(&steps(101)).unwrap_err(), "too many levels of indentation");
    assert!(bound(&nested(200)).is_ok() && bound(&steps(100)).is_ok());
}

#[test]
fn towers_without_brackets_are_refused_by_their_size() {
    for step in [
        "-",
        "not ",
        "lambda:",
        "lambda a, b:",
        "1 if 1 else ",
        "1+",
        "1**",
        "a.",
        "async ",
        "if 1: ",
    ] {
        let refused = bound(&step.repeat(1_000_000)).unwrap_err();
        assert!(refused.starts_with("too large"), "{step}: {refused}");
    }
}

#[test]
fn what_people_and_generators_write_is_let_through() {
    let elif: String = (0..3000).map(|n| format!("elif x == {n}:\n    y = {n}\n")).collect();
    for text in [
        format!("if x:\n    pass\n{elif}"),
        format!("x = 0{}", " + 1".repeat(5_000)),
        format!("x = [{}]", "1.5, 'a', ".repeat(500_000)),
        format!("x = {{{}}}", "'a': 1,\n".repeat(500_000)),
    ] {
        assert!(bound(&text).is_ok(), "{}…", &text[..20]);
    }
}
