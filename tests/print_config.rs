//! `replug watch --print-config`: every setting, who said it, and nothing runs.

#![expect(clippy::unwrap_used, reason = "what tests share may fail like tests")]

use std::fs;
use std::process::{Command, Output};

use replug::settings::{CliLayer, Origins, load, print};
use tempfile::TempDir;

const FULL: &str = r#"paths = ["plugins", "/srv/\"odd\" name"]
shared = ["lib"]
python = ".venv/bin/python"
[watch]
ignore = ["*.generated.py"]
gitignore = true
settle_ms = 7
poll = "never"
[reload]
timeout = 2.5
shutdown_timeout = 1
mode = "overlap"
isolation = "none"
[plugins."com.example.clock"]
enabled = false
activation = "lazy"
timeout = 30
isolation = "none"
configuration = { tick = 2, deep = { list = [1, "two", { three = 3.5 }] } }
[plugins.plain]
"#;

/// A folder with this `watch.toml`, if any.
fn project(text: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        fs::write(folder.path().join("watch.toml"), text).unwrap();
    }
    folder
}

fn replug(folder: &TempDir, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replug"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("REPLUG_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).arg("--print-config").args(args).envs(variables.iter().copied());
    command.output().unwrap()
}

fn printed(folder: &TempDir, args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = replug(folder, args, variables);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|other| other == line), "{line} is not in:\n{text}");
}

#[test]
fn what_is_printed_means_what_is_in_force() {
    for text in ["", FULL] {
        let folder = project(Some(text));
        let layer = CliLayer::new(folder.path());
        let mut before = load(&layer).unwrap();
        let other = project(Some(&print(&layer, &Origins::new()).unwrap()));
        let mut after = load(&CliLayer::new(other.path())).unwrap();
        (before.config_file, after.config_file) = (None, None);
        assert_eq!(before, after);
    }
}

#[test]
fn each_value_has_its_origin() {
    let folder = project(Some(FULL));
    let args = ["--timeout", "4", "elsewhere"];
    let text = printed(&folder, &args, &[("REPLUG_SETTLE", "9"), ("REPLUG_TIMEOUT", "5")]);
    let cwd = folder.path().canonicalize().unwrap();
    let cwd = cwd.display();
    has(&text, &format!("# Settings file: {cwd}/watch.toml"));
    has(&text, &format!("paths = [\"{cwd}/elsewhere\"]  # command line"));
    has(&text, &format!("shared = [\"{cwd}/lib\"]  # watch.toml:2"));
    has(&text, "settle_ms = 9  # REPLUG_SETTLE");
    has(&text, "poll = \"never\"  # watch.toml:8");
    has(&text, "timeout = 4  # command line");
    has(&text, "shutdown_timeout = 1  # watch.toml:11");
    has(&text, "[plugins.\"com.example.clock\"]");
    // The command line said nothing of this one's deadline.
    has(&text, "timeout = 30  # watch.toml:17");
    has(&text, "enabled = true  # default");
}

#[test]
fn without_a_file_everything_is_default() {
    let folder = project(None);
    let text = printed(&folder, &[], &[]);
    has(&text, "# Settings file: none; watch.toml would be read");
    let values = text.lines().filter(|line| line.contains('=') && !line.starts_with('['));
    assert!(values.clone().count() > 8, "{text}");
    for line in values {
        assert!(line.ends_with("# default"), "{line}");
    }
}

#[test]
fn a_named_file_is_named_as_it_was() {
    let folder = project(None);
    fs::write(folder.path().join("other.toml"), "\n\n[reload]\nmode = \"overlap\"\n").unwrap();
    has(&printed(&folder, &["--config", "other.toml"], &[]), "mode = \"overlap\"  # other.toml:4");
}

#[test]
fn nothing_runs() {
    let folder = project(None);
    fs::write(
        folder.path().join("a.py"),
        "import qtforge\nPLUGIN_METADATA = {'id': 'a'}\nopen('ran', 'w')\n",
    )
    .unwrap();
    let text = printed(&folder, &[], &[]);
    assert!(!text.contains("ready") && !folder.path().join("ran").exists(), "{text}");
}

#[test]
fn faulty_settings_are_told_as_ever() {
    let folder = project(Some("[watch]\nsetle_ms = 5\n"));
    let output = replug(&folder, &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("watch.toml:2:1: unknown key `setle_ms`"), "{told}");
    assert!(output.stdout.is_empty());
}
