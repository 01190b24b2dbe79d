//! `replug new`: what it writes loads at once, and what is there stays as it is.

use std::fs;

use crate::list::said;
use crate::support::Scene;

fn new(scene: &Scene, args: &[&str]) -> (i32, String, String) {
    said(&scene.command([&["new"], args].concat()).output().unwrap())
}

#[test]
fn both_kinds_load_as_they_are_written() {
    let scene = Scene::new();
    let (code, stdout, stderr) = new(&scene, &["plugins/com.example.wall-clock"]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            0,
            "✓ com.example.wall-clock written to plugins/wall_clock.py\n  \
             load it and reload it on a save: replug plugins\n",
            ""
        )
    );
    let (code, stdout, _) = new(&scene, &["--json", "--folder", "plugins/deep/shop"]);
    let path = scene.path("deep/shop/plugin.py");
    assert_eq!(
        (code, stdout.as_str()),
        (0, format!("{{\"id\":\"shop\",\"path\":{path:?}}}\n").as_str())
    );
    let mut watch = scene.watch();
    watch.expect_loaded("com.example.wall-clock");
    watch.expect_loaded("shop");
    watch.wait_ready();
    let clock = scene.path("wall_clock.py");
    let text = fs::read_to_string(&clock).unwrap().replace("bye", "until later");
    fs::write(clock, text).unwrap();
    watch.expect_reloaded("com.example.wall-clock");
    watch.stop();
    watch.wait_stderr("com.example.wall-clock: start number 2\n");
    watch.wait_stderr("shop: Hello, world! This is start number 1.\n");
}

#[test]
fn nothing_is_overwritten() {
    let scene = Scene::new();
    scene.write("clock.py", "mine");
    scene.write("shop/notes.txt", "mine");
    for args in [&["plugins/clock"][..], &["--folder", "plugins/shop"]] {
        let (code, stdout, stderr) = new(&scene, args);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.contains("it is there already, and nothing is overwritten"), "{stderr}");
    }
    assert_eq!(fs::read_to_string(scene.path("clock.py")).unwrap(), "mine");
    assert_eq!(fs::read_dir(scene.path("shop")).unwrap().count(), 1);
}

#[test]
fn what_would_not_load_is_not_written() {
    let scene = Scene::with(&["taken"]);
    for (args, code, why) in [
        (&["no id"][..], 2, "cannot be the id of a plugin"),
        (&["plugins/class"], 2, "cannot be the name of a Python module"),
        (&["--folder", "plugins/venv"], 2, "would never be looked at"),
        (&["plugins/sub/taken"], 1, "the id taken is taken by"),
        (&["plugins/taken.py/below"], 1, "was not written: "),
        (&["/"], 2, "holds no name for a plugin"),
    ] {
        let (exit, stdout, stderr) = new(&scene, args);
        assert_eq!((exit, stdout.as_str()), (code, ""), "{args:?}");
        assert!(stderr.contains(why), "{args:?}: {stderr}");
    }
    assert_eq!(fs::read_dir(scene.root()).unwrap().count(), 1);
}

#[test]
fn check_has_nothing_against_what_is_written() {
    let scene = Scene::new();
    for args in [&["plugins/one"][..], &["--folder", "plugins/two"]] {
        assert_eq!(new(&scene, args).0, 0);
    }
    let (code, stdout, stderr) = said(&scene.command(["check", "plugins"]).output().unwrap());
    let told = "✓ 2 plugins: nothing is wrong\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, told, ""));
}
