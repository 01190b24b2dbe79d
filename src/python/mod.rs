//! The only rooms that know Python: start-up, own modules, instances, deadlines, faults as data.
//!
//! They take owned commands from `host` and give owned outcomes back; no Python object leaves here.

mod call;
mod context;
mod deadline;
mod debugger;
mod embedded;
mod exec;
mod fault;
mod guard;
mod imports;
mod instance;
mod json;
mod prints;
mod runtime;
mod start;
mod startup;
mod tools;

pub use deadline::Urgency;
pub use debugger::AskTerminal;
pub use runtime::Runtime;
pub use startup::{BUILT_FOR, Interpreter, StartupError};
