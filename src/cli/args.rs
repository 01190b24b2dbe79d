//! The command line of `replug [watch] [PATH…]`.
//!
//! Takes the arguments and the `REPLUG_…` environment variables, gives a [`Watch`]: a layer for the
//! settings and what concerns only this command. Every fault is a `clap::Error`, which knows its
//! exit code (2, or 0 for `--help` and `--version`) and how to print itself.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, Resettable, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Parser, ValueEnum,
};

use super::help::{EXAMPLES, MORE};
use super::origins::origins;
use super::values;
use crate::model::Isolation;
use crate::settings::unavailable::{self, Asked};
use crate::settings::{CliLayer, Origins, Poll};

/// What `replug watch` was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// What goes into the settings.
    pub layer: CliLayer,
    /// Events as JSON lines instead of text for a person.
    pub json: bool,
    /// Load everything, shut it down again, exit.
    pub once: bool,
    /// Print the settings and exit; `origins` tells who said them.
    pub print_config: bool,
    /// Who said what is in `layer`.
    pub origins: Origins,
    /// Leave the keyboard alone.
    pub no_keys: bool,
    /// How much more to tell than usual.
    pub verbose: u8,
    /// Tell only what went wrong. Never together with `verbose`.
    pub quiet: bool,
    /// When to use colour.
    pub color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Words that are commands of the contract and not of this version. Without this list they would
/// be taken for folders that are missing so far, and watched in silence.
const LATER: &[&str] = &["list", "check", "exec", "new", "doctor", "bridge"];

/// Hot-reload, file-watching supervisor for Python plugins.
///
/// Loads every plugin below the given paths and reloads what a save touches, without losing the
/// rest, until it is interrupted.
#[derive(Parser)]
#[command(
    name = "replug",
    version,
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

    /// Read settings from FILE [default: watch.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "REPLUG_CONFIG")]
    config: Option<PathBuf>,

    /// Print events as JSON, one object a line
    #[arg(long, env = "REPLUG_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    /// Load everything, shut it down again, and exit: 0, or 1 if any plugin failed
    #[arg(long, env = "REPLUG_ONCE", value_parser = BoolishValueParser::new())]
    once: bool,

    /// Print the settings in force as a watch.toml, with the origin of each, and exit
    #[arg(long, env = "REPLUG_PRINT_CONFIG", value_parser = BoolishValueParser::new())]
    print_config: bool,

    /// Leave the keyboard alone, for plugins that read it (with `--isolation none`)
    #[arg(long, env = "REPLUG_NO_KEYS", value_parser = BoolishValueParser::new())]
    no_keys: bool,

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
    #[arg(hide = unavailable::refusal("poll", Asked::Number, "").is_some())]
    poll: Option<Poll>,

    /// Tell more; twice for more still
    #[arg(short, long, action = ArgAction::Count, env = "REPLUG_VERBOSE")]
    #[arg(value_parser = clap::builder::StringValueParser::new().try_map(values::verbosity))]
    verbose: u8,

    /// Tell only what went wrong
    #[arg(short, long, env = "REPLUG_QUIET", value_parser = BoolishValueParser::new())]
    quiet: bool,

    /// When to use colour
    #[arg(long, value_name = "WHEN", env = "REPLUG_COLOR", default_value = "auto", value_enum)]
    color: Color,
}

/// Reads the arguments, the program's name first, and the environment.
///
/// # Errors
/// Bad usage, and `--help` and `--version`, which clap treats alike.
pub fn parse<I>(args: I) -> Result<Watch, clap::Error>
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let mut command = command().mut_args(without_empty_variable);
    // Asked first, since such a command may come with options that are unknown here.
    if let Some(word) = args.get(1) {
        refuse_later(&mut command, word)?;
    }
    let matches =
        command.try_get_matches_from_mut(&args).map_err(|error| blame(&command, error))?;
    let mut options = Options::from_arg_matches(&matches)?;
    refuse_unavailable(&mut command, &matches, &options)?;
    settle_verbosity(&mut command, &matches, &mut options)?;

    // What follows `--` is a path, whatever it looks like.
    let plain = args.iter().position(|arg| arg == "--").map_or(0, |at| args.len() - at - 1);
    if options.paths.len() > plain
        && let Some(first) = options.paths.first()
    {
        match first.as_os_str() {
            word if word == "watch" => _ = options.paths.remove(0),
            word if word == "help" => return parse(["replug", "--help"]),
            word => refuse_later(&mut command, word)?,
        }
    }
    let cwd = env::current_dir().map_err(|error| {
        command.error(ErrorKind::Io, format!("the current folder cannot be found: {error}"))
    })?;
    let mut origins = origins(&matches);
    if options.paths.is_empty() {
        origins.remove("paths");
    }
    Ok(options.into_watch(cwd, origins))
}

impl Options {
    fn into_watch(self, cwd: PathBuf, origins: Origins) -> Watch {
        let mut layer = CliLayer::new(cwd);
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| layer.absolute(path)).collect();
        layer.options.paths = (!paths.is_empty()).then_some(paths);
        layer.options.python = self.python.map(|python| layer.absolute(&python));
        layer.options.settle = self.settle;
        layer.options.timeout = self.timeout;
        layer.options.isolation = self.isolation;
        layer.options.poll = self.poll;
        layer.config = self.config;
        Watch {
            layer,
            json: self.json,
            once: self.once,
            print_config: self.print_config,
            origins,
            no_keys: self.no_keys,
            verbose: self.verbose,
            quiet: self.quiet,
            color: self.color,
        }
    }
}

/// The command line as clap sees it: the help, the man page and the completions are made of it.
pub fn command() -> Command {
    Options::command().mut_args(|arg| arg.hide_env_values(true))
}

/// A variable that is set to nothing counts as not set.
fn without_empty_variable(arg: Arg) -> Arg {
    let empty = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if empty { arg.env(Resettable::Reset) } else { arg }
}

fn refuse_later(command: &mut Command, word: &OsStr) -> Result<(), clap::Error> {
    match LATER.iter().find(|later| word == **later) {
        None => Ok(()),
        Some(word) => Err(command.error(
            ErrorKind::InvalidSubcommand,
            format!(
                "the command `{word}` is not available in this version\n\n  \
                 tip: to watch a folder of that name, write `./{word}`"
            ),
        )),
    }
}

fn refuse_unavailable(
    command: &mut Command,
    matches: &ArgMatches,
    options: &Options,
) -> Result<(), clap::Error> {
    let poll = matches!(options.poll, Some(Poll::Every(_))).then_some(Asked::Number);
    let isolation = matches.get_raw("isolation").and_then(|mut values| values.next()?.to_str());
    for (id, asked) in [("poll", poll), ("isolation", isolation.map(Asked::Word))] {
        let Some(asked) = asked else { continue };
        let name = match matches.value_source(id) {
            Some(ValueSource::EnvVariable) => format!("REPLUG_{}", id.to_uppercase()),
            _ => format!("--{id}"),
        };
        let written = match asked {
            Asked::Word(word) => format!("{name}={word}"),
            Asked::Number | Asked::Other => name,
        };
        if let Some(refusal) = unavailable::refusal(id, asked, &written) {
            return Err(command.error(ErrorKind::InvalidValue, refusal));
        }
    }
    Ok(())
}

/// `-v` and `-q` exclude each other where they come from the same source; else the command line
/// has its way over the environment.
fn settle_verbosity(
    command: &mut Command,
    matches: &ArgMatches,
    options: &mut Options,
) -> Result<(), clap::Error> {
    if options.verbose == 0 || !options.quiet {
        return Ok(());
    }
    let typed = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
    match (typed("verbose"), typed("quiet")) {
        (true, false) => options.quiet = false,
        (false, true) => options.verbose = 0,
        _ => {
            let message = "`--verbose` and `--quiet` cannot be used together";
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
    }
    Ok(())
}

/// The error with a word about the environment variable, if the bad value comes from there.
fn blame(command: &Command, mut error: clap::Error) -> clap::Error {
    let (Some(ContextValue::String(argument)), Some(ContextValue::String(value))) =
        (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
    else {
        return error;
    };
    let name = command
        .get_arguments()
        .filter(|arg| arg.to_string() == *argument)
        .find_map(|arg| arg.get_env())
        .filter(|name| env::var_os(name).is_some_and(|set| set.to_string_lossy() == *value));
    if let Some(name) = name {
        let tip = format!("the environment variable {} says so", name.display());
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}
