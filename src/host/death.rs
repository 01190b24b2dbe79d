//! What a person can learn of the end of a host process.
//!
//! Takes how it ended and what it left in the crash file; gives a fault of phase `host`.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::serve::CUT_OFF;
use crate::model::{Phase, PluginFault};

/// Begins the lines of the crash file that are ours; all others are stacks.
pub(crate) const MARK: &str = "replug: ";

/// Such a line begins so if no call was under way, but somebody waited for the GIL.
pub(crate) const KEPT_GIL: &str = "kept Python's global interpreter lock (GIL)";

/// When the interpreter was found broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoiled {
    /// After the call under way, which did it.
    ByTheCall,
    /// Before it, so somebody else did.
    Before,
}

impl Spoiled {
    /// The exit code that says so.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::ByTheCall => 122,
            Self::Before => 123,
        }
    }
}

/// Whether the call under way had no part in this end.
pub(super) fn is_innocent(status: ExitStatus, crash: &str) -> bool {
    status.code() == Some(Spoiled::Before.code()) || kept_gil(crash).is_some()
}

fn kept_gil(crash: &str) -> Option<&str> {
    mark(crash).filter(|what| what.starts_with(KEPT_GIL))
}

fn mark(crash: &str) -> Option<&str> {
    crash.lines().find_map(|line| line.strip_prefix(MARK))
}

/// The end of a process; `None` if it did not end by itself, but let go of its supervisor.
pub(super) fn describe(status: Option<ExitStatus>, crash: &str) -> PluginFault {
    let hung = mark(crash);
    let ended = status.map_or_else(killed, end);
    let message = match (hung, status) {
        (Some(what), _) if kept_gil(crash).is_some() => format!(
            "a thread of a plugin {what}, so that nothing else could run; its process was ended with \
             {ended}"
        ),
        (Some(what), Some(status)) if is_innocent(status, crash) => format!(
            "a plugin, maybe a thread of it, broke the interpreter that all share: {what}; so the \
             process was ended with {}",
            end(status)
        ),
        (Some(what), Some(status)) if status.code() == Some(Spoiled::ByTheCall.code()) => {
            format!(
                "it broke the interpreter that all plugins share: {what}; so the process was ended \
                 with {}",
                end(status)
            )
        }
        (Some(hung), _) => {
            format!("it {hung} and could not be interrupted, so its process was ended with {ended}")
        }
        (None, Some(status)) if status.code() != Some(CUT_OFF) => {
            format!("the process that plugins run in ended with {}", end(status))
        }
        (None, _) => format!(
            "the process that plugins run in closed its connection to replug, so it was ended with \
             {ended}"
        ),
    };
    let mut fault = PluginFault::new(Phase::Host, "HostDied", message);
    let stacks = crash.lines().filter(|line| !is_ours(line)).collect::<Vec<_>>();
    fault.traceback = Some(stacks.join("\n")).filter(|text| !text.trim().is_empty());
    fault
}

/// The end of a process that a signal had stopped, and that nothing let go on.
pub(super) fn describe_stopped(signal: i32) -> PluginFault {
    let by = match signal_name(signal) {
        Some(name) => format!("signal {signal} ({name})"),
        None => format!("signal {signal}"),
    };
    let message = format!(
        "the process that plugins run in was stopped by {by} and stayed so beyond the deadline, so it \
         was ended with {}",
        killed()
    );
    PluginFault::new(Phase::Host, "HostDied", message)
}

/// The end that we make of what does not end by itself.
fn killed() -> String {
    format!("signal {} (SIGKILL)", libc::SIGKILL)
}

fn is_ours(line: &str) -> bool {
    line.starts_with(MARK) || line.trim_start().starts_with("File \"<replug ")
}

fn end(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal_name(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "an unknown end".to_owned(),
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGALRM => "SIGALRM",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGHUP => "SIGHUP",
        libc::SIGILL => "SIGILL",
        libc::SIGINT => "SIGINT",
        libc::SIGKILL => "SIGKILL: somebody killed it, or the system ran out of memory",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSTOP => "SIGSTOP",
        libc::SIGSYS => "SIGSYS",
        libc::SIGTERM => "SIGTERM",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGTSTP => "SIGTSTP",
        libc::SIGTTIN => "SIGTTIN",
        libc::SIGTTOU => "SIGTTOU",
        libc::SIGXCPU => "SIGXCPU: it used up its processor time",
        libc::SIGXFSZ => "SIGXFSZ: it wrote too large a file",
        _ => return None,
    })
}
