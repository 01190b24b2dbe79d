//! The only rooms that know Python: start-up, own modules, instances, deadlines, faults as data.
//!
//! They take owned commands from `host` and give owned outcomes back; no Python object leaves here.

mod bridged;
mod call;
mod context;
mod deadline;
mod debugger;
#[cfg(feature = "embed")]
mod embedded;
mod exec;
mod fault;
mod filters;
mod guard;
mod guest;
mod imports;
mod inputs;
mod instance;
mod interpreter;
mod interrupts;
mod json;
mod leaks;
mod life;
mod mends;
mod method;
mod prints;
#[cfg(not(feature = "embed"))]
mod running;
mod runtime;
mod start;
#[cfg(feature = "embed")]
mod startup;
mod text;
mod tools;
mod undo;
mod vitals;
mod waking;

pub use deadline::Urgency;
pub use debugger::AskTerminal;
pub(crate) use interpreter::PROTOCOL;
pub use interpreter::{Ended, Outside, StartupError, around};
pub(crate) use interrupts::take_no_signals;
#[cfg(not(feature = "embed"))]
pub use running::{Interpreter, lend_main_thread};
pub use runtime::Runtime;
#[cfg(feature = "embed")]
pub use startup::{BUILT_FOR, Interpreter};
pub use waking::{Fulfil, fulfil_here};
