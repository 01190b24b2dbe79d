//! Each kind of hang in each phase: ended at its deadline, told with the line at which it hung.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::support::event::{Event, Failed, Phase};
use crate::support::{Plugin, Scene, Watch};

/// Long enough for a plugin that does not hang on a busy machine, short enough for a table.
const SETTINGS: &str = "[reload]\ntimeout = 0.4\nshutdown_timeout = 0.4\n\
                        [plugins.a-first]\ntimeout = 60\n";

/// What the others import is imported already when their time runs.
const FIRST: &str = "import os, re, socket, subprocess, sys, threading, time";

/// The comment that marks the line at which a plugin is to be interrupted, or the first and the last
/// of the lines of a loop.
const HERE: &str = "# here";

/// How plugins hang: a name, and the lines, one of them marked.
const KINDS: &[(&str, &str)] = &[
    ("loop", "while True: pass  # here"),
    ("sleep", "import time\ntime.sleep(1e6)  # here"),
    ("lock", "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()  # here"),
    (
        "join",
        "import threading\ndone = threading.Event()\n\
         thread = threading.Thread(target=done.wait, daemon=True)\nthread.start()\nthread.join()  # here",
    ),
    (
        "input",
        "import os, sys\nread, _write = os.pipe()\nsys.stdin = os.fdopen(read)\ninput()  # here",
    ),
    ("socket", "import socket\none, _two = socket.socketpair()\none.recv(1)  # here"),
    ("subprocess", "import subprocess\nsubprocess.run(['sleep', '100000'])  # here"),
    ("regex", "import re\nre.match('(a|a)*b', 'a' * 64)  # here"),
    // A loop with nothing in it would not do: of such a jump CPython itself thinks that it is no part
    // of the `try`.
    (
        "swallow",
        "import time\nwhile True:  # here\n    try:\n        time.sleep(0.01)\n    \
         except BaseException:\n        pass  # here",
    ),
    (
        "finally",
        "import time\ntry:\n    time.sleep(1e6)\nfinally:\n    while True:  # here\n        time.sleep(0.01)  # here",
    ),
    // It comes back, as if it had been in time.
    ("caught", "import time\ntry:\n    time.sleep(1e6)  # here\nexcept BaseException:\n    pass"),
    // Python itself catches what a finalizer raises.
    ("finalizer", "class Last:\n    def __del__(self):\n        while True: pass  # here\nLast()"),
];

/// Where a plugin hangs.
#[derive(Clone, Copy, Debug)]
enum At {
    Body,
    Create,
    Initialize,
    StartService,
    StopService,
    Shutdown,
}

impl At {
    /// The text of a plugin that hangs there.
    fn hangs(self, plugin: Plugin<'_>, lines: &str) -> String {
        let method = |name: &str| {
            let lines = lines.replace('\n', "\n        ");
            format!("    def {name}(self):\n        {lines}\n")
        };
        match self {
            Self::Body => plugin.body(lines).text(),
            Self::Create => {
                let lines = lines.replace('\n', "\n    ");
                format!("{}\ndef create_plugin():\n    {lines}\n", plugin.text())
            }
            Self::Initialize => plugin.init(lines).text(),
            Self::StartService => {
                plugin.base("ServicePlugin").methods(&method("start_service")).text()
            }
            Self::StopService => {
                plugin.base("ServicePlugin").methods(&method("stop_service")).text()
            }
            Self::Shutdown => plugin.shutdown(lines).text(),
        }
    }
}

/// The numbers of the marked lines and of those between.
fn marked(text: &str) -> RangeInclusive<u64> {
    let numbered = (1..).zip(text.lines()).filter(|(_, line)| line.contains(HERE));
    let numbers: Vec<u64> = numbered.map(|(number, _)| number).collect();
    *numbers.first().expect("a line is marked")..=*numbers.last().expect("a line is marked")
}

/// A scene with a plugin for each kind of hang, each named after it, that goes live.
fn a_plugin_of_each_kind(
    of: impl Fn(Plugin<'_>, &str) -> String,
) -> (Scene, BTreeMap<String, RangeInclusive<u64>>) {
    let scene = Scene::new();
    scene.write_outside("watch.toml", SETTINGS);
    scene.plugin("a-first").body(FIRST).save("a-first.py");
    let lines = KINDS.iter().map(|(kind, lines)| {
        let text = of(scene.plugin(kind), lines);
        scene.write(format!("{kind}.py"), &text);
        ((*kind).to_owned(), marked(&text))
    });
    let marked = lines.collect();
    (scene, marked)
}

/// The last frame of a traceback: the line that says where, and the source under it.
fn last_frame(failed: &Failed) -> (String, String) {
    let traceback = failed.error.traceback.clone().unwrap_or_else(|| panic!("{failed:?}"));
    let lines: Vec<&str> = traceback.lines().collect();
    let at = lines.iter().rposition(|line| line.trim_start().starts_with("File \"")).unwrap();
    (lines[at].to_owned(), lines.get(at + 1).copied().unwrap_or_default().to_owned())
}

/// Every plugin of the table is interrupted in `phase`, at the line that hangs; then each is mended.
fn hang_while_they_start(at: At, phase: Phase) {
    let (scene, marked) = a_plugin_of_each_kind(|plugin, lines| at.hangs(plugin, lines));
    let mut watch = scene.watching();
    let failures: Vec<&Failed> = watch.seen.iter().filter_map(Event::failed).collect();
    assert_eq!(failures.len(), KINDS.len(), "{failures:?}");
    for failed in failures {
        let id = failed.id.clone().unwrap();
        assert_eq!((failed.phase, failed.kept), (phase, false), "{at:?}: {failed:?}");
        assert_eq!(failed.error.kind, "PluginTimeout", "{at:?}: {failed:?}");
        let line = failed.error.line.unwrap_or_else(|| panic!("{at:?}: {failed:?}"));
        assert!(marked[&id].contains(&line), "{at:?}: {failed:?}");
        let (place, source) = last_frame(failed);
        assert!(place.contains(&format!("{id}.py\", line {line},")), "{at:?}: {failed:?}");
        assert!(!source.is_empty(), "{at:?}: {failed:?}");
    }
    mend(&scene, &mut watch, false);
}

/// Every plugin of the table hangs at its end, which is a warning that names the line; each is
/// reloaded all the same.
fn hang_while_they_end(at: At, method: &str) {
    let (scene, marked) = a_plugin_of_each_kind(|plugin, lines| at.hangs(plugin, lines));
    let mut watch = scene.watching();
    assert!(!watch.seen.iter().any(|event| event.failed().is_some()), "{:?}", watch.seen);
    mend(&scene, &mut watch, true);
    for (id, mut lines) in marked {
        let warning = watch.warned(&id, "shutdown_timeout");
        let told = format!("{method}() did not come back within 0.4 s");
        assert!(warning.message.starts_with(&told), "{warning:?}");
        let named = lines.any(|line| warning.message.ends_with(&format!("{id}.py:{line})")));
        assert!(named, "{at:?}: {warning:?}");
    }
}

/// Saves a good version of each, one by one, which goes live; no process died on the way.
fn mend(scene: &Scene, watch: &mut Watch, was_live: bool) {
    for (kind, _) in KINDS {
        scene.plugin(kind).tag("two").save(&format!("{kind}.py"));
        if was_live {
            assert_eq!(watch.expect_reloaded(kind).generation, 2);
        } else {
            assert_eq!(watch.expect_loaded(kind).generation, 1);
        }
    }
    assert!(watch.seen.iter().filter_map(Event::failed).all(|failed| failed.phase != Phase::Host));
    watch.stop();
}

#[test]
fn in_the_body() {
    hang_while_they_start(At::Body, Phase::Import);
}

#[test]
fn in_create_plugin() {
    hang_while_they_start(At::Create, Phase::Create);
}

#[test]
fn in_initialize() {
    hang_while_they_start(At::Initialize, Phase::Initialize);
}

#[test]
fn in_start_service() {
    hang_while_they_start(At::StartService, Phase::Initialize);
}

#[test]
fn in_stop_service() {
    hang_while_they_end(At::StopService, "stop_service");
}

#[test]
fn in_shutdown() {
    hang_while_they_end(At::Shutdown, "shutdown");
}

/// While `a` hangs `b` is edited; `a`'s deadline is all that it waits for.
#[test]
fn an_edit_of_another_waits_no_longer_than_the_deadline_of_the_one_that_hangs() {
    let scene = Scene::with(&["b"]);
    let hang = "import sys, time\nsys.stderr.write('hanging\\n')\ntime.sleep(1e6)";
    let mut watch = scene.watching_with(&["--timeout", "1"]);
    scene.plugin("a").init(hang).save("a.py");
    watch.wait_stderr("hanging");
    scene.plugin("b").tag("two").save("b.py");
    assert_eq!(watch.expect_failed("a").phase, Phase::Initialize);
    watch.expect_reloaded("b");
    watch.stop();
}

/// Calls that end just about at their deadline, some before it and some after. A strike that comes
/// too late would hit whatever runs next: the loader's own code, or the next call.
#[test]
fn a_strike_that_comes_as_the_call_ends_hits_nothing_else() {
    let scene = Scene::with(&["b"]);
    scene.write_outside("watch.toml", "[plugins.a]\ntimeout = 0.05\n");
    // Most of the time is slept away, the rest is spent turning in Python.
    let near = "import os, time\nlog(f'process {os.getpid()}')\n\
                def until(ms):\n    end = BEGAN + ms / 1000\n    time.sleep(max(0, end - 0.002 - time.monotonic()))\n    \
                while time.monotonic() < end: pass\n";
    let mut watch = scene.watching();
    let (mut live, mut late) = (0, 0);
    for round in 0..200 {
        // From 1 ms before to 1 ms after, as far as the module itself can tell when it began.
        let ms = 49.0 + f64::from(round % 41) * 0.05;
        let body = format!("import time\nBEGAN = time.monotonic()\n{near}until({ms:.2})");
        scene.plugin("a").tag(&round.to_string()).body(&body).save("a.py");
        match watch.outcome() {
            Event::Loaded(event) => assert_eq!(event.id, "a"),
            Event::Reloaded(event) => assert_eq!(event.id, "a"),
            Event::Failed(failed) => {
                assert_eq!(failed.id.as_deref(), Some("a"), "{failed:?}");
                assert_eq!(failed.error.kind, "PluginTimeout", "{failed:?}");
                // Not `metadata`: that call is next, and it takes no time.
                let phases = [Phase::Import, Phase::Create, Phase::Initialize];
                assert!(phases.contains(&failed.phase), "{failed:?}");
                late += 1;
                continue;
            }
            other => watch.fail(&format!("{other:?}")),
        }
        live += 1;
    }
    assert!(live > 0 && late > 0, "{live} live, {late} late");
    scene.plugin("b").tag("two").body("import os\nlog(f'process {os.getpid()}')").save("b.py");
    watch.expect_reloaded("b");
    watch.stop();
    let log = scene.log();
    let processes: BTreeSet<&String> =
        log.iter().filter(|line| line.starts_with("process ")).collect();
    assert_eq!(processes.len(), 1, "{processes:?}");
}
