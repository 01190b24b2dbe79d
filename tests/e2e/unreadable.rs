//! Folders that nobody may look into: said, and the rest goes on.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::list::said;
use crate::support::{Scene, Watch, text};

/// A scene with a plugin, and one in a folder that is closed.
fn closed() -> Scene {
    let scene = Scene::with(&["a"]);
    scene.plugin("b").save("sub/closed/b.py");
    fs::set_permissions(scene.path("sub/closed"), Permissions::from_mode(0o000)).unwrap();
    scene
}

/// The program, without the right of root to look everywhere.
fn humble(scene: &Scene, args: &[&str]) -> Command {
    let plain = scene.command(args);
    if fs::read_dir(scene.path("sub/closed")).is_err() {
        return plain;
    }
    let mut humble = Command::new("setpriv");
    humble.arg("--bounding-set=-dac_override,-dac_read_search");
    humble.arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => humble.env(name, value),
            None => humble.env_remove(name),
        };
    }
    humble.current_dir(plain.get_current_dir().unwrap());
    humble
}

#[test]
fn list_tells_what_it_could_not_look_into() {
    let scene = closed();
    let (code, stdout, stderr) = said(&humble(&scene, &["list", "plugins"]).output().unwrap());
    assert!(stdout.contains("plugins/a.py") && !stdout.contains("closed"), "{stdout}");
    let folder = text(scene.path("sub/closed"));
    assert_eq!(stderr, format!("replug: error: {folder}: Permission denied (os error 13)\n"));
    assert_eq!(code, 1);
}

#[test]
fn check_has_a_finding_for_it() {
    let scene = closed();
    let (code, stdout, _) = said(&humble(&scene, &["check", "plugins"]).output().unwrap());
    let told = "error[ReadError]: plugins/sub/closed cannot be looked at: Permission denied";
    let full = text(scene.path("sub/closed"));
    let told = told.replace("plugins/sub/closed", &full);
    assert!(code == 1 && stdout.starts_with(&told), "{stdout}");
    assert!(stdout.contains("help: "), "{stdout}");
}

#[test]
fn the_watch_warns_of_it_and_goes_on() {
    let scene = closed();
    let mut watch = Watch::start(humble(&scene, &["watch", "--json", "plugins"]));
    assert_eq!(watch.wait_ready().plugins, 1);
    let told: Vec<_> = watch.warnings("unreadable");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&text(scene.path("sub/closed"))), "{told:?}");
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    watch.stop();
}
