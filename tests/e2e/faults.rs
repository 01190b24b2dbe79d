//! A bad edit of a live plugin: at which phase it fails, what is told, and that what was live
//! before is live again.

use crate::support::event::{Failed, Phase};
use crate::support::{Scene, Watch, text};

/// A live plugin `a` whose file then gets `source`: the failure, which must be kept.
fn edit_to(source: &str) -> (Scene, Watch, Failed) {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.write("a.py", source);
    let failed = watch.expect_failed("a");
    assert_eq!(failed.path, text(scene.path("a.py")));
    assert!(failed.kept, "{failed:?}");
    (scene, watch, failed)
}

/// The same, with a source that is made of the scene.
fn edit_with(source: impl FnOnce(&Scene) -> String) -> (Scene, Watch, Failed) {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.write("a.py", source(&scene));
    let failed = watch.expect_failed("a");
    assert!(failed.kept, "{failed:?}");
    (scene, watch, failed)
}

/// A good save after the failure: the second generation.
fn heals(scene: &Scene, watch: &mut Watch) {
    watch.assert_quiet();
    scene.plugin("a").tag("six").save("a.py");
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    assert_eq!(scene.log().last().unwrap(), "a init six");
}

/// The running generation was never touched.
fn untouched(scene: &Scene) {
    assert_eq!(scene.log(), ["a body one", "a init one"]);
}

/// It was shut down, its successor failed after these lines, and it was initialized again.
fn started_again(scene: &Scene, between: &[&str]) {
    let mut wanted = vec!["a body one", "a init one", "a shutdown one"];
    wanted.extend(between);
    wanted.push("a init one");
    assert_eq!(scene.log(), wanted);
}

#[test]
fn a_syntax_error_never_touches_what_runs() {
    let source = "PLUGIN_METADATA = {'id': 'a'}\n\ndef broken(:\n    pass\n";
    let (scene, mut watch, failed) = edit_to(source);
    assert_eq!(failed.phase, Phase::Parse);
    assert_eq!(failed.error.kind, "SyntaxError");
    assert_eq!(failed.error.file, Some(text(scene.path("a.py"))));
    assert_eq!(failed.error.line, Some(3));
    untouched(&scene);
    heals(&scene, &mut watch);
}

#[test]
fn what_only_the_compiler_refuses_never_touches_what_runs() {
    for source in ["return 1\n", "def f(a, a): pass\n", "from __future__ import braces\n"] {
        let (scene, mut watch, failed) =
            edit_to(&format!("PLUGIN_METADATA = {{'id': 'a'}}\n{source}"));
        assert_eq!(failed.phase, Phase::Parse, "{source}");
        assert_eq!(failed.error.kind, "SyntaxError");
        untouched(&scene);
        heals(&scene, &mut watch);
    }
}

#[test]
fn an_error_in_the_body_brings_the_old_one_back() {
    let (scene, mut watch, failed) =
        edit_with(|scene| scene.plugin("a").tag("two").body("raise ValueError('boom')").text());
    assert_eq!(failed.phase, Phase::Import);
    assert_eq!(failed.error.kind, "ValueError");
    assert!(failed.error.message.contains("boom"), "{failed:?}");
    assert_eq!(failed.error.file, Some(text(scene.path("a.py"))));
    started_again(&scene, &["a body two"]);
    heals(&scene, &mut watch);
}

#[test]
fn a_missing_import_is_an_import_failure() {
    let (_scene, _watch, failed) =
        edit_with(|scene| scene.plugin("a").tag("two").body("import no_such_module_x").text());
    assert_eq!(failed.phase, Phase::Import);
    assert_eq!(failed.error.kind, "ModuleNotFoundError");
    assert!(failed.error.message.contains("no_such_module_x"), "{failed:?}");
}

#[test]
fn a_factory_that_gives_none_fails_at_create() {
    let (scene, mut watch, failed) = edit_with(|scene| {
        format!("{}\ndef create_plugin():\n    return None\n", scene.plugin("a").tag("two").text())
    });
    assert_eq!(failed.phase, Phase::Create);
    started_again(&scene, &["a body two"]);
    heals(&scene, &mut watch);
}

#[test]
fn a_factory_that_raises_fails_at_create() {
    let (scene, mut watch, failed) = edit_with(|scene| {
        format!("{}\ndef create_plugin():\n    1 / 0\n", scene.plugin("a").tag("two").text())
    });
    assert_eq!(failed.phase, Phase::Create);
    assert_eq!(failed.error.kind, "ZeroDivisionError");
    started_again(&scene, &["a body two"]);
    heals(&scene, &mut watch);
}

#[test]
fn initialize_that_raises_brings_the_old_one_back() {
    let (scene, mut watch, failed) =
        edit_with(|scene| scene.plugin("a").tag("two").init("raise KeyError('boom')").text());
    assert_eq!(failed.phase, Phase::Initialize);
    assert_eq!(failed.error.kind, "KeyError");
    // The shutdown of the failed one is not called.
    started_again(&scene, &["a body two", "a init two"]);
    heals(&scene, &mut watch);
}

#[test]
fn initialize_that_says_false_refuses() {
    let (scene, mut watch, failed) =
        edit_with(|scene| scene.plugin("a").tag("two").init("return False").text());
    assert_eq!(failed.phase, Phase::Initialize);
    started_again(&scene, &["a body two", "a init two"]);
    heals(&scene, &mut watch);
}

#[test]
fn initialize_that_says_none_is_content() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init("return None").save("a.py");
    watch.expect_reloaded("a");
}

#[test]
fn an_exception_that_is_no_error_is_a_failure_of_its_plugin() {
    for (place, phase) in [("body", Phase::Import), ("init", Phase::Initialize)] {
        for kind in ["SystemExit", "KeyboardInterrupt", "GeneratorExit"] {
            let scene = Scene::with(&["a", "b"]);
            scene.probe();
            let mut watch = scene.watching();
            let line = format!("raise {kind}(3)");
            let plugin = scene.plugin("a").tag("two");
            let plugin = if place == "body" { plugin.body(&line) } else { plugin.init(&line) };
            plugin.save("a.py");
            let failed = watch.expect_failed("a");
            assert_eq!((failed.phase, failed.error.kind.as_str()), (phase, kind));
            assert!(failed.kept);
            heals(&scene, &mut watch);
            assert_eq!(scene.told("b shutdown one"), 0);
        }
    }
}

#[test]
fn sys_exit_is_a_failure_of_its_plugin() {
    let (scene, mut watch, failed) =
        edit_with(|scene| scene.plugin("a").tag("two").body("import sys; sys.exit(7)").text());
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "SystemExit"));
    heals(&scene, &mut watch);
}

#[test]
fn a_recursion_without_end_is_a_failure_of_its_plugin() {
    let (scene, mut watch, failed) = edit_with(|scene| {
        scene.plugin("a").tag("two").body("def f():\n    return f() + 1\nf()").text()
    });
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "RecursionError"));
    heals(&scene, &mut watch);
}

#[test]
fn an_exception_that_cannot_be_shown_is_told_all_the_same() {
    let body = "class Rude(Exception):\n    def __str__(self):\n        raise ValueError('no')\n    \
                __repr__ = __str__\nraise Rude()";
    let (scene, mut watch, failed) =
        edit_with(|scene| scene.plugin("a").tag("two").body(body).text());
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "Rude"));
    heals(&scene, &mut watch);
}

#[test]
fn the_plugin_is_not_kept_when_the_old_one_refuses_too() {
    let scene = Scene::new();
    scene.probe();
    // It can be initialized once; what remembers that is outside of the process.
    let once = format!(
        "import os\nif os.path.exists({0:?}):\n    raise OSError('taken')\nopen({0:?}, 'w').close()",
        scene.outside("taken")
    );
    scene.plugin("a").init(&once).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init("raise ValueError('no')").save("a.py");
    let failed = watch.expect_failed("a");
    assert!(!failed.kept);
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Initialize, "ValueError"));
    watch.assert_quiet();
    scene.plugin("a").tag("six").save("a.py");
    assert_eq!(watch.expect_loaded("a").generation, 2);
    watch.stop();
    assert_eq!(scene.log().last().unwrap(), "a shutdown six");
    assert_eq!(scene.told("a shutdown one"), 1);
    assert_eq!(scene.told("a shutdown two"), 0);
}

#[test]
fn one_failure_after_another_keeps_the_same_generation() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    for tag in ["two", "ten", "six"] {
        scene.plugin("a").tag(tag).body("raise ValueError(TAG)").save("a.py");
        let failed = watch.expect_failed("a");
        assert!(failed.kept);
        assert!(failed.error.message.contains(tag));
    }
    scene.plugin("a").tag("end").save("a.py");
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    assert_eq!(scene.told("a init one"), 4);
    assert_eq!(scene.told("a shutdown one"), 4);
}

#[test]
fn a_traceback_shows_the_plugins_frames_with_the_lines_that_ran() {
    let body = "def explode(depth):\n    if depth:\n        explode(depth - 1)\n    \
                raise ValueError('boom')  # the culprit\nexplode(2)";
    let (scene, _watch, failed) = edit_with(|scene| scene.plugin("a").tag("two").body(body).text());
    let traceback = failed.error.traceback.unwrap();
    assert!(traceback.contains("# the culprit"), "{traceback}");
    assert!(traceback.contains("in explode"), "{traceback}");
    let frames: Vec<_> =
        traceback.lines().filter(|line| line.trim_start().starts_with("File \"")).collect();
    assert!(!frames.is_empty(), "{traceback}");
    let path = text(scene.path("a.py"));
    assert!(frames.iter().all(|frame| frame.contains(&path)), "{traceback}");
    let source = scene.plugin("a").tag("two").body(body).text();
    let line = source.lines().position(|line| line.contains("# the culprit")).unwrap() + 1;
    assert_eq!(failed.error.line, Some(line as u64));
}

#[test]
fn a_kept_generation_shows_the_lines_that_it_ran() {
    let scene = Scene::new();
    // The first generation fails when it is initialized again; by then the file is another one.
    let init = format!(
        "import os\nif os.path.exists({0:?}):\n    import sys, traceback\n    \
         try:\n        raise ValueError('x')  # an old line\n    \
         except ValueError:\n        log('a saw ' + str('# an old line' in traceback.format_exc()))\n\
         open({0:?}, 'w').close()",
        scene.outside("seen")
    );
    scene.plugin("a").init(&init).save("a.py");
    let mut watch = scene.watching();
    let padding = "# another line\n".repeat(50);
    scene.write("a.py", format!("{padding}PLUGIN_METADATA = {{'id': 'a'}}\n{padding}1 / 0\n"));
    assert!(watch.expect_failed("a").kept);
    assert_eq!(scene.told("a saw True"), 1, "{:?}", scene.log());
}

#[test]
fn a_shutdown_that_raises_is_a_warning_and_the_reload_goes_on() {
    let scene = Scene::new();
    scene.plugin("a").shutdown("raise ValueError('boom')").save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    assert!(watch.warned("a", "shutdown_raised").message.contains("boom"));
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn a_live_file_whose_marks_are_gone_is_kept() {
    for source in ["", "x = 1\n", "# PLUGIN_METADATA\n"] {
        let (scene, mut watch, failed) = edit_to(source);
        assert_eq!(failed.phase, Phase::Metadata, "{source:?}");
        untouched(&scene);
        heals(&scene, &mut watch);
    }
}

#[test]
fn a_live_file_that_lost_its_id_is_kept() {
    let (scene, mut watch, failed) = edit_to("PLUGIN_METADATA = {'name': 'nobody'}\n");
    assert_eq!(failed.phase, Phase::Metadata);
    untouched(&scene);
    heals(&scene, &mut watch);
}

#[test]
fn a_hundred_thousand_brackets_kill_nobody() {
    let deep = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
    let (scene, mut watch, failed) =
        edit_to(&format!("PLUGIN_METADATA = {{'id': 'a'}}\nx = {deep}\n"));
    assert_eq!(failed.phase, Phase::Parse);
    untouched(&scene);
    heals(&scene, &mut watch);
}

#[test]
fn nul_bytes_never_touch_what_runs() {
    let (scene, mut watch, failed) = edit_to("PLUGIN_METADATA = {'id': 'a'}\nx = '\0'\n");
    assert_eq!(failed.phase, Phase::Parse);
    untouched(&scene);
    heals(&scene, &mut watch);
}

#[test]
fn a_broken_edit_of_one_leaves_the_other_reloading() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a'}\n(\n");
    assert!(watch.expect_failed("a").kept);
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
}

#[test]
fn the_file_of_a_failed_edit_may_be_deleted() {
    let (scene, mut watch, _) = edit_to("PLUGIN_METADATA = {'id': 'a'}\n(\n");
    scene.remove("a.py");
    watch.expect_unloaded("a");
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn half_a_surrogate_pair_is_one_sign() {
    let source = "PLUGIN_METADATA = {'id': 'a'}\nraise ValueError('a\\ud800b\\ud83d\\ude00c')\n";
    let (_, _, failed) = edit_to(source);
    assert_eq!(failed.error.message, "a\u{fffd}b\u{1f600}c");
}
