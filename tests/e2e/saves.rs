//! Each way of saving makes exactly one outcome, and what changes no byte makes none.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use crate::support::event::Because;
use crate::support::files::{git, run, touch};
use crate::support::save::{self, Save};
use crate::support::{Scene, Watch, text};

/// Saves the second generation in this way: one `reloaded`, and nothing after it.
fn makes_one_outcome(save: Save) -> (Scene, Watch) {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    save(&scene.path("a.py"), &scene.plugin("a").tag("two").text());
    let live = watch.expect_reloaded("a");
    assert_eq!(live.generation, 2);
    assert_eq!(live.path, text(scene.path("a.py")));
    assert!(matches!(live.because, Because::Edit | Because::Moved), "{live:?}");
    assert_eq!(scene.told("a init two"), 1);
    watch.assert_quiet();
    (scene, watch)
}

/// The same twice: what is watched after the first save is not the file that is gone.
fn makes_one_outcome_each_time(save: Save) {
    let (scene, mut watch) = makes_one_outcome(save);
    save(&scene.path("a.py"), &scene.plugin("a").tag("six").text());
    assert_eq!(watch.expect_reloaded("a").generation, 3);
    assert_eq!(scene.told("a init six"), 1);
    watch.assert_quiet();
}

#[test]
fn saved_in_place() {
    makes_one_outcome_each_time(save::in_place);
}

#[test]
fn saved_in_pieces() {
    makes_one_outcome_each_time(save::in_pieces);
}

#[test]
fn saved_by_overwriting() {
    makes_one_outcome_each_time(save::overwrite);
}

#[test]
fn saved_atomically() {
    makes_one_outcome_each_time(save::atomic);
}

#[test]
fn saved_atomically_from_a_python_file() {
    makes_one_outcome_each_time(save::atomic_py);
}

#[test]
fn saved_by_vim() {
    makes_one_outcome_each_time(save::vim);
}

#[test]
fn saved_by_emacs() {
    makes_one_outcome_each_time(save::emacs);
}

#[test]
fn saved_by_jetbrains() {
    makes_one_outcome_each_time(save::jetbrains);
}

#[test]
fn saved_by_rsync() {
    makes_one_outcome_each_time(save::rsync);
}

#[test]
fn saved_by_sed() {
    makes_one_outcome(save::sed);
}

#[test]
fn saved_by_cp() {
    makes_one_outcome_each_time(save::cp);
}

#[test]
fn saved_by_mv_from_outside() {
    makes_one_outcome_each_time(save::mv);
}

#[test]
fn deleted_and_written_at_once() {
    makes_one_outcome_each_time(save::delete_and_write);
}

#[test]
fn a_plain_save_is_because_of_an_edit() {
    for save in [save::in_place, save::atomic] {
        let scene = Scene::with(&["a"]);
        let mut watch = scene.watching();
        save(&scene.path("a.py"), &scene.plugin("a").tag("two").text());
        let live = watch.expect_reloaded("a");
        assert_eq!(live.because, Because::Edit);
        assert_eq!(live.changed, [text(scene.path("a.py"))]);
    }
}

#[test]
fn a_file_that_is_left_open_is_taken_up_all_the_same() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    let mut file = File::create(scene.path("a.py")).unwrap();
    file.write_all(scene.plugin("a").tag("two").text().as_bytes()).unwrap();
    watch.expect_reloaded("a");
    drop(file);
    watch.assert_quiet();
    assert_eq!(scene.told("a init two"), 1);
}

#[test]
fn a_checkout_reloads_each_plugin_once() {
    let scene = Scene::with(&["a", "b", "c"]);
    scene.probe();
    scene.plugin("d").save("sub/d.py");
    let root = scene.root();
    git(&root, &["init", "-q", "-b", "main"]);
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "one"]);
    git(&root, &["checkout", "-q", "-b", "other"]);
    for (id, file) in [("a", "a.py"), ("b", "b.py"), ("d", "sub/d.py")] {
        scene.plugin(id).tag("two").save(file);
    }
    scene.remove("c.py");
    scene.plugin("e").tag("two").save("e.py");
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "two"]);
    git(&root, &["checkout", "-q", "main"]);

    let mut watch = scene.watching();
    scene.take_log();
    git(&root, &["checkout", "-q", "other"]);
    let mut outcomes: Vec<_> = watch
        .outcomes(5)
        .iter()
        .map(|event| {
            let kind = format!("{event:?}");
            format!("{} {}", kind.split('(').next().unwrap(), event.id().unwrap())
        })
        .collect();
    outcomes.sort();
    assert_eq!(outcomes, ["Loaded e", "Reloaded a", "Reloaded b", "Reloaded d", "Unloaded c"]);
    watch.assert_quiet();
    for id in ["a", "b", "d", "e"] {
        assert_eq!(scene.told(&format!("{id} init two")), 1, "{id}");
    }
}

#[test]
fn a_rebase_is_one_outcome_each() {
    let ids: Vec<String> = (0..40).map(|number| format!("p{number:02}")).collect();
    let scene = Scene::with(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    scene.probe();
    let root = scene.root();
    let commit = |message: &str| {
        git(&root, &["add", "-A"]);
        git(&root, &["commit", "-q", "-m", message]);
    };
    git(&root, &["init", "-q", "-b", "main"]);
    commit("start");
    // Two branches from the same commit: one touches every plugin in several commits, the other
    // adds a file that is none, so that the first must be put on top of it step by step.
    git(&root, &["checkout", "-q", "-b", "work"]);
    for tag in ["two", "six", "ten"] {
        for id in &ids {
            scene.plugin(id).tag(tag).save(&format!("{id}.py"));
        }
        commit(tag);
    }
    git(&root, &["checkout", "-q", "main"]);
    scene.write("notes.txt", "x");
    commit("notes");
    git(&root, &["checkout", "-q", "work"]);

    let mut watch = scene.watching();
    scene.take_log();
    // Each commit is checked out in turn, long enough for a reload between two of them.
    git(&root, &["rebase", "-q", "--force-rebase", "--exec", "sleep 0.5", "main"]);
    watch.assert_quiet();
    assert_eq!(scene.log(), Vec::<String>::new(), "the texts are the same as before");

    // One outcome for each, with every plugin at its last text and at none between.
    git(&root, &["checkout", "-q", "main"]);
    let mut seen: Vec<_> =
        watch.outcomes(40).iter().map(|event| event.id().unwrap().to_owned()).collect();
    seen.sort();
    assert_eq!(seen, ids);
    watch.assert_quiet();
    assert!(scene.log().iter().all(|line| !line.contains("six")), "{:?}", scene.log());
}

#[test]
fn a_lock_that_git_left_behind_does_not_hold_for_ever() {
    let scene = Scene::with(&["a"]);
    let root = scene.root();
    git(&root, &["init", "-q", "-b", "main"]);
    let mut watch = scene.watching();
    scene.write(".git/index.lock", "");
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
}

#[test]
fn a_repository_below_the_root_counts_too() {
    let scene = Scene::with(&["a"]);
    scene.plugin("b").save("cloned/b.py");
    let mut watch = scene.watching();
    git(&scene.path("cloned"), &["init", "-q", "-b", "main"]);
    // The lock comes first, and then a save, and both are told in this order.
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    let lock = scene.write("cloned/.git/index.lock", "");
    scene.plugin("b").tag("two").save("cloned/b.py");
    scene.plugin("b").tag("six").save("cloned/b.py");
    fs::remove_file(lock).unwrap();
    watch.expect_reloaded("b");
    assert_eq!(scene.told("b init two"), 0);
    assert_eq!(scene.told("b init six"), 1);
}

#[test]
fn a_touch_is_nothing() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    touch(&scene.path("a.py"));
    run("touch", [scene.path("a.py")]);
    watch.assert_quiet();
    assert_eq!(scene.log(), ["a body one", "a init one"]);
}

#[test]
fn saved_unchanged_is_nothing() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    let path = scene.path("a.py");
    let same = fs::read_to_string(&path).unwrap();
    for save in [save::in_place, save::atomic, save::vim, save::jetbrains, save::cp, save::mv] {
        save(&path, &same);
        watch.assert_quiet();
    }
    assert_eq!(scene.log(), ["a body one", "a init one"]);
}

#[test]
fn chmod_is_nothing() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    fs::set_permissions(scene.path("a.py"), Permissions::from_mode(0o755)).unwrap();
    watch.assert_quiet();
    assert_eq!(scene.log(), ["a body one", "a init one"]);
}

#[test]
fn files_that_are_no_plugin_are_nothing() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.write("notes.txt", "x");
    scene.write("plain.py", "x = 1\n");
    scene.write(".a.py.swp", "x");
    scene.write("a.py~", scene.plugin("a").tag("two").text());
    scene.write("sub/__pycache__/a.cpython-311.pyc", "x");
    watch.assert_quiet();
    assert_eq!(scene.log(), ["a body one", "a init one"]);
}
