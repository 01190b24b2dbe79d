//! What a disk does, measured on it: how long a save takes to be told, and how fine its times are.
//!
//! Works in a hidden folder of its own, which nobody takes for a plugin and which is removed however
//! the measuring ends.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, bounded};

use super::place::PATIENCE;
use super::raw::{Raw, RawKind, Sender, Watcher};

/// Few enough to be done in a moment, and enough for the middle one to mean something.
const SAVES: usize = 50;

/// For so long the times of a file are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A folder to measure in.
#[derive(Debug)]
pub struct Bench {
    folder: PathBuf,
}

/// How long it takes from closing a file until that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How often it was measured.
    pub saves: usize,
    /// The middle one of all times.
    pub median: Duration,
    /// The longest one.
    pub longest: Duration,
}

/// So long watches of before may still count against the limit.
const LETTING_GO: Duration = Duration::from_millis(500);

impl Bench {
    /// Makes the folder inside `parent`.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn new(parent: &Path) -> io::Result<Self> {
        let folder = parent.join(format!(".replug-doctor-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let bench = Self { folder };
        // A file system that takes folders and no files is of no use.
        File::create_new(bench.file())?;
        Ok(bench)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("save.py")
    }

    /// How long a save takes to be told; `None` if none is.
    ///
    /// # Errors
    /// If the folder cannot be watched, or the file not be written.
    pub fn latency(&self) -> io::Result<Option<Latency>> {
        let (sender, told) = bounded(1024);
        let mut watcher = Watcher::new(Sender::new(sender)).map_err(io::Error::other)?;
        let began = Instant::now();
        while let Err(error) = watcher.watch(&self.folder) {
            // A watcher that was dropped before lets go of its watches on a thread of its own, which
            // tells nobody.
            if began.elapsed() > LETTING_GO {
                return Err(io::Error::other(error));
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.measure(&told, PATIENCE)
    }

    fn measure(&self, told: &Receiver<Raw>, patience: Duration) -> io::Result<Option<Latency>> {
        let mut times = Vec::with_capacity(SAVES);
        for number in 0..SAVES {
            let mut file = File::create(self.file())?;
            writeln!(file, "save = {number}")?;
            let closed = Instant::now();
            drop(file);
            loop {
                match told.recv_deadline(closed + patience) {
                    Ok(Raw::Path { kind: RawKind::Finished, .. }) => break,
                    Ok(_) => {}
                    Err(_) => return Ok(None),
                }
            }
            times.push(closed.elapsed());
        }
        times.sort();
        let (median, longest) = (times[SAVES / 2], times[SAVES - 1]);
        Ok(Some(Latency { saves: SAVES, median, longest }))
    }

    /// The smallest difference between two times of a file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn clock(&self) -> io::Result<Duration> {
        Ok(self.stored_step()?.max(self.ticking_step()?))
    }

    /// How exactly a time is kept.
    fn stored_step(&self) -> io::Result<Duration> {
        let exact = UNIX_EPOCH + Duration::new(1_000_000_001, 123_456_789);
        File::options().write(true).open(self.file())?.set_modified(exact)?;
        Ok(step_of(self.modified()?))
    }

    /// How often the clock moves that files are stamped with.
    fn ticking_step(&self) -> io::Result<Duration> {
        let mut file = File::options().append(true).open(self.file())?;
        let (began, mut last, mut smallest) = (Instant::now(), self.modified()?, LOOK);
        let mut steps = 0;
        while began.elapsed() < LOOK && steps < 100 {
            file.write_all(b"#")?;
            let now = self.modified()?;
            if let Ok(step) = now.duration_since(last)
                && !step.is_zero()
            {
                // The first one is from the time that was set above.
                if steps > 0 {
                    smallest = smallest.min(step);
                }
                steps += 1;
            }
            last = now;
        }
        Ok(smallest)
    }

    fn modified(&self) -> io::Result<SystemTime> {
        fs::metadata(self.file())?.modified()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What cannot be removed now could not later.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The steps in which times are kept, by what became of one that ends in 1.123456789 s.
fn step_of(kept: SystemTime) -> Duration {
    let since = kept.duration_since(UNIX_EPOCH).unwrap_or_default();
    if since.as_secs().is_multiple_of(2) {
        return Duration::from_secs(2);
    }
    let mut step = 1;
    while step < 1_000_000_000 && since.subsec_nanos().is_multiple_of(step * 10) {
        step *= 10;
    }
    Duration::from_nanos(u64::from(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_that_nobody_tells_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::new(folder.path()).unwrap();
        let (_sender, told) = bounded(1);
        assert_eq!(bench.measure(&told, Duration::ZERO).unwrap(), None);
    }

    #[test]
    fn what_a_time_is_rounded_to_is_told() {
        for (seconds, nanos, step) in [
            (1_000_000_001, 123_456_789, Duration::from_nanos(1)),
            (1_000_000_001, 123_456_700, Duration::from_nanos(100)),
            (1_000_000_001, 123_000_000, Duration::from_millis(1)),
            (1_000_000_001, 120_000_000, Duration::from_millis(10)),
            (1_000_000_001, 0, Duration::from_secs(1)),
            (1_000_000_000, 0, Duration::from_secs(2)),
            (1_000_000_002, 0, Duration::from_secs(2)),
        ] {
            let kept = UNIX_EPOCH + Duration::new(seconds, nanos);
            assert_eq!(step_of(kept), step, "{nanos}");
        }
    }

    #[test]
    fn nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench::new(folder.path()).unwrap();
        assert!(bench.latency().unwrap().is_some_and(|latency| latency.median <= latency.longest));
        assert!(bench.clock().unwrap() > Duration::ZERO);
        drop(bench);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
