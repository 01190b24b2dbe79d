//! What is watched: roots that are files, missing, several, overlapping, found by default.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::event::Gone;
use crate::support::{Scene, text};

#[test]
fn no_plugins_is_said_on_stderr_and_the_watch_goes_on() {
    let scene = Scene::new();
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 0);
    watch.wait_stderr("no plugins");
    scene.plugin("a").save("a.py");
    watch.expect_loaded("a");
    watch.stop();
}

#[test]
fn a_root_that_is_missing_is_taken_up_when_it_appears() {
    let scene = Scene::new();
    let root = scene.outside("later/plugins");
    let mut watch = scene.start(["watch", "--json", &text(&root)]);
    assert_eq!(watch.wait_ready().plugins, 0);
    scene.write_outside("later/plugins/a.py", scene.plugin("a").text());
    assert_eq!(watch.expect_loaded("a").path, text(root.join("a.py")));
    scene.write_outside("later/plugins/a.py", scene.plugin("a").tag("two").text());
    watch.expect_reloaded("a");
}

#[test]
fn a_root_that_goes_away_is_taken_up_again_and_again() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    for generation in 2..5 {
        fs::remove_dir_all(scene.root()).unwrap();
        assert_eq!(watch.expect_unloaded("a").because, Gone::Deleted);
        scene.plugin("a").save("a.py");
        assert_eq!(watch.expect_loaded("a").generation, generation);
    }
}

#[test]
fn a_root_may_be_a_file() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.start(["watch", "--json", &text(scene.path("a.py"))]);
    assert_eq!(watch.wait_ready().plugins, 1);
    scene.plugin("b").tag("two").save("b.py");
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("b body one") + scene.told("b body two"), 0);
}

#[test]
fn a_file_root_may_be_missing_so_far() {
    let scene = Scene::new();
    let mut watch = scene.start(["watch", "--json", &text(scene.path("a.py"))]);
    watch.wait_ready();
    scene.plugin("b").save("b.py");
    scene.plugin("a").save("a.py");
    watch.expect_loaded("a");
}

#[test]
fn several_roots_are_watched() {
    let scene = Scene::with(&["a"]);
    let other = scene.write_outside("other/b.py", scene.plugin("b").text());
    let folder = text(other.parent().unwrap());
    let mut watch = scene.start(["watch", "--json", &text(scene.root()), &folder]);
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.write_outside("other/b.py", scene.plugin("b").tag("two").text());
    watch.expect_reloaded("b");
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
}

#[test]
fn overlapping_roots_are_one() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").save("sub/a.py");
    let (root, sub, file) =
        (text(scene.root()), text(scene.path("sub")), text(scene.path("sub/a.py")));
    let mut watch = scene.start(["watch", "--json", &root, &sub, &file, &root]);
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.plugin("a").tag("two").save("sub/a.py");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!(scene.told("a init two"), 1);
}

#[test]
fn without_a_path_the_current_folder_is_watched() {
    let scene = Scene::with(&["a"]);
    let mut command = scene.command(["watch", "--json"]);
    command.current_dir(scene.root());
    let mut watch = crate::support::Watch::start(command);
    assert_eq!(watch.expect_loaded("a").path, text(scene.path("a.py")));
    watch.wait_ready();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
}

#[test]
fn a_relative_path_makes_absolute_paths_in_events() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.start(["watch", "--json", "./plugins/../plugins"]);
    assert_eq!(watch.expect_loaded("a").path, text(scene.path("a.py")));
}

#[test]
fn a_symlinked_folder_is_followed() {
    let scene = Scene::with(&["a"]);
    let real = scene.write_outside("real/b.py", scene.plugin("b").text());
    symlink(real.parent().unwrap(), scene.path("link")).unwrap();
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.write_outside("real/b.py", scene.plugin("b").tag("two").text());
    watch.expect_reloaded("b");
}

#[test]
fn a_symlink_loop_is_cut() {
    let scene = Scene::with(&["a"]);
    fs::create_dir(scene.path("sub")).unwrap();
    symlink(scene.root(), scene.path("sub/up")).unwrap();
    symlink(scene.path("self"), scene.path("self")).unwrap();
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 1);
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
}

#[test]
fn an_edit_behind_a_symlinked_file_is_seen() {
    let scene = Scene::new();
    let real = scene.write_outside("real/a.py", scene.plugin("a").text());
    symlink(&real, scene.path("a.py")).unwrap();
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 1);
    scene.write_outside("real/a.py", scene.plugin("a").tag("two").text());
    watch.expect_reloaded("a");
}
