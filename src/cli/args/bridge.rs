//! `replug bridge`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{CommandFactory, Parser};

use super::super::help::BRIDGE_MORE;
use super::super::values;
use super::Command;
use super::common::{Common, CommonOptions};
use super::reading::{self, HasCommon, Read};

/// What `replug bridge` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Bridge {
    /// What every command was asked.
    pub common: Common,
    /// Reload what is edited.
    pub watch: bool,
    /// The arguments, for another interpreter to be started with.
    pub arguments: Vec<OsString>,
}

/// Serve one host program over JSON lines on stdin and stdout
///
/// Speaks the protocol of QtForge's C++ class PythonExecutionEnvironment: a request a line on stdin, an
/// answer a line on stdout, and nothing else there, whatever plugins print. Ends with its stdin.
#[derive(Parser)]
#[command(
    name = "bridge",
    bin_name = "replug bridge",
    after_long_help = BRIDGE_MORE,
    args_override_self = true,
    max_term_width = 100
)]
struct Options {
    /// Reload plugins when one of their files is saved, and not by request only
    #[arg(long, env = "REPLUG_WATCH", value_parser = BoolishValueParser::new())]
    watch: bool,

    /// Deadline of each phase of a load, of each call and of each piece of code, in seconds, such as
    /// 0.5 [default: 10]
    #[arg(long, value_name = "SECONDS", env = "REPLUG_TIMEOUT", value_parser = values::seconds)]
    #[arg(allow_negative_numbers = true)]
    timeout: Option<Duration>,

    /// Python interpreter to run plugins with
    #[arg(long, value_name = "PATH", env = "REPLUG_PYTHON")]
    python: Option<PathBuf>,

    #[command(flatten)]
    common: CommonOptions,
}

impl HasCommon for Options {
    fn common_options(&mut self) -> &mut CommonOptions {
        &mut self.common
    }
}

pub(super) fn command() -> clap::Command {
    Options::command().mut_args(|arg| arg.hide_env_values(true))
}

pub(super) fn read(args: &[OsString]) -> Result<Command, clap::Error> {
    let Read { options, mut command, .. } = reading::read::<Options>(command(), args)?;
    let Options { watch, timeout, python, common } = options;
    let mut common = common.common(&mut command, &[], python.as_deref())?;
    common.layer.options.timeout = timeout;
    let arguments = args.iter().skip(1).cloned().collect();
    Ok(Command::Bridge(Bridge { common, watch, arguments }))
}
