//! Numbers, and the sources that stand behind them.

use crate::world::World;

#[test]
fn they_grow_by_one_each_time_it_goes_live() {
    let mut world = World::with(&[("a", "")]);
    assert_eq!(world.edit("a", "two"), ["reloaded a 2 edit"]);
    assert_eq!(world.edit("a", "raises import"), ["failed a import kept 2"]);
    assert_eq!(world.edit("a", "three"), ["reloaded a 3 edit"]);
}

#[test]
fn they_go_on_after_an_unload_and_after_a_death() {
    let mut world = World::with(&[("a", "")]);
    world.delete("a");
    world.settle();
    assert_eq!(world.edit("a", ""), ["loaded a 2"]);
    assert_eq!(world.dies("a"), ["failed a host kept 2", "reloaded a 3 host"]);
}

#[test]
fn late_imports_count_whatever_the_number() {
    // The number belongs to the id that it gives itself, which the host learns later than the number.
    let mut world = World::new();
    world.write("a", "anonymous\nsays own");
    world.settle();
    world.write("a", "anonymous\nsays own\ntwo");
    world.settle();
    world.delete("a");
    world.settle();
    world.write("a", "anonymous\nsays own");
    assert_eq!(world.settle(), ["loaded own 3"]);
    world.write("late", "one");
    world.settle();
    world.imports_late("own", "late");
    world.write("late", "two");
    assert_eq!(world.settle(), ["reloaded own 4 edit"]);
}

#[test]
fn a_late_import_of_a_generation_that_is_gone_counts_for_nobody() {
    let mut world = World::with(&[("a", "")]);
    world.write("late", "one");
    world.settle();
    let before = world.stage.borrow().live.values().next().cloned().unwrap();
    world.edit("a", "two");
    for instance in world.stage.borrow_mut().live.values_mut() {
        instance.generation = before.generation;
    }
    world.imports_late("a", "late");
    world.write("late", "two");
    assert!(world.settle().is_empty());
}

#[test]
fn a_kept_generation_comes_back_from_its_own_sources() {
    let mut world = World::new();
    world.write("helper", "one");
    world.save("a", "import helper");
    world.settle();
    let ran = world.live();
    world.write("helper", "raises import");
    assert_eq!(world.settle(), ["failed a import kept 1"]);
    assert_eq!(world.dies("a"), ["failed a host kept 1", "reloaded a 2 host"]);
    assert_eq!(world.live(), ran);
    // It is still the content on disk that is behind.
    world.write("helper", "good");
    assert_eq!(world.settle(), ["reloaded a 3 edit"]);
}
