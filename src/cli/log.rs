//! Logs: always to stderr, whatever else goes where.

use std::io::{self, Write};

use super::args::Common;
use crate::host::tagged;

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

/// Starts logging in a host, whose stderr may be a pipe in which everything belongs to a plugin
/// unless its tag, which begins with `mark`, says otherwise.
pub(super) fn start_in_host(filter: &str, mark: Option<String>) {
    let Some(mark) = mark else { return start(filter, false) };
    let log = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(move || Tagged { mark: mark.clone() })
        .with_target(false)
        .without_time()
        .with_ansi(false);
    let _ = log.try_init();
}

/// Writes each piece with a tag that says that it is no plugin's.
struct Tagged {
    mark: String,
}

impl Write for Tagged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(&tagged(&self.mark, bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
