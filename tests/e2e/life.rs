//! From the first line to a plugin's end: what is told, with which fields, in which order.

use std::fs;

use crate::support::event::{Because, Event, Gone};
use crate::support::{Scene, text};

#[test]
fn the_first_line_is_starting() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watch();
    match watch.next_event() {
        Event::Starting(starting) => {
            assert_eq!(starting.version, env!("CARGO_PKG_VERSION"));
            assert_eq!(starting.protocol, 1);
            assert!(starting.python.starts_with("3."), "{}", starting.python);
        }
        other => watch.fail(&format!("expected `starting`, got {other:?}")),
    }
}

#[test]
fn a_plugin_that_is_there_is_loaded_before_ready() {
    let scene = Scene::new();
    let path = scene.plugin("com.example.a").version("2.3.4").save("a.py");
    let mut watch = scene.watch();
    let live = watch.expect_loaded("com.example.a");
    assert_eq!(live.path, text(path));
    assert_eq!(live.path_bytes, None);
    assert_eq!(live.version, "2.3.4");
    assert_eq!(live.generation, 1);
    assert_eq!(scene.log(), ["com.example.a body one", "com.example.a init one"]);
    assert_eq!(watch.wait_ready().plugins, 1);
}

#[test]
fn ready_counts_the_live_ones_only() {
    let scene = Scene::with(&["a", "b", "c"]);
    scene.plugin("broken").init("raise ValueError('no')").save("broken.py");
    assert_eq!(scene.watch().wait_ready().plugins, 3);
}

#[test]
fn ready_comes_once() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.stop();
    let count = watch.seen.iter().filter(|event| matches!(event, Event::Ready(_))).count();
    assert_eq!(count, 1);
}

#[test]
fn an_edit_makes_the_next_generation() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    let path = scene.plugin("a").tag("two").version("1.1.0").save("a.py");
    let live = watch.expect_reloaded("a");
    assert_eq!(live.path, text(&path));
    assert_eq!(live.version, "1.1.0");
    assert_eq!(live.generation, 2);
    assert_eq!(live.changed, [text(&path)]);
    assert_eq!(live.because, Because::Edit);
    let lines = ["a body one", "a init one", "a shutdown one", "a body two", "a init two"];
    assert_eq!(scene.log(), lines);
}

#[test]
fn an_edit_of_one_plugin_leaves_the_others_alone() {
    let scene = Scene::with(&["a", "b"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!(scene.told("b init one"), 1);
    assert_eq!(scene.told("b shutdown one"), 0);
}

#[test]
fn an_edit_right_after_ready_is_not_missed() {
    let scene = Scene::with(&["a", "b", "c", "d"]);
    let mut watch = scene.watching();
    for id in ["d", "c", "b", "a"] {
        scene.plugin(id).tag("two").save(&format!("{id}.py"));
    }
    let mut ids: Vec<_> =
        watch.outcomes(4).iter().map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    assert_eq!(scene.log().iter().filter(|line| line.ends_with("init two")).count(), 4);
}

#[test]
fn a_deleted_file_unloads_its_plugin() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.remove("a.py");
    let gone = watch.expect_unloaded("a");
    assert_eq!(gone.because, Gone::Deleted);
    assert_eq!(gone.path, text(scene.path("a.py")));
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn a_file_moved_out_of_the_root_unloads_its_plugin() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    fs::rename(scene.path("a.py"), scene.outside("a.py")).unwrap();
    assert_eq!(watch.expect_unloaded("a").because, Gone::Deleted);
}

#[test]
fn a_deleted_folder_unloads_all_in_it() {
    let scene = Scene::new();
    scene.plugin("a").save("sub/a.py");
    scene.plugin("b").save("sub/deep/b.py");
    let mut watch = scene.watching();
    fs::remove_dir_all(scene.path("sub")).unwrap();
    let mut gone: Vec<_> =
        watch.outcomes(2).iter().map(|event| event.id().unwrap().to_owned()).collect();
    gone.sort();
    assert_eq!(gone, ["a", "b"]);
    assert_eq!(scene.told("a shutdown one") + scene.told("b shutdown one"), 2);
}

#[test]
fn generations_go_on_after_an_unload() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.remove("a.py");
    watch.expect_unloaded("a");
    scene.plugin("a").tag("two").save("a.py");
    assert_eq!(watch.expect_loaded("a").generation, 2);
}

#[test]
fn a_new_file_is_loaded() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    let path = scene.plugin("b").save("b.py");
    let live = watch.expect_loaded("b");
    assert_eq!(live.path, text(path));
    assert_eq!(live.generation, 1);
}

#[test]
fn a_plugin_in_a_subfolder_lives_like_any_other() {
    let scene = Scene::with(&["a"]);
    scene.plugin("b").save("sub/deep/b.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.plugin("b").tag("two").save("sub/deep/b.py");
    watch.expect_reloaded("b");
}

#[test]
fn a_file_written_at_once_into_new_folders_is_seen() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("b").save("x/y/z/b.py");
    watch.expect_loaded("b");
    scene.plugin("b").tag("two").save("x/y/z/b.py");
    watch.expect_reloaded("b");
}

#[test]
fn none_of_a_hundred_new_folders_is_missed() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    for number in 0..100 {
        scene.plugin(&format!("n{number:02}")).save(&format!("d{number}/e/p.py"));
    }
    let mut ids: Vec<_> =
        watch.outcomes(100).iter().map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100);
    let (all, live) = (watch.seen.iter(), |event: &&Event| matches!(event, Event::Loaded(_)));
    assert_eq!(all.filter(live).count(), 101);
}

#[test]
fn a_folder_moved_in_is_taken_up() {
    let scene = Scene::with(&["a"]);
    let source = scene.plugin("b").text();
    scene.write_outside("elsewhere/sub/b.py", source);
    let mut watch = scene.watching();
    fs::rename(scene.outside("elsewhere"), scene.path("here")).unwrap();
    assert_eq!(watch.expect_loaded("b").path, text(scene.path("here/sub/b.py")));
    scene.plugin("b").tag("two").save("here/sub/b.py");
    watch.expect_reloaded("b");
}

#[test]
fn watch_is_the_default_command() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.start(["--json", &text(scene.root())]);
    watch.expect_loaded("a");
    assert_eq!(watch.wait_ready().plugins, 1);
    watch.stop();
}

#[test]
fn no_bytecode_is_left_beside_the_plugins() {
    let scene = Scene::new();
    scene.plugin("a").body("import helpers").save("a/p.py");
    scene.write("a/helpers.py", "X = 1\n");
    let mut watch = scene.watching();
    watch.stop();
    assert!(!scene.path("a/__pycache__").exists());
}
