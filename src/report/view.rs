//! What a person at the keyboard asks to see, beside the events.

use crate::model::{PluginId, Standing};

/// Something to show.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// How far the first pass is.
    Progress {
        /// Plugins that are live or failed.
        done: usize,
        /// Plugins that were found.
        total: usize,
    },
    /// How the plugins stand.
    List {
        /// By id.
        plugins: &'a [Standing],
        /// With a number before each, to choose one by.
        numbered: bool,
    },
    /// Which plugin to reload; stands below everything else until it is answered.
    Question {
        /// The digits that were typed.
        typed: &'a str,
    },
    /// The question is answered, or taken back.
    Answered,
    /// The answer names no plugin.
    NoSuchNumber {
        /// What was typed.
        number: usize,
        /// The highest there is.
        last: usize,
    },
    /// The answer names a plugin that went away meanwhile.
    Gone {
        /// Which.
        plugin: &'a PluginId,
    },
    /// The last failure again, in full.
    LastError,
    /// What the keys are.
    Help,
    /// An empty screen.
    Clear,
    /// An empty line.
    Blank,
}
