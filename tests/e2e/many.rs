//! More plugins than are started one by one: the next ones are on their way before the first is live.

use crate::support::event::Phase;
use crate::support::{Event, Scene};

/// More than are started one by one.
const MANY: usize = 60;

fn scene() -> Scene {
    let scene = Scene::new();
    for number in 10..10 + MANY {
        scene.write(format!("p{number}.py"), plugin(number, "pass"));
    }
    scene
}

fn plugin(number: usize, body: &str) -> String {
    format!("PLUGIN_METADATA = {{'id': 'p{number}'}}\n\ndef initialize():\n    {body}\n")
}

fn loaded(events: &[Event]) -> Vec<&str> {
    let ids = events.iter().filter_map(|event| match event {
        Event::Loaded(live) => Some(live.id.as_str()),
        _ => None,
    });
    ids.collect()
}

#[test]
fn many_are_loaded_in_order() {
    let scene = scene();
    let (_, events) = scene.first_pass();
    let expected: Vec<String> = (10..10 + MANY).map(|number| format!("p{number}")).collect();
    assert_eq!(loaded(&events), expected);
}

#[test]
fn large_ones_among_many_wait_for_nobody() {
    let scene = scene();
    // More than fits on the way at once, and what they answer is as large.
    for number in [20, 21, 22, 40] {
        let text = format!("{}\n# {}\n", plugin(number, "pass"), "x".repeat(3 << 20));
        scene.write(format!("p{number}.py"), text);
    }
    let (_, events) = scene.first_pass();
    let expected: Vec<String> = (10..10 + MANY).map(|number| format!("p{number}")).collect();
    assert_eq!(loaded(&events), expected);
}

#[test]
fn an_exception_of_a_name_of_ours_is_a_failure_like_any_other() {
    let scene = scene();
    scene.write("p30.py", plugin(30, "raise type('Stopping', (Exception,), {})('no')"));
    let (_, events) = scene.first_pass();
    let failed = events.iter().filter(|event| matches!(event, Event::Failed(_)));
    assert_eq!(failed.count(), 1);
    assert_eq!(loaded(&events).len(), MANY - 1);
}

#[test]
fn one_that_fails_among_many_fails_alone() {
    let scene = scene();
    scene.write("p30.py", plugin(30, "raise ValueError('no')"));
    scene.write(
        "p31.py",
        "PLUGIN_METADATA = {'id': 'p31', 'dependencies': ['p69']}\n\ndef initialize():\n    pass\n",
    );
    let (_, events) = scene.first_pass();
    let failed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Failed(failed) => Some((failed.id.as_deref(), failed.phase)),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(Some("p30"), Phase::Initialize)]);
    let loaded = loaded(&events);
    assert_eq!(loaded.len(), MANY - 1);
    let place = |id: &str| loaded.iter().position(|other| *other == id).unwrap();
    assert!(place("p31") > place("p69"));
}

#[test]
fn one_that_ends_the_process_is_blamed_and_not_the_next() {
    let scene = scene();
    scene.write("p30.py", plugin(30, "import os; os._exit(7)"));
    let mut watch = scene.watch();
    let Event::Failed(failed) = watch.wait(|event| matches!(event, Event::Failed(_))) else {
        unreachable!()
    };
    assert_eq!((failed.id.as_deref(), failed.phase), (Some("p30"), Phase::Host));
    watch.wait_ready();
    let live = loaded(&watch.seen);
    for number in (10..10 + MANY).filter(|number| *number != 30) {
        let id = format!("p{number}");
        assert!(live.contains(&id.as_str()), "{id} is not live");
    }
}

#[test]
fn a_stop_starts_nothing_more() {
    let scene = scene();
    scene.write("p30.py", plugin(30, "import time; print('waiting', flush=True); time.sleep(600)"));
    scene.write("p31.py", plugin(31, "import time; time.sleep(600)"));
    let mut watch = scene.watch();
    watch.wait_stderr("waiting");
    let events = watch.stop();
    assert!(!loaded(&events).contains(&"p32"), "{events:?}");
}
