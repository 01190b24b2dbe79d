//! What a plugin needs before it can start: missing dependencies, cycles, what goes away and comes
//! back, and lazy plugins.

use crate::world::World;

fn chain() -> World {
    World::with(&[("a", "needs b"), ("b", "needs c"), ("c", "")])
}

#[test]
fn they_start_first_and_stop_last() {
    let mut world = World::new();
    world.save("a", "needs b c");
    world.save("b", "needs c");
    world.save("c", "");
    assert_eq!(world.settle(), ["loaded c 1", "loaded b 1", "loaded a 1"]);
    world.calls();
    assert_eq!(world.stop(), ["unloaded a stop", "unloaded b stop", "unloaded c stop"]);
    assert_eq!(world.calls(), ["stop a", "stop b", "stop c"]);
}

#[test]
fn a_missing_one_is_told_once_and_waited_for() {
    let mut world = World::with(&[("a", "needs ghost")]);
    assert_eq!(world.told, ["failed a dependency gone"]);
    assert_eq!(world.edit("b", ""), ["loaded b 1"]);
    assert_eq!(world.edit("ghost", ""), ["loaded ghost 1", "loaded a 1"]);
}

#[test]
fn a_thousand_that_wait_for_each_other_come_with_the_last() {
    let mut world = World::new();
    for number in 1..1000 {
        world.save(&format!("p{number:03}"), &format!("needs p{:03}", number - 1));
    }
    assert_eq!(world.settle().len(), 999);
    assert_eq!(world.edit("p000", "").len(), 1000);
    assert_eq!(world.ids().len(), 1000);
}

#[test]
fn a_cycle_fails_who_is_on_it_and_who_needs_them() {
    let mut world = World::new();
    world.save("a", "needs b");
    world.save("b", "needs a");
    world.save("c", "needs a");
    world.save("d", "");
    let mut told = world.settle();
    told.sort();
    assert_eq!(
        told,
        [
            "failed a dependency gone",
            "failed b dependency gone",
            "failed c dependency gone",
            "loaded d 1"
        ]
    );
    assert_eq!(world.edit("b", ""), ["loaded b 1", "loaded a 1", "loaded c 1"]);
}

#[test]
fn an_edit_that_closes_a_cycle_keeps_what_is_live() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    let told = world.edit("b", "needs a");
    assert_eq!(told, ["failed b dependency kept 1", "failed a dependency kept 1"]);
    assert!(world.calls().is_empty());
    assert_eq!(world.edit("b", "two"), ["reloaded b 2 edit", "reloaded a 2 dependency"]);
}

#[test]
fn a_cycle_among_live_ones_is_told_of_all_on_it_once() {
    let mut world = World::with(&[
        ("a", "needs b"),
        ("b", "needs c"),
        ("c", ""),
        ("user", "needs a"),
        ("x", ""),
    ]);
    let told = world.edit("c", "needs a");
    let all =
        ["failed c dependency kept 1", "failed a dependency kept 1", "failed b dependency kept 1"];
    assert_eq!(told, all);
    assert_eq!(world.edit("x", "two"), ["reloaded x 2 edit"]);
    assert_eq!(world.edit("a", "needs b\ntwo"), ["failed a dependency kept 1"]);
    assert!(world.calls().iter().all(|call| call.ends_with('x')));
    // Whoever of them ends the cycle, all of them go on from what is on disk.
    assert_eq!(
        world.edit("b", "two"),
        [
            "reloaded b 2 edit",
            "reloaded a 2 dependency",
            "reloaded c 2 dependency",
            "reloaded user 2 dependency"
        ]
    );
}

#[test]
fn an_edit_that_asks_for_what_is_not_there_keeps_what_is_live() {
    let mut world = World::with(&[("a", "")]);
    assert_eq!(world.edit("a", "needs ghost"), ["failed a dependency kept 1"]);
    assert!(world.calls().is_empty());
    assert_eq!(world.edit("ghost", ""), ["loaded ghost 1", "reloaded a 2 dependency"]);
}

#[test]
fn a_new_dependency_that_fails_to_start_keeps_what_is_live() {
    let mut world = World::with(&[("a", "")]);
    world.save("new", "raises import");
    world.save("a", "needs new");
    assert_eq!(world.settle(), ["failed new import gone", "failed a dependency kept 1"]);
    assert_eq!(world.ids(), ["a"]);
    assert_eq!(world.edit("new", ""), ["loaded new 1", "reloaded a 2 dependency"]);
}

#[test]
fn who_is_kept_is_judged_by_what_it_runs_and_not_by_what_is_on_disk() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    world.edit("a", "needs b ghost");
    // What `a` runs needs only `b`, and `b` is there.
    let told = world.edit("b", "two");
    assert_eq!(told, ["reloaded b 2 edit"]);
    assert_eq!(world.ids(), ["a", "b"]);
    assert_eq!(world.edit("ghost", ""), ["loaded ghost 1", "reloaded a 2 dependency"]);
}

#[test]
fn what_goes_takes_its_dependents_with_it_and_they_come_back_with_it() {
    let mut world = chain();
    world.delete("c");
    assert_eq!(
        world.settle(),
        ["unloaded c deleted", "failed b dependency gone", "failed a dependency gone"]
    );
    assert_eq!(world.calls(), ["stop a", "stop b", "stop c"]);
    assert_eq!(world.edit("c", ""), ["loaded c 2", "loaded b 2", "loaded a 2"]);
}

#[test]
fn one_that_overlaps_goes_before_what_it_needs_as_well() {
    let mut world = World::with(&[("a", "needs b\noverlap"), ("b", "")]);
    world.delete("b");
    assert_eq!(world.settle(), ["unloaded b deleted", "failed a dependency gone"]);
    assert_eq!(world.calls(), ["stop a", "stop b"]);
}

#[test]
fn when_a_waiting_one_gets_what_it_waits_for_its_dependents_go_along() {
    let mut world = World::with(&[("top", "needs mid"), ("mid", "")]);
    assert_eq!(world.edit("mid", "needs ghost"), ["failed mid dependency kept 1"]);
    let told = world.edit("ghost", "");
    assert_eq!(told, ["loaded ghost 1", "reloaded mid 2 dependency", "reloaded top 2 dependency"]);
    assert_eq!(world.calls(), ["stop top", "stop mid", "start ghost", "start mid", "start top"]);
}

#[test]
fn a_lazy_one_is_started_for_its_first_dependent() {
    let mut world = World::with(&[("lazy", "lazy"), ("other", "lazy")]);
    assert!(world.told.is_empty());
    assert_eq!(world.edit("a", "needs lazy"), ["loaded lazy 1", "loaded a 1"]);
}

#[test]
fn a_lazy_one_is_started_for_a_live_one_that_asks_for_it_now() {
    let mut world = World::with(&[("lazy", "lazy"), ("a", "")]);
    assert_eq!(world.edit("a", "needs lazy"), ["loaded lazy 1", "reloaded a 2 edit"]);
}

#[test]
fn a_lazy_one_sleeps_on_if_who_needs_it_cannot_start() {
    let mut world = World::with(&[("lazy", "lazy"), ("a", "needs lazy ghost")]);
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!(world.edit("ghost", ""), ["loaded lazy 1", "loaded ghost 1", "loaded a 1"]);
}
