//! The program's own way to stdout, which no plugin can reach.
//!
//! A plugin, a C library or a child process may write to file descriptor 1, close it, or put
//! something else in its place. Our output goes through a private copy of it, and with `--json`
//! descriptor 1 itself leads to stderr.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use crossbeam_channel::Sender;

/// Whether the program was started without a stdout. Asked before `main`, since Rust's own start
/// puts `/dev/null` in the place of what is closed, and then it looks like somebody's wish.
static CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what runs before `main` is named by its section")]
// SAFETY: the section holds pointers to functions that the C library calls once, in order, before
// `main`. This one calls fcntl, which needs no part of Rust's runtime, and writes an atomic.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK_AT_STDOUT: extern "C" fn() = {
    extern "C" fn look() {
        // SAFETY: a descriptor is only a number here, and one that is not open is refused.
        let closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } < 0;
        CLOSED.store(closed, Ordering::Relaxed);
    }
    look
};

/// Opens the private copy. With `redirect`, what anybody else writes to stdout goes to stderr from
/// now on.
///
/// # Errors
/// If stdout is closed, or no descriptor is left.
#[expect(unsafe_code, reason = "numbered descriptors are C API only")]
pub(super) fn private_stdout(redirect: bool) -> io::Result<File> {
    if CLOSED.load(Ordering::Relaxed) {
        return Err(io::Error::other("stdout is closed, so there is nowhere to write to"));
    }
    // SAFETY: descriptors are only numbers here; a failure is a negative one, and the new one is
    // owned by nobody else.
    unsafe {
        let copy = libc::fcntl(libc::STDOUT_FILENO, libc::F_DUPFD_CLOEXEC, 10);
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        if redirect && libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) < 0 {
            return Err(io::Error::last_os_error());
        }
        close_in_children(copy);
        Ok(File::from_raw_fd(copy))
    }
}

/// Takes stdin away from everybody else, who finds an empty one in its place.
///
/// # Errors
/// If stdin is closed, or no descriptor is left.
#[expect(unsafe_code, reason = "numbered descriptors are C API only")]
pub(super) fn private_stdin() -> io::Result<File> {
    let nothing = File::open("/dev/null")?;
    // SAFETY: descriptors are only numbers here; a failure is a negative one, and the new one is
    // owned by nobody else.
    unsafe {
        let copy = libc::fcntl(libc::STDIN_FILENO, libc::F_DUPFD_CLOEXEC, 10);
        if copy < 0 || libc::dup2(nothing.as_raw_fd(), libc::STDIN_FILENO) < 0 {
            return Err(io::Error::last_os_error());
        }
        close_in_children(copy);
        Ok(File::from_raw_fd(copy))
    }
}

/// A copy of stderr for the program's own messages.
///
/// # Errors
/// If stderr is closed, or no descriptor is left.
pub(super) fn private_stderr() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?))
}

/// Whether stdout and stderr lead to one place, such as a terminal, where the order of what is written
/// to the two can be seen.
pub(super) fn is_one_place() -> bool {
    let place = |descriptor: io::Result<OwnedFd>| -> io::Result<(u64, u64)> {
        let metadata = File::from(descriptor?).metadata()?;
        Ok((metadata.dev(), metadata.ino()))
    };
    let out = place(io::stdout().as_fd().try_clone_to_owned());
    let err = place(io::stderr().as_fd().try_clone_to_owned());
    matches!((out, err), (Ok(out), Ok(err)) if out == err)
}

/// What a plugin forks would keep the reader waiting for the end for as long as it lives, and might read
/// what is meant for us.
static PRIVATE: [AtomicI32; 3] = [const { AtomicI32::new(-1) }; 3];

/// Has a copy of this process that is made by forking it close `descriptor`.
#[expect(unsafe_code, reason = "what happens in a fork is C API only")]
fn close_in_children(descriptor: RawFd) {
    extern "C" fn close_all() {
        for descriptor in &PRIVATE {
            // SAFETY: close is safe in a handler. The copy has none of our threads, so nobody in it
            // uses the descriptor or closes it again; -1 is refused.
            unsafe {
                libc::close(descriptor.load(Ordering::Relaxed));
            }
        }
    }
    let free = |place: &&AtomicI32| {
        place.compare_exchange(-1, descriptor, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    };
    if PRIVATE.iter().position(|place| free(&place)) == Some(0) {
        // SAFETY: the handler only closes descriptors. If it cannot be registered, children keep
        // them, which harms only who forks.
        unsafe {
            libc::pthread_atfork(None, None, Some(close_all));
        }
    }
}

/// Tells `closed` when the reader of `output` has gone away, also while there is nothing to write.
///
/// # Errors
/// If no thread or descriptor is left.
#[expect(unsafe_code, reason = "poll is C API only")]
pub(super) fn watch_reader(output: &File, closed: Sender<()>) -> io::Result<()> {
    let output = output.try_clone()?;
    close_in_children(output.as_raw_fd());
    thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let mut entry = libc::pollfd { fd: output.as_raw_fd(), events: 0, revents: 0 };
        loop {
            // SAFETY: one entry, alive for the call; nothing is asked for but errors and hang-ups,
            // which are told always.
            let answer = unsafe { libc::poll(&raw mut entry, 1, -1) };
            let interrupted =
                answer < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
            if !interrupted {
                break;
            }
        }
        if entry.revents & (libc::POLLERR | libc::POLLHUP) != 0 {
            let _ = closed.send(());
        }
    })?;
    Ok(())
}
