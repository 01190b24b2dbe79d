//! `replug check`: every finding in one pass, with its place and a remedy, and nothing runs.

use std::fs;
use std::os::unix::ffi::OsStringExt;

use serde_json::Value;

use crate::list::said;
use crate::support::Scene;

fn check(scene: &Scene, args: &[&str]) -> (i32, String, String) {
    said(&scene.command([&["check"], args].concat()).output().unwrap())
}

fn findings(scene: &Scene) -> (i32, Vec<Value>) {
    let (code, stdout, stderr) = check(scene, &["--json", "plugins"]);
    assert_eq!(stderr, "");
    (code, stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// `type file:line:column` of each finding, `~` before those that are no more than warnings.
fn places(scene: &Scene) -> Vec<String> {
    let root = format!("{}/", scene.root().display());
    let (code, findings) = findings(scene);
    let wrong = findings.iter().any(|finding| finding["level"] == "error");
    assert_eq!(code, i32::from(wrong), "{findings:?}");
    let place = |finding: &Value| {
        assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{finding}");
        let mark = if finding["level"] == "warning" { "~" } else { "" };
        let file = finding["file"].as_str().unwrap().replace(&root, "");
        let (line, column) = (&finding["line"], &finding["column"]);
        format!("{mark}{} {file}:{line}:{column}", finding["type"].as_str().unwrap())
    };
    findings.iter().map(place).collect()
}

/// The interpreter of a virtual environment that holds `alpha` 1.5 and nothing else.
fn environment(scene: &Scene) {
    let version = replug::python::BUILT_FOR;
    scene.write_outside("venv/bin/python3", "not to be run");
    scene.write_outside("venv/pyvenv.cfg", format!("home = /nowhere/bin\nversion = {version}.1\n"));
    let folder = format!("venv/lib/python{version}/site-packages/Alpha-1.5.dist-info");
    scene.write_outside(format!("{folder}/METADATA"), "Name: Alpha\nVersion: 1.5\n");
}

#[test]
fn nothing_wrong_is_said_as_well() {
    let scene = Scene::with(&["a", "b"]);
    let (code, stdout, stderr) = check(&scene, &["plugins"]);
    let told = "✓ 2 plugins: nothing is wrong\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, told, ""));
    assert_eq!(check(&scene, &["-q", "plugins"]).1, "");
    assert_eq!(findings(&scene), (0, Vec::new()));
    assert!(scene.log().is_empty(), "something ran");
}

#[test]
fn a_person_sees_each_finding_with_its_line_and_a_remedy() {
    let scene = Scene::new();
    environment(&scene);
    scene.write_outside("watch.toml", "python = 'venv/bin/python3'\n");
    scene.write(
        "a.py",
        "PLUGIN_METADATA = {\n    \"id\": \"a\",\n    \"homepage\": \"h\",\n    \
         \"dependancies\": [\"b\"],\n    \"requirements\": [\"alpha>=2\", \"beta\"],\n}\n",
    );
    let (code, stdout, stderr) = check(&scene, &["plugins"]);
    let python = scene.outside("venv/bin/python3");
    let python = python.display();
    assert_eq!(
        stdout,
        format!(
            "\
warning[UnknownField]: `homepage` is no field that replug knows
 --> plugins/a.py:3:5
  |
3 |     \"homepage\": \"h\",
  |     ^^^^^^^^^^
  help: it is kept in `PluginMetadata.extra`; take it out if nothing reads it there

error[UnknownField]: `dependancies` is no field of a plugin's metadata; `dependencies` is one
 --> plugins/a.py:4:5
  |
4 |     \"dependancies\": [\"b\"],
  |     ^^^^^^^^^^^^^^
  help: write `dependencies`

error[MissingRequirement]: \"alpha>=2\" is asked for, and alpha 1.5 is installed
 --> plugins/a.py:5:22
  |
5 |     \"requirements\": [\"alpha>=2\", \"beta\"],
  |                      ^^^^^^^^^^
  help: {python} -m pip install 'alpha>=2'

error[MissingRequirement]: the package beta is not installed
 --> plugins/a.py:5:34
  |
5 |     \"requirements\": [\"alpha>=2\", \"beta\"],
  |                                  ^^^^^^
  help: {python} -m pip install beta

✗ 1 plugin: 3 errors, 1 warning
"
        )
    );
    assert_eq!((code, stderr.as_str()), (1, ""));
    let (_, coloured, _) = check(&scene, &["--color", "always", "plugins"]);
    assert!(coloured.starts_with("\u{1b}[33mwarning[UnknownField]"), "{coloured:?}");
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(codes.replace_all(&coloured, ""), stdout);
    let (code, quiet, _) = check(&scene, &["-q", "plugins"]);
    assert!(code == 1 && !quiet.contains("homepage") && !quiet.contains("3 errors"), "{quiet}");
}

#[test]
fn a_program_reads_all_of_it() {
    let scene = Scene::new();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a', 'dependencies': ['b']}\n");
    let (code, findings) = findings(&scene);
    let expected = serde_json::json!({
        "level": "error", "id": "a", "phase": "dependency", "type": "MissingDependency",
        "message": "it needs the plugin b, which is not there",
        "remedy": "add that plugin, or take it out here",
        "file": scene.path("a.py"), "line": 1, "column": 48, "end_column": 51,
    });
    assert_eq!((code, findings), (1, vec![expected]));
}

#[test]
fn metadata_is_told_field_by_field() {
    let scene = Scene::new();
    scene
        .write("a.py", "PLUGIN_METADATA = {'id': 'a', 'tags': 1,\n 'timeout': 'x', 'nmae': 'A'}\n");
    scene.write("b.py", "PLUGIN_METADATA = {'id': 'no id', 'version': 1}\n");
    scene.write("c.py", "PLUGIN_METADATA = make()\n");
    scene.write("d.py", "PLUGIN_METADATA = {'id': 'd'}\nx = (\n");
    scene.write("e/plugin.json", "{\"id\": \"e\",\n \"entry\": \"../a.py\",\n \"tagz\": []}");
    scene.write("f/plugin.json", "{\"id\": \"f\",}");
    scene.write("g/plugin.json", "{\"id\": \"g\"}");
    scene.write("h/plugin.json", "{\"id\": \"h\", \"reload\": \"later\", \"$schema\": \"s\"}");
    scene.write("h/plugin.py", "from qtforge.core import PluginMetadata\n");
    assert_eq!(
        places(&scene),
        [
            "InvalidMetadata a.py:1:39",
            "InvalidMetadata a.py:2:13",
            "UnknownField a.py:2:18",
            "InvalidMetadata b.py:1:26",
            "InvalidMetadata b.py:1:46",
            "InvalidMetadata c.py:1:19",
            "SyntaxError d.py:3:1",
            "EntryOutside e/plugin.json:2:2",
            "UnknownField e/plugin.json:3:2",
            "InvalidManifest f/plugin.json:1:12",
            "NoEntry g/plugin.json:1:1",
            "InvalidMetadata h/plugin.json:1:13",
        ]
    );
}

#[test]
fn dependencies_are_held_against_what_is_there() {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[plugins.off]\nenabled = false\n");
    scene.plugin("off").needs(&["nobody"]).save("off.py");
    scene
        .write("a.py", "PLUGIN_METADATA = {'id': 'a', 'dependencies': ['off', 'nix', 'broken']}\n");
    scene.write("b.py", "PLUGIN_METADATA = {'id': 'b', 'dependencies': ['c']}\n");
    scene.write("c.py", "PLUGIN_METADATA = {'id': 'c', 'dependencies': ['d']}\n");
    scene.write("d.py", "PLUGIN_METADATA = {'id': 'd', 'dependencies': ['b', 'd']}\n");
    scene.write("e.py", "PLUGIN_METADATA = {'id': 'd'}\n");
    scene.write("broken.py", "PLUGIN_METADATA = {'id': 'broken', 'tags': 1}\n");
    assert_eq!(
        places(&scene),
        [
            "MissingDependency a.py:1:48",
            "MissingDependency a.py:1:55",
            "DependencyCycle b.py:1:48",
            "InvalidMetadata broken.py:1:44",
            "DuplicatePluginId e.py:1:20",
        ]
    );
    let (_, findings) = findings(&scene);
    assert_eq!(findings[0]["message"], "it needs the plugin off, which watch.toml disables");
    assert_eq!(findings[2]["message"], "dependency cycle: b -> c -> d -> b");
}

#[test]
fn a_plugin_that_tells_its_id_at_run_time_may_be_the_missing_one() {
    let scene = Scene::new();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a', 'dependencies': ['b']}\n");
    scene.write(
        "b.py",
        "from qtforge.core import PluginInterface\nclass B(PluginInterface):\n    pass\n",
    );
    assert_eq!(places(&scene), ["~MissingDependency a.py:1:48"]);
}

#[test]
fn own_modules_of_a_folder_plugin_are_read_too() {
    let scene = Scene::new();
    scene.write("a/plugin.json", "{\"id\": \"a\"}");
    scene.write("a/plugin.py", "import deep.er\n");
    scene.write("a/deep/er.py", "def f(:\n    pass\n");
    scene.write("beside.py", "def f(:\n    pass\n");
    assert_eq!(places(&scene), ["SyntaxError a/deep/er.py:1:7"]);
}

#[test]
fn the_interpreter_is_looked_at_and_not_run() {
    let scene = Scene::new();
    environment(&scene);
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a', 'requirements': ['alpha']}\n");
    for python in ["venv/bin/python3", "./venv/bin/python3"] {
        let (code, _, stderr) = check(&scene, &["--python", python, "plugins"]);
        assert_eq!((code, stderr.as_str()), (0, ""));
    }
    scene.write_outside("venv/pyvenv.cfg", "version = 2.7.18\n");
    for (python, told) in [
        ("venv/bin/python3", "is Python 2.7.18, and this program was built for"),
        ("/bin/sh", "/bin/sh is no Python interpreter; name one"),
        ("nowhere", "there is no Python interpreter at"),
    ] {
        let (code, stdout, stderr) = check(&scene, &["--python", python, "plugins"]);
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(stderr.contains(told), "{stderr}");
    }
}

#[test]
fn what_is_no_python_is_refused_by_watch_as_well() {
    let scene = Scene::with(&["a"]);
    let output = scene.command(["--once", "--python", "/bin/sh", "plugins"]).output().unwrap();
    let (code, stdout, stderr) = said(&output);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("/bin/sh is no Python interpreter; name one"), "{stderr}");
}

#[test]
fn a_root_that_is_not_there_is_a_finding() {
    let scene = Scene::with(&["a"]);
    let (code, stdout, stderr) = check(&scene, &["plugins", "nowhere"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(
        stdout.contains("error[ReadError]: ") && stdout.contains("--> nowhere:1:1"),
        "{stdout}"
    );
    let (code, stdout, stderr) = check(&Scene::new(), &["plugins"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "replug: no plugins found\n"));
}

#[test]
fn a_thousand_findings_come_in_one_pass() {
    let scene = Scene::new();
    for number in 0..1_000 {
        let text = format!("PLUGIN_METADATA = {{'id': 'p{number}', 'dependencies': ['x']}}\n");
        scene.write(format!("p{number:04}.py"), text);
    }
    let (code, findings) = findings(&scene);
    assert_eq!((code, findings.len()), (1, 1_000));
    let mut command = scene.command(["check", "plugins"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1), "what is wrong stays wrong unread");
}

#[test]
fn hostile_names_and_texts_are_shown_harmless() {
    let scene = Scene::new();
    let name = std::ffi::OsString::from_vec(b"od\xffd\x1b[31m.py".to_vec());
    scene.write(
        &name,
        "PLUGIN_METADATA = {'id': 'a', 'x\\x1b[2J': 1, 'requirements': ['\u{202e}']}\n",
    );
    fs::create_dir(scene.path("folder.py")).unwrap();
    let (code, stdout, _) = check(&scene, &["plugins"]);
    assert_eq!(code, 1);
    assert!(!stdout.contains(['\u{1b}', '\u{202e}']), "{stdout:?}");
    let (_, findings) = findings(&scene);
    assert!(findings[0]["file_bytes"].as_str().unwrap().ends_with("6f64ff641b5b33316d2e7079"));
}
