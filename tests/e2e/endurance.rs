//! Crashes and hangs of all kinds, one after the other, in a supervisor that goes on as if nothing
//! had happened.

use std::fs;
use std::path::PathBuf;

use crate::support::event::{Because, Event};
use crate::support::{Scene, Watch};

/// What a plugin does to the process or to everybody's patience.
const ENDS: &[&str] = &[
    "import os\nos._exit(7)",
    "import os\nos.abort()",
    "import ctypes\nctypes.string_at(0)",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nsignal.pause()",
    "while True: pass",
    "import time\ntime.sleep(1e6)",
    "import sys\nsys.modules.clear()",
    "import subprocess, os\nsubprocess.Popen(['sleep', '86400'])\nos._exit(1)",
    "raise SystemExit",
];

/// How many processes, threads and descriptors there are.
#[derive(Debug, PartialEq)]
struct Counts {
    processes: usize,
    threads: usize,
    descriptors: usize,
}

fn counts(watch: &Watch) -> Counts {
    let list = |what: &str| fs::read_dir(format!("/proc/{}/{what}", watch.pid())).unwrap().count();
    let mut processes = 0;
    let mut parents = vec![watch.pid()];
    while let Some(parent) = parents.pop() {
        processes += 1;
        for thread in fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten() {
            let children: PathBuf = thread.path().join("children");
            let children = fs::read_to_string(children).unwrap_or_default();
            parents.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        }
    }
    Counts { processes, threads: list("task"), descriptors: list("fd") }
}

#[test]
fn two_hundred_crashes_and_hangs_leave_everything_as_it_was() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching_with(&["--timeout", "0.1"]);
    let edit = |watch: &mut Watch, id: &str, tag: &str, lines: &str| {
        scene.plugin(id).tag(tag).init(lines).save(&format!("{id}.py"));
        watch.wait(|event| match event {
            Event::Reloaded(live) => live.id == id && live.because == Because::Edit,
            Event::Failed(failed) => failed.id.as_deref() == Some(id) && !lines.is_empty(),
            event => event.is_live(id) && lines.is_empty(),
        })
    };
    // One death, so that what the first one costs for good is there.
    edit(&mut watch, "a", "t1", ENDS[0]);
    edit(&mut watch, "b", "t1", "");
    let before = counts(&watch);
    // A made-up order that is the same each time.
    let mut random: usize = 20_261_122;
    for number in 0..200 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let failed =
            edit(&mut watch, "a", &format!("n{number}"), ENDS[(random >> 33) % ENDS.len()]);
        assert!(matches!(failed, Event::Failed(_)), "{failed:?}");
    }
    for id in ["b", "a"] {
        edit(&mut watch, id, "end", "");
        assert_eq!(scene.told(&format!("{id} init end")), 1);
    }
    assert_eq!(counts(&watch), before);
    watch.stop();
}
