//! The files that README shows make a project: they are written down and loaded by the real program.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::markdown::{block, blocks};
use crate::transcript::comparable;
use crate::{replug, text_of};

/// A folder with all files that README shows.
pub(crate) fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for block in blocks(&text_of("README.md")) {
        if let Some(name) = block.value("file") {
            put(&folder.path().join(name), &block.text);
            count += 1;
        }
    }
    assert!(count >= 6, "README shows {count} files");
    folder
}

pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn the_plugins_load_as_they_stand() {
    let folder = project();
    let output = replug(folder.path()).args(["--once", "--json"]).output().unwrap();
    let events: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let loaded: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "loaded")
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(loaded, ["com.example.hello", "com.example.shop", "com.example.tiny"], "{events:?}");
    assert_eq!(output.status.code(), Some(0));
    // What plugins print goes to stderr then.
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.lines().any(|line| line == "shop: tea 3 EUR"), "{printed}");
}

#[test]
fn they_print_what_it_says_that_they_print() {
    let folder = project();
    let shown = block(&text_of("README.md"), "console project");
    let (command, expected) = shown.split_once('\n').unwrap();
    let arguments = command.strip_prefix("$ replug ").expect("a replug command").split(' ');
    let output = replug(folder.path()).args(arguments).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = |text: &str| text.lines().map(comparable).collect::<Vec<_>>();
    assert_eq!(lines(&printed), lines(expected));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn the_other_commands_tell_what_it_says_that_they_tell() {
    let folder = project();
    let text = text_of("README.md");
    let mut steps = Vec::new();
    for line in block(&text, "console desk").lines() {
        match line.strip_prefix("$ replug ") {
            Some(command) => steps.push((command.to_owned(), String::new())),
            None => {
                *steps.last_mut().expect("a command first") = {
                    let (command, expected) = steps.last().unwrap().clone();
                    (command, format!("{expected}{line}\n"))
                }
            }
        }
    }
    assert!(steps.len() >= 4, "{steps:?}");
    for (command, expected) in steps {
        let arguments = command.split(' ').map(|word| word.trim_matches('\''));
        let output = replug(folder.path()).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{command}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command}");
    }
}
