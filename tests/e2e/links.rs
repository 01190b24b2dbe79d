//! Files and folders that are reached through links, and files that have several names.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::event::Gone;
use crate::support::{Event, Scene, text};

/// Sets a link anew in one step, as `ln -sfn` and deployments do.
fn retarget(link: &Path, target: &Path) {
    let fresh = link.with_extension("fresh");
    symlink(target, &fresh).unwrap();
    fs::rename(&fresh, link).unwrap();
}

/// A root with `a.py`, which leads over two links outside of it to one of two files.
fn chain(scene: &Scene) {
    scene.write_outside("v1/a.py", scene.plugin("a").text());
    scene.write_outside("v2/a.py", scene.plugin("a").tag("two").text());
    fs::create_dir_all(scene.outside("links")).unwrap();
    symlink(scene.outside("v1"), scene.outside("links/current")).unwrap();
    symlink("links/current/a.py", scene.outside("middle.py")).unwrap();
    symlink("../middle.py", scene.path("a.py")).unwrap();
    scene.probe();
}

#[test]
fn an_edit_at_the_end_of_a_chain_is_seen() {
    let scene = Scene::new();
    chain(&scene);
    let mut watch = scene.watching();
    scene.write_outside("v1/a.py", scene.plugin("a").tag("six").text());
    assert_eq!(watch.expect_reloaded("a").changed, [text(scene.path("a.py"))]);
    watch.assert_quiet();
}

#[test]
fn each_link_of_a_chain_may_be_set_anew() {
    let scene = Scene::new();
    chain(&scene);
    let mut watch = scene.watching();
    retarget(&scene.outside("links/current"), &scene.outside("v2"));
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a init two"), 1);
    retarget(&scene.outside("middle.py"), &scene.outside("v1/a.py"));
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a init one"), 2);
    retarget(&scene.path("a.py"), &scene.outside("v2/a.py"));
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a init two"), 2);
    // What it leads to now is followed, what it led to before is not.
    scene.write_outside("v1/a.py", scene.plugin("a").tag("no!").text());
    watch.assert_quiet();
    scene.write_outside("v2/a.py", scene.plugin("a").tag("six").text());
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a init six"), 1);
}

#[test]
fn a_link_that_leads_nowhere_is_taken_up_when_it_leads_somewhere() {
    let scene = Scene::new();
    scene.probe();
    symlink(scene.outside("later/deep/a.py"), scene.path("a.py")).unwrap();
    symlink(scene.outside("folder"), scene.path("linked")).unwrap();
    let mut watch = scene.watching();
    scene.write_outside("later/deep/a.py", scene.plugin("a").text());
    watch.expect_loaded("a");
    scene.write_outside("folder/b.py", scene.plugin("b").text());
    watch.expect_loaded("b");
    scene.write_outside("folder/b.py", scene.plugin("b").tag("two").text());
    watch.expect_reloaded("b");
    fs::remove_dir_all(scene.outside("later")).unwrap();
    assert_eq!(watch.expect_unloaded("a").because, Gone::Deleted);
    scene.write_outside("later/deep/a.py", scene.plugin("a").tag("two").text());
    watch.expect_loaded("a");
}

#[test]
fn a_linked_folder_whose_middle_link_is_set_anew_is_another_folder() {
    let scene = Scene::new();
    scene.probe();
    scene.write_outside("v1/a.py", scene.plugin("a").text());
    scene.write_outside("v2/b.py", scene.plugin("b").text());
    symlink(scene.outside("v1"), scene.outside("current")).unwrap();
    symlink(scene.outside("current"), scene.path("linked")).unwrap();
    let mut watch = scene.watching();
    retarget(&scene.outside("current"), &scene.outside("v2"));
    watch.expect_loaded("b");
    watch.expect_unloaded("a");
    scene.write_outside("v2/b.py", scene.plugin("b").tag("two").text());
    watch.expect_reloaded("b");
}

#[test]
fn a_root_behind_links_follows_each_of_them() {
    let scene = Scene::new();
    scene.write_outside("v1/plugins/a.py", scene.plugin("a").text());
    scene.write_outside("v2/plugins/a.py", scene.plugin("a").tag("two").text());
    symlink("v1", scene.outside("current")).unwrap();
    let root = text(scene.outside("current/plugins"));
    let mut watch = scene.start(["watch", "--json", &root]);
    watch.wait_ready();
    for (version, tag) in [("v2", "two"), ("v1", "one"), ("v2", "two")] {
        retarget(&scene.outside("current"), Path::new(version));
        watch.expect_reloaded("a");
        assert_eq!(scene.take_log().last().unwrap(), &format!("a init {tag}"));
    }
    scene.write_outside("v2/plugins/a.py", scene.plugin("a").tag("six").text());
    watch.expect_reloaded("a");
}

#[test]
fn any_parent_of_a_root_may_be_replaced() {
    let scene = Scene::new();
    scene.write_outside("one/two/plugins/a.py", scene.plugin("a").text());
    scene.write_outside("fresh/two/plugins/a.py", scene.plugin("a").tag("two").text());
    let root = text(scene.outside("one/two/plugins"));
    let mut watch = scene.start(["watch", "--json", &root]);
    watch.wait_ready();
    fs::rename(scene.outside("one"), scene.outside("old")).unwrap();
    fs::rename(scene.outside("fresh"), scene.outside("one")).unwrap();
    watch.expect_reloaded("a");
    scene.write_outside("one/two/plugins/a.py", scene.plugin("a").tag("six").text());
    watch.expect_reloaded("a");
    fs::rename(scene.outside("one"), scene.outside("away")).unwrap();
    watch.expect_unloaded("a");
    fs::rename(scene.outside("away"), scene.outside("one")).unwrap();
    watch.expect_loaded("a");
}

#[test]
fn two_links_to_one_file_are_one_file() {
    let scene = Scene::new();
    scene.probe();
    let real = scene.write_outside("real/a.py", scene.plugin("a").text());
    symlink(&real, scene.path("b.py")).unwrap();
    symlink(&real, scene.path("c.py")).unwrap();
    let mut watch = scene.watching();
    assert_eq!(scene.told("a init one"), 1);
    scene.write_outside("real/a.py", scene.plugin("a").tag("two").text());
    watch.expect_reloaded("a");
    watch.assert_quiet();
    // The other one stands for it when the first is gone.
    scene.remove("b.py");
    assert_eq!(watch.expect_reloaded("a").path, text(scene.path("c.py")));
    scene.remove("c.py");
    watch.expect_unloaded("a");
}

#[test]
fn two_ways_to_one_folder_are_one_folder() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").save("real/a.py");
    symlink("real", scene.path("alias")).unwrap();
    let out = scene.write_outside("out/b.py", scene.plugin("b").text());
    symlink(out.parent().unwrap(), scene.path("l1")).unwrap();
    symlink(out.parent().unwrap(), scene.path("l2")).unwrap();
    let mut watch = scene.watching();
    assert_eq!(watch.seen.iter().filter(|event| event.is_outcome()).count(), 3);
    scene.plugin("a").tag("two").save("real/a.py");
    watch.expect_reloaded("a");
    scene.write_outside("out/b.py", scene.plugin("b").tag("two").text());
    watch.expect_reloaded("b");
    watch.assert_quiet();
    // The other way is taken when the first is gone.
    fs::remove_file(scene.path("l1")).unwrap();
    assert_eq!(watch.expect_reloaded("b").path, text(scene.path("l2/b.py")));
    scene.write_outside("out/b.py", scene.plugin("b").tag("six").text());
    watch.expect_reloaded("b");
    fs::remove_file(scene.path("l2")).unwrap();
    watch.expect_unloaded("b");
}

#[test]
fn an_edit_through_the_other_name_of_a_file_is_seen() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    fs::hard_link(scene.path("a.py"), scene.outside("other.py")).unwrap();
    let mut watch = scene.watching();
    scene.write_outside("other.py", scene.plugin("a").tag("two").text());
    assert_eq!(watch.expect_reloaded("a").changed, [text(scene.path("a.py"))]);
    // The system does not tell of a name that is given elsewhere; the next save shows it.
    scene.plugin("b").save("b.py");
    watch.expect_loaded("b");
    fs::hard_link(scene.path("b.py"), scene.outside("b-too.py")).unwrap();
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    watch.assert_quiet();
    scene.write_outside("b-too.py", scene.plugin("b").tag("six").text());
    watch.expect_reloaded("b");
}

#[test]
fn two_names_of_one_file_are_one_file() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    fs::hard_link(scene.path("a.py"), scene.path("b.py")).unwrap();
    let mut watch = scene.watching();
    assert_eq!(scene.told("a init one"), 1);
    for (name, tag) in [("b.py", "two"), ("a.py", "six")] {
        scene.plugin("a").tag(tag).save(name);
        watch.expect_reloaded("a");
        watch.assert_quiet();
    }
    scene.remove("a.py");
    assert_eq!(watch.expect_reloaded("a").path, text(scene.path("b.py")));
    scene.remove("b.py");
    watch.expect_unloaded("a");
}

#[test]
fn a_file_in_whose_place_a_link_to_nowhere_is_put_is_gone() {
    let scene = Scene::with(&["a", "b"]);
    scene.probe();
    let mut watch = scene.watching();
    retarget(&scene.path("a.py"), &scene.outside("nowhere.py"));
    watch.expect_unloaded("a");
    // A link to a file that is under the root by itself is only another way to that.
    retarget(&scene.path("a.py"), &scene.path("b.py"));
    watch.assert_quiet();
    scene.write_outside("nowhere.py", scene.plugin("a").text());
    retarget(&scene.path("a.py"), &scene.outside("nowhere.py"));
    watch.expect_loaded("a");
    retarget(&scene.path("a.py"), &scene.path("b.py"));
    watch.expect_unloaded("a");
}

/// The ids that a fresh start on the same files loads.
fn fresh(scene: &Scene) -> Vec<String> {
    let mut watch = scene.start(["watch", "--json", "--once", &text(scene.root())]);
    watch.finish();
    let loaded = watch.seen.iter().filter(|event| matches!(event, Event::Loaded(_)));
    let mut ids: Vec<String> = loaded.map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// A folder plugin whose entry is its only file is so with and without further ways to other files.
#[test]
fn another_way_to_a_file_is_no_second_file_of_a_folder() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    scene.write("f/plugin.json", r#"{"id": "f"}"#);
    scene.plugin("f").save("f/main.py");
    let mut watch = scene.watching();
    symlink(scene.path("a.py"), scene.path("f/link.py")).unwrap();
    fs::hard_link(scene.path("a.py"), scene.path("f/name.py")).unwrap();
    watch.assert_quiet();
    assert_eq!(fresh(&scene), ["a", "f", "probe"]);
    scene.plugin("f").tag("two").save("f/main.py");
    watch.expect_reloaded("f");
    // With the other way it is the only one, and then there are two files in the folder.
    scene.remove("f/link.py");
    scene.remove("a.py");
    let mut told = watch.outcomes(2);
    told.sort_by_key(|event| event.id().map(str::to_owned));
    let failed = told[1].failed().expect("the folder has two files now");
    assert_eq!((told[0].id(), failed.error.kind.as_str()), (Some("a"), "NoEntry"));
    assert_eq!(fresh(&scene), ["probe"]);
    scene.remove("f/name.py");
    watch.expect_reloaded("f");
    assert_eq!(fresh(&scene), ["f", "probe"]);
}

/// A file that is met elsewhere under the roots can be an entry all the same.
#[test]
fn an_entry_that_comes_and_goes_as_another_way_to_a_file_is_noticed() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("f").save("f/src/real.py");
    scene.write("f/plugin.json", r#"{"id": "f"}"#);
    let (mut watch, _) = scene.first_pass();
    assert!(fresh(&scene).iter().all(|id| id != "f"));
    symlink("src/real.py", scene.path("f/plugin.py")).unwrap();
    watch.expect_loaded("f");
    for tag in ["two", "six"] {
        assert_eq!(fresh(&scene), ["f", "probe"]);
        scene.plugin("f").tag(tag).save("f/src/real.py");
        watch.expect_reloaded("f");
        scene.remove("f/plugin.py");
        let failed = watch.expect_failed("f");
        assert_eq!((failed.error.kind.as_str(), failed.kept), ("NoEntry", true));
        scene.plugin("f").tag("ten").save("f/src/real.py");
        watch.assert_quiet();
        // As another name of the file from the second time on.
        fs::hard_link(scene.path("f/src/real.py"), scene.path("f/plugin.py")).unwrap();
        watch.expect_reloaded("f");
    }
}
