//! Where the system tells nothing, or no more: files are looked at again and again.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::event::Event;
use crate::support::{Scene, Watch, namespace, save, text};

/// Whatever the editor does, what is polled is reloaded once with the last content.
#[test]
fn polled_saves_are_seen() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching_with(&["--poll=20"]);
    let saves: &[(&str, save::Save)] = &[
        ("in place", save::in_place),
        ("in pieces", save::in_pieces),
        ("atomic", save::atomic),
        ("vim", save::vim),
        ("jetbrains", save::jetbrains),
        ("mv", save::mv),
    ];
    for (number, (name, save)) in saves.iter().enumerate() {
        let tag = format!("t{number}");
        save(&scene.path("a.py"), &scene.plugin("a").tag(&tag).text());
        watch.expect_reloaded("a");
        watch.assert_quiet();
        assert_eq!(scene.told(&format!("a init {tag}")), 1, "{name}: {:?}", scene.log());
    }
}

#[test]
fn polled_folders_come_and_go() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching_with(&["--poll=20"]);
    scene.plugin("b").save("one/two/b.py");
    watch.expect_loaded("b");
    fs::rename(scene.path("one"), scene.path("moved")).unwrap();
    watch.expect_reloaded("b");
    scene.plugin("b").tag("two").save("moved/two/b.py");
    watch.expect_reloaded("b");
    fs::remove_dir_all(scene.path("moved")).unwrap();
    watch.expect_unloaded("b");
    fs::remove_dir_all(scene.root()).unwrap();
    watch.expect_unloaded("a");
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_loaded("a");
}

#[test]
fn polled_saves_of_equal_size_one_by_one_run_each_text() {
    let scene = Scene::new();
    scene.plugin("a").tag("t00").save("a.py");
    let mut watch = scene.watching_with(&["--poll=5"]);
    for number in 1..=10 {
        let tag = format!("t{number:02}");
        scene.plugin("a").tag(&tag).save("a.py");
        watch.expect_reloaded("a");
        assert_eq!(scene.told(&format!("a init {tag}")), 1);
    }
}

#[test]
fn a_polled_link_that_is_set_anew_is_a_change() {
    let scene = Scene::new();
    let one = scene.write_outside("one/a.py", scene.plugin("a").text());
    let two = scene.write_outside("two/a.py", scene.plugin("a").tag("two").text());
    symlink(one.parent().unwrap(), scene.outside("current")).unwrap();
    symlink(scene.outside("current"), scene.path("link")).unwrap();
    let mut watch = scene.watching_with(&["--poll=20"]);
    fs::remove_file(scene.outside("current")).unwrap();
    symlink(two.parent().unwrap(), scene.outside("current")).unwrap();
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a init two"), 1);
}

#[test]
fn polling_by_the_environment_and_by_the_file() {
    let scene = Scene::with(&["a"]);
    scene.write_outside("watch.toml", "[watch]\npoll = 20\n");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    // The edit takes effect while it runs: one that polls every hour would see nothing for long.
    scene.write_outside("watch.toml", "[watch]\npoll = \"auto\"\n");
    scene.plugin("a").tag("six").save("a.py");
    watch.expect_reloaded("a");
    drop(watch);

    let mut command = scene.command(["watch", "--json", &text(scene.root())]);
    command.env("REPLUG_POLL", "20");
    let mut watch = Watch::start(command);
    watch.wait_ready();
    scene.plugin("a").tag("ten").save("a.py");
    watch.expect_reloaded("a");
}

/// `watch` in a user namespace in which one of the limits for inotify is `limit`.
fn limited(scene: &Scene, limit: &str, value: &str, options: &[&str]) -> Watch {
    let root = text(scene.root());
    let args = [&["watch", "--json"][..], options, &[&root]].concat();
    let mut watch = Watch::start(namespace::limited(scene, limit, value, &args));
    watch.probe = scene.path("zz-probe/probe.py");
    watch
}

fn warnings(watch: &Watch, code: &str) -> Vec<String> {
    let seen = watch.seen.iter().filter_map(|event| match event {
        Event::Warning(warning) if warning.code == code => Some(warning.message.clone()),
        _ => None,
    });
    seen.collect()
}

#[test]
fn beyond_the_limit_of_watches_folders_are_polled() {
    let scene = Scene::with(&["a"]);
    for number in 0..40 {
        scene.plugin(&format!("p{number:02}")).save(&format!("f{number:02}/p.py"));
    }
    let mut watch = limited(&scene, "max_inotify_watches", "19", &[]);
    assert_eq!(watch.wait_ready().plugins, 41);
    // Each is reloaded, whether its folder is watched or polled.
    for number in 0..40 {
        let id = format!("p{number:02}");
        scene.plugin(&id).tag("two").save(&format!("f{number:02}/p.py"));
    }
    let mut ids: Vec<_> =
        watch.outcomes(40).iter().map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    // A folder that comes later is polled as well, and nothing is said twice.
    scene.plugin("late").save("late/deep/late.py");
    watch.expect_loaded("late");
    scene.plugin("late").tag("two").save("late/deep/late.py");
    watch.expect_reloaded("late");
    let told = warnings(&watch, "watch_limit");
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["folders", "19", "sysctl fs.inotify.max_user_watches=", "500 ms"] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
}

#[test]
fn beyond_the_limit_of_instances_everything_is_polled() {
    let scene = Scene::with(&["a"]);
    let mut watch = limited(&scene, "max_inotify_instances", "0", &[]);
    watch.wait_ready();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    let told = warnings(&watch, "watch_limit");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("sysctl fs.inotify.max_user_instances="), "{told:?}");
}

#[test]
fn a_limit_is_told_even_if_nothing_may_be_polled() {
    let scene = Scene::with(&["a"]);
    let mut watch = limited(&scene, "max_inotify_instances", "0", &["--poll=never"]);
    watch.wait_ready();
    let told = warnings(&watch, "watch_limit");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("not watched"), "{told:?}");
    watch.stop();
}

#[test]
fn no_cookie_is_left_behind_or_told() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.stop();
    let names: Vec<_> =
        fs::read_dir(scene.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.py"]);
    let others: Vec<_> = watch.seen.iter().filter(|e| matches!(e, Event::Warning(_))).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_root_among_the_kernels_own_data_is_not_watched() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.start(["watch", "--json", "/proc/self", &text(scene.root())]);
    assert_eq!(watch.wait_ready().plugins, 1);
    let told = warnings(&watch, "not_watched");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("/proc/self"), "{told:?}");
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
}
