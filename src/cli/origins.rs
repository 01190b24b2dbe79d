//! Who said a setting: the command line or an environment variable.

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::settings::Origins;

/// The options that are settings: their names here, and the key of `watch.toml`.
const SETTINGS: &[(&str, &str)] = &[
    ("paths", "paths"),
    ("python", "python"),
    ("settle", "settle_ms"),
    ("poll", "poll"),
    ("timeout", "timeout"),
    ("isolation", "isolation"),
];

/// The origin of what the command line and the environment say.
pub(super) fn origins(matches: &ArgMatches) -> Origins {
    let known = SETTINGS.iter().filter_map(|(option, key)| {
        let origin = match matches.value_source(option)? {
            ValueSource::CommandLine => "command line".to_owned(),
            ValueSource::EnvVariable => format!("REPLUG_{}", option.to_uppercase()),
            _ => return None,
        };
        Some((*key, origin))
    });
    known.collect()
}
