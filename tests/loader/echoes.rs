//! Plugins that write their own source while they start.

use crate::world::World;

#[test]
fn one_that_changes_its_own_source_is_reloaded_once_for_that() {
    let mut world = World::new();
    world.save("a", "appends a");
    assert_eq!(world.settle(), ["loaded a 1"]);
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
    assert_eq!(world.settle(), ["warning writes_itself"]);
    assert!(world.settle().is_empty());
    // A person's edit counts as ever, and begins that again.
    assert_eq!(world.edit("a", "appends a\ntwo"), ["reloaded a 3 edit"]);
    assert_eq!(world.settle(), ["reloaded a 4 edit"]);
    assert_eq!(world.settle(), ["warning writes_itself"]);
}

#[test]
fn one_that_writes_a_module_once_runs_what_it_wrote() {
    let mut world = World::new();
    world.write("helper", "one");
    world.save("a", "import helper\nappends helper");
    assert_eq!(world.settle(), ["loaded a 1"]);
    // What it wrote is what it runs from now on.
    world.stage.borrow_mut().disk.insert(World::path("a"), "plugin a\nimport helper".to_owned());
    assert_eq!(world.settle(), ["reloaded a 2 edit"]);
    assert!(world.settle().is_empty());
    let written = world.live().into_values().next().unwrap().remove(&World::path("helper"));
    assert_eq!(written.unwrap(), "one\nmore");
}

#[test]
fn a_module_that_each_start_writes_is_no_loop_either() {
    let mut world = World::new();
    world.write("helper", "one");
    world.save("a", "import helper\nappends helper");
    let told: Vec<String> = (0..5).flat_map(|_| world.settle()).collect();
    assert_eq!(told, ["loaded a 1", "reloaded a 2 edit", "warning writes_itself"]);
    // An edit of the same file by somebody else.
    world.write("helper", "two");
    assert_eq!(world.settle(), ["reloaded a 3 edit"]);
}

#[test]
fn what_another_one_depends_on_ends_as_well() {
    let mut world = World::new();
    world.save("a", "appends a");
    world.save("b", "needs a\nappends b");
    let told: Vec<String> = (0..9).flat_map(|_| world.settle()).collect();
    assert_eq!(told.iter().filter(|line| line.starts_with("warning")).count(), 2, "{told:?}");
    assert!(world.settle().is_empty(), "{told:?}");
}

#[test]
fn one_that_fails_after_it_wrote_is_no_loop() {
    let mut world = World::new();
    world.save("a", "appends a\nneeds b");
    world.save("b", "refuses");
    let told: Vec<String> = (0..9).flat_map(|_| world.settle()).collect();
    assert_eq!(told.last().unwrap(), "warning writes_itself", "{told:?}");
}
