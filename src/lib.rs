//! replug: a hot-reload, file-watching supervisor for Python plugins.
//!
//! The way of the data is one direction and one loop: [`watch`] tells changes, [`debounce`] lets
//! them settle, [`discovery`] says what plugins there are, [`loader`] brings what is live in line
//! with that over a [`host`], and [`report`] tells the world. [`supervisor`] puts the stages
//! together; [`model`] has the words that they share. `ARCHITECTURE.md` is the map.

pub mod bridge;
mod calm;
pub mod check;
pub mod cli;
pub mod debounce;
pub mod discovery;
pub mod host;
pub mod keys;
pub mod loader;
pub mod model;
mod parallel;
pub mod python;
pub mod raw;
pub mod report;
pub mod requirements;
pub mod settings;
pub mod source;
pub mod supervisor;
pub mod watch;
mod wheel;

#[cfg(all(feature = "embed", feature = "wheel"))]
compile_error!("the program and the wheel are built apart: --no-default-features --features wheel");
