//! From arguments to the options of one command, and the faults that clap does not know of.

use std::env;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, FromArgMatches};

use super::CommonOptions;
use crate::settings::unavailable::{self, Asked};

/// The options of one command as they were given, and what they were read from.
pub(super) struct Read<O> {
    pub(super) options: O,
    pub(super) matches: ArgMatches,
    pub(super) command: clap::Command,
}

/// Options that have the common ones among them.
pub(super) trait HasCommon {
    fn common_options(&mut self) -> &mut CommonOptions;
}

/// Reads the options of `command`.
pub(super) fn read<O: FromArgMatches + HasCommon>(
    command: clap::Command,
    args: &[OsString],
) -> Result<Read<O>, clap::Error> {
    let mut command = command.mut_args(without_empty_variable);
    let matches = command.try_get_matches_from_mut(args).map_err(|error| blame(&command, error))?;
    let mut options = O::from_arg_matches(&matches)?;
    settle_verbosity(&mut command, &matches, options.common_options())?;
    Ok(Read { options, matches, command })
}

/// A variable that is set to nothing counts as not set.
fn without_empty_variable(arg: Arg) -> Arg {
    let empty = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    if empty { arg.env(Resettable::Reset) } else { arg }
}

/// Refuses what the contract has and this version does not.
pub(super) fn refuse_unavailable(
    command: &mut clap::Command,
    matches: &ArgMatches,
    asked: &[(&str, Option<Asked<'_>>)],
) -> Result<(), clap::Error> {
    for (id, asked) in asked {
        let Some(asked) = *asked else { continue };
        let name = match matches.value_source(id) {
            Some(ValueSource::EnvVariable) => format!("REPLUG_{}", id.to_uppercase()),
            _ => format!("--{id}"),
        };
        let written = match asked {
            Asked::Word(word) => format!("{name}={word}"),
            Asked::Other => name,
        };
        if let Some(refusal) = unavailable::refusal(id, asked, &written) {
            return Err(command.error(ErrorKind::InvalidValue, refusal));
        }
    }
    Ok(())
}

/// The word that was written for `--isolation`.
pub(super) fn isolation(matches: &ArgMatches) -> Option<Asked<'_>> {
    matches.get_raw("isolation").and_then(|mut values| values.next()?.to_str()).map(Asked::Word)
}

/// `-v` and `-q` exclude each other where they come from the same source; else the command line
/// has its way over the environment.
fn settle_verbosity(
    command: &mut clap::Command,
    matches: &ArgMatches,
    options: &mut CommonOptions,
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
fn blame(command: &clap::Command, mut error: clap::Error) -> clap::Error {
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
