//! Plugins that end the process that they run in: told, contained, and brought back.

use std::fs;

use crate::support::event::{Because, Event, Phase};
use crate::support::{Scene, Watch, text};

const NULL: &str = "import ctypes\nctypes.string_at(0)";

/// Saves a plugin that kills its process and checks what everybody sees of it.
fn dies_and_comes_back(end: &str, save: impl Fn(&Scene)) {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    save(&scene);
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Host);
    assert!(failed.error.message.contains(end), "{failed:?}");
    comes_back(&mut watch, &["a", "b"]);
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    scene.plugin("a").tag("three").save("a.py");
    watch.expect_reloaded("a");
    watch.stop();
    // The mended one took over from the one that was brought back.
    assert_eq!(scene.told("a init three"), 1);
    assert_eq!(scene.told("a shutdown three"), 1);
}

fn comes_back(watch: &mut Watch, ids: &[&str]) {
    for id in ids {
        assert_eq!(watch.expect_reloaded(id).because, Because::Host);
    }
}

#[test]
fn exit_in_the_body() {
    dies_and_comes_back("exit code 7", |scene| {
        scene.plugin("a").tag("two").body("import os\nos._exit(7)").save("a.py");
    });
}

#[test]
fn abort_in_initialize() {
    dies_and_comes_back("SIGABRT", |scene| {
        scene.plugin("a").tag("two").init("import os\nos.abort()").save("a.py");
    });
}

#[test]
fn a_null_pointer_in_initialize() {
    dies_and_comes_back("SIGSEGV", |scene| {
        scene.plugin("a").tag("two").init(NULL).save("a.py");
    });
}

#[test]
fn killed_from_outside_while_it_initializes() {
    let lines = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)";
    dies_and_comes_back("SIGKILL", |scene| {
        scene.plugin("a").tag("two").init(lines).save("a.py");
    });
}

#[test]
fn a_loop_in_c_that_nothing_interrupts() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching_with(&["--timeout", "0.5"]);
    scene.plugin("a").tag("two").init("sum(range(10 ** 13))").save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Host);
    assert!(failed.error.message.contains("0.5 s"), "{failed:?}");
    assert!(failed.error.message.contains("signal 6 (SIGABRT)"), "{failed:?}");
    let stacks = failed.error.traceback.unwrap();
    assert!(stacks.contains("a.py"), "{stacks}");
    comes_back(&mut watch, &["a", "b"]);
    watch.stop();
}

#[test]
fn three_deaths_in_a_row_set_a_plugin_aside_until_its_next_edit() {
    let scene = Scene::with(&["b"]);
    let flag = scene.outside("flag");
    let lines = format!("import os\nif os.path.exists({flag:?}): os._exit(9)");
    scene.plugin("a").init(&lines).save("a.py");
    let mut watch = scene.watching();
    fs::write(&flag, "").unwrap();
    // The first death is that of the new text, the others those of the one before it.
    scene.plugin("a").tag("two").init(&lines).save("a.py");
    let mut kept = Vec::new();
    for _ in 0..3 {
        let failed = watch.expect_failed("a");
        assert_eq!(failed.phase, Phase::Host);
        kept.push(failed.kept);
    }
    assert_eq!(kept, [true, true, false]);
    comes_back(&mut watch, &["b"]);
    scene.plugin("a").tag("three").save("a.py");
    watch.expect_loaded("a");
    watch.stop();
}

#[test]
fn dependents_come_back_after_what_they_depend_on() {
    let scene = Scene::with(&["z"]);
    scene.plugin("a").needs(&["z"]).save("a.py");
    scene.probe();
    let mut watch = scene.watching();
    scene.plugin("m").init("import os\nos._exit(1)").save("m.py");
    let failed = watch.expect_failed("m");
    assert!(!failed.kept);
    let mut back = Vec::new();
    for outcome in watch.outcomes(3) {
        if let Event::Reloaded(live) = outcome {
            back.push(live.id);
        }
    }
    let place = |id: &str| back.iter().position(|other| other == id);
    assert!(place("z") < place("a"), "{back:?}");
    watch.stop();
}

#[test]
fn nothing_is_left_behind_when_the_supervisor_is_killed() {
    let scene = Scene::new();
    let lines = "import os, subprocess\n\
                 child = subprocess.Popen(['sleep', '86400'])\n\
                 log(f'pids {os.getpid()} {child.pid}')";
    scene.plugin("a").init(lines).save("a.py");
    let mut watch = scene.watching();
    watch.signal("-KILL");
    watch.wait_exit();
    let told = scene.log().into_iter().find(|line| line.starts_with("pids ")).unwrap();
    for pid in told.split(' ').skip(1) {
        wait_for_the_end_of(pid);
    }
}

/// A process descriptor becomes readable when its process ends.
fn wait_for_the_end_of(pid: &str) {
    let wait = format!(
        "import os, select, sys\n\
         try:\n    fd = os.pidfd_open({pid})\n\
         except ProcessLookupError:\n    sys.exit(0)\n\
         sys.exit(0 if select.select([fd], [], [], 60)[0] else 1)"
    );
    let python = env!("REPLUG_BUILD_PYTHON");
    let status = std::process::Command::new(python).args(["-c", &wait]).status().unwrap();
    assert!(status.success(), "process {pid} is still there");
}

#[test]
fn a_death_in_a_shutdown_at_the_end_is_told() {
    let scene = Scene::new();
    scene.plugin("a").needs(&["b"]).shutdown("import os\nos._exit(3)").save("a.py");
    scene.plugin("b").save("b.py");
    let mut watch = scene.watching();
    watch.signal("-INT");
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.kept), (Phase::Host, false));
    assert!(failed.error.message.contains("exit code 3"), "{failed:?}");
    watch.expect_unloaded("b");
    let (_, status) = watch.finish();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_death_in_a_shutdown_is_a_failure_of_a_single_pass() {
    let scene = Scene::new();
    scene.plugin("a").shutdown("import os\nos._exit(3)").save("a.py");
    let mut watch = scene.start(["watch", "--json", "--once", scene.root().to_str().unwrap()]);
    watch.wait_ready();
    watch.expect_failed("a");
    let (_, status) = watch.finish();
    assert_eq!(status.code(), Some(1));
}

/// The thread that runs plugins waits for the GIL then, and no call is under way.
#[test]
fn a_thread_that_keeps_the_gil_costs_the_process_and_nothing_more() {
    let scene = Scene::with(&["b"]);
    let gate = scene.outside("gate");
    // One call that never gives the GIL back, and tells when it has it.
    let lines = format!(
        "import threading\n\
         def run():\n    import ctypes, os, time\n    while not os.path.exists({gate:?}):\n        time.sleep(0.01)\n    \
         ctypes.PyDLL(None).system(b'rm {}; sleep 1000')\n\
         threading.Thread(target=run, daemon=True).start()",
        text(&gate)
    );
    scene.plugin("a").init(&lines).save("a.py");
    let mut watch = scene.watching_with(&["--timeout", "1"]);
    fs::write(&gate, "").unwrap();
    while gate.exists() {
        std::thread::yield_now();
    }
    scene.plugin("b").tag("two").save("b.py");
    let failed = watch.expect_failure();
    assert_eq!((failed.id.as_deref(), failed.phase), (Some("a"), Phase::Host), "{failed:?}");
    assert!(failed.error.message.contains("GIL"), "{failed:?}");
    watch.wait(|event| matches!(event, Event::Reloaded(live) if live.id == "b" && live.because == Because::Edit));
    watch.stop();
}
