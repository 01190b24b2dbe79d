//! Whatever a plugin prints, closes, replaces or takes over: stdout carries the event stream and
//! nothing else, other plugins load, and a signal still stops it cleanly.
//!
//! That each line of stdout is an event is checked by every test, for it is how they read it.

use crate::support::Scene;

/// A plugin with this body beside a good one: both are live, reload, and end cleanly.
fn harms_nobody(body: &str) -> Scene {
    let scene = Scene::with(&["b"]);
    scene.plugin("a").body(body).save("a.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.plugin("b").tag("two").save("b.py");
    watch.expect_reloaded("b");
    scene.plugin("a").tag("two").body(body).save("a.py");
    watch.expect_reloaded("a");
    scene.plugin("c").body("import sys, os\nprint('c prints')").save("c.py");
    watch.expect_loaded("c");
    watch.stop();
    for line in ["a shutdown two", "b shutdown two", "c shutdown one"] {
        assert_eq!(scene.told(line), 1, "{line}");
    }
    scene
}

/// What is printed by this body arrives on stderr while the program runs.
fn is_heard(body: &str, words: &[&str]) {
    let scene = Scene::new();
    scene.plugin("a").body(body).save("a.py");
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    watch.wait_ready();
    for word in words {
        watch.wait_stderr(word);
    }
    watch.stop();
}

#[test]
fn print() {
    is_heard("print('a word')\nprint('{\"event\": \"fake\"}')", &["a word", "fake"]);
}

#[test]
fn a_print_without_a_line_break() {
    is_heard("import sys\nsys.stdout.write('no break')\nsys.stdout.flush()", &["no break"]);
}

#[test]
fn the_original_stdout_of_sys() {
    is_heard("import sys\nprint('a word', file=sys.__stdout__, flush=True)", &["a word"]);
}

#[test]
fn file_descriptor_1() {
    is_heard("import os\nos.write(1, b'by number\\n')", &["by number"]);
}

#[test]
fn a_child_process() {
    let body = "import subprocess, os\nsubprocess.run(['echo', 'from a child'], check=True)\n\
                os.system('echo from a shell')";
    is_heard(body, &["from a child", "from a shell"]);
}

#[test]
fn c_code() {
    let body = "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.puts(b'from C')\nlibc.fflush(None)";
    is_heard(body, &["from C"]);
}

#[test]
fn a_thread() {
    let body = "import threading\nthread = threading.Thread(target=lambda: print('from a thread'))\n\
                thread.start()\nthread.join()";
    is_heard(body, &["from a thread"]);
}

#[test]
fn bytes_that_are_no_text() {
    is_heard("import os\nos.write(1, b'\\xff\\xfe\\x00 raw end\\n')", &["raw end"]);
}

#[test]
fn a_text_that_cannot_be_encoded_is_no_fault_of_the_event_stream() {
    let scene = Scene::new();
    scene.plugin("a").body("raise ValueError('\\udc80 \\U0001F600 \\x00')").save("a.py");
    let failed = scene.watch().expect_failed("a");
    assert_eq!(failed.error.kind, "ValueError");
    assert!(failed.error.message.contains('\u{1f600}'), "{failed:?}");
}

#[test]
fn ten_megabytes() {
    let scene = Scene::with(&["b"]);
    let body = "import sys\nfor _ in range(10 * 1024):\n    print('#' * 1023)\nsys.stdout.flush()";
    scene.plugin("a").body(body).save("a.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    watch.wait_stderr_bytes(b'#', 10 * 1024 * 1023);
    watch.stop();
}

#[test]
fn a_print_while_an_event_is_written_does_not_mix_with_it() {
    let scene = Scene::new();
    let body = "import threading, os\nstop = threading.Event()\ndef noise():\n    \
                while not stop.is_set():\n        os.write(1, b'noise ' * 50)\n\
                thread = threading.Thread(target=noise, daemon=True)\nthread.start()";
    scene.plugin("a").body(body).shutdown("stop.set()\nthread.join()").save("a.py");
    scene.plugin("b").save("b.py");
    let mut watch = scene.watching();
    for number in 10..30 {
        scene.plugin("b").tag(&format!("t{number}")).save("b.py");
        watch.expect_reloaded("b");
    }
    watch.stop();
}

#[test]
fn sys_stdout_closed() {
    harms_nobody("import sys\nsys.stdout.close()");
}

#[test]
fn sys_stdout_replaced() {
    harms_nobody("import sys\nsys.stdout = None\nsys.stderr = 5\nsys.__stdout__ = None");
}

#[test]
fn the_working_directory_changed() {
    harms_nobody("import os\nos.chdir('/')");
}

#[test]
fn sys_path_cleared() {
    harms_nobody("import sys\nsys.path.clear()");
}

#[test]
fn sys_path_replaced() {
    harms_nobody("import sys\nsys.path = ['/nowhere']\nsys.path_hooks = sys.path_hooks[:]");
}

#[test]
fn the_environment_changed() {
    harms_nobody("import os\nos.environ.clear()\nos.environ['PYTHONPATH'] = '/nowhere'");
}

#[test]
fn signal_handlers_taken_over() {
    harms_nobody(
        "import signal\nfor number in (signal.SIGINT, signal.SIGTERM):\n    \
         signal.signal(number, lambda *a: print('mine now'))",
    );
}

#[test]
fn signals_ignored() {
    harms_nobody(
        "import signal\nfor number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):\n    \
         signal.signal(number, signal.SIG_IGN)",
    );
}

#[test]
fn sigint_stops_it_when_a_plugin_has_taken_it_over() {
    let scene = Scene::with(&["b"]);
    scene
        .plugin("a")
        .body(
            "import signal, asyncio\nasyncio.run(asyncio.sleep(0))\n\
                            signal.signal(signal.SIGINT, signal.SIG_IGN)",
        )
        .save("a.py");
    let mut watch = scene.watching();
    watch.stop_by("-INT");
    assert_eq!(scene.told("a shutdown one"), 1);
    assert_eq!(scene.told("b shutdown one"), 1);
}

#[test]
fn what_one_leaves_behind_does_not_reach_the_loading_of_another() {
    let scene = Scene::new();
    let body = "import os, sys\nos.chdir('/')\nos.environ['LEFT_BEHIND'] = '1'\n\
                sys.path.append('/left/behind')\nsys.stdout = None";
    scene.plugin("a").body(body).save("a.py");
    let look = "import os, sys\nlog('b at home ' + str(os.getcwd() != '/'))\n\
                log('b env ' + str(os.environ.get('LEFT_BEHIND')))\n\
                log('b path ' + str('/left/behind' in sys.path))\n\
                log('b out ' + str(sys.stdout is not None))";
    scene.plugin("b").needs(&["a"]).body(look).save("b.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    for line in ["b at home True", "b env None", "b path False", "b out True"] {
        assert_eq!(scene.told(line), 1, "{line}: {:?}", scene.log());
    }
}

/// Runs `replug ARGS ROOT` from a shell that redirects its output; the exit code and stderr.
fn redirected(scene: &Scene, args: &[&str], redirect: &str) -> (Option<i32>, String) {
    let program = scene.command(args);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("exec \"$@\" {redirect}")).arg("sh").arg(program.get_program());
    shell.args(program.get_args()).arg(scene.root()).current_dir(scene.outside(""));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.stdin(std::process::Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_stdout_that_is_closed_from_the_start_is_a_fault() {
    let scene = Scene::with(&["a"]);
    for args in [&["watch", "--json"][..], &["watch"], &["watch", "--once"], &["--print-config"]] {
        let (code, stderr) = redirected(&scene, args, ">&-");
        assert_eq!(code, Some(1), "{args:?}: {stderr}");
        assert!(stderr.contains("stdout is closed"), "{args:?}: {stderr}");
    }
    assert_eq!(scene.log(), Vec::<String>::new());
}

#[test]
fn a_full_disk_behind_stdout_is_a_fault() {
    let scene = Scene::with(&["a"]);
    for args in [&["watch", "--json"][..], &["watch"], &["watch", "--once"], &["--print-config"]] {
        let (code, stderr) = redirected(&scene, args, ">/dev/full");
        assert_eq!(code, Some(1), "{args:?}: {stderr}");
        assert!(stderr.contains("the output cannot be written"), "{args:?}: {stderr}");
    }
    let counted = |step: &str| scene.log().iter().filter(|line| line.contains(step)).count();
    assert_eq!(counted(" init "), counted(" shutdown "), "{:?}", scene.log());
}

#[test]
fn stdout_at_dev_null_is_somebodys_wish() {
    let scene = Scene::with(&["a"]);
    let (code, stderr) = redirected(&scene, &["watch", "--once", "--json"], "1<>/dev/null");
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(scene.told("a init one"), 1);
}
