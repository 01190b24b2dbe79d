//! One id, one plugin: ids that change, files that move, ids that clash.

use std::fs;

use crate::support::event::{Because, Event, Gone, Phase};
use crate::support::{Scene, text};

#[test]
fn a_new_id_in_the_same_file() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("z").tag("two").save("a.py");
    assert_eq!(watch.expect_unloaded("a").because, Gone::Renamed);
    let live = watch.expect_loaded("z");
    assert_eq!(live.generation, 1);
    assert_eq!(live.path, text(scene.path("a.py")));
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn an_id_and_back() {
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("z").save("a.py");
    watch.expect_unloaded("a");
    watch.expect_loaded("z");
    scene.plugin("a").save("a.py");
    assert_eq!(watch.expect_unloaded("z").because, Gone::Renamed);
    assert_eq!(watch.expect_loaded("a").generation, 2);
}

#[test]
fn a_renamed_file_is_a_reload() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    fs::rename(scene.path("a.py"), scene.path("b.py")).unwrap();
    let live = watch.expect_reloaded("a");
    assert_eq!(live.because, Because::Moved);
    assert_eq!(live.generation, 2);
    assert_eq!(live.path, text(scene.path("b.py")));
    watch.assert_quiet();
    scene.plugin("a").tag("two").save("b.py");
    assert_eq!(watch.expect_reloaded("a").because, Because::Edit);
}

#[test]
fn a_renamed_folder_is_a_reload_of_what_is_in_it() {
    let scene = Scene::new();
    scene.plugin("a").save("old/a.py");
    scene.probe();
    let mut watch = scene.watching();
    fs::rename(scene.path("old"), scene.path("new")).unwrap();
    let live = watch.expect_reloaded("a");
    assert_eq!(live.because, Because::Moved);
    assert_eq!(live.path, text(scene.path("new/a.py")));
    watch.assert_quiet();
    scene.plugin("a").tag("two").save("new/a.py");
    watch.expect_reloaded("a");
}

#[test]
fn a_file_moved_to_another_folder_is_a_reload() {
    let scene = Scene::with(&["a"]);
    fs::create_dir(scene.path("sub")).unwrap();
    let mut watch = scene.watching();
    fs::rename(scene.path("a.py"), scene.path("sub/a.py")).unwrap();
    let live = watch.expect_reloaded("a");
    assert_eq!(live.because, Because::Moved);
    assert_eq!(live.path, text(scene.path("sub/a.py")));
}

#[test]
fn two_files_that_change_places() {
    let scene = Scene::with(&["a", "b"]);
    scene.probe();
    let mut watch = scene.watching();
    fs::rename(scene.path("a.py"), scene.path("c.tmp")).unwrap();
    fs::rename(scene.path("b.py"), scene.path("a.py")).unwrap();
    fs::rename(scene.path("c.tmp"), scene.path("b.py")).unwrap();
    // How many steps are told is not promised; where both end is.
    let mut places = [String::new(), String::new()];
    let wanted = [text(scene.path("b.py")), text(scene.path("a.py"))];
    while places != wanted {
        let event = watch.outcome();
        if event.is_live("a") {
            places[0] = event.path().unwrap().to_owned();
        } else if event.is_live("b") {
            places[1] = event.path().unwrap().to_owned();
        }
    }
    scene.plugin("b").tag("two").save("a.py");
    let live = watch.wait(|event| event.is_live("b"));
    assert_eq!(live.path(), Some(wanted[1].as_str()));
    assert_eq!(scene.told("b init two"), 1);
}

#[test]
fn of_two_with_one_id_the_first_by_path_is_live() {
    let scene = Scene::new();
    let first = text(scene.plugin("same").tag("one").save("a.py"));
    let second = text(scene.plugin("same").tag("two").save("b.py"));
    let mut watch = scene.watch();
    let outcomes = watch.outcomes(2);
    assert_eq!(watch.wait_ready().plugins, 1);
    let live = outcomes.iter().find(|event| event.is_live("same")).expect("one is live");
    assert_eq!(live.path(), Some(first.as_str()));
    let Some(Event::Failed(failed)) = outcomes.iter().find(|e| matches!(e, Event::Failed(_)))
    else {
        watch.fail("the other has not failed");
    };
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Metadata, "DuplicatePluginId"));
    assert_eq!(failed.path, second);
    assert!(failed.error.message.contains(&first), "{failed:?}");
    assert!(failed.error.message.contains(&second), "{failed:?}");
    assert_eq!(scene.log(), ["same body one", "same init one"]);
}

#[test]
fn the_live_one_stays_when_its_id_comes_again() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("same").save("m.py");
    let mut watch = scene.watching();
    scene.plugin("same").tag("two").save("a.py");
    let failed = watch.expect_failure();
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Metadata, "DuplicatePluginId"));
    assert_eq!(failed.path, text(scene.path("a.py")));
    watch.assert_quiet();
    assert_eq!(scene.log(), ["same body one", "same init one"]);
    // The live one goes on reloading.
    scene.plugin("same").tag("six").save("m.py");
    let live = watch.wait(|event| event.is_live("same"));
    assert_eq!(live.path(), Some(text(scene.path("m.py")).as_str()));
}

#[test]
fn a_clash_heals_when_the_second_gets_another_id() {
    let scene = Scene::new();
    scene.plugin("same").save("a.py");
    scene.plugin("same").save("b.py");
    let mut watch = scene.watching();
    scene.plugin("other").save("b.py");
    assert_eq!(watch.expect_loaded("other").generation, 1);
}

#[test]
fn a_clash_heals_when_the_first_is_deleted() {
    let scene = Scene::new();
    scene.plugin("same").tag("one").save("a.py");
    scene.plugin("same").tag("two").save("b.py");
    let mut watch = scene.watching();
    scene.remove("a.py");
    let live = watch.expect_reloaded("same");
    assert_eq!((live.because, live.generation), (Because::Moved, 2));
    assert_eq!(live.path, text(scene.path("b.py")));
    assert_eq!(scene.log().last().unwrap(), "same init two");
    assert_eq!(scene.told("same shutdown one"), 1);
}

#[test]
fn a_clash_heals_when_the_first_gets_another_id() {
    let scene = Scene::new();
    scene.plugin("same").tag("one").save("a.py");
    scene.plugin("same").tag("two").save("b.py");
    let mut watch = scene.watching();
    scene.plugin("other").save("a.py");
    let mut wanted = vec!["other", "same"];
    while !wanted.is_empty() {
        let event = watch.outcome();
        wanted.retain(|id| !event.is_live(id));
    }
    assert_eq!(scene.told("same init two"), 1);
    assert_eq!(scene.told("other init one"), 1);
}

#[test]
fn a_copy_that_goes_again_leaves_the_live_one_alone() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.plugin("a").save("copy.py");
    watch.expect_failure();
    scene.remove("copy.py");
    // Whether the end of the clash is told is not promised; that `a` stays untouched is.
    scene.plugin("b").save("b.py");
    watch.wait(|event| event.is_live("b"));
    assert_eq!(scene.told("a init one"), 1);
    assert_eq!(scene.told("a shutdown one"), 0);
}

#[test]
fn a_copy_put_back_right_after_a_rename_takes_over_when_the_renamed_one_goes() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    fs::rename(scene.path("a.py"), scene.path("b.py")).unwrap();
    watch.expect_reloaded("a");
    fs::copy(scene.path("b.py"), scene.path("a.py")).unwrap();
    assert_eq!(watch.expect_failed("a").error.kind, "DuplicatePluginId");
    scene.remove("b.py");
    let moved = watch.expect_reloaded("a");
    assert_eq!(moved.path, text(scene.path("a.py")));
    watch.assert_quiet();
}
