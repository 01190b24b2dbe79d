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

#[test]
fn a_package_that_comes_before_a_module_is_taken_up() {
    let (scene, mut watch) = with_helpers();
    scene.write_outside("made/__init__.py", "NAME = 'package'\n");
    std::fs::rename(scene.outside("made"), scene.path("a/helpers")).unwrap();
    let package = scene.path("a/helpers/__init__.py");
    assert_eq!(watch.expect_reloaded("a").changed, [text(&package)]);
    assert_eq!(scene.told("a helps package"), 1);
    // What the package hides is nobody's any more.
    scene.write("a/helpers.py", "NAME = 'six'\n");
    watch.assert_quiet();
    std::fs::remove_file(package).unwrap();
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a helps six"), 1);
}

#[test]
fn a_module_that_moves_into_a_package_is_one_reload() {
    let (scene, mut watch) = with_helpers();
    std::fs::create_dir(scene.path("a/helpers")).unwrap();
    std::fs::rename(scene.path("a/helpers.py"), scene.path("a/helpers/__init__.py")).unwrap();
    watch.expect_reloaded("a");
    while scene.told("a helps one") < 2 {
        watch.expect_reloaded("a");
    }
    scene.write("a/helpers/__init__.py", "NAME = 'two'\n");
    while scene.told("a helps two") == 0 {
        watch.expect_reloaded("a");
    }
    watch.assert_quiet();
}

#[test]
fn a_folder_of_modules_that_becomes_a_package_is_taken_up() {
    let scene = Scene::new();
    scene.probe();
    let body = "import space.leaf\nlog('a in ' + str(getattr(space, 'NAME', None)))";
    scene.plugin("a").body(body).save("a/a.py");
    scene.write("a/space/leaf.py", "");
    let mut watch = scene.watching();
    scene.write("a/space/other.py", "");
    watch.assert_quiet();
    scene.write("a/space/__init__.py", "NAME = 'package'\n");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a in None"), 1);
    assert_eq!(scene.told("a in package"), 1);
}

#[test]
fn a_conditional_import_that_failed_is_tried_again() {
    let scene = Scene::new();
    scene.probe();
    let body = "try:\n    from extra import fast as how\nexcept ImportError:\n    how = None\n\
                log('a how ' + str(how and how.NAME))";
    scene.plugin("a").body(body).save("a/a.py");
    scene.write("a/extra/__init__.py", "");
    let mut watch = scene.watching();
    scene.write("a/extra/slow.py", "");
    watch.assert_quiet();
    scene.write("a/extra/fast.py", "NAME = 'fast'\n");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a how fast"), 1);
}

#[test]
fn an_import_long_after_the_start_is_followed() {
    let scene = Scene::new();
    scene.probe();
    // Three ways, each asked for by another plugin when the first pass is long over.
    let init = "def late(how):
    import importlib
    if how == 'statement':
        import first
        log('a got ' + first.NAME)
    elif how == 'module':
        log('a got ' + importlib.import_module('pkg.second').NAME)
    else:
        log('a got ' + __import__('third').NAME)
context.get_event_bus().subscribe('go', late)";
    scene.plugin("a").init(init).save("a/a.py");
    scene.write("a/first.py", "NAME = 'one'\n");
    scene.write("a/pkg/__init__.py", "");
    scene.write("a/pkg/second.py", "NAME = 'one'\n");
    scene.write("a/third.py", "NAME = 'one'\n");
    let mut watch = scene.watching();
    for (how, file) in
        [("statement", "a/first.py"), ("module", "a/pkg/second.py"), ("call", "a/third.py")]
    {
        let ask = format!("context.get_event_bus().publish('go', {how:?})");
        scene.plugin("asker").tag(how).init(&ask).save("asker.py");
        watch.wait(|event| event.is_live("asker"));
        assert_eq!(scene.take_log().iter().filter(|line| *line == "a got one").count(), 1);
        let file = scene.write(file, "NAME = 'two'\n");
        assert_eq!(watch.expect_reloaded("a").changed, [text(file)]);
        watch.assert_quiet();
    }
}

#[test]
fn an_edit_while_it_is_imported_is_not_lost() {
    let scene = Scene::new();
    // The plugin itself edits the helper, between the moment that it is read and the end of the load.
    let body = format!(
        "import helpers, os\nlog('a helps ' + helpers.NAME)\nif helpers.NAME == 'one':\n    \
         open({:?}, 'w').write(\"NAME = 'two'\\n\")",
        scene.path("a/helpers.py")
    );
    scene.plugin("a").body(&body).save("a/a.py");
    scene.write("a/helpers.py", "NAME = 'one'\n");
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a helps two"), 1);
}

#[test]
fn one_leaf_of_fifty_modules_edited_a_hundred_times() {
    let scene = Scene::new();
    scene.write("a/plugin.json", r#"{"id": "a"}"#);
    scene.plugin("a").body("from pkg import m00\nlog('a leaf ' + m00.LEAF)").save("a/plugin.py");
    scene.write("a/pkg/__init__.py", "");
    for number in 0..49 {
        let next = number + 1;
        scene.write(
            format!("a/pkg/m{number:02}.py"),
            format!("from .m{next:02} import LEAF\nfrom pkg import m{next:02}\n"),
        );
    }
    scene.write("a/pkg/m49.py", "LEAF = '000'\n");
    let mut watch = scene.watching();
    let leaf = scene.path("a/pkg/m49.py");
    for number in 1..=100 {
        scene.write("a/pkg/m49.py", format!("LEAF = '{number:03}'\n"));
        let live = watch.expect_reloaded("a");
        assert_eq!(live.changed, [text(&leaf)]);
        assert_eq!(live.generation, number + 1);
        assert_eq!(scene.told(&format!("a leaf {number:03}")), 1);
    }
}

#[test]
fn a_hundred_edits_of_equal_size_end_with_the_last_text() {
    let (scene, mut watch) = with_helpers();
    // As fast as they can be written; poisoned bytecode and a time from long ago come along.
    let helper = scene.path("a/helpers.py");
    for number in 1..=100 {
        scene.write("a/helpers.py", format!("NAME = '{number:03}'\n"));
        let file = std::fs::File::options().append(true).open(&helper).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    while scene.told("a helps 100") == 0 {
        watch.expect_reloaded("a");
    }
    watch.assert_quiet();
    let log = scene.log();
    let texts: Vec<&str> = log.iter().filter_map(|line| line.strip_prefix("a helps ")).collect();
    assert!(texts[1..].is_sorted(), "an older text ran after a newer one: {texts:?}");
}

#[test]
fn poisoned_bytecode_is_never_run() {
    let scene = Scene::new();
    scene.plugin("a").body(IMPORT).save("a/a.py");
    let helper = scene.write("a/helpers.py", "NAME = 'bad'\n");
    let compile = "import py_compile, sys\npy_compile.compile(sys.argv[1])";
    let python = env!("REPLUG_BUILD_PYTHON");
    crate::support::files::run(python, ["-c", compile, helper.to_str().unwrap()]);
    let times = std::fs::metadata(&helper).unwrap().modified().unwrap();
    // Same size, same time: whoever trusts the cache runs the text before.
    scene.write("a/helpers.py", "NAME = 'new'\n");
    std::fs::File::options().append(true).open(&helper).unwrap().set_modified(times).unwrap();
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a helps new"), 1);
}
