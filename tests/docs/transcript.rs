//! The transcript on README's first screen, played again: the same edits, the same output.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use regex::Regex;

use crate::markdown::block;
use crate::{files_below, project_folder, replug, text_of};

/// Far longer than anything here takes. It only ends a test that has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// A line of output without what differs from run to run.
pub(crate) fn comparable(line: &str) -> String {
    let mut line = line.to_owned();
    for (varies, same) in [
        (r" in [\d.]+ m?s\b", " in TIME"),
        (r" \(since [\d:]+\)", " (since TIME)"),
        (r", Python [\d.]+\w*$", ", Python VERSION"),
        (r"http://127\.0\.0\.1:\d+/", "http://127.0.0.1:PORT/"),
        (r"\bclock: \d+ ticks", "clock: N ticks"),
        (r"\(since [\d:]+\)", "(since TIME)"),
        // The transcript was made on a terminal, and here is none.
        (r"; \? lists the keys\.$", "; Ctrl-C stops."),
    ] {
        line = Regex::new(varies).unwrap().replace_all(&line, same).into_owned();
    }
    line
}

/// The program while it runs. Dropped, it is killed.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                // The test may have failed and gone.
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, lines }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a clone has: the sample plugins and the settings. Any free port will do for the web server.
fn copy_the_samples(folder: &Path) {
    for file in files_below(&project_folder().join("sample-plugins"), "") {
        let name = file.strip_prefix(project_folder()).unwrap();
        if name.to_string_lossy().contains("__pycache__") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let free = text.replace("\"port\": 8765", "\"port\": 0");
        crate::project::put(&folder.join(name), &free);
    }
    fs::write(folder.join("watch.toml"), text_of("watch.toml")).unwrap();
}

fn shell(folder: &Path, command: &str) {
    let status = Command::new("sh").args(["-c", command]).current_dir(folder).status().unwrap();
    assert!(status.success(), "{command}");
}

#[test]
fn the_first_screen_is_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    copy_the_samples(folder.path());
    assert_eq!(play(folder.path(), "console transcript"), 3);
}

#[test]
fn an_edit_of_a_shared_module_is_what_happens() {
    assert_eq!(play(crate::project::project().path(), "console shared"), 1);
}

/// Does what this block of README shows, and compares; how many edits that were.
fn play(folder: &Path, name: &str) -> usize {
    let transcript = block(&text_of("README.md"), name);
    let mut steps = transcript.lines();
    let arguments = steps.next().and_then(|line| line.strip_prefix("$ replug ")).unwrap();
    let mut command = replug(folder);
    command.args(arguments.split(' '));
    let mut running = Running::start(command);

    let mut edits = 0;
    for step in steps {
        if let Some(told) = step.strip_prefix("# ") {
            let (_, edit) = told.split_once(": ").expect("what is done: the command");
            shell(folder, edit);
            edits += 1;
        } else if step == "^C" {
            shell(folder, &format!("kill -INT {}", running.child.id()));
        } else {
            let line = running.lines.recv_timeout(DEADLINE).unwrap_or_else(|why| {
                panic!("{why} while waiting for: {step}");
            });
            assert_eq!(comparable(&line), comparable(step));
        }
    }
    assert!(running.lines.recv_timeout(DEADLINE).is_err(), "there is more than is shown");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    edits
}
