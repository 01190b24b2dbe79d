//! When a change has settled: raw changes go in, batches that are worth acting on come out.
//!
//! A pure state machine. It has no clock, no thread and no I/O: each call is told the time, and
//! [`Debouncer::deadline`] says when it has to be called next, so an idle watch never wakes up.
//! Times need not be in order, since several callback threads may feed it.

mod waiting;

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::{Change, ChangeKind};

use self::waiting::Waiting;

/// How long what has to be quiet before it counts as settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// For one finished path alone.
    pub lone: Duration,
    /// For several finished paths, or one soon after a batch; never less than `lone`.
    pub burst: Duration,
    /// The longest that a finished path waits, however restless it or the others are.
    pub cap: Duration,
    /// For a path that was written to and is still open.
    pub open: Duration,
    /// For a path that was found empty: whoever truncated it is expected to write.
    pub empty: Duration,
    /// For a path that vanished. Others that vanish within `burst` of it are waited for, for `cap`
    /// at most.
    pub gone: Duration,
}

impl Settle {
    /// The defaults with another quiet time for bursts. The cap grows with it where it has to:
    /// a cap at or below the quiet time would cut every burst short.
    pub fn with_burst(burst: Duration) -> Self {
        let settle = Self::default();
        Self { burst, cap: settle.cap.max(burst.saturating_mul(2)), ..settle }
    }
}

impl Default for Settle {
    fn default() -> Self {
        Self {
            // About as long as compiling a small plugin takes, which goes on meanwhile; files that a
            // tool writes in one go follow each other in a fifth of it.
            lone: Duration::from_micros(500),
            burst: Duration::from_millis(20),
            cap: Duration::from_millis(300),
            open: Duration::from_millis(300),
            empty: Duration::from_millis(500),
            gone: Duration::from_millis(150),
        }
    }
}

/// What settled together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Each path once, sorted by path.
    pub changes: Vec<Settled>,
    /// Paths that vanished a moment ago and are not yet counted as deleted, sorted. If a path of
    /// `changes` turns out to be one of them under a new name, [`Debouncer::forget_gone`] it.
    pub vanishing: Vec<PathBuf>,
    /// When the earliest of `changes` was first seen.
    pub first_seen: Instant,
}

/// One settled path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The path, as it was pushed.
    pub path: PathBuf,
    /// What became of it.
    pub kind: SettledKind,
    /// It was deferred, and nothing has happened to it since: if it is still empty, it is meant to
    /// be.
    pub deferred: bool,
}

/// What became of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettledKind {
    /// It can be read.
    Present,
    /// It vanished and did not come back.
    Gone,
}

/// What is remembered of a path from its first change until it is given out.
#[derive(Clone, Copy, Debug)]
struct Dirty {
    /// When it was first seen to change; coming back after vanishing counts as a new change.
    first: Instant,
    /// When it was first seen finished. It outlives a return to writing, so that a path that is
    /// saved over and over cannot put off the cap.
    finished: Option<Instant>,
    /// See [`Settled::deferred`].
    deferred: bool,
}

/// The span of time over which the paths that are finished now became so.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: Instant,
    last: Instant,
}

/// Collects changes until they have settled. See the module.
///
/// A path is in one of three states, and the last change decides which: *finished* paths go out
/// together, after a quiet time that depends on how busy it is; a path that is being *written*
/// waits for its own quiet and goes as long as it is written to, for half a file must not be read;
/// a path that is *gone* waits for its own time. None of the latter two holds back the finished.
#[derive(Debug, Default)]
pub struct Debouncer {
    settle: Settle,
    finished: BTreeMap<PathBuf, Dirty>,
    /// Of `finished`; none if that is empty. A path that leaves `finished` early stays counted,
    /// which can only make the others go sooner.
    span: Option<Span>,
    writing: Waiting,
    gone: Waiting,
    /// When the last of those deletions was seen that follow one another closely, from the earliest
    /// in `gone` on. A folder is deleted file by file, and half a folder plugin is a faulty one.
    gone_together: Option<Instant>,
    held: Option<Instant>,
    /// When finished paths last went out. Deletions and files left open do not count: they come
    /// out late and say nothing of how busy it is now.
    taken: Option<Instant>,
}

impl Debouncer {
    /// An idle one.
    pub fn new(settle: Settle) -> Self {
        Self { settle, ..Self::default() }
    }

    /// Changes the quiet times, also for what is waiting now.
    pub fn set_settle(&mut self, settle: Settle) {
        self.settle = settle;
    }

    /// Takes up a change that the watch saw at `seen`. The last one pushed wins, not the last one
    /// seen: the order of the queue is closer to the truth than clocks read in several threads.
    pub fn push(&mut self, change: Change, seen: Instant) {
        let Change { path, kind } = change;
        let was_finished = self.finished.remove(&path);
        let was_writing = self.writing.remove(&path);
        let vanished = self.gone.remove(&path);
        let before = was_finished
            .or(was_writing.map(|(_, dirty)| dirty))
            .or(vanished.map(|(_, dirty)| Dirty { first: seen, ..dirty }));
        let mut dirty = before.unwrap_or(Dirty { first: seen, finished: None, deferred: false });
        dirty.first = dirty.first.min(seen);
        // Somebody is still at work on it, so what was found empty may well be so once more.
        dirty.deferred = false;

        match kind {
            ChangeKind::Finished => {
                let since = dirty.finished.map_or(seen, |finished| finished.min(seen));
                dirty.finished = Some(since);
                self.span = Some(match self.span {
                    Some(span) => Span { first: span.first.min(since), last: span.last.max(seen) },
                    None => Span { first: since, last: seen },
                });
                self.finished.insert(path, dirty);
            }
            ChangeKind::Writing => {
                let last = was_writing.map_or(seen, |(last, before)| {
                    // What was put back waits from another time than the one it was put back at.
                    if before.deferred { before.first.max(seen) } else { last.max(seen) }
                });
                self.writing.insert(path, last, dirty);
            }
            ChangeKind::Gone => {
                // One deletion may be told twice; the path has been away since the first.
                let since = vanished.map_or(seen, |(since, _)| since.min(seen));
                dirty.first = dirty.first.min(since);
                self.gone.insert(path, since, dirty);
                let last = self.gone_together.unwrap_or(since);
                if since <= after(last, self.settle.burst) {
                    self.gone_together = Some(last.max(since));
                }
            }
        }
        if self.gone.is_empty() {
            self.gone_together = None;
        }
        self.forget_span_if_empty();
    }

    /// Puts back a path that was given out and found empty at `now`: it was truncated, and its
    /// content is probably on the way. It counts as being written, and waits for its own time. If it
    /// changed again meanwhile that stands; if it vanished there is nothing to wait for.
    pub fn defer(&mut self, path: PathBuf, now: Instant) {
        let changed_again = self.finished.contains_key(&path) || self.writing.contains(&path);
        if changed_again || self.gone.contains(&path) {
            return;
        }
        // All that is written waits equally long, from the time that stands for its last change.
        let since = after(now, self.settle.empty.saturating_sub(self.settle.open));
        self.writing.insert(path, since, Dirty { first: now, finished: None, deferred: true });
    }

    /// Drops a path of [`Batch::vanishing`] that was found again under another name. False if it
    /// is not waiting to be deleted (any more).
    pub fn forget_gone(&mut self, path: &Path) -> bool {
        let was_gone = self.gone.remove(path).is_some();
        if self.gone.is_empty() {
            self.gone_together = None;
        }
        was_gone
    }

    /// Gives nothing out before [`release`](Self::release), or `until` if that comes first:
    /// version control is at work, and what lies on disk is half of one state and half of another.
    /// A later call replaces `until`.
    pub fn hold(&mut self, until: Instant) {
        self.held = Some(until);
    }

    /// Ends a hold. What has settled meanwhile is due at once.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Whether nothing is waiting.
    pub fn is_idle(&self) -> bool {
        self.finished.is_empty() && self.writing.is_empty() && self.gone.is_empty()
    }

    /// When [`take`](Self::take) gives the next batch if nothing else comes, which may be in the
    /// past; none if it is idle.
    pub fn deadline(&self) -> Option<Instant> {
        let writing = self.writing.earliest().map(|last| after(last, self.settle.open));
        let due = [self.finished_due(), writing, self.gone_due()].into_iter().flatten().min()?;
        Some(self.held.map_or(due, |until| due.max(until)))
    }

    /// What has settled by `now`: all finished paths if their quiet time is over, and what is due
    /// of the others. None if that is nothing.
    pub fn take(&mut self, now: Instant) -> Option<Batch> {
        if self.held.is_some_and(|until| now < until) {
            return None;
        }
        self.held = None;

        let mut present = self.writing.take_due(now, self.settle.open);
        if self.finished_due().is_some_and(|due| due <= now) {
            present.extend(mem::take(&mut self.finished));
            self.span = None;
            self.taken = Some(now);
        }
        let mut gone = Vec::new();
        if self.gone_due().is_some_and(|due| due <= now) {
            gone = self.gone.take_due(now, self.settle.gone);
            self.gone_together = self.gone.end_of_chain(self.settle.burst);
        }
        let first_seen = present.iter().chain(&gone).map(|(_, dirty)| dirty.first).min()?;

        let settled = |kind| {
            move |(path, dirty): (PathBuf, Dirty)| Settled { path, kind, deferred: dirty.deferred }
        };
        let mut changes: Vec<Settled> = present
            .into_iter()
            .map(settled(SettledKind::Present))
            .chain(gone.into_iter().map(settled(SettledKind::Gone)))
            .collect();
        changes.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Some(Batch { changes, vanishing: self.gone.paths(), first_seen })
    }

    /// The one finished path that waits for nothing but the lone quiet time, so that it can be
    /// compiled ahead meanwhile.
    pub fn peek_lone(&self) -> Option<&Path> {
        let lone = self.span.is_some_and(|span| !self.is_busy(span)) && self.held.is_none();
        self.finished.keys().next().filter(|_| lone).map(PathBuf::as_path)
    }

    /// When the finished paths go out.
    fn finished_due(&self) -> Option<Instant> {
        let Settle { lone, burst, cap, .. } = self.settle;
        let span = self.span?;
        let quiet = if self.is_busy(span) { burst.max(lone) } else { lone };
        Some(after(span.last, quiet).min(after(span.first, cap)))
    }

    /// When the deletions go out that have waited longest, with those that followed closely.
    fn gone_due(&self) -> Option<Instant> {
        let Settle { cap, gone, .. } = self.settle;
        let first = self.gone.earliest()?;
        let last = self.gone_together.map_or(first, |last| last.max(first));
        Some(after(last, gone).min(after(after(first, gone), cap)))
    }

    /// Whether more changes are likely to follow: several paths are finished, or the first of
    /// them came close on the heels of a batch. Judged by the first, so that a storm of saves of
    /// one path stays a storm until the cap.
    fn is_busy(&self, span: Span) -> bool {
        let burst = self.settle.burst;
        self.finished.len() > 1
            || self.taken.is_some_and(|at| span.first.saturating_duration_since(at) < burst)
    }

    fn forget_span_if_empty(&mut self) {
        if self.finished.is_empty() {
            self.span = None;
        }
    }
}

/// `at` and `wait` later; `at` itself where a wait of aeons does not fit into a time.
fn after(at: Instant, wait: Duration) -> Instant {
    at.checked_add(wait).unwrap_or(at)
}
