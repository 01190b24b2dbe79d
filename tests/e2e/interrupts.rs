//! Signals to the process that plugins run in: the fault of the call under way, or nobody's.

use crate::support::event::{Event, Phase};
use crate::support::{Scene, Watch};

/// `c` is reloaded, and nothing is said of it.
fn is_left_alone(scene: &Scene, watch: &mut Watch) {
    for tag in ["two", "six"] {
        scene.plugin("c").tag(tag).save("c.py");
        watch.expect_reloaded("c");
    }
    let warned = |event: &Event| matches!(event, Event::Warning(_));
    assert!(!watch.seen.iter().any(warned), "{:?}", watch.seen);
    assert!(!watch.stop().iter().any(warned), "{:?}", watch.seen);
}

/// However `b` interrupts, that is its own failure.
fn is_charged(lines: &str) {
    let scene = Scene::with(&["b", "c"]);
    let mut watch = scene.watching();
    scene.plugin("b").tag("two").init(lines).save("b.py");
    let failed = watch.expect_failed("b");
    assert_eq!(failed.phase, Phase::Initialize);
    assert_eq!(failed.error.kind, "KeyboardInterrupt");
    assert!(failed.kept);
    is_left_alone(&scene, &mut watch);
}

/// However a thread or a process that `b` left behind interrupts, that is nobody's failure.
fn is_nobodys(lines: &str) {
    let scene = Scene::with(&["c"]);
    let gate = scene.outside("gate");
    let lines = lines.replace("GATE", gate.to_str().unwrap());
    scene.plugin("b").init(&lines).save("b.py");
    let mut watch = scene.watching();
    std::fs::write(&gate, "").unwrap();
    watch.wait_stderr("interrupted");
    is_left_alone(&scene, &mut watch);
}

fn in_a_thread(interrupt: &str) {
    is_nobodys(&format!(
        "import threading, time, os, sys, signal, _thread\n\
         def run():\n    while not os.path.exists('GATE'): time.sleep(0.01)\n    {interrupt}\n    \
         sys.stderr.write('interrupted\\n')\n\
         threading.Thread(target=run, daemon=True).start()"
    ));
}

#[test]
fn of_the_process_itself() {
    is_charged("import os, signal\nos.kill(os.getpid(), signal.SIGINT)");
}

#[test]
fn of_its_group() {
    is_charged("import os, signal\nos.killpg(0, signal.SIGINT)");
}

#[test]
fn of_the_main_thread_by_a_thread_of_the_call() {
    is_charged(
        "import threading, _thread\n\
         thread = threading.Thread(target=_thread.interrupt_main)\nthread.start()\nthread.join()",
    );
}

#[test]
fn of_a_sleep_by_another_process() {
    is_charged(
        "import subprocess, time\nsubprocess.Popen('kill -INT $PPID', shell=True)\ntime.sleep(1e6)",
    );
}

#[test]
fn of_the_main_thread_by_a_thread_that_was_left_behind() {
    in_a_thread("_thread.interrupt_main()");
}

#[test]
fn by_a_signal_raised_in_a_thread() {
    in_a_thread("signal.raise_signal(signal.SIGINT)");
}

#[test]
fn of_the_group_by_a_thread_that_was_left_behind() {
    in_a_thread("os.killpg(0, signal.SIGINT)");
}

#[test]
fn by_a_process_that_was_left_behind() {
    is_nobodys(
        "import subprocess\n\
         subprocess.Popen('while [ ! -e GATE ]; do sleep 0.01; done; kill -INT $PPID; \
         echo interrupted >&2', shell=True)",
    );
}

/// Handlers of plugins run on Python's main thread; a signal that the system gave to another one
/// would be noticed only when the sleep is over.
#[test]
fn an_alarm_ends_a_sleep() {
    let scene = Scene::new();
    let alarm = "import signal, time\n\
                 def ring(*_): raise LookupError('rung')\n\
                 signal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\n\
                 time.sleep(1e6)";
    scene.plugin("a").init(alarm).save("a.py");
    let mut watch = scene.watching();
    let failed = watch.seen.iter().find_map(Event::failed).unwrap();
    assert_eq!(failed.error.kind, "LookupError", "{failed:?}");
    watch.stop();
}

#[test]
fn a_handler_of_one_plugin_is_not_called_in_the_turn_of_another() {
    let scene = Scene::new();
    let own = "import asyncio, signal\n\
               signal.signal(signal.SIGINT, lambda *_: log('called'))\n\
               asyncio.run(asyncio.sleep(0))";
    scene.plugin("a").init(own).save("a.py");
    let raises = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)";
    scene.plugin("b").init(raises).save("b.py");
    let mut watch = scene.watching();
    let failed = watch.seen.iter().find_map(Event::failed).unwrap();
    assert_eq!(failed.id.as_deref(), Some("b"), "{failed:?}");
    assert_eq!(failed.error.kind, "KeyboardInterrupt");
    assert_eq!(scene.told("called"), 0);
    watch.stop();
}
