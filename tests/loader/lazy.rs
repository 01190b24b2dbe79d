//! Lazy plugins that somebody asks for in the middle of a call, or in a thread.

use crate::world::World;

/// The calls without those that only prepare.
fn calls(world: &mut World) -> Vec<String> {
    world.calls()
}

#[test]
fn a_look_up_wakes_who_offers_it_and_the_call_goes_on() {
    let mut world = World::with(&[("cache", "lazy\noffers caching"), ("other", "lazy")]);
    assert!(world.ids().is_empty());
    assert_eq!(world.edit("a", "asks caching"), ["loaded cache 1", "loaded a 1"]);
    assert_eq!(calls(&mut world), ["a asks caching", "start cache", "a gets caching", "start a"]);
    // From now on it is live like any other.
    assert_eq!(world.edit("a", "asks caching\ntwo"), ["reloaded a 2 edit"]);
    assert_eq!(calls(&mut world), ["stop a", "a has caching", "start a"]);
    assert_eq!(world.edit("cache", "lazy\noffers caching\ntwo"), ["reloaded cache 2 edit"]);
}

#[test]
fn one_that_names_no_service_is_asked_for_by_its_id() {
    let mut world = World::with(&[("x", "lazy"), ("y", "lazy\noffers x")]);
    // Somebody says that it offers it, so nobody else is woken for it.
    assert_eq!(world.edit("a", "asks x"), ["loaded y 1", "loaded a 1"]);
    let mut world = World::with(&[("x", "lazy")]);
    assert_eq!(world.edit("a", "asks x"), ["loaded x 1", "loaded a 1"]);
    assert_eq!(calls(&mut world), ["a asks x", "start x", "a misses x", "start a"]);
}

#[test]
fn what_nobody_offers_wakes_nobody() {
    let mut world = World::with(&[("lazy", "lazy\noffers one")]);
    assert_eq!(world.edit("a", "asks another"), ["loaded a 1"]);
    assert_eq!(calls(&mut world), ["a misses another", "start a"]);
}

#[test]
fn it_wakes_with_the_lazy_ones_that_it_needs() {
    let mut world = World::with(&[("l", "lazy\noffers it\nneeds m e"), ("m", "lazy"), ("e", "")]);
    assert_eq!(world.edit("a", "asks it"), ["loaded m 1", "loaded l 1", "loaded a 1"]);
}

#[test]
fn one_that_fails_is_told_once_and_the_look_up_finds_nothing() {
    let mut world = World::with(&[("l", "lazy\noffers it\nraises import")]);
    let told = world.edit("a", "asks it");
    assert_eq!(told, ["failed l import gone", "loaded a 1"]);
    // It is not asked again and again.
    assert_eq!(world.edit("a", "asks it\ntwo"), ["reloaded a 2 edit"]);
    assert_eq!(world.edit("l", "lazy\noffers it\nraises create"), ["failed l create gone"]);
    assert_eq!(world.edit("a", "asks it\n3"), ["reloaded a 3 edit"]);
    // It was asked for, so it loads as soon as it can.
    assert_eq!(world.edit("l", "lazy\noffers it"), ["loaded l 1"]);
}

#[test]
fn one_that_lacks_something_waits_for_that() {
    let mut world = World::with(&[("l", "lazy\noffers it\nneeds ghost m"), ("m", "lazy")]);
    assert_eq!(world.edit("a", "asks it"), ["failed l dependency gone", "loaded a 1"]);
    assert_eq!(world.edit("a", "asks it\ntwo"), ["reloaded a 2 edit"]);
    let told = world.edit("ghost", "");
    assert_eq!(told, ["loaded ghost 1", "loaded m 1", "loaded l 1"]);
}

#[test]
fn two_that_ask_for_each_other_do_not_wait_for_each_other() {
    let mut world = World::with(&[
        ("l", "lazy\noffers one\nasks two"),
        ("m", "lazy\noffers two\nasks one\nasks three"),
    ]);
    let told = world.edit("a", "asks one\noffers three");
    assert_eq!(told, ["loaded m 1", "loaded l 1", "loaded a 1"]);
}

#[test]
fn one_that_needs_who_asks_comes_after_it() {
    let mut world = World::with(&[("l", "lazy\noffers it\nneeds a")]);
    let told = world.edit("a", "asks it");
    assert_eq!(told, ["failed l dependency gone", "loaded a 1", "loaded l 1"]);
}

#[test]
fn several_look_ups_of_one_call_are_looked_after_one_by_one() {
    let mut world = World::with(&[("l", "lazy\noffers one"), ("m", "lazy\noffers two")]);
    let told = world.edit("a", "asks one\nasks two\nasks three");
    assert_eq!(told, ["loaded l 1", "loaded m 1", "loaded a 1"]);
}

#[test]
fn who_asked_may_fail_afterwards_and_what_it_woke_stays() {
    let mut world = World::with(&[("l", "lazy\noffers it")]);
    let told = world.edit("a", "asks it\nraises initialize");
    assert_eq!(told, ["loaded l 1", "failed a initialize gone"]);
    assert_eq!(world.ids(), ["l"]);
}

#[test]
fn one_that_kills_in_the_midst_of_another_is_to_blame() {
    let mut world = World::with(&[("l", "lazy\noffers it\ndies"), ("b", "")]);
    let told = world.edit("a", "asks it");
    assert_eq!(told, ["failed l host gone", "loaded a 1", "reloaded b 2 host"]);
    assert_eq!(world.edit("a", "asks it\ntwo"), ["reloaded a 2 edit"]);
    assert_eq!(world.edit("l", "lazy\noffers it"), ["loaded l 1"]);
}

#[test]
fn one_that_kills_in_the_midst_of_a_reload_leaves_the_reload_to_go_on() {
    let mut world = World::with(&[("l", "lazy\noffers it\ndies"), ("a", "")]);
    let told = world.edit("a", "asks it");
    assert_eq!(told, ["failed l host gone", "reloaded a 2 edit"]);
}

#[test]
fn after_a_death_who_asks_finds_what_it_had_found() {
    let mut world = World::with(&[("z", "lazy\noffers it"), ("a", "asks it"), ("b", "")]);
    assert_eq!(world.ids(), ["a", "b", "z"]);
    let told = world.dies("b");
    let back = ["reloaded z 2 host", "reloaded a 2 host", "reloaded b 2 host"];
    assert_eq!(told, [&["failed b host kept 1"], &back[..]].concat());
    let calls = calls(&mut world);
    assert_eq!(calls[2..5], ["a asks it", "start z", "a gets it"]);
}

#[test]
fn one_that_is_stopped_for_an_edit_is_up_again_for_who_asks() {
    let mut world = World::with(&[("z", "lazy\noffers it"), ("a", "asks it")]);
    world.save("z", "lazy\noffers it\ntwo");
    world.save("a", "asks it\ntwo");
    assert_eq!(world.settle(), ["reloaded z 2 edit", "reloaded a 2 edit"]);
    // The old one is up again if the new one fails, and it is the old one that is found.
    world.save("z", "lazy\noffers it\nraises import");
    world.save("a", "asks it\n3");
    assert_eq!(world.settle(), ["failed z import kept 2", "reloaded a 3 edit"]);
    assert_eq!(calls(&mut world).last().unwrap(), "start a");
}

#[test]
fn the_one_before_asks_as_well_when_it_goes_on() {
    let mut world = World::with(&[("a", "asks it")]);
    world.edit("l", "lazy\noffers it");
    assert_eq!(world.edit("a", "asks it\nraises create"), ["loaded l 1", "failed a create kept 1"]);
    let calls = calls(&mut world);
    assert_eq!(calls[calls.len() - 4..], ["a asks it", "start l", "a gets it", "restore a"]);
}

#[test]
fn many_at_once_ask_too() {
    let mut world = World::new();
    for number in 0..60 {
        world.save(&format!("p{number:02}"), "asks it\nasks p30");
    }
    world.save("q", "lazy\noffers it");
    // It is lazy and started for somebody who needs it, in the midst of the others.
    world.save("user", "needs r");
    world.save("r", "lazy\noffers r");
    world.save("p01", "asks r");
    let told = world.settle();
    assert_eq!(told.len(), 63);
    assert!(told.iter().all(|line| line.starts_with("loaded")), "{told:?}");
    let calls = calls(&mut world);
    assert!(calls.contains(&"p01 gets r".to_owned()), "{calls:?}");
    assert_eq!(calls.iter().filter(|call| call.ends_with("misses it")).count(), 0);
}

#[test]
fn a_thread_that_asks_waits_until_it_is_there() {
    let mut world = World::with(&[("l", "lazy\noffers it"), ("a", "")]);
    assert_eq!(world.waits("a", "it"), ["loaded l 1"]);
    assert_eq!(world.calls(), ["start l", "granted it"]);
    // Whoever is not there wakes nobody, and the thread goes on all the same.
    assert!(world.waits("a", "ghost").is_empty());
    assert_eq!(world.calls(), ["granted ghost"]);
}

#[test]
fn who_waited_for_one_that_is_woken_comes_with_it() {
    let mut world = World::with(&[("l", "lazy\noffers it\nraises import"), ("b", "needs l")]);
    assert_eq!(world.told, ["failed l import gone", "failed b dependency gone"]);
    world.save("l", "lazy\noffers it");
    assert_eq!(world.settle(), ["loaded l 1", "loaded b 1"]);
}

#[test]
fn a_cycle_of_sleeping_ones_is_told_when_somebody_asks() {
    let mut world = World::with(&[("l", "lazy\noffers it\nneeds m"), ("m", "lazy\nneeds l")]);
    assert!(world.told.is_empty());
    let told = world.edit("a", "asks it");
    assert_eq!(told, ["failed l dependency gone", "loaded a 1", "failed m dependency gone"]);
    assert_eq!(world.edit("a", "asks it\ntwo"), ["reloaded a 2 edit"]);
    assert_eq!(world.edit("m", "lazy"), ["loaded m 1", "loaded l 1"]);
}
