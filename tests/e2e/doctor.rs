//! `replug doctor`: what a person and a program are told of the machine, and the exit code.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::list::said;
use crate::support::{Scene, namespace, text};

fn doctor(scene: &Scene, args: &[&str]) -> (i32, String, String) {
    said(&scene.command([&["doctor"], args].concat()).output().unwrap())
}

/// What `doctor --json` finds, and the exit code.
fn findings(command: &mut Command) -> (i32, Vec<Value>) {
    let (code, stdout, stderr) = said(&command.output().unwrap());
    let findings: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!findings.is_empty() && stderr.is_empty(), "{stdout}{stderr}");
    for one in &findings {
        assert!(one["check"].is_string() && one["message"].is_string(), "{one}");
        assert!(one["path"].is_string() || one["path"].is_null(), "{one}");
        let remedy = one["remedy"].is_string();
        let level = one["level"].as_str().unwrap();
        assert_eq!(remedy, level != "ok", "{one}");
        assert!(["ok", "warn", "fail"].contains(&level), "{one}");
    }
    let fails = findings.iter().any(|one| one["level"] == "fail");
    assert_eq!(code, i32::from(fails), "{stdout}");
    (code, findings)
}

fn json_of(scene: &Scene, args: &[&str]) -> (i32, Vec<Value>) {
    findings(&mut scene.command([&["doctor", "--json"], args].concat()))
}

/// The one finding about this.
fn one<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    let found: Vec<_> = findings.iter().filter(|one| one["check"] == check).collect();
    assert_eq!(found.len(), 1, "{check}: {findings:?}");
    found[0]
}

fn names(scene: &Scene) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(scene.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_person_reads_short_lines_and_nothing_runs() {
    let scene = Scene::new();
    scene.plugin("a").body("raise SystemExit('it ran')").save("a.py");
    let (code, stdout, stderr) = doctor(&scene, &["plugins"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let rows: Vec<&str> = stdout.lines().collect();
    let (sum, rows) = rows.split_last().unwrap();
    assert_eq!(*sum, "✓ everything works");
    let words = ["python", "watches", "instances", "queue", "root", "clock", "latency"];
    assert_eq!(rows.len(), words.len(), "{stdout}");
    for (row, word) in rows.iter().zip(words) {
        // One column for the words, one for what is said of them.
        assert!(row.starts_with(&format!("✓ {word:9}  ")), "{row:?}");
    }
    assert!(rows[4].contains("plugins: on ") && rows[4].contains("1 folder, 1 file;"), "{stdout}");
    assert!(rows[6].contains("a save is told after"), "{stdout}");
    assert!(scene.log().is_empty(), "{:?}", scene.log());
    assert_eq!(names(&scene), ["a.py"]);

    let (code, stdout, _) = doctor(&scene, &["-q", "--color=always", "plugins"]);
    assert_eq!((code, stdout.as_str()), (0, ""));
    let (_, stdout, _) = doctor(&scene, &["--color=always", "plugins"]);
    assert!(stdout.starts_with("\u{1b}[32m✓\u{1b}[0m \u{1b}[1mpython"), "{stdout:?}");
}

#[test]
fn what_is_watched_and_left_out_is_counted_by_rule() {
    let scene = Scene::with(&["a", "b"]);
    for file in
        ["node_modules/x/y.py", "deep/er/c.py", "deep/__pycache__/c.pyc", ".idea/x.py", "env/e.py"]
    {
        scene.write(file, "");
    }
    for file in ["deep/.tmp-a.py", "x.generated.py", "y.generated.py", "deep/out.py"] {
        scene.write(file, "");
    }
    scene.write("env/pyvenv.cfg", "version = 3.11.7\n");
    scene.write("deep/.gitignore", "out.py\n");
    scene.write_outside(
        "watch.toml",
        "paths = [\"plugins\"]\n[watch]\nignore = [\"*.generated.py\"]\ngitignore = true\n",
    );
    let (code, found) = json_of(&scene, &[]);
    let root = one(&found, "root");
    assert_eq!((code, &root["path"]), (0, &json!(text(scene.root()))));
    assert_eq!((&root["folders"], &root["files"]), (&json!(3), &json!(3)));
    let ignored: BTreeMap<String, u64> = serde_json::from_value(root["ignored"].clone()).unwrap();
    let wanted = [
        ("*.generated.py in the settings", 2),
        ("__pycache__", 1),
        ("hidden", 1),
        ("node_modules", 1),
        ("out.py in .gitignore", 1),
        ("temporary file", 1),
        ("virtual environment", 1),
    ];
    assert_eq!(ignored, wanted.map(|(rule, count)| (rule.to_owned(), count)).into());
    let watches = one(&found, "watches");
    // Those of the root, and those on the way to it and to the settings.
    let steps = scene.root().components().count() as u64 - 1;
    assert_eq!(watches["needed"], json!(3 + steps), "{watches}");
    assert_eq!(watches["unwatched"], json!(0));
    assert!(watches["limit"].as_u64() > watches["needed"].as_u64(), "{watches}");
    for (check, fact) in [("clock", "step_ns"), ("latency", "median_ms"), ("latency", "saves")] {
        assert!(one(&found, check)[fact].as_f64() > Some(0.0), "{found:?}");
    }
}

#[test]
fn nobody_who_watches_is_told_of_the_measuring() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    assert_eq!(json_of(&scene, &["plugins"]).0, 0);
    watch.assert_quiet();
    assert_eq!(names(&scene), ["a.py", "zz-probe"]);
}

#[test]
fn too_few_watches_are_a_failure_with_the_command_that_mends_it() {
    let scene = Scene::with(&["a"]);
    for number in 0..30 {
        scene.write(format!("f{number}/x.py"), "");
    }
    let args = ["doctor", "--json", "plugins"];
    let limited = |limit: &str, value: &str| {
        let (code, found) = findings(&mut namespace::limited(&scene, limit, value, &args));
        (code, found)
    };
    let (code, found) = limited("max_inotify_watches", "19");
    let watches = one(&found, "watches");
    assert_eq!((code, &watches["level"], &watches["limit"]), (1, &json!("fail"), &json!(19)));
    let left = watches["needed"].as_u64().unwrap() - 19;
    assert_eq!(watches["unwatched"], json!(left), "{watches}");
    let remedy = watches["remedy"].as_str().unwrap();
    assert!(remedy.contains("sudo sysctl fs.inotify.max_user_watches="), "{remedy}");
    // One that is nearly met is a warning.
    let needed = watches["needed"].as_u64().unwrap();
    let (code, found) = limited("max_inotify_watches", &needed.to_string());
    assert_eq!((code, &one(&found, "watches")["level"]), (0, &json!("warn")));

    let (code, found) = limited("max_inotify_instances", "0");
    let instances = one(&found, "instances");
    assert_eq!((code, &instances["level"]), (1, &json!("fail")));
    let remedy = instances["remedy"].as_str().unwrap();
    assert!(remedy.contains("sudo sysctl fs.inotify.max_user_instances="), "{remedy}");
    assert!(one(&found, "latency")["message"].as_str().unwrap().contains("not measured"));
}

#[test]
fn where_nothing_can_be_written_it_is_measured_elsewhere_and_said() {
    let scene = Scene::with(&["a"]);
    let args = ["doctor", "--json", "plugins"];
    let mut command = namespace::read_only(&scene, &text(scene.root()), &args);
    let (code, found) = findings(command.env("TMPDIR", scene.outside("")));
    assert_eq!(code, 0);
    for check in ["clock", "latency"] {
        let found = one(&found, check);
        assert_eq!(found["path"], json!(text(scene.outside(""))), "{found}");
        let message = found["message"].as_str().unwrap();
        assert!(message.contains(&format!("since {}", text(scene.root()))), "{message}");
    }
    let names: Vec<_> = fs::read_dir(scene.outside("")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_root_that_cannot_be_watched_is_a_failure() {
    let scene = Scene::with(&["a"]);
    for (root, part) in [("nowhere", "No such file"), ("/proc/self", "on proc")] {
        let (code, found) = json_of(&scene, &[root]);
        let root = one(&found, "root");
        assert_eq!((code, &root["level"]), (1, &json!("fail")));
        assert!(root["message"].as_str().unwrap().contains(part), "{root}");
    }
    // The others are examined all the same, and a file is a root as well.
    let (code, found) = json_of(&scene, &["nowhere", "plugins/a.py"]);
    let levels: Vec<_> =
        found.iter().filter(|one| one["check"] == "root").map(|one| &one["level"]).collect();
    assert_eq!((code, levels), (1, vec![&json!("fail"), &json!("ok")]));
    assert_eq!(one(&found, "latency")["path"], json!(text(scene.root())));
    let (_, stdout, _) = doctor(&scene, &["nowhere"]);
    assert!(stdout.contains("✗ root       nowhere: No such file"), "{stdout}");
    assert!(stdout.contains("\n  help: make it") && stdout.ends_with("✗ 1 thing will not work\n"));
}

#[test]
fn a_folder_that_nobody_may_look_into_is_a_warning() {
    let scene = Scene::with(&["a"]);
    let secret = scene.path("secret");
    fs::create_dir(&secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    // Whoever may read everything is not refused.
    let refused = fs::read_dir(&secret).is_err();
    let (code, found) = json_of(&scene, &["plugins"]);
    let root = one(&found, "root");
    assert_eq!((code, root["level"] == "warn"), (0, refused), "{root}");
    let (code, found) = json_of(&scene, &["plugins/secret"]);
    assert_eq!((code == 1, one(&found, "root")["level"] == "fail"), (refused, refused));
}

#[test]
fn the_interpreter_is_the_one_that_plugins_would_run_with() {
    let scene = Scene::with(&["a"]);
    let (_, found) = json_of(&scene, &["plugins"]);
    let plain = one(&found, "python").clone();
    assert_eq!((&plain["level"], &plain["virtual_environment"]), (&json!("ok"), &Value::Null));

    for (python, part) in [("nowhere/python", "there is no Python"), ("/bin/sh", "is no Python")] {
        let (code, found) = json_of(&scene, &["--python", python, "plugins"]);
        let python = one(&found, "python");
        assert_eq!((code, &python["level"]), (1, &json!("fail")));
        assert!(python["message"].as_str().unwrap().contains(part), "{python}");
    }

    let environment = scene.outside(".venv");
    let real = plain["path"].as_str().unwrap();
    let made = Command::new(real).args(["-m", "venv", "--without-pip"]).arg(&environment).output();
    assert!(made.unwrap().status.success());
    let (code, found) = json_of(&scene, &["plugins"]);
    let unused = one(&found, "python");
    assert_eq!((code, &unused["level"]), (0, &json!("warn")));
    assert!(unused["remedy"].as_str().unwrap().contains(".venv/bin/python"), "{unused}");
    let mut command = scene.command(["doctor", "--json", "plugins"]);
    let (_, found) = findings(command.env("VIRTUAL_ENV", &environment));
    let active = one(&found, "python");
    assert_eq!(active["level"], json!("ok"), "{active}");
    assert_eq!(active["virtual_environment"], json!(text(&environment)));
    assert_eq!(active["version"], plain["version"]);

    // One of a version that this program cannot run, and without the package, cannot be a host.
    let other = scene.write_outside("other", "#!/bin/sh\necho 3.9.1\n");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, found) = json_of(&scene, &["--python", "./other", "plugins"]);
    assert_eq!((code, &one(&found, "python")["level"]), (1, &json!("fail")));
}

#[test]
fn who_polls_needs_no_watches() {
    let scene = Scene::with(&["a"]);
    let (code, found) = json_of(&scene, &["--poll=50", "plugins"]);
    assert_eq!(code, 0);
    assert!(one(&found, "watches")["message"].as_str().unwrap().contains("every 50 ms"));
    assert!(one(&found, "latency")["message"].as_str().unwrap().contains("within 50 ms"));
}
