//! What the benchmarks share: the programs under measurement, saves, and figures.
//!
//! A benchmark prints figures and judges nothing: how fast a machine is says nothing about whether
//! the code is right, so no test waits for a number.

#![allow(dead_code, reason = "each benchmark uses its own part of this")]

use std::error::Error;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// A program that hangs shall not hang the benchmark.
const DEADLINE: Duration = Duration::from_secs(60);

/// The plugin that is saved over and over; `{round}` makes each content another one.
pub(crate) const PLUGIN: &str = include_str!("../python/plugin.py");

/// A program that tells JSON lines on stdout. It is killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

impl Program {
    /// `replug watch --json` on `folder`, which compiles everything itself.
    pub(crate) fn replug(folder: &Path, options: &[&str]) -> Outcome<Self> {
        let mut command = replug();
        command.args(["watch", "--json", "--no-cache", "--python"]).arg(python());
        command.args(options).arg(folder);
        Self::start(command)
    }

    /// The same with compiled code from `caches`.
    pub(crate) fn replug_warm(folder: &Path, options: &[&str], caches: &Path) -> Outcome<Self> {
        let mut command = replug();
        command.env("XDG_CACHE_HOME", caches);
        command.args(["watch", "--json", "--python"]).arg(python()).args(options).arg(folder);
        Self::start(command)
    }

    /// `benches/python/floor.py` in the same interpreter, with the same `qtforge`.
    pub(crate) fn floor(mode: &str, folder: &Path) -> Outcome<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python());
        command.arg(root.join("benches/python/floor.py")).arg(mode).arg(folder);
        command.env("PYTHONPATH", root.join("python"));
        Self::start(command)
    }

    fn start(mut command: Command) -> Outcome<Self> {
        // A machine that forbids bytecode files would measure what no user meets.
        command.env_remove("PYTHONDONTWRITEBYTECODE").env_remove("VIRTUAL_ENV");
        command.env_remove("REPLUG_NO_CACHE");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut pipe = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            while pipe.read_line(&mut line).is_ok_and(|length| length > 0) {
                let arrived = Instant::now();
                if sender.send((arrived, std::mem::take(&mut line))).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits for the event `wanted`, whatever harmless comes before it; when its line arrived.
    pub(crate) fn wait(&self, wanted: &str) -> Outcome<Instant> {
        loop {
            let (arrived, line) = self.lines.recv_timeout(DEADLINE)?;
            let event: serde_json::Value = serde_json::from_str(&line)?;
            match event["event"].as_str() {
                Some(event) if event == wanted => return Ok(arrived),
                Some("failed" | "warning" | "rescan" | "stopped") | None => {
                    return Err(format!("waited for `{wanted}`, and it said {line}").into());
                }
                Some(_) => {}
            }
        }
    }

    /// Saves `text` in place and waits for `event`; the time from the close of the file on.
    pub(crate) fn save(&self, path: &Path, text: &str, event: &str) -> Outcome<Duration> {
        let mut file = File::create(path)?;
        file.write_all(text.as_bytes())?;
        let closing = Instant::now();
        drop(file);
        Ok(self.wait(event)?.duration_since(closing))
    }

    /// The resident memory of the program and of the process that plugins run in, if that is
    /// another one, in kilobytes.
    pub(crate) fn memory(&self) -> Outcome<Vec<i64>> {
        self.processes()?.iter().map(|process| resident(process)).collect()
    }

    /// The numbers of the program's processes: its own first.
    pub(crate) fn processes(&self) -> Outcome<Vec<String>> {
        let id = self.child.id().to_string();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let children = children.split_whitespace().map(str::to_owned);
        Ok(iter::once(id).chain(children).collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under measurement.
pub(crate) fn replug() -> Command {
    Command::new(env!("CARGO_BIN_EXE_replug"))
}

/// The resident memory of a process, in kilobytes.
pub(crate) fn resident(process: &str) -> Outcome<i64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("no VmRSS")?.trim().parse()?)
}

/// The interpreter of both sides.
fn python() -> PathBuf {
    std::env::var_os("REPLUG_PYTHON")
        .map_or_else(|| env!("REPLUG_BUILD_PYTHON").into(), PathBuf::from)
}

/// `value` of an argument `name=value`, for `cargo bench --bench NAME -- name=value`.
pub(crate) fn argument(name: &str, default: usize) -> Outcome<usize> {
    let given = std::env::args().find_map(|argument| {
        let value = argument.strip_prefix(name)?.strip_prefix('=')?;
        Some(value.parse().map_err(|error| format!("{argument}: {error}")))
    });
    Ok(given.transpose()?.unwrap_or(default))
}

/// Between `from` and `to`, at random.
pub(crate) fn pause(from: Duration, to: Duration) {
    // A hasher with random keys is the random number generator of the standard library.
    let random = RandomState::new().hash_one(()) % 1024;
    let share = u32::try_from(random).unwrap_or(0);
    thread::sleep(from + (to - from) * share / 1024);
}

/// Threads that do nothing as fast as they can, until this is dropped.
pub(crate) struct Hogs {
    stop: Arc<AtomicBool>,
}

impl Hogs {
    pub(crate) fn start(count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..count {
            let stop = stop.clone();
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {});
        }
        Self { stop }
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Times of the same thing.
#[derive(Default)]
pub(crate) struct Times {
    sorted: Vec<Duration>,
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        let at = self.sorted.partition_point(|other| *other < time);
        self.sorted.insert(at, time);
    }

    /// In milliseconds, the time that `percent` of all do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}
