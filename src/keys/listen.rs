//! The thread that reads the terminal, and gives it back while the program is stopped (Ctrl-Z).
//!
//! Reading waits for keys and signals alike. While the program runs in the background it reads
//! nothing: the keys are meant for somebody else then, and reading would stop it.

use std::io::{self, Read, Stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGCONT, SIGQUIT, SIGTSTP};
use signal_hook::low_level;

use super::{Key, decode, mode, stop};

/// Some shells bring a running program to the foreground without a word to it.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Listens as long as it lives. Dropped, it gives the terminal back.
#[derive(Debug)]
pub struct Listener {
    /// What is pressed.
    pub keys: Receiver<Key>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        mode::restore();
    }
}

/// Takes the keys of the terminal that stdin is.
///
/// # Errors
/// If stdin is no terminal that can be set so, or no thread or descriptor is left.
pub fn listen() -> io::Result<Listener> {
    let terminal = io::stdin();
    let signals = Signals::new()?;
    if mode::is_foreground(&terminal) {
        mode::enter(&terminal)?;
    }
    let (sender, keys) = unbounded();
    let listener = Listener { keys };
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || while round(&terminal, &signals, &sender).is_ok() {})?;
    Ok(listener)
}

/// A byte comes out of each whenever its signal has come.
struct Signals {
    stop: UnixStream,
    go_on: UnixStream,
    quit: UnixStream,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { stop: told(SIGTSTP)?, go_on: told(SIGCONT)?, quit: told(SIGQUIT)? })
    }
}

fn told(signal: i32) -> io::Result<UnixStream> {
    let (here, there) = UnixStream::pair()?;
    here.set_nonblocking(true)?;
    low_level::pipe::register(signal, there)?;
    Ok(here)
}

/// Whether the signal has come since this was asked.
fn take(mut signal: &UnixStream) -> bool {
    let mut bytes = [0; 64];
    let mut came = false;
    while signal.read(&mut bytes).is_ok_and(|count| count > 0) {
        came = true;
    }
    came
}

/// Waits for one thing to happen and deals with it. An error is the end: the terminal is gone, or
/// nobody wants the keys any more.
fn round(terminal: &Stdin, signals: &Signals, keys: &Sender<Key>) -> io::Result<()> {
    let ours = mode::while_ours(terminal, || ()).is_some();
    if wait(terminal.as_fd(), signals, ours)? {
        let mut bytes = [0; 256];
        // Between the wait and this somebody may have been given the terminal.
        let count = mode::while_ours(terminal, || rustix::io::read(terminal, &mut bytes));
        let Some(count) = count.transpose()? else { return Ok(()) };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for key in decode(&bytes[..count]) {
            keys.send(key).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
    }
    if take(&signals.quit) {
        mode::restore();
        low_level::emulate_default_handler(SIGQUIT)?;
    }
    let stopped = take(&signals.stop);
    if stopped {
        mode::lend();
        stop::stop()?;
    }
    // Another stop, which nobody can handle, is only known by its end.
    let woken = take(&signals.go_on);
    if stopped || woken || !ours {
        mode::while_ours(terminal, || mode::enter(terminal)).transpose()?;
    }
    Ok(())
}

/// Waits for a signal or, if the terminal is `ours`, a key; whether there is something to read.
fn wait(terminal: BorrowedFd<'_>, signals: &Signals, ours: bool) -> io::Result<bool> {
    let mut entries = vec![
        PollFd::new(&signals.stop, PollFlags::IN),
        PollFd::new(&signals.go_on, PollFlags::IN),
        PollFd::new(&signals.quit, PollFlags::IN),
    ];
    if ours {
        entries.push(PollFd::from_borrowed_fd(terminal, PollFlags::IN));
    }
    let timeout = Timespec::try_from(LOOK_AGAIN).ok();
    match poll(&mut entries, timeout.as_ref().filter(|_| !ours)) {
        Ok(_) => Ok(entries.get(3).is_some_and(|entry| !entry.revents().is_empty())),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
