//! Logs: always to stderr, whatever else goes where.

use std::io;

use super::args::Common;

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

/// How much is logged.
pub(super) fn filter(common: &Common) -> &'static str {
    match (common.quiet, common.verbose) {
        (true, _) => "error,notify=off",
        (false, 0) => "warn,notify=off",
        (false, 1) => "replug=info,warn,notify=off",
        (false, 2) => "replug=debug,warn,notify=off",
        (false, _) => "trace",
    }
}
