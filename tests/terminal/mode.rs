//! The terminal's mode: ours while there are keys, and put back however the program ends or stops.

use std::process::Stdio;

use rustix::process::Signal;

use crate::session::{Scene, Session};

/// A plugin whose shutdown does not come back.
fn stubborn() -> Scene {
    let scene = Scene::with(&[]);
    scene.write(
        "a",
        "import qtforge, time\nPLUGIN_METADATA = {'id': 'a'}\n\ndef initialize():\n    pass\n\n\
         def shutdown():\n    print('in shutdown', flush=True)\n    while True:\n        time.sleep(0.01)\n",
    );
    scene
}

#[test]
fn a_signal_to_stop_gives_the_terminal_back() {
    let scene = Scene::with(&["a"]);
    for signal in [Signal::TERM, Signal::INT] {
        let mut session = scene.session(&[]);
        assert!(!session.is_plain());
        session.signal(signal);
        assert_eq!(session.end().code(), Some(0));
        assert!(session.is_plain());
    }
}

#[test]
fn a_second_ctrl_c_gives_the_terminal_back() {
    let scene = stubborn();
    let mut session = scene.session(&[]);
    session.press("\x03");
    session.wait("in shutdown");
    session.press("\x03");
    assert_eq!(session.end().code(), Some(1));
    assert!(session.is_plain());
}

#[test]
fn ctrl_backslash_gives_the_terminal_back() {
    let scene = Scene::with(&["a"]);
    let mut session = scene.session(&[]);
    session.press("\x1c");
    assert_eq!(session.end().code(), None);
    assert!(session.is_plain());
}

#[test]
fn without_keys_the_terminal_is_left_alone() {
    let scene = Scene::with(&["a"]);
    let mut by_environment = scene.replug(&[]);
    by_environment.env("REPLUG_NO_KEYS", "1");
    let mut no_input = scene.replug(&[]);
    no_input.env("TERM", "dumb");
    for command in [scene.replug(&["--no-keys"]), by_environment, no_input] {
        let mut session = Session::start(command);
        session.wait("Ctrl-C stops.");
        assert!(session.is_plain());
        session.press("\x03");
        session.wait("■ stopped");
    }
    let mut json = Session::start(scene.replug(&["--json"]));
    json.wait("\"event\":\"ready\"");
    assert!(json.is_plain());
    let mut once = Session::start(scene.replug(&["--once"]));
    once.wait("✓ ready: 1 plugin live.\n");
    assert_eq!(once.end().code(), Some(0));
}

#[test]
fn a_pipe_for_stdin_has_no_keys() {
    let scene = Scene::with(&["a"]);
    let mut command = scene.command("sh");
    command.args(["-c", "exec \"$0\" plugins < /dev/null", env!("CARGO_BIN_EXE_replug")]);
    let mut session = Session::start(command);
    session.wait("Ctrl-C stops.");
    assert!(session.is_plain());
}

#[test]
fn ctrl_z_stops_it_and_fg_brings_it_back() {
    let scene = Scene::with(&["a"]);
    // A shell that leaves the terminal as it finds it, so that what is seen is our doing.
    let mut command = scene.command("sh");
    command.arg("-i").env("PS1", "$ ").env("REPLUG", env!("CARGO_BIN_EXE_replug"));
    let mut session = Session::start(command);
    session.wait("$ ");
    session.press("set -m; \"$REPLUG\" plugins\n");
    session.wait("? lists the keys.");
    session.press("l");
    session.wait("✓ a live");
    session.press("\x1a");
    session.wait("$ ");
    session.press("stty -a; echo END\n");
    let stty = session.wait("\nEND");
    assert!(stty.contains(" icanon ") && stty.contains(" echo "), "{stty}");
    session.press("fg\n");
    session.wait("plugins\n");
    // Without a line end, so that it arrives only if the mode is ours again.
    session.press("l");
    session.wait("✓ a live: generation 1");
    session.press("q");
    session.wait("■ stopped");
    session.wait("$ ");
    session.press("stty -a; echo END\n");
    let stty = session.wait("\nEND");
    assert!(stty.contains(" icanon ") && stty.contains(" echo "), "{stty}");
}

#[test]
fn in_the_background_it_neither_reads_nor_stops() {
    let scene = Scene::with(&["a"]);
    let mut command = scene.command("sh");
    command.arg("-i").env("PS1", "$ ").env("REPLUG", env!("CARGO_BIN_EXE_replug"));
    let mut session = Session::start(command);
    session.wait("$ ");
    session.press("set -m; \"$REPLUG\" plugins &\n");
    session.wait("✓ ready");
    session.press("echo still $((6 * 7))\n");
    session.wait("still 42");
    scene.plugin("a", "return None");
    session.wait("↻ a 0.0.0 reloaded");
    session.press("kill %1\n");
    session.wait("■ stopped");
    session.press("wait; stty -a; echo END\n");
    let stty = session.wait("\nEND");
    assert!(stty.contains(" icanon ") && stty.contains(" echo "), "{stty}");
}

#[test]
fn ctrl_z_does_nothing_where_nobody_could_continue() {
    // The program is the only one in its terminal, as in a container.
    let scene = Scene::with(&["a"]);
    let mut session = scene.session(&[]);
    session.press("\x1a");
    // The first may come before the signal; none is lost, and each comes at once only in our mode.
    for _ in 0..3 {
        session.press("l");
        session.wait("✓ a live");
    }
    session.press("q");
    session.wait("■ stopped");
}

#[test]
fn a_pager_at_the_other_end_has_the_keys() {
    let scene = Scene::with(&["a"]);
    let mut command = scene.command("sh");
    command.args(["-c", "\"$0\" plugins | cat", env!("CARGO_BIN_EXE_replug")]);
    command.stdin(Stdio::inherit());
    let mut session = Session::start(command);
    session.wait("Ctrl-C stops.");
    assert!(session.is_plain());
    session.press("\x03");
    session.end();
}
