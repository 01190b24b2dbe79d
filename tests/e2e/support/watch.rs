//! The running program: its event stream line by line, its stderr, its signals, its end.
//!
//! Both pipes are drained by threads. Whoever waits has a long deadline and, when it passes, ends
//! with the transcript of all that was said.

use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use super::event::{Event, Failed, Live, Ready, Reloaded, Stopped, Unloaded, Warning};
use super::pipes::{DEADLINE, Tape, contains, drain, read_lines, reap, shorten};

/// The program while it runs. Dropped, it is killed.
pub(crate) struct Watch {
    pid: u32,
    lines: Receiver<String>,
    exit: Receiver<ExitStatus>,
    ended: Option<ExitStatus>,
    stdout: Arc<Tape>,
    stderr: Arc<Tape>,
    /// Every event that was read so far.
    pub(crate) seen: Vec<Event>,
    /// Where the plugin lies that shows that nothing happened.
    pub(crate) probe: PathBuf,
}

impl Watch {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (stdout, stderr) = (Arc::new(Tape::default()), Arc::new(Tape::default()));
        let lines = read_lines(child.stdout.take().unwrap(), Arc::clone(&stdout));
        drain(child.stderr.take().unwrap(), Arc::clone(&stderr));
        let pid = child.id();
        Self {
            pid,
            lines,
            exit: reap(child),
            ended: None,
            stdout,
            stderr,
            seen: Vec::new(),
            probe: PathBuf::new(),
        }
    }

    // --- events ---------------------------------------------------------------------------------

    /// The next event of any kind, or `None` when stdout is closed.
    pub(crate) fn next_event_or_end(&mut self) -> Option<Event> {
        let line = match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => self.fail("no event came before the deadline"),
        };
        let event = Event::parse(&line)
            .unwrap_or_else(|why| self.fail(&format!("a bad line on stdout: {why}\n{line}")));
        self.seen.push(event.clone());
        Some(event)
    }

    /// The next event of any kind.
    pub(crate) fn next_event(&mut self) -> Event {
        match self.next_event_or_end() {
            Some(event) => event,
            None => self.fail("stdout was closed while an event was waited for"),
        }
    }

    /// The first event from here on that `wanted` picks; those before it are passed over.
    pub(crate) fn wait(&mut self, mut wanted: impl FnMut(&Event) -> bool) -> Event {
        loop {
            let event = self.next_event();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// The next outcome of a plugin; warnings and what the contract does not name may come between.
    pub(crate) fn outcome(&mut self) -> Event {
        self.wait(Event::is_outcome)
    }

    /// The next `count` outcomes.
    pub(crate) fn outcomes(&mut self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.outcome()).collect()
    }

    pub(crate) fn wait_ready(&mut self) -> Ready {
        match self.wait(|event| matches!(event, Event::Ready(_))) {
            Event::Ready(ready) => ready,
            _ => unreachable!(),
        }
    }

    /// The next outcome, which must be `loaded` of `id`.
    pub(crate) fn expect_loaded(&mut self, id: &str) -> Live {
        match self.outcome() {
            Event::Loaded(live) if live.id == id => live,
            other => self.fail(&format!("expected `loaded` of {id}, got {other:?}")),
        }
    }

    /// The next outcome, which must be `reloaded` of `id`.
    pub(crate) fn expect_reloaded(&mut self, id: &str) -> Reloaded {
        match self.outcome() {
            Event::Reloaded(live) if live.id == id => live,
            other => self.fail(&format!("expected `reloaded` of {id}, got {other:?}")),
        }
    }

    /// The next outcome, which must be `unloaded` of `id`.
    pub(crate) fn expect_unloaded(&mut self, id: &str) -> Unloaded {
        match self.outcome() {
            Event::Unloaded(gone) if gone.id == id => gone,
            other => self.fail(&format!("expected `unloaded` of {id}, got {other:?}")),
        }
    }

    /// The next outcome, which must be `failed` of `id`.
    pub(crate) fn expect_failed(&mut self, id: &str) -> Failed {
        match self.outcome() {
            Event::Failed(failed) if failed.id.as_deref() == Some(id) => failed,
            other => self.fail(&format!("expected `failed` of {id}, got {other:?}")),
        }
    }

    /// The next outcome, which must be a failure, whether its plugin is known or not.
    pub(crate) fn expect_failure(&mut self) -> Failed {
        match self.outcome() {
            Event::Failed(failed) => failed,
            other => self.fail(&format!("expected `failed`, got {other:?}")),
        }
    }

    /// The warning `code` of `id`, whether it came already or comes next among other events.
    pub(crate) fn warned(&mut self, id: &str, code: &str) -> Warning {
        let mut next = 0;
        loop {
            while next == self.seen.len() {
                self.next_event();
            }
            if let Event::Warning(warning) = &self.seen[next]
                && warning.code == code
                && warning.id.as_deref() == Some(id)
            {
                return warning.clone();
            }
            next += 1;
        }
    }

    /// The messages of the warnings `code` so far.
    pub(crate) fn warnings(&self, code: &str) -> Vec<String> {
        let warning = |event: &Event| match event {
            Event::Warning(warning) if warning.code == code => Some(warning.message.clone()),
            _ => None,
        };
        self.seen.iter().filter_map(warning).collect()
    }

    /// The next warning about the settings.
    pub(crate) fn settings_warning(&mut self) -> String {
        let is_one = |event: &Event| matches!(event, Event::Warning(it) if it.code == "settings");
        match self.wait(is_one) {
            Event::Warning(warning) => warning.message,
            _ => unreachable!(),
        }
    }

    /// Nothing came of what was done before this call: a second plugin is deleted and written
    /// again, and its outcomes are the very next. A deletion is the slowest of all finished
    /// changes, so whatever was to come of an earlier one would be told before.
    pub(crate) fn assert_quiet(&mut self) {
        let probe = self.probe.clone();
        assert!(probe.is_file(), "assert_quiet() needs scene.probe()");
        let source = std::fs::read(&probe).unwrap();
        std::fs::remove_file(&probe).unwrap();
        self.expect_unloaded("probe");
        std::fs::write(&probe, source).unwrap();
        self.expect_loaded("probe");
    }

    // --- stderr, signals, the end ---------------------------------------------------------------

    /// What stderr said so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until stderr has said `needle`.
    pub(crate) fn wait_stderr(&self, needle: &str) {
        let found = self.stderr.wait(|bytes, _| contains(bytes, needle.as_bytes()));
        if !found {
            self.fail(&format!("stderr never said {needle:?}"));
        }
    }

    /// Waits until stderr has said at least `count` times the byte `byte`.
    pub(crate) fn wait_stderr_bytes(&self, byte: u8, count: usize) {
        let (mut read, mut found) = (0, 0);
        let enough = self.stderr.wait(|bytes, _| {
            found += bytes[read..].iter().filter(|b| **b == byte).count();
            read = bytes.len();
            found >= count
        });
        if !enough {
            panic!("stderr said {:?} {found} times, not {count}", byte as char);
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.pid.to_string()]).status().unwrap();
        assert!(status.success(), "kill {name} {} failed", self.pid);
    }

    /// Sends SIGTERM and waits for the end, which must be a clean one.
    pub(crate) fn stop(&mut self) -> Vec<Event> {
        self.stop_by("-TERM")
    }

    /// Sends the signal and gives the events from there to the end, which must be a clean one:
    /// `stopped` is the last line and says 0, and so does the process.
    pub(crate) fn stop_by(&mut self, signal: &str) -> Vec<Event> {
        self.signal(signal);
        let (events, status) = self.finish();
        match events.last() {
            Some(Event::Stopped(Stopped { exit: 0 })) => {}
            other => self.fail(&format!("the last line is not a clean `stopped`: {other:?}")),
        }
        if status.code() != Some(0) {
            self.fail(&format!("it ended with {status}"));
        }
        events
    }

    /// All events to the end of stdout, and how the process ended.
    pub(crate) fn finish(&mut self) -> (Vec<Event>, ExitStatus) {
        let mut events = Vec::new();
        while let Some(event) = self.next_event_or_end() {
            events.push(event);
        }
        let status = self.wait_exit();
        if !self.stderr.wait(|_, ended| ended) {
            self.fail("the process is gone and somebody still holds its stderr");
        }
        (events, status)
    }

    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        if let Some(status) = self.ended {
            return status;
        }
        match self.exit.recv_timeout(DEADLINE) {
            Ok(status) => *self.ended.insert(status),
            Err(_) => self.fail("the process did not end before the deadline"),
        }
    }

    /// Ends the test with all that the program said.
    pub(crate) fn fail(&self, why: &str) -> ! {
        panic!(
            "{why}\n--- stdout ---\n{}\n--- stderr ---\n{}\n---",
            shorten(&self.stdout.text()),
            shorten(&self.stderr.text())
        );
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread that reaps says so at once; until it has, the pid is still ours.
        if self.ended.is_none() && self.exit.try_recv().is_err() {
            let pid = self.pid.to_string();
            let _ = Command::new("kill").args(["-KILL", &pid]).stderr(Stdio::null()).status();
            let _ = self.exit.recv_timeout(DEADLINE);
        }
    }
}
