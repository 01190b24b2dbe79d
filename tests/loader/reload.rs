//! One plugin at a time: both orders, the way back, and which files concern whom.

use crate::world::World;

#[test]
fn exclusive_stops_the_old_one_first() {
    let mut world = World::with(&[("a", "")]);
    assert_eq!(world.edit("a", "two"), ["reloaded a 2 edit"]);
    assert_eq!(world.calls(), ["stop a", "start a"]);
}

#[test]
fn overlap_stops_the_old_one_last() {
    let mut world = World::with(&[("a", "overlap")]);
    assert_eq!(world.edit("a", "overlap\ntwo"), ["reloaded a 2 edit"]);
    assert_eq!(world.calls(), ["start a", "stop old a"]);
}

#[test]
fn the_order_is_that_of_the_new_content() {
    let mut world = World::with(&[("a", "")]);
    world.edit("a", "overlap");
    assert_eq!(world.calls(), ["start a", "stop old a"]);
    world.edit("a", "");
    assert_eq!(world.calls(), ["stop a", "start a"]);
}

#[test]
fn what_does_not_compile_touches_nothing() {
    let mut world = World::with(&[("a", "")]);
    assert_eq!(world.edit("a", "broken"), ["failed a parse kept 1"]);
    assert!(world.calls().is_empty());
}

#[test]
fn each_way_to_fail_brings_the_old_one_back() {
    for phase in ["import", "create", "metadata", "initialize"] {
        let mut world = World::with(&[("a", "")]);
        let told = world.edit("a", &format!("raises {phase}"));
        assert_eq!(told, [format!("failed a {phase} kept 1")]);
        let failed = format!("start a: {phase}");
        assert_eq!(world.calls(), ["stop a", failed.as_str(), "restore a"]);
        assert_eq!(world.edit("a", "good"), ["reloaded a 2 edit"]);
    }
}

#[test]
fn a_failure_leaves_an_overlapping_one_untouched() {
    let mut world = World::with(&[("a", "overlap")]);
    assert_eq!(world.edit("a", "overlap\nraises create"), ["failed a create kept 1"]);
    assert_eq!(world.calls(), ["start a: create"]);
}

#[test]
fn one_that_refuses_to_come_back_loads_with_the_next_good_save() {
    let mut world = World::with(&[("a", "refuses")]);
    assert_eq!(world.edit("a", "raises import"), ["failed a import gone"]);
    assert_eq!(world.edit("a", "good"), ["loaded a 2"]);
}

#[test]
fn an_own_module_reloads_who_imported_it_and_nobody_else() {
    let mut world = World::new();
    world.write("helper", "one");
    world.save("a", "import helper");
    world.save("b", "");
    world.settle();
    world.write("helper", "two");
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
}

#[test]
fn one_that_was_looked_for_and_missed_is_waited_for() {
    let mut world = World::with(&[("a", "try helper"), ("b", "import other")]);
    assert_eq!(world.told, ["loaded a 1", "failed b import gone"]);
    world.write("helper", "");
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
    world.write("other", "");
    assert_eq!(world.settle(), ["loaded b 1"]);
}

#[test]
fn what_was_looked_for_need_not_compile_if_nobody_looks_for_it_any_more() {
    let mut world = World::with(&[("a", "try helper")]);
    world.write("helper", "broken");
    world.save("a", "");
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
}

#[test]
fn what_a_failed_attempt_reached_for_heals_it() {
    let mut world = World::with(&[("a", "")]);
    world.write("helper", "raises import");
    world.save("a", "import helper");
    assert_eq!(world.settle(), ["failed a import kept 1"]);
    world.write("helper", "good");
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
}

#[test]
fn what_it_imports_long_after_its_start_counts() {
    let mut world = World::with(&[("a", "")]);
    world.write("late", "one");
    assert!(world.settle().is_empty());
    world.imports_late("a", "late");
    world.write("late", "two");
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
}

#[test]
fn a_module_that_nobody_imported_for_a_while_is_read_again() {
    let mut world = World::with(&[("a", "import helper")]);
    world.write("helper", "one");
    world.save("a", "");
    world.settle();
    world.write("helper", "two");
    world.settle();
    world.edit("a", "import helper");
    let live = world.live();
    assert_eq!(live.values().next().unwrap()[&World::path("helper")], "two");
}

#[test]
fn by_hand_it_reloads_what_was_not_edited() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    assert_eq!(world.reload(&["b"]), ["reloaded b 2 manual", "reloaded a 2 dependency"]);
}
