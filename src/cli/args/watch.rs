//! `replug [watch] [PATH…]`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{CommandFactory, Parser};

use super::super::help::{EXAMPLES, MORE};
use super::super::origins::origins;
use super::super::values;
use super::Command;
use super::common::{Common, CommonOptions};
use super::reading::{self, HasCommon, Read};
use crate::model::Isolation;
use crate::settings::{Origins, Poll};

/// What `replug watch` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// What every command was asked.
    pub common: Common,
    /// Load everything, shut it down again, exit.
    pub once: bool,
    /// Print the settings and exit; `origins` tells who said them.
    pub print_config: bool,
    /// Who said what is in the layer.
    pub origins: Origins,
    /// Leave the keyboard alone.
    pub no_keys: bool,
    /// Show what plugins print as they print it.
    pub no_prefix: bool,
    /// Neither read nor keep compiled code.
    pub no_cache: bool,
    /// Tell where the time of each reload went.
    pub timings: bool,
}

/// Hot-reload, file-watching supervisor for Python plugins.
///
/// Loads every plugin below the given paths and reloads what a save touches, without losing the
/// rest, until it is interrupted.
#[derive(Parser)]
#[command(
    name = "watch",
    override_usage = "replug [watch] [OPTIONS] [PATH]...",
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{MORE}"),
    args_override_self = true,
    max_term_width = 100
)]
struct Options {
    /// Folders or files to watch; one that is missing is taken up when it appears [default: `paths`
    /// of watch.toml, or the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    common: CommonOptions,

    /// Load everything, shut it down again, and exit: 0, or 1 if any plugin failed
    #[arg(long, env = "REPLUG_ONCE", value_parser = BoolishValueParser::new())]
    once: bool,

    /// Print the settings in force as a watch.toml, with the origin of each, and exit
    #[arg(long, env = "REPLUG_PRINT_CONFIG", value_parser = BoolishValueParser::new())]
    print_config: bool,

    /// Leave the keyboard alone, for plugins that read it (with `--isolation none`)
    #[arg(long, env = "REPLUG_NO_KEYS", value_parser = BoolishValueParser::new())]
    no_keys: bool,

    /// Show what plugins print as it is, without the plugin's id before each line
    #[arg(long, env = "REPLUG_NO_PREFIX", value_parser = BoolishValueParser::new())]
    no_prefix: bool,

    /// Compile every plugin anew, and keep no compiled code for the next start
    #[arg(long, env = "REPLUG_NO_CACHE", value_parser = BoolishValueParser::new())]
    no_cache: bool,

    /// Tell where the time of each load and reload went, for each own module as well
    #[arg(long, env = "REPLUG_TIMINGS", value_parser = BoolishValueParser::new())]
    timings: bool,

    /// Quiet time to wait for in a burst of saves, in milliseconds; a plain save does not wait
    /// [default: 20]
    #[arg(long, value_name = "MS", env = "REPLUG_SETTLE", value_parser = values::milliseconds)]
    #[arg(allow_negative_numbers = true)]
    settle: Option<Duration>,

    /// Deadline of each phase of a load, in seconds, such as 0.5 [default: 10]
    #[arg(long, value_name = "SECONDS", env = "REPLUG_TIMEOUT", value_parser = values::seconds)]
    #[arg(allow_negative_numbers = true)]
    timeout: Option<Duration>,

    /// Python interpreter to run plugins with
    #[arg(long, value_name = "PATH", env = "REPLUG_PYTHON")]
    python: Option<PathBuf>,

    /// Where plugins run: `shared`, in one child process, or `none`, in the supervisor's own
    #[arg(long, value_name = "MODE", env = "REPLUG_ISOLATION", value_parser = values::isolation)]
    isolation: Option<Isolation>,

    /// Look at the files every MS milliseconds instead of waiting for the system's notices
    #[arg(long, value_name = "MS", env = "REPLUG_POLL", value_parser = values::poll)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "500")]
    poll: Option<Poll>,
}

impl HasCommon for Options {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

pub(super) fn command() -> clap::Command {
    Options::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn read(command: clap::Command, args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, matches, mut command } = reading::read::<Options>(command, args)?;
    let asked = [("isolation", reading::isolation(&matches))];
    reading::refuse_unavailable(&mut command, &matches, &asked)?;
    let Options {
        paths, common, once, print_config, no_keys, no_prefix, no_cache, timings, ..
    } = options;
    let mut common = common.common(&mut command, &paths, options.python.as_deref())?;
    let said = &mut common.layer.options;
    said.settle = options.settle;
    said.timeout = options.timeout;
    said.isolation = options.isolation;
    said.poll = options.poll;
    let mut origins = origins(&matches);
    if paths.is_empty() {
        origins.remove("paths");
    }
    Ok(Command::Watch(Watch {
        common,
        once,
        print_config,
        origins,
        no_keys,
        no_prefix,
        no_cache,
        timings,
    }))
}
