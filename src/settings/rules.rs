//! What a value of each kind looks like: one rule for the file, the same bounds for the options.
//!
//! A [`Rule`] takes a TOML value and gives what the program works with; if it cannot, its
//! `expected` completes the sentence "`timeout` must be …".

use std::ops::RangeInclusive;
use std::time::Duration;

use ignore::gitignore::GitignoreBuilder;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;
use toml::de::{DeInteger, DeValue};

use super::Poll;
use crate::model::{Activation, Isolation, ReloadMode};

/// The value, or why it is none where `expected` does not say it all.
type Read<T> = Result<T, Option<String>>;

/// How values of one kind are read.
pub(super) struct Rule<T> {
    /// What is expected, after "must be".
    pub(super) expected: &'static str,
    /// Reads it.
    pub(super) read: fn(&DeValue<'_>) -> Read<T>,
}

pub(super) const SECONDS_RANGE: RangeInclusive<f64> = 0.001..=86_400.0;
pub(super) const MILLISECONDS_RANGE: RangeInclusive<i64> = 0..=60_000;
pub(super) const POLL_RANGE: RangeInclusive<i64> = 1..=3_600_000;

pub(crate) const SECONDS_EXPECTED: &str = "a number of seconds from 0.001 to 86400";
pub(crate) const MILLISECONDS_EXPECTED: &str = "a whole number of milliseconds from 0 to 60000";
pub(crate) const POLL_EXPECTED: &str =
    "\"auto\", \"never\" or a whole number of milliseconds from 1 to 3600000";
pub(crate) const ISOLATION_EXPECTED: &str = "\"none\", \"shared\" or \"process\"";

pub(super) const BOOLEAN: Rule<bool> =
    Rule { expected: "true or false", read: |value| value.as_bool().ok_or(None) };

pub(super) const PATH: Rule<String> = Rule { expected: "a path in quotes", read: filled };
pub(super) const PATHS: Rule<String> = Rule { expected: "a list of paths in quotes", read: filled };
pub(super) const MODULES: Rule<String> =
    Rule { expected: "a list of module names in quotes", read: filled };

pub(super) const PATTERNS: Rule<String> = Rule {
    expected: "a list of gitignore patterns in quotes",
    read: |value| {
        let pattern = value.as_str().ok_or(None)?;
        match GitignoreBuilder::new("").add_line(None, pattern) {
            Ok(_) => Ok(pattern.to_owned()),
            Err(error) => Err(Some(error.to_string())),
        }
    },
};

pub(super) const SECONDS: Rule<Duration> = Rule {
    expected: SECONDS_EXPECTED,
    read: |value| match value {
        DeValue::Integer(_) | DeValue::Float(_) => number(value).and_then(seconds).ok_or(None),
        _ => Err(None),
    },
};

pub(super) const MILLISECONDS: Rule<Duration> = Rule {
    expected: MILLISECONDS_EXPECTED,
    read: |value| value.as_integer().and_then(integer).and_then(milliseconds).ok_or(None),
};

pub(super) const POLL: Rule<Poll> = Rule {
    expected: POLL_EXPECTED,
    read: |value| {
        let read = match value {
            DeValue::String(text) => poll_word(text),
            DeValue::Integer(number) => integer(number).and_then(poll_every),
            _ => None,
        };
        read.ok_or(None)
    },
};

pub(super) const MODE: Rule<ReloadMode> =
    Rule { expected: "\"exclusive\" or \"overlap\"", read: text_as };
pub(super) const ISOLATION: Rule<Isolation> = Rule { expected: ISOLATION_EXPECTED, read: text_as };
pub(super) const ACTIVATION: Rule<Activation> =
    Rule { expected: "\"eager\" or \"lazy\"", read: text_as };

/// A deadline. Less than a millisecond could not be told from none, and more than a day is a slip
/// of the hand.
pub(crate) fn seconds(number: f64) -> Option<Duration> {
    SECONDS_RANGE.contains(&number).then(|| Duration::from_secs_f64(number))
}

/// A quiet time.
pub(crate) fn milliseconds(number: i64) -> Option<Duration> {
    MILLISECONDS_RANGE.contains(&number).then(|| Duration::from_millis(number.unsigned_abs()))
}

/// A pause between two looks at the files.
pub(crate) fn poll_every(number: i64) -> Option<Poll> {
    POLL_RANGE.contains(&number).then(|| Poll::Every(Duration::from_millis(number.unsigned_abs())))
}

/// `auto` or `never`.
pub(crate) fn poll_word(text: &str) -> Option<Poll> {
    match text {
        "auto" => Some(Poll::Auto),
        "never" => Some(Poll::Never),
        _ => None,
    }
}

/// One of the words that the type itself lists, so that no second list can differ from it.
pub(crate) fn word<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let deserializer = IntoDeserializer::<Error>::into_deserializer(text);
    T::deserialize(deserializer).ok()
}

/// The integer, if it fits.
pub(super) fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The integer or float as a float.
fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        // A float holds every integer that any rule accepts; beyond that only the size matters.
        DeValue::Integer(number) => integer(number).map(|number| number as f64),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

fn text_as<T: for<'de> Deserialize<'de>>(value: &DeValue<'_>) -> Read<T> {
    value.as_str().and_then(word).ok_or(None)
}

/// A text that says something. NUL can stand in no path and in no name.
fn filled(value: &DeValue<'_>) -> Read<String> {
    match value.as_str() {
        Some(text) if !text.is_empty() && !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(None),
    }
}
