//! How long each own module takes, if somebody asks.

use std::path::Path;
use std::time::{Duration, Instant};

use super::importer::{Identity, Importer, lock};
use crate::model::ModuleTiming;

/// The modules of one start.
#[derive(Default)]
pub(super) struct Clock {
    /// Those that are being imported, and how long what they imported has taken.
    open: Vec<(ModuleTiming, Duration)>,
    done: Vec<ModuleTiming>,
}

impl Importer {
    /// Whether modules are timed from here on.
    pub(crate) fn time(&self, timed: bool) {
        lock(&self.state).clock = timed.then(Clock::default);
    }

    /// The modules that were timed; no more are.
    pub(crate) fn take_times(&self) -> Vec<ModuleTiming> {
        lock(&self.state).clock.take().map(|clock| clock.done).unwrap_or_default()
    }

    /// The import of the own module `full` begins; when, if it is timed.
    pub(super) fn begin_time(&self, full: &str) -> Option<Instant> {
        let mut state = lock(&self.state);
        let clock = state.clock.as_mut()?;
        let Identity { package, entry, .. } = &self.identity;
        let stem = entry.file_stem().filter(|_| full == package);
        let name = stem.map_or_else(|| self.plain(full).into(), |stem| stem.to_string_lossy());
        let (name, depth) = (name.into_owned(), clock.open.len());
        let timing = ModuleTiming { name, depth, ..ModuleTiming::default() };
        clock.open.push((timing, Duration::ZERO));
        Some(Instant::now())
    }

    /// Its file was read within this time, and its code is at hand.
    pub(super) fn note_code(&self, path: &Path, read: Duration) {
        let compile = lock(&self.shared.codes).take_time(path);
        let mut state = lock(&self.state);
        if let Some((timing, _)) = state.clock.as_mut().and_then(|clock| clock.open.last_mut()) {
            timing.read = read;
            timing.compile = compile;
        }
    }

    /// Its body runs; when that began, if it is timed.
    pub(super) fn is_timed(&self) -> bool {
        lock(&self.state).clock.is_some()
    }

    /// It is over; its body began to run at `body`.
    pub(super) fn end_time(&self, began: Option<Instant>, body: Option<Instant>) {
        let Some(began) = began else { return };
        let mut state = lock(&self.state);
        let Some(clock) = state.clock.as_mut() else { return };
        let Some((mut timing, imported)) = clock.open.pop() else { return };
        timing.total = began.elapsed();
        timing.execute =
            body.map_or(Duration::ZERO, |body| body.elapsed()).saturating_sub(imported);
        if let Some((_, around)) = clock.open.last_mut() {
            *around += timing.total;
        }
        clock.done.push(timing);
    }
}
