//! The program as somebody at a terminal meets it: a real pseudo terminal, the real binary, real
//! keys and signals. Nothing in here sleeps; a test waits for the text that it expects.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends by panicking; the lint's own exception covers only test functions"
)]

mod debugger;
#[path = "../e2e/support/idle.rs"]
mod idle;
mod keys;
mod looks;
mod mode;
mod session;
