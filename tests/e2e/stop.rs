//! How it ends: signals, `--once`, a reader that goes away.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::thread;

use crate::support::event::{Event, Gone, Stopped};
use crate::support::pipes::{DEADLINE, reap};
use crate::support::{Scene, text};

fn stops_cleanly(signal: &str) {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    let events = watch.stop_by(signal);
    let mut gone: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Unloaded(gone) if gone.because == Gone::Stop => Some(gone.id.as_str()),
            _ => None,
        })
        .collect();
    gone.sort_unstable();
    assert_eq!(gone, ["a", "b"]);
    assert_eq!(scene.told("a shutdown one"), 1);
    assert_eq!(scene.told("b shutdown one"), 1);
}

#[test]
fn sigterm_shuts_every_plugin_down_once() {
    stops_cleanly("-TERM");
}

#[test]
fn sigint_shuts_every_plugin_down_once() {
    stops_cleanly("-INT");
}

#[test]
fn dependents_are_shut_down_first() {
    let scene = Scene::new();
    scene.plugin("a").needs(&["b"]).save("a.py");
    scene.plugin("b").needs(&["c"]).save("b.py");
    scene.plugin("c").save("c.py");
    let mut watch = scene.watching();
    scene.take_log();
    watch.stop();
    assert_eq!(scene.log(), ["a shutdown one", "b shutdown one", "c shutdown one"]);
}

#[test]
fn a_failed_plugin_is_not_shut_down() {
    let scene = Scene::with(&["a"]);
    scene.plugin("b").init("raise ValueError('no')").save("b.py");
    let mut watch = scene.watching();
    watch.stop();
    assert_eq!(scene.told("a shutdown one"), 1);
    assert_eq!(scene.told("b shutdown one"), 0);
}

#[test]
fn a_shutdown_that_raises_at_the_end_stops_nothing() {
    let scene = Scene::with(&["b"]);
    scene.plugin("a").shutdown("raise ValueError('no')").save("a.py");
    let mut watch = scene.watching();
    watch.stop();
    assert_eq!(scene.told("a shutdown one"), 1);
    assert_eq!(scene.told("b shutdown one"), 1);
}

#[test]
fn a_thread_that_a_plugin_left_running_does_not_delay_the_end() {
    let scene = Scene::new();
    let body = "import threading\n\
                threading.Thread(target=threading.Event().wait).start()";
    scene.plugin("a").body(body).save("a.py");
    let mut watch = scene.watching();
    watch.stop();
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn closed_stdin_means_nothing() {
    // Every test here has its stdin at `/dev/null`; this one says so.
    let scene = Scene::with(&["a"]);
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let scene = Scene::new();
    // The shutdown waits for a file that never comes, longer than this test would.
    let hang = "import time\nprint('in shutdown', flush=True)\n\
                while True:\n    time.sleep(0.01)";
    scene.plugin("a").shutdown(hang).save("a.py");
    scene.write_outside("watch.toml", "[reload]\nshutdown_timeout = 3600\n");
    let mut watch = scene.watching();
    watch.signal("-TERM");
    watch.wait_stderr("in shutdown");
    watch.signal("-TERM");
    watch.wait_exit();
}

#[test]
fn once_loads_and_shuts_down_and_says_0() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.start(["watch", "--json", "--once", &text(scene.root())]);
    let (events, status) = watch.finish();
    assert_eq!(status.code(), Some(0));
    assert!(matches!(events.last(), Some(Event::Stopped(Stopped { exit: 0 }))), "{events:?}");
    assert!(events.iter().any(|event| event.is_live("a")));
    assert!(events.iter().any(|event| event.is_live("b")));
    for line in ["a init one", "b init one", "a shutdown one", "b shutdown one"] {
        assert_eq!(scene.told(line), 1, "{line}");
    }
}

#[test]
fn once_says_1_if_a_plugin_failed() {
    let scene = Scene::with(&["a"]);
    scene.write("b.py", "PLUGIN_METADATA = {'id': 'b'}\ndef (:\n");
    let mut watch = scene.start(["watch", "--json", "--once", &text(scene.root())]);
    let (events, status) = watch.finish();
    assert_eq!(status.code(), Some(1));
    assert!(matches!(events.last(), Some(Event::Stopped(Stopped { exit: 1 }))), "{events:?}");
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let scene = Scene::with(&["a"]);
    let mut child = scene
        .command(["watch", "--json", &text(scene.root())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
    let pid = child.id();
    let exit = reap(child);
    let mut line = String::new();
    while !line.contains("\"ready\"") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ended before `ready`");
    }
    drop(lines);
    // Whoever notices only when writing gets something to write.
    scene.plugin("a").tag("two").save("a.py");
    let Ok(status) = exit.recv_timeout(DEADLINE) else {
        let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        panic!("it goes on without a reader");
    };
    assert!(status.code().is_some(), "it was ended by a signal: {status}");
    // A stop is a stop: the generation that was live was shut down.
    let (begun, ended) = (
        scene.log().iter().filter(|line| line.contains(" init ")).count(),
        scene.log().iter().filter(|line| line.contains(" shutdown ")).count(),
    );
    assert_eq!(begun, ended, "{:?}", scene.log());
}
