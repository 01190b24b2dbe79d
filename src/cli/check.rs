//! `replug check`: everything that can be said against the plugins without running them.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use super::args::Check;
use super::problem::{Problem, written};
use super::{Exit, screen, stdio, survey};
use crate::check::{Finding, Level, Survey};
use crate::model::PluginId;
use crate::python::Interpreter;
use crate::report::{Person, finding_line};
use crate::requirements::{self, Packages};
use crate::settings::Settings;

pub(super) fn run(arguments: &Check) -> Result<Exit, Problem> {
    let common = &arguments.common;
    let settings = survey::settings(common)?;
    let packages = packages(settings.python.as_deref())?;
    let (files, unusable) = survey::look(&common.layer, &settings);
    let survey = Survey::of(files);
    let mut findings: Vec<Finding> =
        unusable.iter().map(|(path, why)| Finding::of_unusable(path, why)).collect();
    let nothing = findings.is_empty();
    findings.extend(survey.findings(&packages, &disabled(&settings)));
    let wrong = findings.iter().any(|finding| finding.level == Level::Error);
    if common.quiet {
        findings.retain(|finding| finding.level == Level::Error);
    }
    let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
    let plugins = survey.plugins().len() + survey.broken().len();
    if plugins == 0 && nothing {
        survey::say_no_plugins();
    }
    written(if common.json {
        let lines: String = findings.iter().map(line).collect();
        stdout.write_all(lines.as_bytes())
    } else {
        let options = screen::options(common, &stdout);
        tell(&mut Person::new(stdout, options), &findings, plugins)
    })?;
    Ok(if wrong { Exit::Fault } else { Exit::Clean })
}

fn tell(
    person: &mut Person<std::fs::File>,
    findings: &[Finding],
    plugins: usize,
) -> std::io::Result<()> {
    for finding in findings {
        person.finding(finding.level == Level::Error, &finding.fault, &finding.remedy)?;
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    person.sum(errors, findings.len() - errors, plugins)
}

fn line(finding: &Finding) -> String {
    finding_line(finding.level.as_str(), finding.id.as_ref(), &finding.fault, &finding.remedy)
}

/// What is installed for the interpreter that would run the plugins. It is not started.
fn packages(python: Option<&Path>) -> Result<Packages, Problem> {
    let (executable, version) =
        Interpreter::locate(python).map_err(|error| Problem::usage(&error))?;
    Ok(Packages::of(requirements::find(&executable, &version)))
}

/// The plugins that the user turned off.
fn disabled(settings: &Settings) -> BTreeSet<PluginId> {
    let off = settings.plugins.iter().filter(|(_, plugin)| !plugin.enabled);
    off.map(|(id, _)| id.clone()).collect()
}
