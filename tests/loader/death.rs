//! The end of the process that plugins run in, and how everything comes back.

use crate::world::World;

#[test]
fn all_come_back_dependencies_first() {
    let mut world = World::with(&[("a", "needs b"), ("b", ""), ("c", "")]);
    assert_eq!(
        world.dies("c"),
        ["failed c host kept 1", "reloaded b 2 host", "reloaded a 2 host", "reloaded c 2 host"]
    );
}

#[test]
fn what_kills_it_at_its_start_gives_way_to_what_ran_before() {
    let mut world = World::with(&[("a", ""), ("b", "")]);
    assert_eq!(
        world.edit("a", "dies"),
        ["failed a host kept 1", "reloaded a 2 host", "reloaded b 2 host"]
    );
    assert_eq!(world.edit("a", "mended"), ["reloaded a 3 edit"]);
}

#[test]
fn what_was_about_to_start_is_started() {
    let mut world = World::with(&[("a", ""), ("b", "")]);
    world.save("a", "dies");
    world.save("b", "two");
    world.save("c", "");
    assert_eq!(
        world.settle(),
        ["failed a host kept 1", "reloaded a 2 host", "reloaded b 2 edit", "loaded c 1"]
    );
}

#[test]
fn what_was_about_to_start_and_fails_gives_way_too() {
    let mut world = World::with(&[("a", ""), ("b", "")]);
    world.save("a", "dies");
    world.save("b", "raises import");
    assert_eq!(
        world.settle(),
        [
            "failed a host kept 1",
            "reloaded a 2 host",
            "failed b import kept 1",
            "reloaded b 2 host"
        ]
    );
}

#[test]
fn a_death_while_it_is_stopped_says_nothing_of_the_new_one() {
    let mut world = World::with(&[("a", "dies-stopping"), ("b", "")]);
    assert_eq!(
        world.edit("a", "two"),
        ["failed a host kept 1", "reloaded a 2 edit", "reloaded b 2 host"]
    );
}

#[test]
fn the_third_in_a_row_sets_it_aside_until_its_next_edit() {
    let mut world = World::with(&[("a", ""), ("b", "")]);
    assert_eq!(world.dies("a")[0], "failed a host kept 1");
    assert_eq!(world.dies("a")[0], "failed a host kept 2");
    assert_eq!(world.dies("a"), ["failed a host gone", "reloaded b 4 host"]);
    assert_eq!(world.edit("b", "two"), ["reloaded b 5 edit"]);
    assert_eq!(world.edit("a", "two"), ["loaded a 4"]);
    // Its row is over with the edit.
    assert_eq!(world.dies("a")[0], "failed a host kept 4");
}

#[test]
fn who_needs_one_that_was_set_aside_waits_for_it() {
    let mut world = World::with(&[("a", ""), ("b", "needs a")]);
    world.dies("a");
    world.dies("a");
    assert_eq!(world.dies("a"), ["failed a host gone", "failed b dependency gone"]);
    assert_eq!(world.edit("a", "two"), ["loaded a 4", "loaded b 4"]);
}

#[test]
fn one_that_was_never_live_and_kills_waits_for_its_next_edit() {
    let mut world = World::with(&[("b", "")]);
    assert_eq!(world.edit("a", "dies"), ["failed a host gone", "reloaded b 2 host"]);
    assert_eq!(world.edit("a", "good"), ["loaded a 1"]);
}

#[test]
fn what_waits_comes_back_as_it_ran_and_waits_on() {
    let mut world = World::with(&[("a", ""), ("b", "")]);
    world.edit("a", "needs ghost");
    let ran = world.live();
    assert_eq!(world.dies("b"), ["failed b host kept 1", "reloaded a 2 host", "reloaded b 2 host"]);
    assert_eq!(world.live(), ran);
    assert_eq!(world.edit("ghost", ""), ["loaded ghost 1", "reloaded a 3 dependency"]);
}

#[test]
fn in_the_first_pass_the_others_are_loaded_all_the_same() {
    let mut world = World::new();
    world.save("a", "");
    world.save("b", "dies");
    world.save("c", "");
    let told = world.settle();
    assert_eq!(told, ["loaded a 1", "failed b host gone", "reloaded a 2 host", "loaded c 1"]);
}

#[test]
fn when_no_other_process_can_be_started_that_is_told() {
    let mut world = World::with(&[("a", "")]);
    world.stage.borrow_mut().barren = true;
    world.stage.borrow_mut().die(&crate::script::id("a"));
    let mut told = Vec::new();
    world.loader.recover(&mut |event| told.push(format!("{event:?}")));
    assert_eq!(told.len(), 2);
    assert!(told[1].contains("no more processes"), "{told:?}");
}

#[test]
fn a_lazy_one_that_kills_is_not_asked_again() {
    let mut world = World::with(&[("lazy", "lazy\ndies"), ("b", "")]);
    let told = world.edit("a", "needs lazy");
    assert_eq!(told, ["failed lazy host gone", "reloaded b 2 host", "failed a dependency gone"]);
    assert_eq!(world.edit("lazy", "lazy"), ["loaded lazy 1", "loaded a 1"]);
}

#[test]
fn one_that_kills_when_it_gets_what_it_waited_for_is_not_tried_again() {
    let mut world = World::with(&[("a", "")]);
    world.edit("a", "needs ghost\ndies");
    assert_eq!(
        world.edit("ghost", ""),
        ["loaded ghost 1", "failed a host kept 1", "reloaded a 2 host", "reloaded ghost 2 host"]
    );
    assert_eq!(world.edit("a", "needs ghost"), ["reloaded a 3 edit"]);
}

#[test]
fn what_killed_is_not_tried_again_for_the_sake_of_another() {
    let mut world = World::with(&[("a", "needs b"), ("b", "")]);
    world.edit("a", "needs b\ndies");
    assert_eq!(world.edit("b", "two"), ["reloaded b 3 edit"]);
    assert_eq!(world.ids(), ["a", "b"]);
}

#[test]
fn what_a_kept_one_was_to_import_heals_it_after_a_death_too() {
    let mut world = World::with(&[("a", "")]);
    world.write("helper", "raises import");
    world.save("a", "import helper");
    world.settle();
    assert_eq!(world.dies("a"), ["failed a host kept 1", "reloaded a 2 host"]);
    world.write("helper", "good");
    assert_eq!(world.settle(), ["reloaded a 3 edit"]);
}

#[test]
fn one_that_cannot_come_back_as_it_was_is_tried_as_it_is_on_disk() {
    let mut world = World::with(&[("e", "needs d"), ("d", "dies-stopping")]);
    world.edit("e", "raises initialize");
    world.delete("d");
    assert_eq!(
        world.settle(),
        ["unloaded d deleted", "failed ? host gone", "failed e initialize gone"]
    );
    assert_eq!(world.edit("e", "needs d"), ["failed e dependency gone"]);
}
