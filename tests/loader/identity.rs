//! Who is who: two plugins with one id, files that are renamed, ids that change.

use crate::world::World;

#[test]
fn of_two_with_one_id_the_first_by_path_is_live() {
    let mut world = World::new();
    world.write("b", "plugin x\nfrom b");
    world.write("a", "plugin x\nfrom a");
    assert_eq!(world.settle(), ["clash x", "loaded x 1"]);
    assert!(world.live().values().all(|sources| sources.contains_key(&World::path("a"))));
}

#[test]
fn the_live_one_stays_and_the_other_takes_over_when_it_goes() {
    let mut world = World::with(&[("z", "")]);
    world.write("a", "plugin z\nother");
    assert_eq!(world.settle(), ["clash z"]);
    world.delete("z");
    assert_eq!(world.settle(), ["reloaded z 2 moved"]);
    assert!(world.live().values().all(|sources| sources.contains_key(&World::path("a"))));
}

#[test]
fn of_several_that_wait_for_an_id_the_first_by_path_is_the_one_that_moved() {
    let mut world = World::with(&[("z", "")]);
    world.write("a", "plugin z\nother");
    world.write("b", "plugin z\nthird");
    assert_eq!(world.settle(), ["clash z", "clash z"]);
    world.delete("z");
    assert_eq!(world.settle(), ["reloaded z 2 moved"]);
    assert!(world.live().values().all(|sources| sources.contains_key(&World::path("a"))));
    world.delete("a");
    assert_eq!(world.settle(), ["reloaded z 3 moved"]);
}

#[test]
fn who_waited_for_an_id_and_fails_under_it_leaves_the_deleted_one_live() {
    let mut world = World::with(&[("z", "")]);
    world.write("a", "plugin z\nraises import");
    world.settle();
    world.delete("z");
    assert_eq!(world.settle(), ["failed z import kept 1"]);
    world.write("a", "plugin z\ngood");
    assert_eq!(world.settle(), ["reloaded z 2 edit"]);
}

#[test]
fn a_clash_heals_when_the_live_one_gets_another_id() {
    let mut world = World::with(&[("a", "")]);
    world.write("b", "plugin a\nother");
    world.settle();
    world.write("a", "plugin free");
    assert_eq!(world.settle(), ["unloaded a renamed", "loaded a 2", "loaded free 1"]);
}

#[test]
fn a_clash_goes_with_the_file_that_made_it() {
    let mut world = World::with(&[("a", "")]);
    world.write("b", "plugin a\nother");
    world.settle();
    world.delete("b");
    assert!(world.settle().is_empty());
    assert_eq!(world.edit("a", "two"), ["reloaded a 2 edit"]);
}

#[test]
fn a_renamed_file_is_a_reload() {
    let mut world = World::with(&[("a", "")]);
    world.delete("a");
    world.write("b", "plugin a\n");
    assert_eq!(world.settle(), ["reloaded a 2 moved"]);
}

#[test]
fn a_renamed_file_without_an_id_of_its_own_is_known_by_its_content() {
    let mut world = World::new();
    world.write("a", "anonymous\nsays own");
    assert_eq!(world.settle(), ["loaded own 1"]);
    world.delete("a");
    world.write("b", "anonymous\nsays own");
    assert_eq!(world.settle(), ["reloaded own 2 moved"]);
}

#[test]
fn what_a_plugin_says_of_itself_takes_the_place_of_its_files_name() {
    let mut world = World::new();
    world.write("a", "anonymous\nsays own");
    world.save("user", "needs own");
    // Who needs it cannot know before it has run.
    assert_eq!(world.settle(), ["loaded own 1", "loaded user 1"]);
    world.write("a", "anonymous\nsays other");
    assert_eq!(
        world.settle(),
        ["unloaded own renamed", "loaded other 1", "failed user dependency gone"]
    );
    world.write("a", "anonymous\nsays own\n");
    assert_eq!(world.settle(), ["unloaded other renamed", "loaded own 2", "loaded user 2"]);
}

#[test]
fn an_id_that_is_said_at_run_time_must_be_free() {
    let mut world = World::with(&[("own", "")]);
    world.write("a", "anonymous\nsays own");
    assert_eq!(world.settle(), ["failed python.a metadata gone"]);
}

#[test]
fn a_live_file_that_reads_as_no_plugin_keeps_its_generation() {
    let mut world = World::with(&[("a", "")]);
    world.write("a", "");
    assert_eq!(world.settle(), ["failed a metadata kept 1"]);
    assert_eq!(world.edit("a", "two"), ["reloaded a 2 edit"]);
}

#[test]
fn what_is_no_plugin_is_not_started_for_another_file() {
    let mut world = World::new();
    world.write("helper", "one");
    world.save("a", "import helper");
    world.settle();
    world.write("a", "");
    assert_eq!(world.settle(), ["failed a metadata kept 1"]);
    world.write("helper", "two");
    assert!(world.settle().is_empty());
    assert_eq!(world.ids(), ["a"]);
}

#[test]
fn what_is_no_plugin_does_not_come_back_with_what_it_needed() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    world.delete("b");
    world.write("a", "");
    world.settle();
    assert_eq!(world.edit("b", ""), ["loaded b 2"]);
    assert_eq!(world.edit("a", "needs b"), ["loaded a 2"]);
}

#[test]
fn a_content_that_the_interpreter_takes_is_a_plugin_whatever_our_parser_says() {
    // The script compiles in the host once its word is another one, and not for our parser.
    let mut world = World::new();
    world.save("a", "broken");
    assert_eq!(world.settle(), ["failed a parse gone"]);
    assert_eq!(world.edit("a", "mended"), ["loaded a 1"]);
}

#[test]
fn the_id_of_one_that_is_stopped_for_a_moment_is_not_free() {
    let mut world = World::with(&[("z", "")]);
    world.save("z", "two");
    world.write("a", "anonymous\nsays z");
    assert_eq!(world.settle(), ["failed python.a metadata gone", "reloaded z 2 edit"]);
}
