//! What crosses the border between the supervisor and the place where plugins run: one answer to each
//! request, one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Note, Replacement, Sharing, Slot, Start, Started};
use crate::model::{PluginFault, PluginId, Site, Warning};
use crate::source::Source;

/// From the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// Compile and say whether it can be.
    Compile(Vec<Source>),
    /// Start a generation.
    Start(Box<Start>),
    /// Stop a generation.
    Stop(PluginId, Slot),
    /// Put the stopped generation back.
    Restore(PluginId),
    /// Drop the stopped generation.
    Forget(PluginId),
    /// Which modules plugins share.
    Share(Sharing),
    /// Shared modules give way to others.
    Replace(Box<Replacement>),
    /// Whether that is for good, and the epoch that begins.
    Settle(bool, u64),
    /// Run code beside the live generation.
    Exec(PluginId, String),
    /// Call a method of the live generation.
    Call(PluginId, String, String),
    /// Look at generations that have ended.
    Inspect,
    /// That somebody asks for one of these services, and nobody offers it, is a wish.
    Expect(BTreeSet<String>),
    /// What was sent after [`Response::Wish`] came comes now, and is carried out at once; what was
    /// sent before, afterwards. No answer.
    Meanwhile,
    /// That was all: the call that had the wish goes on. No answer.
    GoOn,
    /// The threads that wait for one of these services go on.
    Granted(Vec<String>),
    /// Nothing is live any more: run what must run at the end.
    Finish,
}

/// To the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Response {
    /// The interpreter runs, and this is what it is.
    Ready(Box<Site>),
    /// It does not, and why; `true` if the user's choice of an interpreter is to blame.
    Refused(String, bool),
    /// To compile, restore, forget, share, replace, settle, expect, granted, finish.
    Done(Result<(), PluginFault>),
    /// To start.
    Started(Box<Started>),
    /// To stop.
    Stopped(Vec<Warning>),
    /// To inspect.
    Inspected(Vec<(PluginId, Warning)>, Duration),
    /// To exec, and to call.
    Value(Result<Option<String>, PluginFault>),
    /// To nothing: the plugin whose call is under way asks for a service that nobody offers.
    Wish(String),
}

/// From the supervisor, without waiting for a turn.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// The call under way ends within this time.
    Hurry(Duration),
    /// To [`Telling::Terminal`]: whether that was done.
    Terminal(bool),
}

/// To the supervisor, unasked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Telling {
    /// A plugin imported something.
    Note(Box<Note>),
    /// A debugger needs the terminal, or does not need it any more.
    Terminal(bool),
}
