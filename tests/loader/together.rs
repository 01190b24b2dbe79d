//! Several plugins in one edit: who stops first, who starts first, and who is left alone.

use crate::world::World;

#[test]
fn dependents_stop_before_and_start_after_what_they_need() {
    let mut world = World::with(&[("a", "needs b"), ("b", "needs c"), ("c", ""), ("d", "")]);
    assert_eq!(
        world.edit("c", "two"),
        ["reloaded c 2 edit", "reloaded b 2 dependency", "reloaded a 2 dependency"]
    );
    assert_eq!(world.calls(), ["stop a", "stop b", "stop c", "start c", "start b", "start a"]);
}

#[test]
fn two_ways_to_one_dependency_are_one_reload() {
    let mut world =
        World::with(&[("a", "needs b c"), ("b", "needs d"), ("c", "needs d"), ("d", "")]);
    assert_eq!(world.edit("d", "two").len(), 4);
    let calls = world.calls();
    assert_eq!(calls.len(), 8, "{calls:?}");
}

#[test]
fn a_failure_brings_back_all_that_was_stopped_for_it() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    assert_eq!(world.edit("b", "raises initialize"), ["failed b initialize kept 1"]);
    assert_eq!(
        world.calls(),
        ["stop a", "stop b", "start b: initialize", "restore b", "restore a"]
    );
}

#[test]
fn a_dependent_that_fails_with_the_new_one_is_kept() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    world.save("a", "needs b\nraises initialize");
    world.save("b", "two");
    assert_eq!(world.settle(), ["reloaded b 2 edit", "failed a initialize kept 1"]);
    assert_eq!(world.ids(), ["a", "b"]);
}

#[test]
fn one_that_is_innocent_and_refuses_to_come_back_starts_anew() {
    let mut world = World::with(&[("a", "needs b\nrefuses"), ("b", "")]);
    assert_eq!(
        world.edit("b", "raises import"),
        ["failed b import kept 1", "reloaded a 2 dependency"]
    );
}

#[test]
fn what_a_failed_one_needs_is_up_before_it_comes_back() {
    // The new `b` does not need `c` any more, and so could be tried before it.
    let mut world = World::with(&[("b", "needs c"), ("c", "")]);
    world.save("b", "raises import");
    world.save("c", "two");
    assert_eq!(world.settle(), ["reloaded c 2 edit", "failed b import kept 1"]);
}

#[test]
fn a_dependency_turned_around() {
    for (one, other) in [("a", "b"), ("b", "a")] {
        let mut world = World::with(&[(one, &format!("needs {other}")), (other, "")]);
        world.save(one, "");
        world.save(other, &format!("needs {one}"));
        let told = world.settle();
        assert_eq!(told, [format!("reloaded {one} 2 edit"), format!("reloaded {other} 2 edit")]);
    }
}

#[test]
fn one_goes_and_another_comes_in_one_edit() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    world.delete("b");
    world.save("a", "");
    assert_eq!(world.settle(), ["unloaded b deleted", "reloaded a 2 edit"]);
}

#[test]
fn an_overlapping_dependent_is_swapped_after_what_it_needs() {
    let mut world = World::with(&[("a", "needs b\noverlap"), ("b", "")]);
    assert_eq!(world.edit("b", "two"), ["reloaded b 2 edit", "reloaded a 2 dependency"]);
    assert_eq!(world.calls(), ["stop b", "start b", "start a", "stop old a"]);
}
