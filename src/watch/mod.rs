//! Watching: from roots to changes of single files.
//!
//! One non-recursive watch a folder, so that ignored folders cost nothing and a new folder can be
//! listed after it is watched, which leaves no gap. The callback of the watcher only sorts and
//! forwards; what a path means is worked out on the supervisor's thread by [`Tree`].

mod armed;
mod census;
mod faces;
mod followed;
mod ignore;
#[cfg(target_os = "linux")]
mod linux;
pub mod measure;
mod packages;
pub mod place;
mod poll;
#[cfg(not(target_os = "linux"))]
mod portable;
mod raw;
mod repository;
mod tree;
mod way;

pub use armed::Polling;
pub use census::{Census, RootCensus};
pub use ignore::{Ignored, Rules};
pub use raw::{Raw, RawKind, Sender};
pub use repository::Hold;
pub use tree::{Tree, Understood};
