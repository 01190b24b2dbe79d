//! Where plugins run: the messages that cross the border, and `trait Host`.
//!
//! Everything that crosses is owned data, in both directions, whether a thread or a process lies
//! between. Commands and sources go one way; outcomes, and what was imported meanwhile, come back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Fields, Generation, PluginFault, PluginId, ReloadMode, Site, Timings, Warning};
use crate::source::{ContentHash, Source};

mod child;
mod client;
mod contents;
mod death;
mod local;
mod message;
mod patience;
mod prints;
mod program;
mod serve;
mod shared;
mod turns;
mod wire;

pub use child::{ChildOptions, Hurry, SpawnError, Terminal, spawn};
pub use client::Client;
pub(crate) use death::{KEPT_GIL, MARK, Spoiled};
pub use local::{LocalOptions, in_this_process};
pub use prints::{Printing, Sink, Stream, tagged};
pub use program::HOST_COMMAND;
pub use serve::serve;
pub(crate) use serve::{CRASH, end_spoiled};
pub use shared::{Replacement, SharedModule, Sharing};

/// What a host needs to know to start one generation of a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// The name under which the host keeps the plugin; stays the same across generations, even if
    /// `get_metadata()` gives the plugin another id.
    pub key: PluginId,
    /// Its id, or a stand-in.
    pub id: PluginId,
    /// The generation that this will be.
    pub generation: Generation,
    /// Whether the generation before it is stopped (exclusive) or still live (overlap).
    pub mode: ReloadMode,
    /// The generation before it stays aside also if this one goes live, until [`Host::settle`].
    pub hold: bool,
    /// The file whose body is executed.
    #[serde(with = "crate::raw::path")]
    pub entry: PathBuf,
    /// Where own modules are looked for.
    #[serde(with = "crate::raw::path")]
    pub home: PathBuf,
    /// Contents that are known already; a file that is not among them is read when imported.
    pub sources: Vec<Source>,
    /// Patterns of own modules that go over from the generation before, as far as they can.
    pub carry: Vec<String>,
    /// With `carry`, the files that were edited since the generation before went live.
    #[serde(with = "crate::raw::paths")]
    pub edited: Vec<PathBuf>,
    /// Whether to measure where the time goes.
    pub timed: bool,
    /// The class to make an instance of, if `plugin.json` names one.
    pub class: Option<String>,
    /// Literal metadata; what `get_metadata()` says is added to it.
    pub fields: Fields,
    /// The id is a stand-in: `get_metadata()` has the last word.
    pub provisional: bool,
    /// Ids that a provisional plugin must not take besides those that are live in this host, with the
    /// entry that has it.
    pub taken: Vec<Taken>,
    /// The configuration in force.
    pub configuration: Map<String, Value>,
    /// The same for each id that a provisional plugin may turn out to have.
    pub configurations: BTreeMap<PluginId, Map<String, Value>>,
    /// Deadlines.
    pub limits: Limits,
}

/// An id that somebody has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// The id.
    pub id: PluginId,
    /// The entry of the plugin that has it.
    #[serde(with = "crate::raw::path")]
    pub entry: PathBuf,
}

/// How long a plugin may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// For each of import, create and initialize.
    pub phase: Duration,
    /// For `stop_service` and `shutdown` together.
    pub shutdown: Duration,
}

/// The kind of the fault of a [`Start`] that was not even tried, because everything is to end.
pub const STOPPING: &str = "Stopping";

/// What became of a [`Start`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Started {
    /// The metadata as it stands now, or why the plugin is not live. After a fault everything that
    /// the attempt did is undone as far as it can be, and the generation before it is where it was.
    pub result: Result<Fields, PluginFault>,
    /// On whom it depends, if that showed only when it ran, and one of them is not live here; that is
    /// the fault then.
    pub needs: Vec<PluginId>,
    /// What was imported and looked for, also by an attempt that failed.
    pub trace: Trace,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Where the time went, if that was asked.
    pub timings: Option<Box<Timings>>,
}

impl Started {
    /// An attempt that came to nothing before it reached for anything.
    pub fn failed(fault: PluginFault) -> Self {
        let trace = Trace::default();
        Self { result: Err(fault), needs: Vec::new(), trace, warnings: Vec::new(), timings: None }
    }
}

/// What a plugin reached for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Trace {
    /// Own modules, with the content that was executed.
    pub imported: Vec<Source>,
    /// Own modules that were looked for and are not there: the path without an extension.
    #[serde(with = "crate::raw::paths")]
    pub missed: Vec<PathBuf>,
    /// Own extension modules, which cannot be replaced in the process that loaded them.
    #[serde(with = "crate::raw::paths")]
    pub extensions: Vec<PathBuf>,
    /// Files that would have been imported instead of what was, had they been there.
    #[serde(with = "crate::raw::paths")]
    pub absent: Vec<PathBuf>,
    /// Files in its folder that it read while it was imported or initialized.
    pub inputs: Vec<Input>,
    /// Files in its folder that it wrote, whenever.
    #[serde(with = "crate::raw::paths")]
    pub wrote: Vec<PathBuf>,
    /// Shared modules that it imported, by name.
    pub uses: Vec<String>,
    /// What became known of shared modules meanwhile, whoever imported them.
    pub shared: Vec<SharedModule>,
    /// Python files among those that it wrote while it started, with the content that was there when
    /// it had started.
    pub left: Vec<Input>,
    /// Services that one of its threads asked for and nobody offers; it waits.
    pub wishes: Vec<String>,
}

/// A file that a plugin was about to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The file.
    #[serde(with = "crate::raw::path")]
    pub path: PathBuf,
    /// Its content at that moment; `None` if it was not there.
    pub hash: Option<ContentHash>,
}

impl Trace {
    /// Adds what another trace has.
    pub fn extend(&mut self, other: Self) {
        self.imported.extend(other.imported);
        self.missed.extend(other.missed);
        self.extensions.extend(other.extensions);
        self.absent.extend(other.absent);
        self.inputs.extend(other.inputs);
        self.wrote.extend(other.wrote);
        self.uses.extend(other.uses);
        self.shared.extend(other.shared);
        self.left.extend(other.left);
        self.wishes.extend(other.wishes);
    }
}

/// Which of the two generations that a host may hold of one plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Slot {
    /// The one that is live.
    Live,
    /// The one before it, kept until the new one has proved itself.
    Aside,
}

/// A host tells this unasked: a plugin imported something long after its start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The plugin's key; `None` if no plugin is known to have done it.
    pub key: Option<PluginId>,
    /// Of which generation of it.
    pub generation: Generation,
    /// What it reached for.
    pub trace: Trace,
}

/// The end of the process that plugins run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The plugin whose call was under way, or whose frames the crash shows.
    pub culprit: Option<PluginId>,
    /// That call was the end of its old generation; the new one has not run yet.
    pub while_stopping: bool,
    /// The signal or exit code, and what was left behind.
    pub fault: PluginFault,
}

/// Where plugins run. All calls wait for the answer, except [`Host::prepare`] and those whose names
/// begin with `begin`.
///
/// A host keeps at most two generations of a plugin: the live one and the one before it.
pub trait Host {
    /// The interpreter that plugins run in; `None` if nothing is known of it.
    fn site(&self) -> Option<&Site> {
        None
    }

    /// The number of the process that plugins run in, if that is another one.
    fn process(&self) -> Option<u32> {
        None
    }

    /// Compiles ahead of a call that will need it; no answer comes.
    fn prepare(&mut self, source: &Source);

    /// Compiles all of `sources`, in order.
    ///
    /// # Errors
    /// The first fault, with phase `parse`.
    fn compile(&mut self, sources: &[Source]) -> Result<(), PluginFault>;

    /// Imports, creates and initializes a generation. If that succeeds it is the live one; an
    /// exclusive plugin's older generation is then dropped, an overlapping one's is set aside.
    fn start(&mut self, start: Start) -> Started {
        self.begin(start);
        self.started()
    }

    /// Asks for a start without waiting for it. Several may be asked for; nothing else may be until
    /// [`Host::started`] was called for each, unless there is a wish.
    fn begin(&mut self, start: Start);

    /// From now on, that a plugin asks for one of these services and nobody offers it is a wish.
    fn expect(&mut self, services: &BTreeSet<String>) {
        let _ = services;
    }

    /// Waits until the first of the calls that were begun is over, or until what runs in it asks for
    /// a service that was expected and that nobody offers yet. Such a wish is looked after first:
    /// until [`Host::go_on`], anything may be asked of the host.
    fn wish(&mut self) -> Option<String> {
        None
    }

    /// The wish was looked after, whatever came of it: the call goes on.
    fn go_on(&mut self) {}

    /// The same for wishes that threads had; see [`Trace::wishes`].
    fn granted(&mut self, services: &[String]) {
        let _ = services;
    }

    /// Waits for the first of the starts that were asked for.
    fn started(&mut self) -> Started;

    /// `stop_service()` and `shutdown()` on the generation in `slot`, once. What it registered is
    /// undone and its entries leave `sys.modules`; a live one is then set aside, unless an older one
    /// is held there, and one that was aside is dropped. Raising or hanging is a warning.
    fn stop(&mut self, key: &PluginId, slot: Slot) -> Vec<Warning>;

    /// Puts the generation aside back in its place and initializes its instance again, if it was ever
    /// stopped, without waiting for it.
    fn begin_restore(&mut self, key: &PluginId);

    /// Waits for that.
    ///
    /// # Errors
    /// Its own refusal; it is dropped then.
    fn restored(&mut self) -> Result<(), PluginFault>;

    /// Drops what is kept aside; with it `context.state`.
    fn forget(&mut self, key: &PluginId);

    /// From now on plugins share these modules. Those that were imported before stay as they are.
    fn share(&mut self, sharing: Sharing) {
        drop(sharing);
    }

    /// Shared modules give way to others, which are imported when plugins ask for them.
    fn replace(&mut self, replacement: Replacement) {
        drop(replacement);
    }

    /// Whether the latest replacement is for good, and with it what was started since with
    /// [`Start::hold`]. If not, the modules from before are back; `epoch` begins.
    fn settle(&mut self, for_good: bool, epoch: u64) {
        let _ = (for_good, epoch);
    }

    /// Runs `code` beside the live generation, with `plugin`, `context` and `qtforge` in sight, without
    /// waiting for it.
    fn begin_exec(&mut self, key: &PluginId, code: &str);

    /// Calls a method of the live generation with the JSON list `arguments`, without waiting for it. It
    /// has as long as a phase of a load.
    fn begin_call(&mut self, key: &PluginId, method: &str, arguments: &str);

    /// Waits for either: the `repr` of a trailing expression, unless that is None; what the method
    /// returns, as JSON.
    ///
    /// # Errors
    /// What the code or the method raised, or that there is none. Phase `initialize` stands for "while
    /// live".
    fn executed(&mut self) -> Result<Option<String>, PluginFault>;

    /// Whether the process that plugins run in has died since the last time this was asked. Until
    /// [`Host::revive`], every other call fails.
    fn death(&mut self) -> Option<Death>;

    /// How long to wait before [`Host::revive`]: longer and longer if processes die young, so that
    /// one that cannot live does not keep the machine busy.
    fn pause(&self) -> Duration;

    /// Starts another process in place of the dead one, with nothing live in it.
    ///
    /// # Errors
    /// Why that is not possible.
    fn revive(&mut self) -> Result<(), String>;

    /// Looks whether generations that have ended are gone, and tells who holds those that are not; how
    /// long that took. To be asked when nobody waits.
    fn inspect(&mut self) -> (Vec<(PluginId, Warning)>, Duration);

    /// Runs what must run before the process ends. No plugin is live any more.
    fn finish(&mut self);
}
