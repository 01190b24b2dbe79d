//! `replug new`: writes a working plugin to start from, and never over anything that is there.

mod name;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::args::New;
use super::problem::{Problem, written};
use super::{Exit, screen, stdio, survey};
use crate::check::Survey;
use crate::model::MANIFEST;
use crate::report::{Person, new_line};
use crate::watch::Rules;
use name::Name;

const FILE: &str = include_str!("file.py");
const ENTRY: &str = include_str!("folder/plugin.py");
const OWN: &str = include_str!("folder/greetings.py");
const METADATA: &str = include_str!("folder/plugin.json");

pub(super) fn run(arguments: &New) -> Result<Exit, Problem> {
    let common = &arguments.common;
    let name = Name::of(&arguments.name).map_err(|error| Problem::usage(&error))?;
    let target = name.target(arguments.folder);
    refuse_useless(arguments, &name, &target)?;
    let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
    let files: Vec<(PathBuf, &str)> = if arguments.folder {
        let files = [(MANIFEST, METADATA), ("plugin.py", ENTRY), ("greetings.py", OWN)];
        files.map(|(file, text)| (target.join(file), text)).to_vec()
    } else {
        vec![(target.clone(), FILE)]
    };
    write_all(&target, &files, &name, arguments.folder).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is there already, and nothing is overwritten",
            _ => &error.to_string(),
        };
        Problem::fault(&format!("{} was not written: {why}", target.display()))
    })?;
    let entry = if arguments.folder { target.join("plugin.py") } else { target.clone() };
    written(if common.json {
        stdout.write_all(new_line(&name.id, &entry).as_bytes())
    } else if common.quiet {
        Ok(())
    } else {
        let options = screen::options(common, &stdout);
        Person::new(stdout, options).wrote(&name.id, &entry, &name.folder)
    })?;
    Ok(Exit::Clean)
}

/// A plugin that would not load is not written.
fn refuse_useless(arguments: &New, name: &Name, target: &Path) -> Result<(), Problem> {
    let layer = &arguments.common.layer;
    let settings = survey::settings(&arguments.common)?;
    let rules = Rules::new(&survey::ignored(layer, &settings));
    if rules.is_ignored(target, arguments.folder) {
        let message = format!("{} would never be looked at; choose another name", target.display());
        return Err(Problem::usage(&message));
    }
    let survey = Survey::of(survey::files(layer, &settings));
    match survey.plugins().into_iter().find(|plugin| plugin.id == name.id) {
        Some(other) => Err(Problem::fault(&format!(
            "the id {} is taken by {}; choose another one",
            name.id,
            other.entry.display()
        ))),
        None => Ok(()),
    }
}

fn write_all(
    target: &Path,
    files: &[(PathBuf, &str)],
    name: &Name,
    folder: bool,
) -> io::Result<()> {
    fs::create_dir_all(&name.folder)?;
    if folder {
        fs::create_dir(target)?;
    }
    for (path, text) in files {
        let mut file = File::create_new(path)?;
        file.write_all(name.fill(text).as_bytes())?;
    }
    Ok(())
}
