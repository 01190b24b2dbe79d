//! `replug why`: which plugins an edit of a file would reload, and by which imports.

use std::io::Write;

use super::args::Why;
use super::problem::{Problem, written};
use super::{Exit, screen, stdio, survey};
use crate::check::{Imports, Survey};
use crate::report::{Person, reason_line};

pub(super) fn run(arguments: &Why) -> Result<Exit, Problem> {
    let common = &arguments.common;
    let settings = survey::settings(common)?;
    let survey = Survey::of(survey::files(&common.layer, &settings));
    let path = common.layer.absolute(&arguments.path);
    let plugins = survey.plugins();
    if plugins.is_empty() {
        survey::say_no_plugins();
    }
    let reasons = Imports::of(&plugins, &settings.shared).why(&path);
    let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
    written(if common.json {
        let lines: String =
            reasons.iter().enumerate().map(|(at, reason)| reason_line(at + 1, reason)).collect();
        stdout.write_all(lines.as_bytes())
    } else {
        let options = screen::options(common, &stdout);
        Person::new(stdout, options).why(&path, &reasons)
    })?;
    Ok(Exit::Clean)
}
