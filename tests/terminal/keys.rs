//! What the keys do.

use crate::idle::assert_asleep;
use crate::session::{Scene, Session};

#[test]
fn one_is_reloaded_by_its_number() {
    let scene = Scene::with(&["a", "b"]);
    let mut session = scene.session(&[]);
    session.press("r");
    let list = session.wait("reload which?");
    assert!(list.contains("1 ✓ a live: generation 1 since"), "{list}");
    assert!(list.contains("2 ✓ b live: generation 1 since"), "{list}");
    session.press("2\n");
    session.wait("↻ b 0.0.0 reloaded");
    session.wait("(generation 2): asked for");
    session.press("l");
    session.wait("✓ a live: generation 1 since");
    session.wait("✓ b live: generation 2 since");
}

#[test]
fn all_are_reloaded_by_enter() {
    let scene = Scene::with(&["a", "b"]);
    let mut session = scene.session(&[]);
    session.press("r\n");
    session.wait("↻ a 0.0.0 reloaded");
    session.wait("↻ b 0.0.0 reloaded");
}

#[test]
fn a_number_can_be_mended_and_taken_back() {
    let scene = Scene::with(&["a", "b"]);
    let mut session = scene.session(&[]);
    session.press("r9\x7f1\n");
    session.wait("↻ a 0.0.0 reloaded");
    session.press("r7\n");
    session.wait("there is no number 7; the last is 2");
    session.press("r2\x1b");
    session.wait("Esc: none  2");
    session.press("?");
    session.wait("this help");
    assert!(!session.shown().contains("↻ b"), "{}", session.shown());
}

#[test]
fn a_failure_is_tried_again_and_shown_again() {
    let scene = Scene::with(&["a"]);
    let file = scene.path("gate");
    scene.plugin("b", &format!("open({file:?})"));
    let mut session = scene.session(&[]);
    session.press("e");
    session.wait("✗ b failed at initialize; not running");
    session.wait("FileNotFoundError");
    std::fs::write(&file, "").unwrap();
    session.press("r2\n");
    session.wait("✓ b 0.0.0 works now: loaded");
    session.press("e");
    session.wait("✗ b failed at initialize; healed meanwhile, nothing fails now");
}

#[test]
fn c_clears_the_screen() {
    let scene = Scene::with(&["a"]);
    let mut session = scene.session(&[]);
    session.press("c");
    session.wait("\u{1b}[2J\u{1b}[H");
}

#[test]
fn an_event_leaves_the_question_standing() {
    let scene = Scene::with(&["a", "b"]);
    let mut session = scene.session(&[]);
    session.press("r1");
    session.wait("Esc: none  1");
    scene.plugin("b", "return None");
    session.wait("\r\u{1b}[K");
    session.wait("↻ b 0.0.0 reloaded");
    session.wait("Esc: none  1");
    session.press("\n");
    session.wait("↻ a 0.0.0 reloaded");
}

#[test]
fn keys_pressed_while_a_plugin_loads_are_not_lost() {
    let scene = Scene::with(&["a"]);
    let gate = scene.path("gate");
    let mut session = scene.session(&[]);
    let wait = format!(
        "import os; print('waits', flush=True)\n    while not os.path.exists({gate:?}): pass"
    );
    scene.plugin("b", &wait);
    session.wait("waits");
    session.press("l");
    std::fs::write(&gate, "").unwrap();
    session.wait("✓ b 0.0.0 loaded");
    session.wait("✓ b live: generation 1 since");
}

#[test]
fn q_shuts_everything_down_as_ctrl_c_does() {
    let scene = Scene::with(&["a"]);
    let ends: &[fn(&mut Session)] =
        &[|session| session.press("q"), |session| session.press("\x03")];
    for end in ends {
        let mut session = scene.session(&[]);
        assert!(!session.is_plain());
        end(&mut session);
        session.wait("− a shut down\n■ stopped\n");
        assert_eq!(session.end().code(), Some(0));
        assert!(session.is_plain());
    }
}

#[test]
fn a_long_first_pass_says_how_far_it_is() {
    let scene = Scene::with(&["b"]);
    // Longer than anybody is left without a word.
    scene.plugin("a", "import time; time.sleep(0.6)");
    let mut session = scene.session(&[]);
    let shown = session.shown();
    let at = shown.find("loading: 1 of 2 plugins").unwrap_or_else(|| panic!("{shown}"));
    assert!(shown[at..].contains("\r\u{1b}[K"), "{shown}");
    session.press("q");
    session.wait("■ stopped");
}

/// Who waits for keys, and shows what fails at the bottom, sleeps until one comes.
#[test]
fn nothing_wakes_up_while_no_key_is_pressed() {
    let scene = Scene::aside(&["a", "b"]);
    let session = scene.session(&[]);
    let other = Scene::with(&["c"]);
    let mut elsewhere = other.session(&["--no-keys"]);
    assert_asleep(session.pid(), || {
        for _ in 0..8 {
            std::fs::remove_file(other.path("c")).unwrap();
            elsewhere.wait("unloaded");
            other.plugin("c", "pass");
            elsewhere.wait("loaded in");
        }
    });
}
