//! The supervisor's side of a deadline: the way to a child that may have been stopped.
//!
//! The child enforces its deadlines itself, on a thread that needs nothing but to run. A process that
//! a signal has stopped (SIGSTOP) runs no thread at all; so whoever waits for its answer looks, once
//! the time is over, whether it is stopped, and ends it if it stays so.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::child::end_group;

/// Between two looks at a child that does not answer.
const LOOK: Duration = Duration::from_secs(1);

/// So many looks in a row must find it stopped: one of them may come just when all goes on after a
/// stop of the supervisor too.
const LOOKS: u32 = 2;

/// When the answer that is waited for is due; shared with those who shorten it.
#[derive(Clone, Default)]
pub(super) struct Due(Arc<Mutex<Option<Instant>>>);

impl Due {
    /// A call begins and takes `limit` at most; `None` if it may take for ever.
    pub(super) fn begin(&self, limit: Option<Duration>) {
        let due = limit.and_then(|limit| Instant::now().checked_add(limit));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }

    /// The call under way ends within `limit`.
    pub(super) fn hurry(&self, limit: Duration) {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hurried = Instant::now() + limit;
        *due = Some(due.map_or(hurried, |due| due.min(hurried)));
    }

    fn is_over(&self) -> bool {
        let due = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.is_some_and(|due| due <= Instant::now())
    }
}

/// The channel to a child, which ends the child if it stays stopped beyond the time.
pub(super) struct Patient {
    channel: UnixStream,
    child: u32,
    due: Due,
    /// A person uses a debugger in the child, so no time passes.
    debugged: Arc<AtomicBool>,
    /// How often in a row it was found stopped.
    found_stopped: u32,
    /// The signal that had stopped it when it was ended.
    pub(super) stopped_by: Option<i32>,
}

impl Patient {
    pub(super) fn new(
        channel: UnixStream,
        child: u32,
        due: Due,
        debugged: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        channel.set_read_timeout(Some(LOOK))?;
        channel.set_write_timeout(Some(LOOK))?;
        Ok(Self { channel, child, due, debugged, found_stopped: 0, stopped_by: None })
    }

    /// Repeats what the child lets wait; if that is ended here, its sockets close.
    fn patiently<T>(
        &mut self,
        mut attempt: impl FnMut(&mut UnixStream) -> io::Result<T>,
    ) -> io::Result<T> {
        self.found_stopped = 0;
        loop {
            match attempt(&mut self.channel) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.look(),
                outcome => return outcome,
            }
        }
    }

    fn look(&mut self) {
        let over = self.due.is_over() && !self.debugged.load(Ordering::Relaxed);
        let Some(signal) = stop_signal(self.child).filter(|_| over) else {
            self.found_stopped = 0;
            return;
        };
        self.found_stopped += 1;
        if self.found_stopped >= LOOKS {
            tracing::debug!(signal, "the host is stopped and stays so");
            self.stopped_by = Some(signal);
            end_group(self.child);
        }
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(|channel| channel.read(buffer))
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|channel| channel.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.channel.flush()
    }
}

/// The signal that has stopped the process, if it is stopped now. It must not have been waited for.
pub(super) fn stop_signal(process: u32) -> Option<i32> {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(pid(process)?), options).ok()??;
    status.stopping_signal()
}

/// Waits until a child that is about to leave has done so, or is stopped on its way.
pub(super) fn wait_for_the_end(child: &Child) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
    if let Some(pid) = pid(child.id()) {
        while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
    }
}

fn pid(process: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process).ok()?)
}
