//! Own modules: an edit of one reloads its plugin, a fault in one is told of the plugin that
//! imports it, one that was missing is taken up when it appears.

use crate::support::event::{Because, Phase};
use crate::support::{Scene, Watch, text};

const IMPORT: &str = "import helpers\nlog('a helps ' + helpers.NAME)";

/// A live plugin `a` in a folder of its own with `helpers.py`.
fn with_helpers() -> (Scene, Watch) {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").body(IMPORT).save("a/a.py");
    scene.write("a/helpers.py", "NAME = 'one'\n");
    let watch = scene.watching();
    assert_eq!(scene.told("a helps one"), 1);
    (scene, watch)
}

#[test]
fn an_edit_of_a_helper_reloads_its_plugin() {
    let (scene, mut watch) = with_helpers();
    let helper = scene.write("a/helpers.py", "NAME = 'two'\n");
    let live = watch.expect_reloaded("a");
    assert_eq!(live.changed, [text(helper)]);
    assert_eq!(live.because, Because::Edit);
    assert_eq!(live.path, text(scene.path("a/a.py")));
    assert_eq!(scene.told("a helps two"), 1);
    watch.assert_quiet();
}

#[test]
fn edits_of_equal_size_of_a_helper_run_each_text() {
    let (scene, mut watch) = with_helpers();
    for tag in ["t01", "t02", "t03", "t04", "t05", "t06", "t07", "t08"] {
        scene.write("a/helpers.py", format!("NAME = '{tag}'\n"));
        watch.expect_reloaded("a");
        assert_eq!(scene.told(&format!("a helps {tag}")), 1, "{tag}");
    }
}

#[test]
fn a_helper_and_its_plugin_saved_together_are_one_reload() {
    let (scene, mut watch) = with_helpers();
    // What is seen of the two saves at once depends on how fast they come; the last text wins.
    scene.write("a/helpers.py", "NAME = 'two'\n");
    scene.plugin("a").tag("two").body(IMPORT).save("a/a.py");
    while scene.told("a init two") == 0 {
        watch.expect_reloaded("a");
    }
    watch.assert_quiet();
    let log = scene.log();
    assert_eq!(log[log.len() - 3..], ["a body two", "a helps two", "a init two"]);
}

#[test]
fn an_edit_of_a_helpers_helper_reloads_the_plugin() {
    let (scene, mut watch) = with_helpers();
    scene.write("a/helpers.py", "from deeper import NAME\n");
    let deeper = scene.path("a/deeper.py");
    // The first of the two saves alone does not import; the second heals it.
    assert_eq!(watch.expect_failed("a").phase, Phase::Import);
    scene.write("a/deeper.py", "NAME = 'deep'\n");
    watch.expect_reloaded("a");
    scene.write("a/deeper.py", "NAME = 'keep'\n");
    assert_eq!(watch.expect_reloaded("a").changed, [text(deeper)]);
    assert_eq!(scene.told("a helps deep"), 1);
    assert_eq!(scene.told("a helps keep"), 1);
}

#[test]
fn an_edit_of_a_neighbour_that_nobody_imports_is_nothing() {
    let (scene, mut watch) = with_helpers();
    scene.write("a/stranger.py", "NAME = 'x'\n");
    scene.write("a/stranger.py", "NAME = 'y'\n");
    watch.assert_quiet();
    assert_eq!(scene.told("a init one"), 1);
}

#[test]
fn a_helper_saved_unchanged_is_nothing() {
    let (scene, mut watch) = with_helpers();
    scene.write("a/helpers.py", "NAME = 'one'\n");
    watch.assert_quiet();
    assert_eq!(scene.told("a init one"), 1);
}

#[test]
fn a_syntax_error_in_a_helper_never_touches_what_runs() {
    let (scene, mut watch) = with_helpers();
    let helper = scene.write("a/helpers.py", "NAME = 'two'\ndef (:\n");
    let failed = watch.expect_failed("a");
    assert!(failed.kept);
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Parse, "SyntaxError"));
    assert_eq!(failed.error.file, Some(text(helper)));
    assert_eq!(failed.error.line, Some(2));
    assert_eq!(failed.path, text(scene.path("a/a.py")));
    assert_eq!(scene.log(), ["a body one", "a helps one", "a init one"]);
    watch.assert_quiet();
    scene.write("a/helpers.py", "NAME = 'six'\n");
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    assert_eq!(scene.told("a helps six"), 1);
}

#[test]
fn an_error_in_a_helper_brings_the_old_modules_back() {
    let scene = Scene::new();
    scene.plugin("a").body(IMPORT).init("log('a init ' + helpers.NAME)").save("a/a.py");
    scene.write("a/helpers.py", "NAME = 'first'\n");
    let mut watch = scene.watching();
    let helper = scene.write("a/helpers.py", "NAME = 'second'\n1 / 0\n");
    let failed = watch.expect_failed("a");
    assert!(failed.kept);
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "ZeroDivisionError"));
    assert_eq!(failed.error.file, Some(text(helper)));
    assert_eq!(failed.error.line, Some(2));
    assert_eq!(scene.log().last().unwrap(), "a init first");
}

#[test]
fn a_helper_that_was_missing_is_taken_up_when_it_appears() {
    let scene = Scene::new();
    scene.plugin("a").body(IMPORT).save("a/a.py");
    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "ModuleNotFoundError"));
    assert!(!failed.kept);
    watch.wait_ready();
    scene.write("a/helpers.py", "NAME = 'late'\n");
    assert_eq!(watch.expect_loaded("a").generation, 1);
    assert_eq!(scene.told("a helps late"), 1);
}

#[test]
fn a_package_that_was_missing_is_taken_up_when_it_appears() {
    let scene = Scene::new();
    scene.plugin("a").body("from pkg.sub import NAME\nlog('a helps ' + NAME)").save("a/a.py");
    let mut watch = scene.watch();
    watch.expect_failed("a");
    watch.wait_ready();
    scene.write_outside("pkg/sub.py", "NAME = 'sub'\n");
    scene.write_outside("pkg/__init__.py", "");
    std::fs::rename(scene.outside("pkg"), scene.path("a/pkg")).unwrap();
    watch.expect_loaded("a");
    assert_eq!(scene.told("a helps sub"), 1);
}

#[test]
fn a_helper_that_is_imported_late_is_followed() {
    let scene = Scene::new();
    scene.plugin("a").init("import helpers\nlog('a helps ' + helpers.NAME)").save("a/a.py");
    scene.write("a/helpers.py", "NAME = 'one'\n");
    let mut watch = scene.watching();
    scene.write("a/helpers.py", "NAME = 'two'\n");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a helps two"), 1);
}

#[test]
fn a_helper_in_a_package_is_followed() {
    let scene = Scene::new();
    scene.write("a/plugin.json", r#"{"id": "a"}"#);
    let body =
        "from pkg import part\nfrom pkg.part import NAME\nlog('a helps ' + NAME + part.NAME)";
    scene.plugin("a").body(body).save("a/plugin.py");
    scene.write("a/pkg/__init__.py", "");
    scene.write("a/pkg/part.py", "from . import leaf\nNAME = leaf.NAME\n");
    scene.write("a/pkg/leaf.py", "NAME = 'x'\n");
    let mut watch = scene.watching();
    assert_eq!(scene.told("a helps xx"), 1);
    let leaf = scene.write("a/pkg/leaf.py", "NAME = 'y'\n");
    assert_eq!(watch.expect_reloaded("a").changed, [text(leaf)]);
    assert_eq!(scene.told("a helps yy"), 1);
}
