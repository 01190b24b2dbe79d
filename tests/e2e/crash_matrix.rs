//! Each way in which a plugin can end its process, in each place where its code runs: told with the
//! signal or exit code and, where the system leaves a moment for it, with the stack; the others are
//! back, and the next edit of the one at fault is as good as any.

use std::fs;

use crate::support::event::{Because, Event, Failed, Phase, Reloaded};
use crate::support::{Scene, Watch};

/// A sudden end.
struct End {
    /// How a plugin brings it about.
    lines: &'static str,
    /// What the failure says of it.
    says: &'static str,
    /// Nobody is left to tell the stacks.
    silent: bool,
}

const EXIT: End = End { lines: "import os\nos._exit(7)", says: "exit code 7", silent: false };
const ABORT: End = End { lines: "import os\nos.abort()", says: "SIGABRT", silent: false };
const NULL: End =
    End { lines: "import ctypes\nctypes.string_at(0)", says: "SIGSEGV", silent: false };
const OVERFLOW: End = End {
    lines: "import sys\nsys.setrecursionlimit(2 ** 31 - 1)\n\
            def deeper(_):\n    list(map(deeper, [0]))\ndeeper(0)",
    says: "SIGSEGV",
    silent: false,
};
const KILL: End = End {
    lines: "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nsignal.pause()",
    says: "SIGKILL",
    silent: true,
};

impl End {
    fn check(&self, failed: &Failed, kept: bool) {
        assert_eq!(failed.phase, Phase::Host);
        assert_eq!(failed.kept, kept, "{failed:?}");
        assert!(failed.error.message.contains(self.says), "{failed:?}");
        let stacks = failed.error.traceback.as_deref().unwrap_or_default();
        assert_eq!(stacks.contains("a.py\", line "), !self.silent, "{failed:?}");
    }

    /// In the body and in `initialize`: the generation before goes on.
    fn in_a_start(&self) {
        let scene = Scene::with(&["a", "b"]);
        let mut watch = scene.watching();
        for (tag, in_the_body) in [("two", true), ("six", false)] {
            let plugin = scene.plugin("a").tag(tag);
            let plugin =
                if in_the_body { plugin.body(self.lines) } else { plugin.init(self.lines) };
            plugin.save("a.py");
            self.check(&watch.expect_failed("a"), true);
            for id in ["a", "b"] {
                assert_eq!(watch.expect_reloaded(id).because, Because::Host);
            }
        }
        both_go_on(&scene, &mut watch);
    }

    /// In `shutdown`: the new generation has done nothing yet, and takes over.
    fn in_shutdown(&self) {
        let scene = Scene::with(&["b"]);
        scene.plugin("a").shutdown(self.lines).save("a.py");
        let mut watch = scene.watching();
        scene.plugin("a").tag("two").save("a.py");
        self.check(&watch.expect_failed("a"), true);
        let Reloaded { because, generation, .. } = watch.expect_reloaded("a");
        assert_eq!((because, generation), (Because::Edit, 2));
        assert_eq!(watch.expect_reloaded("b").because, Because::Host);
        both_go_on(&scene, &mut watch);
    }

    /// In a thread, long after the start.
    fn in_a_thread(&self) {
        let scene = Scene::with(&["b"]);
        let gate = scene.outside("gate");
        let lines = self.lines.replace('\n', "\n    ");
        let lines = format!(
            "import threading\n\
             def run():\n    import os, time\n    while not os.path.exists({gate:?}):\n        time.sleep(0.01)\n    \
             os.remove({gate:?})\n    {lines}\n\
             threading.Thread(target=run, daemon=True).start()"
        );
        scene.plugin("a").init(&lines).save("a.py");
        let mut watch = scene.watching();
        fs::write(&gate, "").unwrap();
        let failed = watch.expect_failure();
        if self.silent {
            // No call was under way, and no stack says whose thread it was.
            assert_eq!(failed.id, None);
        } else {
            assert_eq!(failed.id.as_deref(), Some("a"), "{failed:?}");
        }
        self.check(&failed, true);
        for id in ["a", "b"] {
            assert_eq!(watch.expect_reloaded(id).because, Because::Host);
        }
        both_go_on(&scene, &mut watch);
    }

    /// While everything ends: the rest is shut down no more, and the end is told all the same.
    fn at_the_end(&self) {
        let scene = Scene::with(&["b"]);
        scene.plugin("a").shutdown(self.lines).save("a.py");
        let mut watch = scene.watching();
        watch.signal("-TERM");
        let (events, status) = watch.finish();
        assert!(matches!(events.last(), Some(Event::Stopped(_))), "{events:?}");
        assert!(status.success());
    }
}

fn both_go_on(scene: &Scene, watch: &mut Watch) {
    for id in ["b", "a"] {
        scene.plugin(id).tag("ten").save(&format!("{id}.py"));
        assert_eq!(watch.expect_reloaded(id).because, Because::Edit);
    }
    watch.stop();
    for id in ["a", "b"] {
        assert_eq!(scene.told(&format!("{id} init ten")), 1);
        assert_eq!(scene.told(&format!("{id} shutdown ten")), 1);
    }
}

#[test]
fn exit() {
    EXIT.in_a_start();
    EXIT.in_shutdown();
    EXIT.in_a_thread();
    EXIT.at_the_end();
}

#[test]
fn abort() {
    ABORT.in_a_start();
    ABORT.in_shutdown();
    ABORT.in_a_thread();
    ABORT.at_the_end();
}

#[test]
fn a_null_pointer() {
    NULL.in_a_start();
    NULL.in_shutdown();
    NULL.in_a_thread();
    NULL.at_the_end();
}

#[test]
fn an_overflow_of_the_stack_in_c() {
    OVERFLOW.in_a_start();
    OVERFLOW.in_shutdown();
    OVERFLOW.at_the_end();
}

#[test]
fn a_kill_as_when_memory_runs_out() {
    KILL.in_a_start();
    KILL.in_shutdown();
    KILL.in_a_thread();
    KILL.at_the_end();
}

#[test]
fn a_forked_copy_that_lives_on_hides_no_death() {
    let scene = Scene::with(&["b"]);
    let lines = "import os, signal\nif os.fork() == 0:\n    signal.pause()\nos._exit(7)";
    let mut watch = scene.watching();
    scene.plugin("a").init(lines).save("a.py");
    assert!(watch.expect_failed("a").error.message.contains("exit code 7"));
    assert_eq!(watch.expect_reloaded("b").because, Because::Host);
    watch.stop();
}

#[test]
fn a_forked_copy_that_ends_says_nothing_of_ours() {
    let scene = Scene::with(&["b"]);
    let lines = "import os\npid = os.fork()\nif pid == 0:\n    os._exit(3)\nos.waitpid(pid, 0)\n\
                 os.kill(os.getpid(), 9)";
    let mut watch = scene.watching();
    scene.plugin("a").init(lines).save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!(failed.error.traceback, None);
    watch.stop();
}

#[test]
fn a_plugin_that_closes_every_descriptor() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").init("import os\nos.closerange(0, 4096)").save("a.py");
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Host);
    let message = &failed.error.message;
    assert!(message.contains("closed its connection"), "{failed:?}");
    assert!(message.contains("exit code ") || message.contains("SIGKILL"), "{failed:?}");
    for id in ["a", "b"] {
        assert_eq!(watch.expect_reloaded(id).because, Because::Host);
    }
    both_go_on(&scene, &mut watch);
}
