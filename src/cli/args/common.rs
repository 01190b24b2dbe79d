//! The options that every command has, and the folder that relative paths start from.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, io};

use clap::builder::{BoolishValueParser, StringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgAction, Args, ValueEnum};

use super::super::values;
use crate::settings::CliLayer;

/// What every command was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Common {
    /// What goes into the settings.
    pub layer: CliLayer,
    /// JSON lines instead of text for a person.
    pub json: bool,
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

#[derive(Args)]
pub(super) struct CommonOptions {
    /// Read settings from FILE [default: watch.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "REPLUG_CONFIG")]
    config: Option<PathBuf>,

    /// Print JSON, one object a line
    #[arg(long, env = "REPLUG_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    /// Tell more; twice for more still
    #[arg(short, long, action = ArgAction::Count, env = "REPLUG_VERBOSE")]
    #[arg(value_parser = StringValueParser::new().try_map(values::verbosity))]
    pub(super) verbose: u8,

    /// Tell only what went wrong
    #[arg(short, long, env = "REPLUG_QUIET", value_parser = BoolishValueParser::new())]
    pub(super) quiet: bool,

    /// When to use colour
    #[arg(long, value_name = "WHEN", env = "REPLUG_COLOR", default_value = "auto", value_enum)]
    color: Color,
}

impl CommonOptions {
    /// What the command was asked, with a layer for the settings. `paths` are what it is to look
    /// at; without any, those of the settings count.
    pub(super) fn common(
        self,
        command: &mut clap::Command,
        paths: &[PathBuf],
        python: Option<&Path>,
    ) -> Result<Common, clap::Error> {
        let named = || self.config.iter().map(PathBuf::as_path).chain(python);
        let mut relative = paths.iter().map(PathBuf::as_path).chain(named());
        let needs_folder =
            relative.any(Path::is_relative) || (paths.is_empty() && self.config.is_none());
        let mut layer = CliLayer::new(folder(needs_folder).map_err(|error| {
            let message = format!(
                "the current folder cannot be found ({error}); go to one that is there, or name \
                 every path in full"
            );
            command.error(ErrorKind::Io, message)
        })?);
        let paths: Vec<PathBuf> = paths.iter().map(|path| layer.absolute(path)).collect();
        layer.options.paths = (!paths.is_empty()).then_some(paths);
        layer.options.python = python.map(|python| layer.absolute(python));
        layer.config = self.config;
        let Self { json, verbose, quiet, color, .. } = self;
        Ok(Common { layer, json, verbose, quiet, color })
    }
}

/// The current folder. One that was deleted still has the name that the shell knows, which will do
/// where no path is relative to it.
fn folder(needed: bool) -> io::Result<PathBuf> {
    let shell = || env::var_os("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
    match env::current_dir() {
        Err(_) if !needed => Ok(shell().unwrap_or_else(|| OsStr::new("/").into())),
        found => found,
    }
}
