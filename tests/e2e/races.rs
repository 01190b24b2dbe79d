//! Things that happen to files faster than they can be told: what counts is what is on disk in the
//! end, and that it is still watched.

use std::fs;
use std::path::Path;

use crate::support::event::Because;
use crate::support::{Scene, text};

/// Renames `folder` away and back so fast that the second rename is over when the first is told.
fn away_and_back(folder: &Path) {
    let away = folder.with_file_name("away");
    fs::rename(folder, &away).unwrap();
    fs::rename(&away, folder).unwrap();
}

#[test]
fn a_folder_renamed_away_and_back_is_still_watched() {
    let scene = Scene::new();
    scene.plugin("a").save("sub/below/a.py");
    scene.probe();
    let mut watch = scene.watching();
    for (time, tag) in ["two", "six", "ten"].into_iter().enumerate() {
        for _ in 0..=time {
            away_and_back(&scene.path("sub"));
        }
        watch.assert_quiet();
        scene.plugin("a").tag(tag).save("sub/below/a.py");
        watch.expect_reloaded("a");
    }
}

#[test]
fn a_root_renamed_away_and_back_is_still_watched() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    for tag in ["two", "six", "ten"] {
        away_and_back(&scene.root());
        watch.assert_quiet();
        scene.plugin("a").tag(tag).save("a.py");
        watch.expect_reloaded("a");
    }
}

#[test]
fn a_folder_moved_into_a_new_folder_is_a_reload_of_what_is_in_it() {
    let scene = Scene::new();
    scene.plugin("a").save("sub/below/a.py");
    scene.probe();
    let mut watch = scene.watching();
    fs::create_dir(scene.path("new")).unwrap();
    fs::rename(scene.path("sub"), scene.path("new/sub")).unwrap();
    assert_eq!(watch.expect_reloaded("a").because, Because::Moved);
    watch.assert_quiet();
    scene.plugin("a").tag("two").save("new/sub/below/a.py");
    watch.expect_reloaded("a");
    fs::rename(scene.path("new"), scene.outside("new")).unwrap();
    watch.expect_unloaded("a");
}

/// A folder that was away for a moment is there: what is in it is not what has moved to where another
/// file of the same id appears.
#[test]
fn a_second_one_of_an_id_is_no_move_while_the_first_is_back() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").save("folder/a.py");
    let mut watch = scene.watching();
    away_and_back(&scene.path("folder"));
    scene.plugin("a").save("second.py");
    let failed = watch.expect_failed("a");
    assert_eq!(failed.error.kind, "DuplicatePluginId");
    assert_eq!(failed.path, text(scene.path("second.py")));
    watch.assert_quiet();
    scene.remove("second.py");
    scene.plugin("a").tag("two").save("folder/a.py");
    assert_eq!(watch.expect_reloaded("a").path, text(scene.path("folder/a.py")));
}
