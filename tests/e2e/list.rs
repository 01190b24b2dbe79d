//! `replug list`: what a person and a program are told of the plugins that are there.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;

use crate::support::Scene;

fn list(scene: &Scene, args: &[&str]) -> (i32, String, String) {
    said(&scene.command([&["list"], args].concat()).output().unwrap())
}

pub(crate) fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Two file plugins, a folder plugin that needs one of them and one that is not there, and a file
/// that cannot be a plugin. None of them may run.
fn desk() -> Scene {
    let scene = Scene::new();
    scene.plugin("com.example.clock").body("raise SystemExit('it ran')").save("clock.py");
    scene.plugin("b").version("2").needs(&["com.example.clock"]).save("sub/b.py");
    scene.write(
        "shop/plugin.json",
        r#"{"id": "a.shop", "dependencies": ["b", "nowhere"], "activation": "lazy"}"#,
    );
    scene.write("shop/plugin.py", "def initialize(): pass\n");
    scene.write("shop/prices.py", "PLUGIN_METADATA = {'id': 'no.plugin'}\n");
    scene.write("broken.py", "PLUGIN_METADATA = {'id': 7}\n");
    scene.write("other.py", "x = 1\n");
    scene
}

#[test]
fn a_person_reads_a_table_of_80_columns() {
    let scene = desk();
    let (code, stdout, stderr) = list(&scene, &["plugins"]);
    assert_eq!(
        stdout,
        "\
ID                 VERSION  KIND    ENTRY                   DEPENDENCIES
a.shop             0.0.0    folder  plugins/shop/plugin.py  b, nowhere
b                  2        file    plugins/sub/b.py        com.example.clock
com.example.clock  1.0.0    file    plugins/clock.py
✗ plugins/broken.py no plugin: InvalidMetadata; `replug check` tells more
"
    );
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(scene.log().is_empty(), "{:?}", scene.log());
}

#[test]
fn what_does_not_fit_stands_below() {
    let scene = Scene::new();
    let folder = "a-folder-with-a-long-name/and-another-one-below";
    scene.plugin("a-plugin-with-a-long-name").save(&format!("{folder}/it.py"));
    scene.plugin("b").needs(&["a-plugin-with-a-long-name"]).save("b.py");
    let (_, stdout, _) = list(&scene, &["plugins"]);
    assert_eq!(
        stdout,
        "\
ID                         VERSION  KIND
a-plugin-with-a-long-name  1.0.0    file
  plugins/a-folder-with-a-long-name/and-another-one-below/it.py
b                          1.0.0    file
  plugins/b.py
  needs a-plugin-with-a-long-name
"
    );
}

#[test]
fn colour_adds_nothing_to_the_words() {
    let scene = desk();
    let (_, plain, _) = list(&scene, &["plugins"]);
    let (_, coloured, _) = list(&scene, &["--color", "always", "plugins"]);
    assert!(coloured.contains("\u{1b}[1ma.shop\u{1b}[0m             0.0.0"), "{coloured:?}");
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_eq!(codes.replace_all(&coloured, ""), plain);
}

#[test]
fn a_program_reads_one_object_a_line() {
    let scene = desk();
    let (code, stdout, stderr) = list(&scene, &["--json", "plugins"]);
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, stderr.as_str(), lines.len()), (0, "", 4));
    assert_eq!(
        lines[0],
        serde_json::json!({
            "id": "a.shop", "kind": "folder", "path": scene.path("shop/plugin.py"),
            "version": "0.0.0", "dependencies": ["b", "nowhere"], "requirements": [],
            "activation": "lazy", "provisional": false,
        })
    );
    assert_eq!(lines[3]["error"]["type"], "InvalidMetadata");
    assert_eq!(lines[3]["error"]["line"], 1);
    assert_eq!(lines[3]["id"], Value::Null);
}

#[test]
fn the_graph_is_a_tree_or_for_graphviz() {
    let scene = desk();
    scene.plugin("c").needs(&["d", "b"]).save("c.py");
    scene.plugin("d").needs(&["e"]).save("d.py");
    scene.plugin("e").needs(&["d"]).save("e.py");
    let (code, stdout, _) = list(&scene, &["--graph", "plugins"]);
    assert_eq!(
        stdout,
        "\
a.shop
├── b
│   └── com.example.clock
└── nowhere (not there)
c
├── d
│   └── e
│       └── d (see above)
└── b (see above)
"
    );
    assert_eq!(code, 0);
    let (_, stdout, _) = list(&scene, &["--graph=dot", "plugins"]);
    assert!(stdout.starts_with("digraph plugins {\n"), "{stdout}");
    assert!(stdout.contains("    \"a.shop\" -> \"b\";\n"), "{stdout}");
    assert!(stdout.contains("    \"nowhere\" [style=dashed];\n"), "{stdout}");
}

#[test]
fn nothing_there_is_said_on_stderr() {
    let scene = Scene::new();
    let (code, stdout, stderr) = list(&scene, &["plugins"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "replug: no plugins found\n"));
    let (code, stdout, stderr) = list(&scene, &["nowhere", "plugins"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("/nowhere: No such file"), "{stderr}");
}

#[test]
fn settings_hold_for_looking_as_well() {
    let scene = desk();
    scene.write_outside("watch.toml", "paths = ['plugins']\n[watch]\nignore = ['shop/']\n");
    let (_, stdout, _) = list(&scene, &["--json"]);
    assert_eq!(stdout.lines().count(), 3, "{stdout}");
    scene.write_outside("watch.toml", "pathz = ['plugins']\n");
    let (code, stdout, stderr) = list(&scene, &[]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("watch.toml:1:1: unknown key `pathz`"), "{stderr}");
}

#[test]
fn names_that_are_not_utf_8_and_hostile_ones_are_shown_harmless() {
    let scene = Scene::new();
    let text = "PLUGIN_METADATA = {'id': 'odd', 'version': '1\\n2\\x1b[31m'}\n";
    let name = std::ffi::OsString::from_vec(b"od\xffd\x1b[31m.py".to_vec());
    scene.write(name, text);
    let (_, stdout, _) = list(&scene, &["plugins"]);
    assert!(stdout.contains("odd  1\\n2\\x1b[31m  file"), "{stdout:?}");
    assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
    let (_, stdout, _) = list(&scene, &["--json", "plugins"]);
    let line: Value = serde_json::from_str(&stdout).unwrap();
    assert!(line["path_bytes"].as_str().unwrap().ends_with("6f64ff641b5b33316d2e7079"), "{line}");
}

#[test]
fn a_reader_that_leaves_is_no_fault() {
    let scene = Scene::new();
    for number in 0..500 {
        scene.plugin(&format!("plugin-{number:04}")).save(&format!("p{number:04}.py"));
    }
    let mut child =
        scene.command(["list", "plugins"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_current_folder_that_is_gone_matters_only_to_relative_paths() {
    let scene = Scene::with(&["a"]);
    let gone = scene.outside("gone");
    fs::create_dir(&gone).unwrap();
    let run = |arguments: &str| {
        let program = env!("CARGO_BIN_EXE_replug");
        let script = format!("cd {0} && rmdir {0} && exec {program} {arguments}", gone.display());
        fs::create_dir_all(&gone).unwrap();
        let mut command = scene.command([""; 0]);
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &script])
            .current_dir(command.current_dir(&gone).get_current_dir().unwrap());
        said(&shell.output().unwrap())
    };
    let root = scene.root();
    let (code, stdout, stderr) = run(&format!("list {}", root.display()));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("a.py"), "{stdout}");
    let (code, stdout, stderr) = run(&format!("--once {}", root.display()));
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let (code, _, stderr) = run("list plugins");
    assert_eq!(code, 2);
    assert!(stderr.contains("the current folder cannot be found"), "{stderr}");
}

#[test]
fn a_folder_that_may_not_be_read_is_told() {
    let scene = Scene::new();
    let secret = scene.path("secret");
    fs::create_dir(&secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    // Whoever may read everything is not refused.
    let refused = fs::read_dir(&secret).is_err();
    let (code, _, stderr) = list(&scene, &["plugins/secret"]);
    assert_eq!((code == 1, stderr.contains("/secret: Permission denied")), (refused, refused));
}
