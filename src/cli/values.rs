//! The values of options: text in, what the program works with out, or what is expected instead.
//!
//! The bounds are those of `watch.toml`, from `settings::rules`.

use std::time::Duration;

use crate::model::{Isolation, PluginId};
use crate::settings::{Poll, rules};

pub(super) fn milliseconds(text: &str) -> Result<Duration, String> {
    let read = text.parse().ok().and_then(rules::milliseconds);
    read.ok_or_else(|| expected(rules::MILLISECONDS_EXPECTED))
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let read = text.parse().ok().and_then(rules::seconds);
    read.ok_or_else(|| expected(rules::SECONDS_EXPECTED))
}

pub(super) fn isolation(text: &str) -> Result<Isolation, String> {
    rules::word(text).ok_or_else(|| expected(rules::ISOLATION_EXPECTED))
}

pub(super) fn poll(text: &str) -> Result<Poll, String> {
    let number = || text.parse().ok().and_then(rules::poll_every);
    rules::poll_word(text).or_else(number).ok_or_else(|| expected(rules::POLL_EXPECTED))
}

pub(super) fn plugin_id(text: &str) -> Result<PluginId, String> {
    PluginId::new(text).ok_or_else(|| {
        expected("letters, digits, `_`, `.` and `-`, the first of them a letter, digit or `_`")
    })
}

/// A number of times, or a yes or no as for the other switches.
pub(super) fn verbosity(text: String) -> Result<u8, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Ok(1),
        "no" | "false" | "off" => Ok(0),
        number => number.parse().map_err(|_| expected("a number of times, yes or no")),
    }
}

fn expected(what: &str) -> String {
    format!("expected {what}")
}
