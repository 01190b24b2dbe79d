//! `breakpoint()` in a plugin: the debugger has the terminal while it waits for a person, and
//! everything is as before when it does not.

use rustix::process::Signal;

use crate::session::{Scene, Session};

/// A plugin that stops in the debugger, and another one.
fn stopping() -> Scene {
    let scene = Scene::with(&["b"]);
    scene.plugin("a", "value = 6; breakpoint()\n    print('value is', value)");
    scene
}

fn to_the_prompt(session: &mut Session) {
    session.wait("-> print('value is', value)");
    session.wait("(Pdb) ");
}

/// The keys are those of the supervisor again.
fn has_its_keys_back(session: &mut Session) {
    session.press("l");
    session.wait("✓ b live");
    assert!(!session.is_plain());
}

#[test]
fn a_person_debugs_and_goes_on() {
    for isolation in ["shared", "none"] {
        let scene = stopping();
        let options = ["--isolation", isolation, "--timeout", "0.5"];
        let mut session = Session::start(scene.replug(&options));
        to_the_prompt(&mut session);
        // What is typed is seen, and longer than the deadline passes before the end of it.
        session.press("import time; time.sleep(1)\n");
        session.wait("(Pdb) ");
        session.press("p value * 7\n");
        session.wait("\n42\n(Pdb) ");
        session.press("!value = 'what was typed'\n");
        session.wait("(Pdb) ");
        session.press("c\n");
        session.wait("value is what was typed\n");
        session.wait("✓ a 0.0.0 loaded");
        session.wait("ready: 2");
        session.wait("\n");
        has_its_keys_back(&mut session);
        session.press("q");
        session.wait("■ stopped");
        assert_eq!(session.end().code(), Some(0));
        assert!(session.is_plain());
    }
}

#[test]
fn set_trace_of_pdb_does_the_same() {
    let scene = Scene::with(&["b"]);
    scene.plugin("a", "import pdb; pdb.set_trace()\n    print('after')");
    let mut session = Session::start(scene.replug(&[]));
    session.wait("(Pdb) ");
    session.press("n\n");
    session.wait("a | after\n");
    session.wait("(Pdb) ");
    session.press("c\n");
    session.wait("ready: 2");
    session.wait("\n");
    has_its_keys_back(&mut session);
}

#[test]
fn who_quits_the_debugger_has_failed_the_plugin_and_nothing_else() {
    let scene = stopping();
    let mut session = Session::start(scene.replug(&[]));
    to_the_prompt(&mut session);
    session.press("q\n");
    session.wait("✗ a failed at initialize");
    session.wait("BdbQuit");
    session.wait("ready: 1");
    session.wait("\n");
    has_its_keys_back(&mut session);
}

#[test]
fn ctrl_c_cancels_what_is_typed_and_the_next_one_after_the_debugger_stops() {
    let scene = stopping();
    let mut session = Session::start(scene.replug(&[]));
    to_the_prompt(&mut session);
    session.press("p 'half");
    session.wait("'half");
    session.press("\x03");
    session.wait("--KeyboardInterrupt--\n");
    session.wait("(Pdb) ");
    // Nobody stops the debugger alone, where no shell would notice.
    session.press("\x1a");
    session.press("c\n");
    session.wait("ready: 2");
    session.wait("\n");
    session.press("\x03");
    session.wait("■ stopped");
    assert_eq!(session.end().code(), Some(0));
    assert!(session.is_plain());
}

#[test]
fn a_signal_to_stop_ends_the_debugger() {
    let scene = stopping();
    let mut session = Session::start(scene.replug(&[]));
    to_the_prompt(&mut session);
    session.signal(Signal::TERM);
    session.wait("■ stopped");
    assert_eq!(session.end().code(), Some(0));
    assert!(session.is_plain());
}

#[test]
fn a_second_signal_and_a_death_give_the_terminal_back() {
    let scene = stopping();
    let mut session = Session::start(scene.replug(&[]));
    to_the_prompt(&mut session);
    session.press("import os; os._exit(3)\n");
    session.wait("✗ a failed");
    session.wait("ready: 1");
    session.wait("\n");
    has_its_keys_back(&mut session);
    scene.plugin("a", "value = 7; breakpoint()\n    print('value is', value)");
    to_the_prompt(&mut session);
    session.signal(Signal::TERM);
    session.signal(Signal::TERM);
    session.end();
    assert!(session.is_plain());
}

#[test]
fn an_edit_while_it_runs_may_stop_there_too() {
    let scene = Scene::with(&["a", "b"]);
    let mut session = scene.session(&[]);
    scene.plugin("a", "value = 7; breakpoint()\n    print('value is', value)");
    to_the_prompt(&mut session);
    session.press("p value\n");
    session.wait("\n7\n(Pdb) ");
    session.press("c\n");
    session.wait("↻ a 0.0.0 reloaded");
    has_its_keys_back(&mut session);
}

#[test]
fn a_shell_gets_its_terminal_back() {
    let scene = stopping();
    let mut command = scene.command("sh");
    command.arg("-i").env("PS1", "$ ").env("REPLUG", env!("CARGO_BIN_EXE_replug"));
    let mut session = Session::start(command);
    session.wait("$ ");
    session.press("set -m; \"$REPLUG\" plugins\n");
    to_the_prompt(&mut session);
    session.press("c\n");
    session.wait("ready: 2");
    session.wait("\n");
    session.press("q");
    session.wait("■ stopped");
    session.wait("$ ");
    session.press("echo still $((6 * 7))\n");
    session.wait("still 42");
}

#[test]
fn without_a_terminal_it_fails_and_says_so() {
    let scene = stopping();
    let mut command = scene.command("sh");
    command.args(["-c", "exec \"$0\" plugins < /dev/null", env!("CARGO_BIN_EXE_replug")]);
    let mut session = Session::start(command);
    session.wait("✗ a failed at initialize");
    session.wait("there is no terminal for a debugger");
    session.wait("ready: 1");
}
