//! The documents are true: what README shows is run, what ARCHITECTURE says of the code is looked up.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends by panicking; the lint's own exception covers only test functions"
)]

#[path = "docs/architecture.rs"]
mod architecture;
#[path = "docs/bridge.rs"]
mod bridge;
#[path = "docs/events.rs"]
mod events;
#[path = "docs/markdown.rs"]
mod markdown;
#[path = "docs/project.rs"]
mod project;
#[path = "docs/readme.rs"]
mod readme;
#[path = "docs/transcript.rs"]
mod transcript;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The folder of the project.
fn project_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text file of the project.
fn text_of(name: &str) -> String {
    fs::read_to_string(project_folder().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// The program, in `folder`, with nothing of the tester's own environment that changes what it does.
fn replug(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replug"));
    command.current_dir(folder);
    command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches"));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("REPLUG_") || text.starts_with("PYTHON") || text == "VIRTUAL_ENV" {
            command.env_remove(name);
        }
    }
    command
}

/// All files below `folder` whose names end in `ending`.
fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let path = entry.unwrap().into_path();
        if path.is_file() && path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}
