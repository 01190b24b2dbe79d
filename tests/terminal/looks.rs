//! What it looks like: the width of the window, links, colour.

use crate::session::{Scene, Session};

#[test]
fn rows_fit_the_window_as_it_is_now() {
    let scene = Scene::with(&["a-plugin-with-a-rather-long-name"]);
    let mut session = Session::start_wide(scene.replug(&["--no-keys"]), 50);
    let told = session.wait("Ctrl-C stops.\n");
    for row in told.lines() {
        assert!(row.chars().count() <= 50, "{row}");
    }
    session.resize(200);
    scene.plugin("a-plugin-with-a-rather-long-name", "return None");
    session.wait("↻");
    let row = session.wait("\n");
    assert!(row.trim_end().ends_with("edited") && row.chars().count() > 50, "{row}");
}

#[test]
fn a_terminal_without_a_width_has_80_columns() {
    let scene = Scene::with(&["a-plugin-with-a-name-to-fill-a-row"]);
    let mut session = Session::start_wide(scene.replug(&[]), 0);
    let told = session.wait("lists the keys.\n");
    assert!(told.contains("\n  plugins/"), "{told}");
}

#[test]
fn files_are_links_where_that_is_asked_for() {
    let scene = Scene::with(&[]);
    scene.plugin("a", "boom");
    let link = |session: &mut Session| {
        session.wait("ready: ");
        session.shown().contains("\u{1b}]8;;file://")
    };
    let mut command = scene.replug(&[]);
    command.env("FORCE_HYPERLINK", "1").env_remove("NO_COLOR");
    let mut session = Session::start(command);
    assert!(link(&mut session));
    let path = scene.path("a").canonicalize().unwrap();
    assert!(session.shown().contains(&format!("{}\u{1b}\\plugins/a.py", path.display())));

    let mut command = scene.replug(&[]);
    command.env_remove("NO_COLOR");
    assert!(!link(&mut Session::start(command)), "a terminal that is not known for it");
    let mut command = scene.replug(&[]);
    command.env("FORCE_HYPERLINK", "1");
    assert!(!link(&mut Session::start(command)), "without colour");
}

#[test]
fn no_color_is_heeded() {
    let scene = Scene::with(&["a"]);
    let mut command = scene.replug(&[]);
    command.env_remove("NO_COLOR");
    let mut colored = Session::start(command);
    colored.wait("\u{1b}[32m✓\u{1b}[0m ready");
    let mut session = Session::start(scene.replug(&[]));
    session.wait("lists the keys.");
    assert!(!session.shown().contains('\u{1b}'), "{:?}", session.shown());
}

#[test]
fn help_fits_the_terminal() {
    let scene = Scene::with(&[]);
    for (option, end) in [("-h", "watch.\n"), ("--help", "plugin.schema.json\n")] {
        let mut session = Session::start(scene.replug(&[option]));
        let help = session.wait(end);
        assert_eq!(session.end().code(), Some(0));
        for row in help.lines() {
            assert!(row.chars().count() <= 80, "{row}");
        }
    }
}

#[test]
fn what_a_thread_begins_to_print_is_shown_soon() {
    let scene = Scene::with(&[]);
    let thread = "import threading; threading.Thread(target=lambda: (print('no end', end=''), \
                  threading.Event().wait()), daemon=True).start()";
    scene.plugin("a", thread);
    let mut session = Session::start(scene.replug(&["--no-keys"]));
    session.wait("a | no end\n");
}
