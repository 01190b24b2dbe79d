//! The terminal's mode: keys arrive at once and unseen, and nothing else is changed, so that
//! Ctrl-C, Ctrl-Z and Ctrl-\ stay signals and output looks as before.
//!
//! There is one terminal in a process, and whoever ends the process must be able to put it right,
//! so what it was is kept here for all.

use std::io::{self, Stdin};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, getpgrp};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    tcsetpgrp,
};

use super::stop;

/// The mode before ours; `None` while ours is not in force.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

fn before() -> MutexGuard<'static, Option<Termios>> {
    // Whoever panicked here left a whole value all the same.
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the terminal is ours at the moment. Another process group that touches it is stopped by
/// the system.
pub(super) fn is_foreground(terminal: &Stdin) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

/// Puts our mode in force, again if need be.
pub(super) fn enter(terminal: &Stdin) -> io::Result<()> {
    let mut before = before();
    let original = match before.as_ref() {
        Some(original) => original.clone(),
        None => tcgetattr(terminal)?,
    };
    let mut ours = original.clone();
    ours.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    ours.special_codes[SpecialCodeIndex::VMIN] = 1;
    ours.special_codes[SpecialCodeIndex::VTIME] = 0;
    *before = Some(original);
    Ok(tcsetattr(terminal, OptionalActions::Now, &ours)?)
}

/// The mode before somebody else was given the terminal, and whether ours was in force.
static LENT: Mutex<Option<(Termios, bool)>> = Mutex::new(None);

fn lent() -> MutexGuard<'static, Option<(Termios, bool)>> {
    LENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the terminal that stdin is to the process group `group`, or to other threads of this process,
/// in the mode that was before ours; keys are left alone meanwhile. Whether that is possible: it is
/// not if there is no terminal, if it is in somebody else's hands, or if it was given away already.
pub fn hand_over(group: Option<u32>) -> bool {
    let mut lent = lent();
    let terminal = io::stdin();
    if lent.is_some() || !is_foreground(&terminal) {
        return false;
    }
    let keys = before().is_some();
    put_back(OptionalActions::Now);
    let given = tcgetattr(&terminal).and_then(|mode| {
        if let Some(group) = group {
            let group = i32::try_from(group).ok().and_then(Pid::from_raw);
            tcsetpgrp(&terminal, group.ok_or(Errno::INVAL)?)?;
        }
        Ok(mode)
    });
    let Ok(mode) = given else {
        if keys {
            let _ = enter(&terminal);
        }
        return false;
    };
    *lent = Some((mode, keys));
    true
}

/// Takes the terminal back, if it was given away, and puts it right, whatever was done to it.
pub fn take_back() {
    let mut lent = lent();
    let Some((mode, keys)) = lent.take() else { return };
    let terminal = io::stdin();
    // A terminal that is gone needs no mode.
    let _ = stop::unstopped(|| {
        tcsetpgrp(&terminal, getpgrp())?;
        tcsetattr(&terminal, OptionalActions::Now, &mode)
    });
    if keys {
        let _ = enter(&terminal);
    }
}

/// Does `read` if the terminal is ours, and keeps it so meanwhile.
pub(super) fn while_ours<T>(terminal: &Stdin, read: impl FnOnce() -> T) -> Option<T> {
    let lent = lent();
    (lent.is_none() && is_foreground(terminal)).then(read)
}

/// Puts the mode back that was before ours, if ours is in force, for good. What was typed meanwhile
/// is thrown away, since it was meant for this program and not for the shell.
pub fn restore() {
    take_back();
    put_back(OptionalActions::Flush);
}

/// Puts the mode back that was before ours while the program is stopped. What was typed after
/// Ctrl-Z is kept: it is meant for the shell, or for this program if nobody stops it. (The terminal
/// itself throws away what was typed before.)
pub(super) fn lend() {
    put_back(OptionalActions::Now);
}

fn put_back(typed: OptionalActions) {
    let mut before = before();
    let terminal = io::stdin();
    if let Some(original) = before.take()
        && is_foreground(&terminal)
    {
        // A terminal that is gone needs no mode.
        let _ = tcsetattr(&terminal, typed, &original);
    }
}
