//! The system's queue of events overflows for real: everything is compared by content, and what
//! differs is reloaded, and nothing else.

use std::fs;

use crate::support::event::{Event, Gone};
use crate::support::{Scene, Watch};

/// Stops the program as a whole, so that it reads no events.
fn freeze(watch: &Watch) {
    watch.signal("-STOP");
    let state = || fs::read_to_string(format!("/proc/{}/stat", watch.pid())).unwrap();
    while !state().contains(") T ") {
        std::thread::yield_now();
    }
}

/// Has the system tell more than its queue holds, of a file that is none of the program's business.
fn overflow(scene: &Scene) {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    // Each writing is more than one event.
    for number in 0..limit {
        scene.write(format!("noise{}.txt", number % 2), b"x");
    }
}

#[test]
fn after_an_overflow_exactly_what_differs_is_reloaded() {
    let scene = Scene::with(&["changed", "deleted", "moved", "same", "touched"]);
    scene.plugin("inner").save("deep/er/inner.py");
    scene.write("folder/plugin.json", r#"{"id": "folder"}"#);
    scene.plugin("folder").body("import helper").save("folder/plugin.py");
    scene.write("folder/helper.py", "x = 1\n");
    scene.probe();
    let mut watch = scene.watching();
    let before = watch.seen.len();
    freeze(&watch);
    overflow(&scene);
    scene.plugin("changed").tag("two").save("changed.py");
    scene.remove("deleted.py");
    fs::create_dir_all(scene.path("new/place")).unwrap();
    fs::rename(scene.path("moved.py"), scene.path("new/place/moved.py")).unwrap();
    scene.plugin("fresh").save("new/fresh.py");
    scene.plugin("touched").save("touched.py");
    fs::rename(scene.path("deep"), scene.path("other")).unwrap();
    scene.plugin("inner").tag("two").save("other/er/inner.py");
    scene.write("folder/helper.py", "x = 2\n");
    watch.signal("-CONT");
    let mut told: Vec<String> = watch
        .outcomes(6)
        .iter()
        .map(|event| match event {
            Event::Loaded(live) => format!("loaded {}", live.id),
            Event::Reloaded(live) => format!("reloaded {}", live.id),
            Event::Unloaded(gone) if gone.because == Gone::Deleted => format!("gone {}", gone.id),
            other => panic!("{other:?}"),
        })
        .collect();
    told.sort();
    let wanted = [
        "gone deleted",
        "loaded fresh",
        "reloaded changed",
        "reloaded folder",
        "reloaded inner",
        "reloaded moved",
    ];
    assert_eq!(told, wanted);
    assert!(watch.seen[before..].iter().any(|event| matches!(event, Event::Rescan(_))));
    watch.assert_quiet();
    assert_eq!(scene.told("changed init two"), 1);
    assert_eq!(scene.told("inner init two"), 1);
    assert_eq!(scene.told("same init one") + scene.told("touched init one"), 2);
    // Everything is watched anew, where it is now.
    for (id, file) in [("inner", "other/er/inner.py"), ("fresh", "new/fresh.py")] {
        scene.plugin(id).tag("six").save(file);
        watch.expect_reloaded(id);
    }
    watch.stop();
}
