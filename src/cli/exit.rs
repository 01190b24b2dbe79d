//! How the program ends.

use crate::keys;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Stopped cleanly.
    Clean,
    /// A fatal fault, or a single pass found one.
    Fault,
    /// Bad usage or configuration.
    Usage,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Fault => 1,
            Self::Usage => 2,
        }
    }
}

/// Ends the process at once: everything that is to be written was flushed, and the terminal is put
/// right. Threads that plugins left
/// running, and the exit handlers of libraries that they loaded, do not hold it up.
#[expect(unsafe_code, reason = "std's exit runs handlers of C libraries under running threads")]
pub fn leave(exit: Exit) -> ! {
    keys::restore();
    // SAFETY: ends the process; nothing of it is used afterwards.
    unsafe { libc::_exit(i32::from(exit.code())) }
}
