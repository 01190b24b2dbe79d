//! Plugins that misuse the process that they share: what they leave behind in it, whom they keep
//! waiting, what they fork. The others, the supervisor and the event stream go on.

use std::fs::{self, File};
use std::process::Stdio;

use crate::support::event::{Because, Event, Phase};
use crate::support::files::run;
use crate::support::pipes::{DEADLINE, reap};
use crate::support::{Scene, Watch, text};

const SOON: &[&str] = &["--timeout", "0.5"];

/// A live plugin `b` beside a plugin `a` whose `initialize` ran `lines`.
fn beside(lines: &str) -> (Scene, Watch) {
    let scene = Scene::with(&["b"]);
    scene.plugin("a").init(lines).save("a.py");
    scene.probe();
    let watch = scene.watching_with(SOON);
    (scene, watch)
}

/// Whatever `lines` left behind, `b` and `a` itself reload, and the end is a clean one.
fn harms_nobody(lines: &str) {
    let (scene, mut watch) = beside(lines);
    watch.assert_quiet();
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    scene.plugin("a").tag("two").save("a.py");
    // Some of what is done here a plugin does not survive itself.
    assert!(watch.outcome().is_live("a"));
    watch.stop();
}

/// Whatever `lines` left behind, a plugin that hangs afterwards is interrupted.
fn does_not_stop_the_deadlines(lines: &str) {
    let (scene, mut watch) = beside(lines);
    scene.plugin("b").tag("two").init("while True: pass").save("b.py");
    let failed = watch.expect_failed("b");
    assert_eq!(failed.error.kind, "PluginTimeout");
    assert!(failed.kept, "{failed:?}");
    watch.stop();
}

#[test]
fn a_timer_whose_handler_went_with_the_call() {
    for (timer, signal) in [("ITIMER_REAL", "SIGALRM"), ("ITIMER_PROF", "SIGPROF")] {
        harms_nobody(&format!(
            "import signal\n\
             signal.signal(signal.{signal}, lambda *_: None)\n\
             signal.setitimer(signal.{timer}, 0.001, 0.001)"
        ));
    }
}

#[test]
fn no_depth_left_for_recursion() {
    harms_nobody(
        "import sys\n\
         for depth in range(1, 200):\n    try:\n        sys.setrecursionlimit(depth)\n        break\n    \
         except RecursionError:\n        pass",
    );
}

#[test]
fn more_depth_for_recursion_stays_the_plugins() {
    let scene = Scene::new();
    let deep = "def deep(n): return n and deep(n - 1)\ndeep(3000)";
    let body = "import sys\nsys.setrecursionlimit(5000)";
    scene.plugin("a").body(body).init(deep).save("a.py");
    let mut watch = scene.watch();
    watch.expect_loaded("a");
}

#[test]
fn streams_detached_from_their_buffers() {
    harms_nobody("import sys\nsys.stdout.detach()\nsys.stderr.detach()");
}

#[test]
fn all_signals_blocked() {
    does_not_stop_the_deadlines(
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    );
}

#[test]
fn all_signals_taken_over() {
    does_not_stop_the_deadlines(
        "import signal\n\
         for number in signal.valid_signals():\n    try:\n        \
         signal.signal(number, lambda *_: None)\n    except OSError:\n        pass",
    );
}

#[test]
fn an_exception_that_never_says_what_it_is() {
    let (scene, mut watch) = beside("");
    let error =
        "class Mute(Exception):\n    def __str__(self):\n        while True: pass\nraise Mute";
    scene.plugin("a").tag("two").init(error).save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Initialize, "Mute"));
    scene.plugin("a").tag("six").shutdown(error).save("a.py");
    watch.expect_reloaded("a");
    scene.plugin("a").tag("ten").save("a.py");
    watch.expect_reloaded("a");
    watch.warned("a", "shutdown_raised");
}

#[test]
fn a_module_that_another_thread_never_finishes_to_import() {
    let (scene, mut watch) = beside("");
    let name = scene.path("endless_one.py");
    fs::write(name, "import sys, threading\nsys.started.set()\nthreading.Event().wait()\n")
        .unwrap();
    let body = "import sys, threading\n\
                sys.started = threading.Event()\n\
                def wait_for_ever():\n    import endless_one\n\
                threading.Thread(target=wait_for_ever, daemon=True).start()\n\
                sys.started.wait()\n\
                import endless_one";
    scene.plugin("a").tag("two").body(body).save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "PluginTimeout"));
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    watch.stop();
}

#[test]
fn a_lock_of_logging_that_a_thread_never_gives_back() {
    let (scene, mut watch) = beside("");
    let hold = "import logging, threading\n\
                held = threading.Event()\n\
                def hold():\n    logging._lock.acquire()\n    held.set()\n    threading.Event().wait()\n\
                threading.Thread(target=hold, daemon=True).start()\n\
                held.wait()";
    scene.plugin("a").tag("two").init(hold).save("a.py");
    // Nobody can start without a logger, so that process is of no use any more.
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Host);
    assert!(failed.error.message.contains("broke the interpreter"), "{failed:?}");
    for id in ["a", "b", "probe"] {
        assert_eq!(watch.expect_reloaded(id).because, Because::Host);
    }
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    watch.stop();
}

#[test]
fn an_exit_function_that_hangs_does_not_delay_the_end_for_ever() {
    let (_scene, mut watch) = beside(
        "import atexit\n\
         def hang():\n    while True:\n        try:\n            while True: pass\n        \
         except BaseException: pass\n\
         atexit.register(hang)",
    );
    watch.stop();
}

#[test]
fn a_forked_child_that_comes_back_ends() {
    for isolation in ["none", "shared"] {
        let scene = Scene::new();
        let fork = "import os\nif os.fork(): log('parent')\nelse: log('child')";
        scene.plugin("a").init(fork).save("a.py");
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        // It holds stderr while it lives, and that its last holder is gone is looked at there.
        watch.stop();
        assert_eq!(scene.told("parent"), 1);
        assert_eq!(scene.told("a shutdown one"), 1);
    }
}

#[test]
fn a_forked_child_that_lives_on_does_not_hold_the_event_stream() {
    let scene = Scene::new();
    let pipe = scene.outside("pipe");
    run("mkfifo", [&pipe]);
    let lines = format!(
        "import os\nif os.fork() == 0:\n    nowhere = os.open(os.devnull, os.O_RDWR)\n    \
         os.dup2(nowhere, 1)\n    os.dup2(nowhere, 2)\n    open({pipe:?}).read()\n    os._exit(0)"
    );
    scene.plugin("a").init(&lines).save("a.py");
    let mut watch = scene.watching_with(&["--isolation", "none"]);
    watch.signal("-TERM");
    while watch.next_event_or_end().is_some() {}
    watch.wait_exit();
    // Lets it go, if it is still there: for both ends, opening does not wait for anybody.
    drop(File::options().read(true).write(true).open(&pipe).unwrap());
}

#[test]
fn an_output_that_takes_nothing_ends_it() {
    // It makes no file, so nothing happens that could wake the program up.
    let scene = Scene::new();
    scene.write("a.py", "import qtforge\nPLUGIN_METADATA = {'id': 'a'}\ndef initialize(): pass\n");
    let mut command = scene.command(["watch", "--json", &text(scene.root())]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    command.stdin(Stdio::null()).stdout(full).stderr(Stdio::null());
    reap(command.spawn().unwrap()).recv_timeout(DEADLINE).expect("it ends by itself");
}

#[test]
fn a_source_too_large_to_be_read_is_told_and_heals() {
    let scene = Scene::with(&["b"]);
    let many: String = (0..110_000).map(|number| format!("x{number}=0\n")).collect();
    scene.write("a.py", scene.plugin("a").text() + &many);
    let (mut watch, events) = scene.first_pass();
    let told = events.iter().find_map(|event| match event {
        Event::Failed(failed) => Some((failed.path.clone(), failed.phase)),
        _ => None,
    });
    assert_eq!(told, Some((text(scene.path("a.py")), Phase::Parse)));
    scene.plugin("a").save("a.py");
    watch.expect_loaded("a");
}
