//! Logs: always to stderr, whatever else goes where.

use std::io;

/// Starts logging what `filter` lets through.
pub(super) fn start(filter: &str, color: bool) {
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        .without_time()
        .with_ansi(color);
    // A host program that embeds this library may have set up its own.
    let _ = log.try_init();
}
