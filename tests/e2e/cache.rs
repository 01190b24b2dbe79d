//! Compiled code that outlives the program. Python warns of some mistakes whenever it compiles, and
//! only then, so a warning tells what was compiled.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::Scene;

/// A plugin whose compilation warns, and which says `word` when it runs.
fn write(scene: &Scene, word: &str) {
    let body = format!("    print('says {word}', 1 is 1)\n");
    let text = format!("PLUGIN_METADATA = {{'id': 'a'}}\n\ndef initialize():\n{body}");
    scene.write("a.py", text);
}

/// Runs once: whether the plugin said `word`, and whether it was compiled.
fn run(scene: &Scene, word: &str, options: &[&str]) -> (bool, bool) {
    let args = ["watch", "--json", "--once"].iter().chain(options).map(OsStr::new);
    let output = scene.command(args.chain([scene.root().as_os_str()])).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    (text.contains(&format!("says {word}")), text.contains("SyntaxWarning"))
}

fn folder(scene: &Scene) -> PathBuf {
    scene.caches().join("replug")
}

fn entries(scene: &Scene) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder(scene)).into_iter().flatten();
    let paths = listing.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "code")).collect()
}

#[test]
fn what_was_compiled_once_is_not_compiled_at_the_next_start() {
    let scene = Scene::new();
    write(&scene, "one");
    assert_eq!(run(&scene, "one", &[]), (true, true));
    assert_eq!(run(&scene, "one", &[]), (true, false));
    // The same size within the same second, and back again.
    write(&scene, "two");
    assert_eq!(run(&scene, "two", &[]), (true, true));
    write(&scene, "one");
    assert_eq!(run(&scene, "one", &[]), (true, false));
}

#[test]
fn another_path_is_another_entry() {
    let scene = Scene::new();
    write(&scene, "one");
    assert_eq!(run(&scene, "one", &[]), (true, true));
    // The path stands in the code, and in tracebacks.
    fs::rename(scene.path("a.py"), scene.path("b.py")).unwrap();
    assert_eq!(run(&scene, "one", &[]), (true, true));
}

#[test]
fn no_cache_neither_reads_nor_keeps() {
    let scene = Scene::new();
    write(&scene, "one");
    assert_eq!(run(&scene, "one", &["--no-cache"]), (true, true));
    assert!(!folder(&scene).exists());
    assert_eq!(run(&scene, "one", &[]), (true, true));
    assert_eq!(run(&scene, "one", &["--no-cache"]), (true, true));
}

#[test]
fn a_damaged_entry_is_compiled_anew() {
    let scene = Scene::new();
    write(&scene, "one");
    run(&scene, "one", &[]);
    let [entry] = &entries(&scene)[..] else { panic!("{:?}", entries(&scene)) };
    let whole = fs::read(entry).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&[][..], &whole[..10], &whole[..whole.len() - 1], &flipped] {
        fs::write(entry, damaged).unwrap();
        assert_eq!(run(&scene, "one", &[]), (true, true), "{} bytes", damaged.len());
        assert_eq!(run(&scene, "one", &[]), (true, false), "it was not mended");
    }
}

#[test]
fn an_entry_cannot_stand_in_for_another() {
    let scene = Scene::new();
    write(&scene, "one");
    run(&scene, "one", &[]);
    let [one] = &entries(&scene)[..] else { panic!("{:?}", entries(&scene)) };
    write(&scene, "two");
    run(&scene, "two", &[]);
    let two = entries(&scene).into_iter().find(|entry| entry != one).unwrap();
    fs::copy(one, two).unwrap();
    assert_eq!(run(&scene, "two", &[]), (true, true));
}

#[test]
fn a_folder_that_others_can_look_into_is_not_used() {
    let scene = Scene::new();
    write(&scene, "one");
    fs::create_dir_all(folder(&scene)).unwrap();
    fs::set_permissions(folder(&scene), Permissions::from_mode(0o755)).unwrap();
    for _ in 0..2 {
        assert_eq!(run(&scene, "one", &[]), (true, true));
    }
    assert_eq!(entries(&scene), [] as [PathBuf; 0]);
}

#[test]
fn a_folder_that_cannot_be_made_is_done_without() {
    let scene = Scene::new();
    write(&scene, "one");
    fs::write(scene.caches(), "in the way").unwrap();
    assert_eq!(run(&scene, "one", &[]), (true, true));
}

#[test]
fn what_a_watch_compiled_is_kept_when_it_ends() {
    let scene = Scene::new();
    write(&scene, "one");
    let mut watch = scene.watching();
    write(&scene, "two");
    watch.expect_reloaded("a");
    watch.stop();
    assert_eq!(run(&scene, "two", &[]), (true, false));
}
