//! `replug exec`: code that runs beside a plugin, what is printed where, and the end of it all.

use serde_json::Value;

use crate::list::said;
use crate::support::Scene;

fn exec(scene: &Scene, args: &[&str]) -> (i32, String, String) {
    said(&scene.command([&["exec"], args, &["plugins"]].concat()).output().unwrap())
}

/// `a` needs `b`, and `c` is in nobody's way.
fn desk() -> Scene {
    let scene = Scene::new();
    scene
        .plugin("a")
        .needs(&["b"])
        .methods("    def two(self):\n        return 'two'")
        .save("a.py");
    scene.plugin("b").save("b.py");
    scene.plugin("c").save("c.py");
    scene
}

#[test]
fn a_value_is_printed_and_everything_ends_in_order() {
    let scene = desk();
    let (code, stdout, stderr) = exec(&scene, &["a", "x = plugin.two()\nx * 2"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "'twotwo'\n", ""));
    let told = ["b body one", "b init one", "a body one", "a init one"];
    assert_eq!(scene.log()[..4], told);
    assert_eq!(scene.log()[4..], ["a shutdown one", "b shutdown one"]);
}

#[test]
fn plugin_context_and_qtforge_are_in_sight() {
    let scene = desk();
    let code = "(type(plugin).__name__, context.plugin_id, qtforge.core.PluginType.UI.value)";
    let (_, stdout, _) = exec(&scene, &["a", code]);
    assert_eq!(stdout, "('Plugin', 'a', 'ui')\n");
    let (code, stdout, _) = exec(&scene, &["a", "x = 1"]);
    assert_eq!((code, stdout.as_str()), (0, ""));
}

#[test]
fn with_json_stdout_has_the_value_alone() {
    let scene = desk();
    scene.plugin("b").init("print('b prints')").save("b.py");
    let (_, stdout, _) = exec(&scene, &["a", "print('me'); 1"]);
    assert_eq!(stdout, "b prints\nme\n1\n");
    let (code, stdout, stderr) = exec(&scene, &["--json", "a", "print('me'); 1"]);
    assert_eq!((code, stdout.as_str()), (0, "{\"id\":\"a\",\"value\":\"1\"}\n"));
    assert_eq!(stderr, "b prints\nme\n");
}

#[test]
fn an_import_that_finds_nothing_is_an_exception_and_everything_ends_in_order() {
    let scene = desk();
    let (code, stdout, stderr) = exec(&scene, &["a", "import helpers"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("ModuleNotFoundError"), "{stderr}");
    assert!(!stderr.contains("died"), "{stderr}");
    assert_eq!(scene.log()[4..], ["a shutdown one", "b shutdown one"]);
    scene.write("helpers.py", "NAME = 'found'\n");
    let (code, stdout, _) = exec(&scene, &["a", "import helpers\nhelpers.NAME"]);
    assert_eq!((code, stdout.as_str()), (0, "'found'\n"));
}

#[test]
fn an_exception_is_told_with_its_way() {
    let scene = desk();
    let (code, stdout, stderr) = exec(&scene, &["a", "def f():\n    return 1 / 0\nf()"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert_eq!(
        stderr,
        "\
✗ a: the code did not run to its end
error[ZeroDivisionError]: division by zero
 --> <exec>:2:12
  |
2 |     return 1 / 0
  |            ^^^^^
    File \"<exec>\", line 3, in <module>
      f()
    File \"<exec>\", line 2, in f
      return 1 / 0
"
    );
    assert_eq!(scene.told("a shutdown one"), 1);
    let (code, stdout, _) = exec(&scene, &["--json", "a", "1 / 0"]);
    let line: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &line["error"]["type"]), (1, &Value::from("ZeroDivisionError")));
    assert_eq!((&line["error"]["file"], &line["error"]["line"]), (&"<exec>".into(), &1.into()));
}

#[test]
fn what_is_no_python_is_shown() {
    let scene = desk();
    let (code, _, stderr) = exec(&scene, &["a", "x = 1\ny = = 2"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("error[SyntaxError]: invalid syntax\n --> <exec>:2:5\n"), "{stderr}");
    assert!(stderr.contains("2 | y = = 2\n  |     ^"), "{stderr}");
}

#[test]
fn whatever_ends_the_code_is_an_exit_code_of_1() {
    let scene = desk();
    for (code, told) in [
        ("raise SystemExit(0)", "error[SystemExit]: 0"),
        ("raise KeyboardInterrupt", "error: KeyboardInterrupt"),
        (
            "import os; os._exit(0)",
            "error[HostDied]: the process that plugins run in ended with exit code 0",
        ),
        ("import os; os.abort()", "signal 6 (SIGABRT)"),
    ] {
        let (exit, stdout, stderr) = exec(&scene, &["a", code]);
        assert_eq!((exit, stdout.as_str()), (1, ""), "{code}");
        assert!(stderr.contains(told), "{code}: {stderr}");
    }
}

/// The host tells that nobody asked of it: what was looked for and not found.
#[test]
fn code_that_looks_for_what_is_not_there_ends_like_any_other() {
    let scene = desk();
    let looks = "for number in range(300):\n    try: __import__(f'missing{number}')\n    \
                 except ImportError: pass\nsum(range(10 ** 6))";
    for _ in 0..3 {
        let (code, stdout, stderr) = exec(&scene, &["a", looks]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    }
    assert_eq!(scene.told("a shutdown one"), 3);
    assert_eq!(scene.told("b shutdown one"), 3);
}

#[test]
fn code_that_does_not_come_back_has_the_deadline_of_a_phase() {
    let scene = desk();
    let (exit, _, stderr) = exec(&scene, &["--timeout", "0.5", "a", "while True: pass"]);
    assert_eq!(exit, 1);
    assert!(stderr.contains("error[PluginTimeout]: did not come back within 0.5 s"), "{stderr}");
    assert_eq!(scene.told("a shutdown one"), 1);
}

#[test]
fn a_plugin_that_cannot_be_loaded_is_told_as_ever() {
    let scene = desk();
    scene.plugin("b").init("raise ValueError('no')").save("b.py");
    let (code, stdout, stderr) = exec(&scene, &["a", "1"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("✗ b failed at initialize; not running\nerror[ValueError]: no\n"));
    assert!(stderr.contains("✗ a failed at dependency; not running\n"), "{stderr}");
    assert!(
        stderr.contains("it needs the plugin b, which failed at initialize: ValueError: no ("),
        "{stderr}"
    );

    scene.write("d.py", "PLUGIN_METADATA = {'id': 'd', 'tags': 1}\n");
    let (code, _, stderr) = exec(&scene, &["d", "1"]);
    assert!(code == 1 && stderr.contains("`tags` must be a list of strings"), "{stderr}");
    scene.write("e.py", "PLUGIN_METADATA = {'id': 'e'}\nx = = 1\n");
    let (code, _, stderr) = exec(&scene, &["e", "1"]);
    assert!(code == 1 && stderr.contains("plugins/e.py:2:5"), "{stderr}");
}

#[test]
fn an_unknown_plugin_meets_the_nearest_one() {
    let scene = Scene::with(&["com.example.clock"]);
    let (code, stdout, stderr) = exec(&scene, &["com.example.clokc", "1"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("there is no plugin com.example.clokc"), "{stderr}");
    assert!(stderr.contains("did you mean com.example.clock?"), "{stderr}");
    assert!(scene.log().is_empty());
}

#[test]
fn a_value_whose_repr_raises_is_a_failure_of_the_code() {
    let scene = desk();
    let code = "class A:\n    def __repr__(self): raise ValueError('no repr')\nA()";
    let (exit, stdout, stderr) = exec(&scene, &["a", code]);
    assert_eq!((exit, stdout.as_str()), (1, ""));
    assert!(stderr.contains("error[ValueError]: no repr"), "{stderr}");
}
