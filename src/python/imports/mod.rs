//! Own modules and how they are imported: private to each plugin, compiled from the bytes that were
//! hashed, and the same for all generations only in name. Some go over to the next (`carry`).

mod carry;
mod code;
mod graph;
mod importer;
mod lines;
mod loader;
mod locate;
mod lookup;
mod modules;
mod names;
mod noted;
mod origin;
mod paths;
mod shared;
mod shared_finder;
mod spec;
mod statement;
mod store;
mod timed;

pub(crate) use code::{compile_text, execute, of as code};
pub(crate) use importer::{Identity, Importer, Shared};
pub(crate) use lines::unpin;
pub(crate) use lookup::nearest;
pub(crate) use names::PLUGINS;
pub(crate) use paths::AddedPaths;
pub(crate) use store::CodeStore;
