//! `replug exec` and `replug new`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{CommandFactory, Parser};

use super::super::help::{EXEC_MORE, NEW_MORE};
use super::super::values;
use super::Command;
use super::common::{Common, CommonOptions};
use super::reading::{self, HasCommon, Read};
use crate::model::{Isolation, PluginId};

/// What `replug exec` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Exec {
    /// What every command was asked.
    pub common: Common,
    /// Beside which plugin.
    pub id: PluginId,
    /// The code to run.
    pub code: String,
}

/// What `replug new` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct New {
    /// What every command was asked.
    pub common: Common,
    /// The id, maybe with a folder before it, as it was written.
    pub name: PathBuf,
    /// A folder plugin instead of one file.
    pub folder: bool,
}

/// Load a plugin, run code beside it, and shut it down again
///
/// Loads the plugin ID and what it depends on, runs CODE with `plugin`, `context` and `qtforge` in
/// sight, prints the value of a trailing expression, and shuts everything down again.
#[derive(Parser)]
#[command(
    name = "exec",
    bin_name = "replug exec",
    after_long_help = EXEC_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct ExecOptions {
    /// The plugin to load, with what it depends on
    #[arg(value_name = "ID", value_parser = values::plugin_id)]
    id: PluginId,

    /// Python code to run
    #[arg(value_name = "CODE", allow_hyphen_values = true)]
    code: String,

    /// Folders or files to look for plugins in [default: `paths` of watch.toml, or the current
    /// folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Deadline of each phase of a load, in seconds, such as 0.5 [default: 10]
    #[arg(long, value_name = "SECONDS", env = "REPLUG_TIMEOUT", value_parser = values::seconds)]
    #[arg(allow_negative_numbers = true)]
    timeout: Option<Duration>,

    /// Python interpreter to run plugins with
    #[arg(long, value_name = "PATH", env = "REPLUG_PYTHON")]
    python: Option<PathBuf>,

    /// Where plugins run: `shared`, in a child process, or `none`, in this one, where code can read
    /// the keyboard
    #[arg(long, value_name = "MODE", env = "REPLUG_ISOLATION", value_parser = values::isolation)]
    isolation: Option<Isolation>,

    #[command(flatten)]
    common: CommonOptions,
}

/// Write a working plugin to start from
///
/// Writes NAME as a plugin that loads at once. What is there already is never overwritten.
#[derive(Parser)]
#[command(
    name = "new",
    bin_name = "replug new",
    after_long_help = NEW_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct NewOptions {
    /// The id of the plugin, such as `clock` or `com.example.clock`; a folder may stand before it:
    /// `plugins/clock`
    #[arg(value_name = "NAME")]
    name: PathBuf,

    /// A folder with plugin.json and modules of its own, instead of one file
    #[arg(long, env = "REPLUG_FOLDER", value_parser = BoolishValueParser::new())]
    folder: bool,

    #[command(flatten)]
    common: CommonOptions,
}

impl HasCommon for ExecOptions {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

impl HasCommon for NewOptions {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

pub(super) fn exec_command() -> clap::Command {
    ExecOptions::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn new_command() -> clap::Command {
    NewOptions::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn read_exec(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, matches, mut command } =
        reading::read::<ExecOptions>(exec_command(), args)?;
    let asked = [("isolation", reading::isolation(&matches))];
    reading::refuse_unavailable(&mut command, &matches, &asked)?;
    let ExecOptions { id, code, paths, timeout, python, isolation, common } = options;
    let mut common = common.common(&mut command, &paths, python.as_deref())?;
    common.layer.options.timeout = timeout;
    common.layer.options.isolation = isolation;
    Ok(Command::Exec(Exec { common, id, code }))
}

pub(super) fn read_new(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, mut command, .. } = reading::read::<NewOptions>(new_command(), args)?;
    let NewOptions { name, folder, common } = options;
    // The name counts as a path here: it says where to write.
    let mut common = common.common(&mut command, std::slice::from_ref(&name), None)?;
    let path = common.layer.options.paths.take().unwrap_or_default();
    let name = path.into_iter().next().unwrap_or(name);
    Ok(Command::New(New { common, name, folder }))
}
