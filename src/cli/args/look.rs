//! `replug list`, `replug why`, `replug check` and `replug doctor`: looking at plugins, and at the machine, without
//! running any.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, ValueEnum};

use super::super::help::{CHECK_MORE, DOCTOR_MORE, LIST_MORE, WHY_MORE};
use super::super::values;
use super::Command;
use super::common::{Common, CommonOptions};
use super::reading::{self, HasCommon, Read};
use crate::settings::Poll;

/// What `replug list` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// What every command was asked.
    pub common: Common,
    /// Show who depends on whom, and how.
    pub graph: Option<Graph>,
}

/// What `replug why` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// What every command was asked.
    pub common: Common,
    /// An edit of which file.
    pub path: PathBuf,
}

/// How to show a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Graph {
    /// As a tree, for a person.
    Text,
    /// In the language of Graphviz.
    Dot,
}

/// What `replug check` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What every command was asked.
    pub common: Common,
}

/// What `replug doctor` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Doctor {
    /// What every command was asked.
    pub common: Common,
}

/// List the plugins that are found; runs nothing
///
/// Says of each plugin its id, version, kind, entry and dependencies. No plugin code runs, and no
/// interpreter is started.
#[derive(Parser)]
#[command(
    name = "list",
    bin_name = "replug list",
    after_long_help = LIST_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct ListOptions {
    /// Folders or files to look at [default: `paths` of watch.toml, or the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Show who depends on whom and imports what: as a tree, or with `=dot` for Graphviz
    #[arg(long, value_name = "FORM", env = "REPLUG_GRAPH", value_enum)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    graph: Option<Graph>,

    #[command(flatten)]
    common: CommonOptions,
}

/// Say which plugins an edit of a file would reload, and by which imports; runs nothing
///
/// Follows the import statements of every plugin through its own and through shared modules, its
/// `watch` patterns and its dependencies. Gives the plugins in the order in which they would start.
#[derive(Parser)]
#[command(
    name = "why",
    bin_name = "replug why",
    after_long_help = WHY_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct WhyOptions {
    /// The file that would be edited, whether it is there or not
    #[arg(value_name = "FILE")]
    path: PathBuf,

    /// Folders or files to look for plugins in [default: `paths` of watch.toml, or the current
    /// folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    common: CommonOptions,
}

impl HasCommon for WhyOptions {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

pub(super) fn why_command() -> clap::Command {
    WhyOptions::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn read_why(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, mut command, .. } = reading::read::<WhyOptions>(why_command(), args)?;
    let common = options.common.common(&mut command, &options.paths, None)?;
    Ok(Command::Why(Why { common, path: options.path }))
}

/// Check the plugins for everything that can be told without running them
///
/// Reads and parses every plugin, and holds its metadata, dependencies and requirements against what
/// is there. All findings come in one pass. No plugin code runs, and no interpreter is started.
#[derive(Parser)]
#[command(
    name = "check",
    bin_name = "replug check",
    after_long_help = CHECK_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct CheckOptions {
    /// Folders or files to look at [default: `paths` of watch.toml, or the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Python interpreter that plugins run with: requirements are looked for in its packages
    #[arg(long, value_name = "PATH", env = "REPLUG_PYTHON")]
    python: Option<PathBuf>,

    #[command(flatten)]
    common: CommonOptions,
}

/// Find out whether saves will be noticed here, and how fast
///
/// Looks at the system's limits, at the file system of each folder, at what would be watched and what
/// would be left out, and at the interpreter, and measures on the disk how long a save takes to be
/// told. No plugin code runs.
#[derive(Parser)]
#[command(
    name = "doctor",
    bin_name = "replug doctor",
    after_long_help = DOCTOR_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct DoctorOptions {
    /// Folders or files to look at [default: `paths` of watch.toml, or the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Python interpreter that plugins would run with
    #[arg(long, value_name = "PATH", env = "REPLUG_PYTHON")]
    python: Option<PathBuf>,

    /// As for `watch`: look at the files every MS milliseconds instead of waiting for the system's
    /// notices
    #[arg(long, value_name = "MS", env = "REPLUG_POLL", value_parser = values::poll)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "500")]
    poll: Option<Poll>,

    #[command(flatten)]
    common: CommonOptions,
}

impl HasCommon for ListOptions {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

impl HasCommon for CheckOptions {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

impl HasCommon for DoctorOptions {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

pub(super) fn list_command() -> clap::Command {
    ListOptions::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn check_command() -> clap::Command {
    CheckOptions::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn doctor_command() -> clap::Command {
    DoctorOptions::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn read_list(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, mut command, .. } = reading::read::<ListOptions>(list_command(), args)?;
    let common = options.common.common(&mut command, &options.paths, None)?;
    Ok(Command::List(List { common, graph: options.graph }))
}

pub(super) fn read_check(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, mut command, .. } = reading::read::<CheckOptions>(check_command(), args)?;
    let CheckOptions { paths, python, common } = options;
    let common = common.common(&mut command, &paths, python.as_deref())?;
    Ok(Command::Check(Check { common }))
}

pub(super) fn read_doctor(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, mut command, .. } = reading::read::<DoctorOptions>(doctor_command(), args)?;
    let DoctorOptions { paths, python, poll, common } = options;
    let mut common = common.common(&mut command, &paths, python.as_deref())?;
    common.layer.options.poll = poll;
    Ok(Command::Doctor(Doctor { common }))
}
