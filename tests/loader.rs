//! The loader against a host that is played: what becomes of an edit, call by call and event by event.
//!
//! `tests/loader/host.rs` is the double, and checks on every call what holds always; `world.rs` is a
//! disk and a loader over it. The tests beside them go through the rules one by one, and
//! `properties.rs` tries random histories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test speaks by failing")]

#[path = "loader/death.rs"]
mod death;
#[path = "loader/dependencies.rs"]
mod dependencies;
#[path = "loader/echoes.rs"]
mod echoes;
#[path = "loader/generations.rs"]
mod generations;
#[path = "loader/host.rs"]
mod host;
#[path = "loader/identity.rs"]
mod identity;
#[path = "loader/lazy.rs"]
mod lazy;
#[path = "loader/properties.rs"]
mod properties;
#[path = "loader/reload.rs"]
mod reload;
#[path = "loader/script.rs"]
mod script;
#[path = "loader/together.rs"]
mod together;
#[path = "loader/world.rs"]
mod world;
