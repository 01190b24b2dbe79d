//! The program that a host process runs, and what it inherits.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
#[cfg(feature = "embed")]
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::child::ChildOptions;
use crate::python::{Interpreter, Outside, StartupError};

/// The hidden command that makes this program a host.
pub const HOST_COMMAND: &str = "__host";

/// The program that a host is: this one with the interpreter that it was built with, or another
/// interpreter with the wheel.
#[cfg(feature = "embed")]
pub(super) fn command(options: &ChildOptions) -> Result<Command, StartupError> {
    let mut command = match Interpreter::choose(options.python.as_deref()) {
        Err(StartupError::OtherVersion { origin, path, .. }) => {
            Outside::check(origin, &path)?.command()
        }
        Err(error) => return Err(error),
        Ok(_) => {
            let own = own_program().map_err(|error| StartupError::Failed(error.to_string()))?;
            let mut command = Command::new(own);
            command.arg0("replug-host").arg(HOST_COMMAND);
            if let Some(python) = &options.python {
                command.arg("--python").arg(python);
            }
            command
        }
    };
    tell(&mut command, options);
    Ok(command)
}

/// The program that a host is: the interpreter that this is installed in, or another one with the
/// wheel.
#[cfg(not(feature = "embed"))]
pub(super) fn command(options: &ChildOptions) -> Result<Command, StartupError> {
    let outside = match Interpreter::choose(options.python.as_deref()) {
        Err(StartupError::OtherVersion { origin, path, .. }) => Outside::check(origin, &path)?,
        Err(error) => return Err(error),
        Ok(own) => Outside::known(own.executable().to_owned(), own.start()?.version),
    };
    let mut command = outside.command();
    tell(&mut command, options);
    Ok(command)
}

/// What every host is told.
fn tell(command: &mut Command, options: &ChildOptions) {
    command.arg("--log").arg(&options.log);
    if let Some(cache) = &options.cache {
        command.arg("--cache").arg(cache);
    }
}

/// Has the child find these descriptors at their places, in a process group of its own.
#[expect(unsafe_code, reason = "what is done between fork and exec")]
pub(super) fn inherit(command: &mut Command, inherited: [(RawFd, RawFd); 3]) -> io::Result<()> {
    // High numbers, so that putting one in its place does not close another.
    let copies: io::Result<Vec<(OwnedFd, RawFd)>> =
        inherited.into_iter().map(|(from, to)| Ok((high_copy(from)?, to))).collect();
    let inherited = copies?;
    command.stdin(Stdio::null());
    let prepare = move || {
        for (from, to) in &inherited {
            // SAFETY: between fork and exec only such calls are allowed; both are.
            if unsafe { libc::dup2(from.as_raw_fd(), *to) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: as above.
        if unsafe { libc::setpgid(0, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: the closure calls nothing but dup2 and setpgid, and allocates nothing.
    unsafe { command.pre_exec(prepare) };
    Ok(())
}

#[cfg(feature = "embed")]
/// This program, also if its file was replaced meanwhile.
fn own_program() -> io::Result<PathBuf> {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { Ok(own) } else { std::env::current_exe() }
}

#[expect(unsafe_code, reason = "choosing a descriptor's number is C API only")]
fn high_copy(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is open, and the copy is nobody else's.
    unsafe {
        let copy = libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 64);
        if copy < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(copy))
    }
}
