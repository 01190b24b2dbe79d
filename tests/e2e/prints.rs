//! What plugins print, as a person reads it: whole lines, in order, promptly, each with the id of the
//! plugin that wrote it before it.

use std::process::{Command, Stdio};

use crate::support::{Scene, text};

/// What a single pass shows on stdout and on stderr.
fn pass(scene: &Scene, options: &[&str]) -> (String, String) {
    let root = text(scene.root());
    let args: Vec<&str> = ["--once", root.as_str()].into_iter().chain(options.to_vec()).collect();
    let output = scene.command(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// The same, with stderr where stdout goes.
fn pass_in_one(scene: &Scene, options: &str) -> String {
    let program = env!("CARGO_BIN_EXE_replug");
    let script = format!("exec \"$0\" --once {options} \"$1\" 2>&1");
    let mut command = Command::new("sh");
    command.args(["-c", &script, program, &text(scene.root())]).stdin(Stdio::null());
    command.env_remove("VIRTUAL_ENV").env_remove("PYTHONDONTWRITEBYTECODE");
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// The lines before the one that says that `a` is loaded.
fn before_loaded(shown: &str) -> Vec<&str> {
    shown.lines().skip(1).take_while(|line| !line.starts_with("✓ a ")).collect()
}

fn printing(lines: &str) -> Scene {
    let scene = Scene::new();
    scene.plugin("a").init(lines).save("a.py");
    scene
}

#[test]
fn whoever_writes_to_whatever() {
    let scene = printing(
        "import ctypes, os, subprocess, sys\n\
         print('by print', 'and more')\n\
         sys.stdout.write('by write\\n')\n\
         sys.stdout.buffer.write(b'as bytes\\n')\n\
         os.write(1, b'by number\\nand again\\n')\n\
         subprocess.run(['echo', 'by a child'], check=True)\n\
         libc = ctypes.CDLL(None)\nlibc.puts(b'by C')\nlibc.fflush(None)\n\
         print('by the original', file=sys.__stdout__)",
    );
    let expected = [
        "a | by print and more",
        "a | by write",
        "a | as bytes",
        "a | by number",
        "a | and again",
        "a | by a child",
        "a | by C",
        "a | by the original",
    ];
    assert_eq!(before_loaded(&pass(&scene, &[]).0), expected);
}

#[test]
fn stderr_stays_stderr() {
    let scene =
        printing("import os, sys\nprint('to err', file=sys.stderr)\nos.write(2, b'raw\\n')");
    let (out, err) = pass(&scene, &[]);
    assert_eq!(err, "a | to err\na | raw\n");
    assert!(!out.contains("to err") && !out.contains("raw"), "{out}");
}

#[test]
fn in_one_place_the_order_of_stdout_and_stderr_is_kept() {
    let scene = printing(
        "import os, sys\n\
         for number in range(300):\n    \
         print(number, file=(sys.stdout, sys.stderr)[number % 2])\n    \
         os.write(1 + number // 2 % 2, b'raw %d\\n' % number)",
    );
    let shown = pass_in_one(&scene, "");
    let expected: Vec<String> =
        (0..300).flat_map(|n| [format!("a | {n}"), format!("a | raw {n}")]).collect();
    assert_eq!(before_loaded(&shown), expected);
}

#[test]
fn each_is_named_by_its_code_and_not_by_the_call_under_way() {
    let scene = Scene::new();
    let lines = "import sys, threading\n\
                 sys.go, sys.done = threading.Event(), threading.Event()\n\
                 def run():\n    sys.go.wait()\n    print('from a thread')\n    sys.done.set()\n\
                 threading.Thread(target=run, daemon=True).start()\n\
                 context.get_event_bus().subscribe('x', lambda data: print('from a callback'))";
    scene.plugin("a").init(lines).save("a.py");
    let lines = "import sys\nprint('before')\nsys.go.set()\nsys.done.wait()\n\
                 context.get_event_bus().publish('x')\nprint('after')";
    scene.plugin("b").needs(&["a"]).init(lines).save("b.py");
    let (shown, _) = pass(&scene, &[]);
    let expected =
        "b | before\na | from a thread\na | from a callback\nb | after\n✓ b 1.0.0 loaded";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn the_id_is_the_one_of_run_time() {
    let scene = Scene::new();
    let text = "from qtforge.core import PluginInterface, PluginMetadata\n\
                class P(PluginInterface):\n    \
                def get_metadata(self): return PluginMetadata('com.example.real')\n    \
                def initialize(self, context): pass\n    \
                def shutdown(self): print('bye')\n";
    scene.write("a.py", text);
    let (shown, _) = pass(&scene, &[]);
    assert!(shown.contains("com.example.real | bye\n"), "{shown}");
}

#[test]
fn a_line_without_an_end_gets_one_when_the_call_ends() {
    let scene = printing("import os\nprint('no end', end='')\nos.write(2, b'nor here')");
    assert_eq!(before_loaded(&pass_in_one(&scene, "")), ["a | no end", "a | nor here"]);
}

#[test]
fn what_goes_back_to_the_beginning_of_a_row_keeps_its_id() {
    let scene = printing("print('10 %\\r20 %')\nprint('dos\\r')");
    assert_eq!(
        pass(&scene, &[]).0.split_inclusive('\n').skip(1).take(2).collect::<Vec<_>>(),
        ["a | 10 %\ra | 20 %\n", "a | dos\r\n"]
    );
}

#[test]
fn the_lines_of_threads_do_not_mix() {
    let scene = printing(
        "import threading\n\
         def run(letter):\n    \
         for _ in range(200):\n        print(letter, letter * 3000, sep='', end='')\n        print()\n\
         threads = [threading.Thread(target=run, args=(letter,)) for letter in 'xyz']\n\
         [thread.start() for thread in threads]\n[thread.join() for thread in threads]",
    );
    let (shown, _) = pass(&scene, &[]);
    for letter in ["x", "y", "z"] {
        let line = format!("a | {}", letter.repeat(3001));
        assert_eq!(before_loaded(&shown).iter().filter(|shown| ***shown == line).count(), 200);
    }
}

#[test]
fn last_words_are_heard() {
    let scene = printing("import os\nprint('almost', end='')\nprint(' done')\nos._exit(3)");
    let (shown, _) = pass(&scene, &[]);
    assert!(shown.contains("a | almost done\n✗ a failed"), "{shown}");
}

#[test]
fn ten_megabytes_are_all_there() {
    let scene = printing("for number in range(10 * 1024):\n    print(number, '#' * 1000)");
    let (shown, _) = pass(&scene, &[]);
    let lines = before_loaded(&shown);
    assert_eq!(lines.len(), 10 * 1024);
    let mark = "#".repeat(1000);
    let whole = (0..).zip(&lines).all(|(number, line)| **line == format!("a | {number} {mark}"));
    assert!(whole);
}

#[test]
fn a_plugin_that_replaces_its_streams_is_heard_all_the_same() {
    let scene = printing(
        "import io, os, sys\n\
         class Own(io.StringIO):\n    def write(self, text):\n        os.write(1, text.encode())\n\
         sys.stdout = Own()\nprint('through its own')\n\
         sys.stdout = os.fdopen(os.dup(1), 'w')\nprint('through a copy', flush=True)\n\
         sys.stdout.close()\nsys.__stdout__.detach()",
    );
    scene.plugin("b").needs(&["a"]).init("print('at the end')").save("b.py");
    let (shown, _) = pass(&scene, &[]);
    assert_eq!(before_loaded(&shown), ["a | through its own", "a | through a copy"]);
    assert!(shown.contains("b | at the end\n"), "{shown}");
}

#[test]
fn without_prefix_it_is_as_it_was_printed() {
    let scene = printing("import os\nprint('plain')\nos.write(1, b'raw\\n')");
    for (options, name) in [(&["--no-prefix"][..], None), (&[], Some("REPLUG_NO_PREFIX"))] {
        let root = text(scene.root());
        let mut command = scene.command(["--once", &root]);
        command.args(options).stdin(Stdio::null());
        if let Some(name) = name {
            command.env(name, "1");
        }
        let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert_eq!(before_loaded(&shown), ["plain", "raw"]);
    }
}
