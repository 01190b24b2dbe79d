//! What the contract promises and this version does not do yet.
//!
//! One table, asked by the reader of `watch.toml` and by the command line. A setting in it is
//! refused rather than ignored, since whoever writes `sandbox` counts on it. A row goes when its
//! feature comes.

use crate::model::Isolation;

/// Where plugins run if nobody says. The contract's default is `shared`.
pub(crate) const DEFAULT_ISOLATION: Isolation = Isolation::Shared;

/// The shape of a value, as far as the table distinguishes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    Word(&'a str),
    Other,
}

/// Which values of a key are refused.
enum When {
    Always,
    Word(&'static str),
}

struct Row {
    key: &'static str,
    when: When,
    instead: &'static str,
}

const OWN_PROCESS: &str = "all plugins share one child process, which is \"shared\"";
const LEAVE_OUT: &str = "leave it out";

const TABLE: &[Row] = &[
    Row { key: "isolation", when: When::Word("process"), instead: OWN_PROCESS },
    Row { key: "preload", when: When::Always, instead: LEAVE_OUT },
    Row { key: "limits", when: When::Always, instead: LEAVE_OUT },
    Row { key: "sandbox", when: When::Always, instead: LEAVE_OUT },
];

/// The sentence that refuses this value of `key`, if this version has to; `written` is how the
/// person wrote the two together.
pub(crate) fn refusal(key: &str, asked: Asked<'_>, written: &str) -> Option<String> {
    let row = TABLE.iter().find(|row| {
        row.key == key
            && match row.when {
                When::Always => true,
                When::Word(word) => asked == Asked::Word(word),
            }
    })?;
    Some(format!("`{written}` is not available in this version; {}", row.instead))
}
