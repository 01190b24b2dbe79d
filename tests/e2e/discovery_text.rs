//! Sources that are not plain UTF-8 with line feeds run as Python runs them.

use crate::support::event::{Event, Phase};
use crate::support::{Scene, text};

/// Loads these bytes as `a.py`, with the log function before the marker `LOG`.
fn loads(source: Vec<u8>) -> Vec<String> {
    let scene = Scene::new();
    scene.write("a.py", source.replace_marker(&scene.log_function()));
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    watch.wait_ready();
    scene.log()
}

trait Marker {
    fn replace_marker(&self, with: &str) -> Vec<u8>;
}

impl Marker for Vec<u8> {
    fn replace_marker(&self, with: &str) -> Vec<u8> {
        let at = self.windows(3).position(|window| window == b"LOG").expect("a marker");
        [&self[..at], with.as_bytes(), &self[at + 3..]].concat()
    }
}

const END: &[u8] = b"\ndef initialize(context):\n    return True\n";

fn source(head: &[u8], tail: &[u8]) -> Vec<u8> {
    [head, b"PLUGIN_METADATA = {'id': 'a'}\nLOG\n", tail, END].concat()
}

#[test]
fn a_byte_order_mark() {
    assert_eq!(loads(source(b"\xef\xbb\xbf", "log('é')".as_bytes())), ["é"]);
}

#[test]
fn a_latin_1_cookie() {
    assert_eq!(loads(source(b"# -*- coding: latin-1 -*-\n", b"log('caf\xe9')")), ["café"]);
}

#[test]
fn a_cookie_on_the_second_line() {
    let head = b"#!/usr/bin/env python3\n# vim: set fileencoding=cp1252 :\n";
    assert_eq!(loads(source(head, b"log('\x80')")), ["€"]);
}

#[test]
fn line_feeds_of_another_kind() {
    for (name, end) in [("CRLF", "\r\n"), ("CR", "\r")] {
        let scene = Scene::new();
        let source = scene.plugin("a").text().replace('\n', end);
        scene.write("a.py", source);
        let mut watch = scene.watch();
        watch.expect_loaded("a");
        assert_eq!(scene.log(), ["a body one", "a init one"], "{name}");
    }
}

#[test]
fn a_line_number_behind_crlf_is_the_editors() {
    let scene = Scene::new();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a'}\r\n\r\n\r\n1 / 0\r\n");
    let failed = scene.watch().expect_failed("a");
    assert_eq!((failed.phase, failed.error.line), (Phase::Import, Some(4)));
}

#[test]
fn without_a_line_feed_at_its_end() {
    let scene = Scene::new();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a'}\ndef initialize(context): return True");
    scene.watch().expect_loaded("a");
}

#[test]
fn a_form_feed_and_a_backslash() {
    let source = source(b"\x0c\n", b"log('x' + \\\n    'y')");
    assert_eq!(loads(source), ["xy"]);
}

#[test]
fn a_long_file() {
    let scene = Scene::new();
    let padding = "# padding that is no code\n".repeat(40_000);
    scene.write("a.py", format!("{padding}{}", scene.plugin("a").text()));
    scene.watch().expect_loaded("a");
}

#[test]
fn an_empty_file_is_no_plugin() {
    let scene = Scene::with(&["b"]);
    scene.write("a.py", "");
    let (_watch, events) = scene.first_pass();
    let outcomes: Vec<_> = events.iter().filter(|event| event.is_outcome()).collect();
    assert!(matches!(outcomes[..], [Event::Loaded(_)]), "{outcomes:?}");
}

#[test]
fn a_column_counts_from_one() {
    let scene = Scene::new();
    let path = scene.write("a.py", "PLUGIN_METADATA = {'id': 'a'}\nx = 1 +\n");
    let failed = scene.watch().expect_failure();
    assert_eq!(failed.phase, Phase::Parse);
    assert_eq!(failed.error.file, Some(text(path)));
    assert_eq!(failed.error.line, Some(2));
    assert!(failed.error.column.is_none_or(|column| (1..=8).contains(&column)), "{failed:?}");
}
