//! The command line: `replug COMMAND [OPTIONS] …`, where `watch` may be left out.
//!
//! Takes the arguments and the `REPLUG_…` environment variables, gives a [`Command`]. Each command
//! has its own options in its own file, and those that all have in common may stand before its name
//! as well. Every fault is a `clap::Error`, which knows its exit code (2, or 0 for `--help` and
//! `--version`) and how to print itself.

mod act;
mod bridge;
mod common;
mod look;
mod reading;
mod watch;

use std::ffi::{OsStr, OsString};

pub use act::{Exec, New};
pub use bridge::Bridge;
pub use common::{Color, Common};
pub use look::{Check, Doctor, Graph, List, Why};
pub use watch::Watch;

use common::CommonOptions;

/// What the program was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Load, watch and reload.
    Watch(Watch),
    /// Say what plugins there are.
    List(List),
    /// Say what an edit of a file would reload.
    Why(Why),
    /// Say what is wrong with them.
    Check(Check),
    /// Say whether the machine is fit for it.
    Doctor(Doctor),
    /// Run code beside one of them.
    Exec(Exec),
    /// Write one to start from.
    New(New),
    /// Serve one host program.
    Bridge(Bridge),
}

impl Command {
    /// What all commands have in common.
    pub fn common(&self) -> &Common {
        match self {
            Self::Watch(watch) => &watch.common,
            Self::List(list) => &list.common,
            Self::Why(why) => &why.common,
            Self::Check(check) => &check.common,
            Self::Doctor(doctor) => &doctor.common,
            Self::Exec(exec) => &exec.common,
            Self::New(new) => &new.common,
            Self::Bridge(bridge) => &bridge.common,
        }
    }
}

/// Reads the arguments, the program's name first, and the environment.
///
/// # Errors
/// Bad usage, and `--help` and `--version`, which clap treats alike.
pub fn parse<I>(args: I) -> Result<Command, clap::Error>
where
    I: IntoIterator,
    I::Item: Into<OsString>,
{
    let mut args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let Some(at) = first_word(&args) else { return watch::read(command(), &args) };
    let read = match args[at].to_str() {
        // Alone, since what follows the word `watch` is a path, whatever it is called.
        Some("watch") => |args: &[OsString]| watch::read(watch::command(), args),
        Some("list") => look::read_list,
        Some("why") => look::read_why,
        Some("check") => look::read_check,
        Some("doctor") => look::read_doctor,
        Some("exec") => act::read_exec,
        Some("new") => act::read_new,
        Some("bridge") => bridge::read,
        _ => return watch::read(command(), &args),
    };
    args.remove(at);
    read(&args)
}

/// The command line as clap sees it: the help, the man page and the completions are made of it.
pub fn command() -> clap::Command {
    watch::command()
        .override_usage("replug [watch] [OPTIONS] [PATH]...\n       replug COMMAND [OPTIONS] ...")
        .subcommand_help_heading("Commands")
        .subcommands(commands())
        .name("replug")
        .bin_name("replug")
        .version(env!("CARGO_PKG_VERSION"))
}

/// Each command by itself.
fn commands() -> [clap::Command; 8] {
    let watch =
        "Load plugins, watch them and reload what a save touches; what runs without a command";
    [
        watch::command().about(watch),
        look::list_command(),
        look::why_command(),
        look::check_command(),
        look::doctor_command(),
        act::exec_command(),
        act::new_command(),
        bridge::command(),
    ]
}

/// Where the first argument is that is neither an option nor the value of one; none after `--`.
fn first_word(args: &[OsString]) -> Option<usize> {
    let commands = commands();
    let takes_next = |option: &OsStr| {
        commands.iter().flat_map(clap::Command::get_arguments).any(|arg| {
            let long = arg.get_long().map(|long| format!("--{long}"));
            long.is_some_and(|long| option == long.as_str())
                && arg.get_action().takes_values()
                && !arg.is_require_equals_set()
        })
    };
    let mut at = 1;
    while let Some(arg) = args.get(at) {
        if arg == "--" {
            return None;
        }
        if !arg.as_encoded_bytes().starts_with(b"-") {
            return Some(at);
        }
        at += if takes_next(arg) { 2 } else { 1 };
    }
    None
}
