//! Plugins that do not come back: interrupted at their deadline, told where, and got over.

use crate::support::event::{Event, Phase};
use crate::support::{Scene, text};

/// With this, an interrupt is seen by the test's patience running out, not by a race.
const SOON: &[&str] = &["--timeout", "0.5"];

fn hangs_and_is_mended(phase: Phase, hang: impl Fn(&Scene)) {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching_with(SOON);
    hang(&scene);
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, phase);
    assert!(failed.kept, "{failed:?}");
    assert_eq!(failed.error.kind, "PluginTimeout");
    assert!(failed.error.line.is_some(), "{failed:?}");
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    scene.plugin("a").tag("three").save("a.py");
    watch.expect_reloaded("a");
    watch.stop();
}

fn in_the_body(lines: &str) {
    hangs_and_is_mended(Phase::Import, |scene| {
        scene.plugin("a").tag("two").body(lines).save("a.py");
    });
}

fn in_initialize(lines: &str) {
    hangs_and_is_mended(Phase::Initialize, |scene| {
        scene.plugin("a").tag("two").init(lines).save("a.py");
    });
}

#[test]
fn a_loop_in_the_body() {
    in_the_body("while True: pass");
}

#[test]
fn a_sleep_in_the_body() {
    in_the_body("import time\ntime.sleep(1e6)");
}

#[test]
fn a_lock_in_initialize() {
    in_initialize("import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()");
}

#[test]
fn a_child_process_in_initialize() {
    in_initialize("import subprocess\nsubprocess.run(['sleep', '100000'])");
}

#[test]
fn a_loop_that_swallows_exceptions() {
    in_initialize(
        "import time\nwhile True:\n    try:\n        time.sleep(0.01)\n    except BaseException:\n        pass",
    );
}

#[test]
fn a_finally_that_goes_on_for_ever() {
    in_initialize(
        "import time\ntry:\n    time.sleep(1e6)\nfinally:\n    while True: time.sleep(0.01)",
    );
}

#[test]
fn a_factory_that_hangs() {
    hangs_and_is_mended(Phase::Create, |scene| {
        let text = scene.plugin("a").tag("two").text();
        scene.write("a.py", format!("{text}\ndef create_plugin():\n    while True: pass\n"));
    });
}

#[test]
fn a_shutdown_that_hangs_is_a_warning() {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[reload]\nshutdown_timeout = 0.5\n");
    scene.plugin("a").shutdown("while True: pass").save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.warned("a", "shutdown_timeout");
    watch.expect_reloaded("a");
    watch.stop();
}

/// Each save of `a` ends a generation with these cleanups, the last of them first.
fn cleanups_that_hang(cleanups: &str) -> (Vec<String>, Vec<String>) {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[reload]\nshutdown_timeout = 0.3\n");
    let lines = format!(
        "import time\ndef hang():\n    log('hangs')\n    time.sleep(1e6)\n\
         context.get_event_bus().subscribe('e', lambda _: log('heard'))\n{cleanups}"
    );
    scene.plugin("a").init(&lines).save("a.py");
    let mut watch = scene.watching();
    let next = "context.get_event_bus().publish('e')";
    scene.plugin("a").tag("two").init(next).save("a.py");
    watch.expect_reloaded("a");
    let told = watch.seen.iter().filter_map(|event| match event {
        Event::Warning(warning) => Some(format!("{}: {}", warning.code, warning.message)),
        _ => None,
    });
    let told = told.collect();
    watch.stop();
    let log = scene.log().into_iter().filter(|line| !line.starts_with("a ")).collect();
    (told, log)
}

#[test]
fn a_cleanup_that_hangs_costs_the_others_nothing() {
    let (told, log) =
        cleanups_that_hang("context.on_cleanup(lambda: log('cleaned'))\ncontext.on_cleanup(hang)");
    let [told] = told.as_slice() else { panic!("{told:?}") };
    let text = "shutdown_timeout: on_cleanup did not come back within 0.3 s (";
    assert!(told.starts_with(text) && told.ends_with("a.py:18)"), "{told}");
    assert_eq!(log, ["hangs", "cleaned"]);
}

#[test]
fn cleanups_that_all_hang_keep_nobody_waiting_for_long() {
    let (told, log) = cleanups_that_hang(
        "context.on_cleanup(lambda: log('cleaned'))\nfor _ in range(5): context.on_cleanup(hang)",
    );
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(log, ["hangs", "hangs"]);
}

#[test]
fn a_stop_does_not_wait_for_a_plugin_that_hangs_while_it_loads() {
    let scene = Scene::with(&["a"]);
    let hang = "import sys, time\nsys.stderr.write('hanging\\n')\nwhile True: time.sleep(1000)";
    scene.plugin("b").init(hang).save("b.py");
    scene.plugin("c").save("c.py");
    let mut watch = scene.start(["watch", "--json", "--timeout", "86400", "plugins"]);
    watch.wait_stderr("hanging");
    let events = watch.stop();
    assert_eq!(scene.told("a shutdown one"), 1);
    assert!(!events.iter().any(|event| matches!(event, Event::Ready(_))), "{events:?}");
    assert_eq!(scene.told("c body one"), 0);
}

const STOP: &str = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nsignal.pause()";

#[test]
fn a_plugin_that_stops_its_process() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching_with(&["--timeout", "0.5"]);
    scene.plugin("a").tag("two").init(STOP).save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Host);
    assert!(failed.error.message.contains("SIGSTOP"), "{failed:?}");
    for id in ["a", "b"] {
        watch.expect_reloaded(id);
    }
    watch.stop();
}

#[test]
fn a_stop_by_a_signal_while_the_process_is_stopped() {
    let scene = Scene::with(&["b"]);
    let lines = format!("import sys\nprint('stops', file=sys.stderr, flush=True)\n{STOP}");
    scene.plugin("a").init(&lines).save("a.py");
    let mut watch = scene.start(["watch", "--json", &text(scene.root())]);
    // The deadline is far away.
    watch.wait_stderr("stops");
    watch.signal("-INT");
    let (events, _) = watch.finish();
    assert!(matches!(events.last(), Some(Event::Stopped(_))), "{events:?}");
}

#[test]
fn a_process_that_is_stopped_from_outside() {
    let scene = Scene::with(&["b"]);
    scene.plugin("a").body("import os\nlog(f'process {os.getpid()}')").save("a.py");
    let mut watch = scene.watching();
    let log = scene.log();
    let process = log.iter().find_map(|line| line.strip_prefix("process ")).unwrap();
    let status = std::process::Command::new("kill").args(["-STOP", process]).status().unwrap();
    assert!(status.success());
    scene.plugin("b").tag("two").save("b.py");
    // Whose code came next has no part in it.
    let failed = watch.expect_failure();
    assert_eq!((failed.phase, failed.id), (Phase::Host, None));
    let mut back: Vec<_> = (0..2)
        .map(|_| match watch.outcome() {
            Event::Reloaded(live) => live.id,
            other => watch.fail(&format!("{other:?}")),
        })
        .collect();
    back.sort();
    assert_eq!(back, ["a", "b"]);
    watch.stop();
    assert_eq!(scene.told("b shutdown two"), 1);
}
