//! Stops this process as Ctrl-Z does where nobody handles it.
//!
//! The system stops nobody whom nobody could continue, such as the only program of a terminal or of
//! a container. Only the default action knows that, so it is put in force for a moment.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Does what the system stops a program for that is in the background, without being stopped.
#[expect(unsafe_code, reason = "signal masks are C API only")]
pub(super) fn unstopped<T>(act: impl FnOnce() -> T) -> T {
    let mut output = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the first set is filled before it is used; the second one is filled by the call, or
    // stays the empty set that zeros are.
    unsafe {
        libc::sigemptyset(output.as_mut_ptr());
        libc::sigaddset(output.as_mut_ptr(), libc::SIGTTOU);
        libc::pthread_sigmask(libc::SIG_BLOCK, output.as_ptr(), before.as_mut_ptr());
    }
    let done = act();
    // SAFETY: as above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
    }
    done
}

/// Returns when somebody has continued the process, or at once if there is nobody to do so.
#[expect(unsafe_code, reason = "the disposition of a signal is C API only")]
pub(super) fn stop() -> io::Result<()> {
    let mut ours = MaybeUninit::<libc::sigaction>::zeroed();
    let mut default = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a `sigaction` of zeros with an action written into it is a whole one, and both are
    // alive for the calls. The first call fills `ours` or fails, and then nothing reads it.
    unsafe {
        (*default.as_mut_ptr()).sa_sigaction = libc::SIG_DFL;
        if libc::sigaction(libc::SIGTSTP, default.as_ptr(), ours.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::raise(libc::SIGTSTP);
        if libc::sigaction(libc::SIGTSTP, ours.as_ptr(), ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
