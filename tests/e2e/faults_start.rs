//! Plugins that are broken when they are first seen, and the edit that mends them.

use crate::support::event::{Failed, Phase};
use crate::support::{Scene, Watch, text};

/// A broken `a` beside a good `b` at start: the failure.
fn start_with(source: impl FnOnce(&Scene) -> Vec<u8>) -> (Scene, Watch, Failed) {
    let scene = Scene::with(&["b"]);
    let path = scene.write("a.py", source(&scene));
    let mut watch = scene.watch();
    let mut failed = None;
    let mut loaded = false;
    for event in watch.outcomes(2) {
        match event {
            crate::support::Event::Failed(event) => failed = Some(event),
            event => loaded = event.is_live("b"),
        }
    }
    assert!(loaded, "the good one is not live");
    assert_eq!(watch.wait_ready().plugins, 1);
    let failed = failed.unwrap();
    assert_eq!(failed.path, text(path));
    assert!(!failed.kept, "{failed:?}");
    (scene, watch, failed)
}

/// Mended, it is loaded as its first generation.
fn heals(scene: &Scene, watch: &mut Watch) {
    scene.plugin("a").tag("six").save("a.py");
    assert_eq!(watch.expect_loaded("a").generation, 1);
    assert_eq!(scene.told("a init six"), 1);
    assert_eq!(scene.told("a shutdown one"), 0);
}

#[test]
fn broken_at_start_by_a_syntax_error() {
    let (scene, mut watch, failed) =
        start_with(|_| b"PLUGIN_METADATA = {'id': 'a'}\nx = = 1\n".to_vec());
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Parse, "SyntaxError"));
    assert_eq!(failed.error.line, Some(2));
    heals(&scene, &mut watch);
}

#[test]
fn broken_at_start_in_the_body() {
    let (scene, mut watch, failed) =
        start_with(|scene| scene.plugin("a").body("raise ValueError('boom')").text().into());
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "ValueError"));
    assert_eq!(failed.id.as_deref(), Some("a"));
    heals(&scene, &mut watch);
}

#[test]
fn broken_at_start_in_the_factory() {
    let (scene, mut watch, failed) = start_with(|scene| {
        format!("{}\ndef create_plugin():\n    return None\n", scene.plugin("a").text()).into()
    });
    assert_eq!(failed.phase, Phase::Create);
    heals(&scene, &mut watch);
}

#[test]
fn broken_at_start_in_initialize() {
    let (scene, mut watch, failed) =
        start_with(|scene| scene.plugin("a").init("return False").text().into());
    assert_eq!(failed.phase, Phase::Initialize);
    heals(&scene, &mut watch);
}

#[test]
fn system_exit_at_start() {
    let (scene, mut watch, failed) =
        start_with(|scene| scene.plugin("a").body("raise SystemExit(0)").text().into());
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "SystemExit"));
    heals(&scene, &mut watch);
}

#[test]
fn keyboard_interrupt_at_start() {
    let (scene, mut watch, failed) =
        start_with(|scene| scene.plugin("a").init("raise KeyboardInterrupt").text().into());
    assert_eq!(
        (failed.phase, failed.error.kind.as_str()),
        (Phase::Initialize, "KeyboardInterrupt")
    );
    heals(&scene, &mut watch);
}

#[test]
fn brackets_without_end_at_start() {
    let (scene, mut watch, failed) = start_with(|_| {
        format!("PLUGIN_METADATA = {{'id': 'a'}}\nx = {}\n", "[".repeat(100_000)).into()
    });
    assert_eq!(failed.phase, Phase::Parse);
    heals(&scene, &mut watch);
}

#[test]
fn bad_utf_8_at_start() {
    let (scene, mut watch, failed) =
        start_with(|_| b"PLUGIN_METADATA = {'id': 'a'}\nx = '\xff\xfe'\n".to_vec());
    assert!(matches!(failed.phase, Phase::Parse | Phase::Read), "{failed:?}");
    heals(&scene, &mut watch);
}

#[test]
fn nul_bytes_at_start() {
    let (scene, mut watch, failed) =
        start_with(|_| b"PLUGIN_METADATA = {'id': 'a'}\nx = '\0'\n".to_vec());
    assert_eq!(failed.phase, Phase::Parse);
    heals(&scene, &mut watch);
}

#[test]
fn an_unknown_coding_at_start() {
    let (scene, mut watch, failed) =
        start_with(|_| b"# coding: no-such-coding\nPLUGIN_METADATA = {'id': 'a'}\n".to_vec());
    assert!(matches!(failed.phase, Phase::Parse | Phase::Read), "{failed:?}");
    heals(&scene, &mut watch);
}

#[test]
fn a_failed_start_is_undone_in_the_next() {
    // What the failed body left in its modules must not be seen by the mended one.
    let scene = Scene::new();
    scene.plugin("a").body("import helpers\nhelpers.mark = 1\nraise ValueError").save("a/a.py");
    scene.write("a/helpers.py", "mark = 0\n");
    let mut watch = scene.watch();
    watch.expect_failed("a");
    watch.wait_ready();
    scene
        .plugin("a")
        .tag("two")
        .body("import helpers\nlog(f'a mark {helpers.mark}')")
        .save("a/a.py");
    watch.expect_loaded("a");
    assert_eq!(scene.told("a mark 0"), 1);
}

#[test]
fn deleted_while_it_never_was_live() {
    let scene = Scene::with(&["b"]);
    scene.probe();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a'}\n(\n");
    let mut watch = scene.watching();
    scene.remove("a.py");
    // Whether a plugin that was never live is told to be gone is nobody's promise; that it is
    // forgotten is: written again, it starts from the beginning.
    scene.plugin("a").save("a.py");
    let live = watch.wait(|event| event.is_live("a"));
    assert!(matches!(live, crate::support::Event::Loaded(live) if live.generation == 1));
    watch.assert_quiet();
}

#[test]
fn a_file_that_cannot_be_parsed_and_has_no_mark_is_left_alone() {
    let scene = Scene::with(&["b"]);
    scene.probe();
    scene.write("a.py", "def (:\n");
    let mut watch = scene.watch();
    watch
        .outcomes(2)
        .iter()
        .for_each(|event| assert!(!matches!(event, crate::support::Event::Failed(_))));
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.write("a.py", "def (((:\n");
    watch.assert_quiet();
}

#[test]
fn an_object_that_is_no_plugin_is_a_failure_to_create() {
    for (value, kind) in [("5", "int"), ("object()", "object"), ("dict", "type")] {
        let scene = Scene::new();
        let text =
            format!("PLUGIN_METADATA = {{'id': 'a'}}\ndef create_plugin(): return {value}\n");
        scene.write("a.py", text);
        let failed = scene.watch().expect_failed("a");
        assert_eq!((failed.phase, failed.kept), (Phase::Create, false));
        let message = failed.error.message;
        assert!(message.contains(&format!("returned an object of type {kind}")), "{message}");
        assert!(message.contains("initialize(), shutdown() and get_metadata()"), "{message}");
    }
    let scene = Scene::new();
    let lazy = "class A:\n    def __getattr__(self, name): return lambda *rest: None\n";
    let text = format!("PLUGIN_METADATA = {{'id': 'a'}}\n{lazy}create_plugin = A\n");
    scene.write("a.py", text);
    scene.watch().expect_loaded("a");
}
