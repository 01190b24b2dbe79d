//! The program as its users meet it: real files, the real binary, real signals.
//!
//! Each test makes a folder of its own, starts `replug` on it and reads the event stream. Nothing
//! in here sleeps: a test waits for the event that it expects, and that nothing happened is shown
//! by the outcome of a second plugin coming next. What plugins did they tell in a log file that
//! lies outside the watched folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends by panicking; the lint's own exception covers only test functions"
)]

mod bridge;
mod cache;
mod carry;
mod check;
mod churn;
mod config;
mod context;
mod crash_matrix;
mod crashes;
mod dependencies;
mod discovery;
mod discovery_text;
mod doctor;
mod endurance;
mod exec;
mod faults;
mod faults_start;
mod folders;
mod foreign;
mod forms;
mod hang_matrix;
mod hangs;
mod hostile;
mod identity;
mod idle;
mod inputs;
mod interrupts;
mod lazy;
mod leaks;
mod life;
mod links;
mod list;
mod many;
mod metadata;
mod modules;
mod modules_kept;
mod modules_named;
mod modules_private;
mod new;
mod overflow;
mod overlap;
mod polling;
mod prints;
mod races;
mod requirements;
mod roots;
mod sabotage;
mod saves;
mod saves_burst;
mod shared;
mod shared_failing;
mod stdout;
mod stop;
mod support;
mod timings;
mod undo;
mod unreadable;
mod why;
