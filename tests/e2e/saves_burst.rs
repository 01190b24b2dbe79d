//! Saves close together, saves of equal size, saves while a reload runs: the last content wins and
//! nothing stale runs.

use std::fs;
use std::path::PathBuf;

use crate::support::event::Event;
use crate::support::save;
use crate::support::{Scene, Watch};

/// The tags that were initialized, in order.
fn tags(scene: &Scene) -> Vec<String> {
    let log = scene.log();
    log.iter().filter_map(|line| line.strip_prefix("a init ").map(str::to_owned)).collect()
}

/// Takes outcomes until the tag `last` is live, and checks that none is older than the one before.
fn settle(scene: &Scene, watch: &mut Watch, last: &str, failures: bool) {
    let mut generation = 1;
    loop {
        match watch.outcome() {
            Event::Reloaded(live) => {
                assert_eq!(live.generation, generation + 1);
                generation = live.generation;
                if tags(scene).last().is_some_and(|tag| tag == last) {
                    break;
                }
            }
            Event::Failed(failed) if failures && failed.kept => {}
            other => watch.fail(&format!("expected `reloaded`, got {other:?}")),
        }
    }
    watch.assert_quiet();
    let tags = tags(scene);
    assert!(tags.is_sorted(), "an older text ran after a newer one: {tags:?}");
    assert_eq!(tags.last().unwrap(), last);
}

/// Saves a second generation whose `initialize` waits until the file that is returned is there,
/// and waits until it does so.
fn begin_slow_reload(scene: &Scene, watch: &Watch) -> PathBuf {
    let gate = scene.outside("gate");
    let wait = format!(
        "import os, time\nprint('two has begun', flush=True)\n\
         while not os.path.exists({gate:?}):\n    time.sleep(0.01)"
    );
    scene.plugin("a").tag("two").init(&wait).save("a.py");
    watch.wait_stderr("two has begun");
    gate
}

#[test]
fn a_hundred_atomic_saves_of_equal_size_end_with_the_last() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").tag("t000").save("a.py");
    let mut watch = scene.watching();
    for number in 1..=100 {
        let text = scene.plugin("a").tag(&format!("t{number:03}")).text();
        save::atomic(&scene.path("a.py"), &text);
    }
    settle(&scene, &mut watch, "t100", false);
}

#[test]
fn a_hundred_saves_in_place_of_equal_size_end_with_the_last() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").tag("t000").save("a.py");
    let mut watch = scene.watching();
    for number in 1..=100 {
        scene.plugin("a").tag(&format!("t{number:03}")).save("a.py");
    }
    // What is read after one save may be the empty file at the start of the next, which fails and
    // is kept; the end is the same.
    settle(&scene, &mut watch, "t100", true);
}

#[test]
fn edits_of_equal_size_one_by_one_run_each_text() {
    let scene = Scene::new();
    scene.plugin("a").tag("t00").save("a.py");
    let mut watch = scene.watching();
    let mut wanted = vec!["t00".to_owned()];
    for number in 1..=20 {
        let tag = format!("t{number:02}");
        scene.plugin("a").tag(&tag).save("a.py");
        assert_eq!(watch.expect_reloaded("a").generation, number + 1);
        wanted.push(tag);
        assert_eq!(tags(&scene), wanted);
    }
}

#[test]
fn a_save_back_to_the_old_text_while_nobody_looks_is_no_stale_state() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    scene.plugin("a").tag("one").save("a.py");
    assert_eq!(watch.expect_reloaded("a").generation, 3);
    watch.assert_quiet();
    assert_eq!(tags(&scene), ["one", "two", "one"]);
}

#[test]
fn a_save_during_a_slow_reload_is_not_lost() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    let gate = begin_slow_reload(&scene, &watch);
    scene.plugin("a").tag("three").save("a.py");
    fs::write(&gate, "").unwrap();
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    assert_eq!(watch.expect_reloaded("a").generation, 3);
    watch.assert_quiet();
    let steps: Vec<_> = scene.log().into_iter().filter(|line| !line.contains("body")).collect();
    let wanted = ["a init one", "a shutdown one", "a init two", "a shutdown two", "a init three"];
    assert_eq!(steps, wanted);
}

#[test]
fn another_plugin_saved_during_a_slow_reload_is_not_lost() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    let gate = begin_slow_reload(&scene, &watch);
    scene.plugin("b").tag("two").save("b.py");
    scene.plugin("c").save("c.py");
    fs::write(&gate, "").unwrap();
    let mut ids: Vec<_> =
        watch.outcomes(3).iter().map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(scene.told("b init two"), 1);
}

#[test]
fn a_plugin_deleted_during_a_slow_reload_is_gone() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    let gate = begin_slow_reload(&scene, &watch);
    scene.remove("a.py");
    scene.remove("b.py");
    fs::write(&gate, "").unwrap();
    // With three outcomes both are gone, whatever came of the reload that ran.
    let mut gone: Vec<String> = Vec::new();
    while gone.len() < 2 {
        if let Event::Unloaded(event) = watch.outcome() {
            gone.push(event.id);
        }
    }
    gone.sort();
    assert_eq!(gone, ["a", "b"]);
    assert_eq!(scene.told("a init two"), scene.told("a shutdown two"));
}

#[test]
fn a_file_that_is_written_to_after_its_deletion_is_gone() {
    use std::io::Write;

    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    let mut file = fs::OpenOptions::new().append(true).open(scene.path("a.py")).unwrap();
    fs::remove_file(scene.path("a.py")).unwrap();
    // It has no name any more, and the system tells of it under its old one.
    file.write_all(b"# more\n").unwrap();
    drop(file);
    watch.expect_unloaded("a");
    watch.assert_quiet();
}

#[test]
fn a_thousand_saves_in_two_seconds_are_few_reloads_and_no_failure() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("a").tag("t0000").save("a.py");
    let mut watch = scene.watching();
    let began = std::time::Instant::now();
    for number in 1..=1000_u32 {
        scene.plugin("a").tag(&format!("t{number:04}")).save("a.py");
        // The pace of the saves is what this is about.
        while began.elapsed().as_millis() < u128::from(number) * 2 {
            std::thread::yield_now();
        }
    }
    settle(&scene, &mut watch, "t1000", false);
    assert!(tags(&scene).len() <= 101, "{} reloads", tags(&scene).len() - 1);
}

#[test]
fn five_hundred_plugins_at_once_are_loaded_once_each() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    for number in 0..500 {
        scene.plugin(&format!("p{number:03}")).save(&format!("f{}/p{number:03}.py", number % 20));
    }
    let mut ids: Vec<_> = watch
        .outcomes(500)
        .into_iter()
        .map(|event| match event {
            Event::Loaded(live) => live.id,
            other => panic!("{other:?}"),
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 500);
    watch.assert_quiet();
}

#[test]
fn the_tree_is_deleted_in_the_middle_of_a_reload() {
    let scene = Scene::with(&["a", "b", "c"]);
    for number in 0..20 {
        scene.plugin(&format!("p{number:02}")).save(&format!("f{number:02}/p.py"));
    }
    let mut watch = scene.watching();
    let gate = begin_slow_reload(&scene, &watch);
    fs::remove_dir_all(scene.root()).unwrap();
    fs::write(&gate, "").unwrap();
    let mut gone = std::collections::BTreeSet::new();
    while gone.len() < 23 {
        if let Event::Unloaded(event) = watch.outcome() {
            gone.insert(event.id);
        }
    }
    scene.plugin("a").tag("six").save("a.py");
    watch.expect_loaded("a");
    assert_eq!(scene.told("a init six"), 1);
}

#[test]
fn a_writer_that_takes_its_time_is_waited_for() {
    use std::io::Write;

    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    let text = scene.plugin("a").tag("two").text();
    let mut file = fs::File::create(scene.path("a.py")).unwrap();
    let began = std::time::Instant::now();
    for (number, piece) in text.as_bytes().chunks(64).enumerate() {
        file.write_all(piece).unwrap();
        // The pace of the writer is what this is about: 20 ms between two pieces.
        while began.elapsed().as_millis() < 20 * (number as u128 + 1) {
            std::thread::yield_now();
        }
    }
    drop(file);
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!(scene.log().iter().filter(|line| line.contains(" init ")).count(), 2);
}

/// Empties the file, and refills it 300 ms later.
fn empty_and_refill(scene: &Scene, watch: &mut Watch) {
    // On a busy machine 300 ms may become longer than an empty file is waited for, which is another
    // case; then it is done once more.
    for number in 0..20 {
        let began = std::time::Instant::now();
        scene.write("a.py", "");
        // The time that passes is what this is about.
        while began.elapsed().as_millis() < 300 {
            std::thread::yield_now();
        }
        scene.plugin("a").tag(&format!("t{number}")).save("a.py");
        let too_late = began.elapsed().as_millis() > 400;
        let mut outcome = watch.outcome();
        if too_late && outcome.failed().is_some() {
            outcome = watch.outcome();
        }
        assert!(matches!(&outcome, Event::Reloaded(live) if live.id == "a"), "{outcome:?}");
        watch.assert_quiet();
        if !too_late {
            return;
        }
    }
    panic!("this machine is too busy for anything that takes 300 ms");
}

#[test]
fn a_file_that_is_emptied_and_refilled_is_never_unloaded() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    empty_and_refill(&scene, &mut watch);
}

#[test]
fn a_polled_file_that_is_emptied_and_refilled_is_never_unloaded() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching_with(&["--poll=20"]);
    empty_and_refill(&scene, &mut watch);
}
