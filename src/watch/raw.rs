//! The watcher's callback: sorts what the system tells, and forwards it without ever waiting.
//!
//! Our own reading of files comes back as events, and so does every metadata change of every
//! neighbour; what cannot matter ends here.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender as Channel, TrySendError, unbounded};
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::followed::Followed;
use super::place::COOKIE;
use crate::model::{MANIFEST, is_python};

/// What the system tells about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// Something happened to a path.
    Path {
        /// Where.
        path: PathBuf,
        /// What.
        kind: RawKind,
        /// When it was told.
        seen: Instant,
    },
    /// Events were lost, or the watcher does not know any more what it watches.
    Lost(String),
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawKind {
    /// Closed after writing.
    Finished,
    /// Written to.
    Writing,
    /// Made: a file that may still be empty, a link, a folder.
    Created,
    /// Renamed to this name: a whole file or a whole folder.
    Arrived,
    /// Deleted or renamed away.
    Gone,
    /// Its mode or owner changed: it may be readable now.
    Touched,
}

/// The way from the callback to the loop. Nothing waits here: if the loop is that far behind, what
/// does not fit is remembered as lost.
#[derive(Clone, Debug)]
pub struct Sender {
    channel: Channel<Raw>,
    lost: Arc<AtomicBool>,
    followed: Followed,
}

impl Sender {
    /// A sender into `channel`.
    pub fn new(channel: Channel<Raw>) -> Self {
        Self { channel, lost: Arc::new(AtomicBool::new(false)), followed: Followed::default() }
    }

    /// Whether something did not fit since the last time this was asked.
    pub fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    /// Which files count beside those that do by their names.
    pub(super) fn followed(&self) -> Followed {
        self.followed.clone()
    }

    pub(super) fn send(&self, raw: Raw) {
        if let Err(TrySendError::Full(_)) = self.channel.try_send(raw) {
            self.lost.store(true, Ordering::Relaxed);
        }
    }
}

/// Watches single folders.
pub(super) struct Watcher {
    inner: RecommendedWatcher,
    cookies: Receiver<PathBuf>,
}

impl Watcher {
    /// A watcher that tells `sender`.
    pub(super) fn new(sender: Sender) -> notify::Result<Self> {
        let (cookie, cookies) = unbounded();
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) if is_cookie(&event) => {
                for path in event.paths {
                    let _ = cookie.send(path);
                }
            }
            Ok(event) => forward(&sender, event),
            Err(error) => sender.send(Raw::Lost(error.to_string())),
        };
        notify::recommended_watcher(handler).map(|inner| Self { inner, cookies })
    }

    /// The cookies that were told: see [`place`](super::place).
    pub(super) fn cookies(&self) -> &Receiver<PathBuf> {
        &self.cookies
    }

    /// Watches what is directly in `folder`.
    pub(super) fn watch(&mut self, folder: &Path) -> notify::Result<()> {
        self.inner.watch(folder, RecursiveMode::NonRecursive)
    }

    /// Lets go of a folder, which may be gone already.
    pub(super) fn unwatch(&mut self, folder: &Path) {
        // The system drops the watch of a deleted folder by itself, and then there is nothing to
        // be let go of.
        let _ = self.inner.unwatch(folder);
    }
}

fn is_cookie(event: &Event) -> bool {
    let is_cookie = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(COOKIE))
    };
    !event.paths.is_empty() && event.paths.iter().all(is_cookie)
}

fn forward(sender: &Sender, event: Event) {
    let seen = Instant::now();
    if event.need_rescan() {
        sender.send(Raw::Lost("the system's queue of file events overflowed".to_owned()));
        return;
    }
    let Some(kind) = kind(event.kind) else { return };
    for path in event.paths {
        if may_matter(&path, kind) || sender.followed.counts(&path) {
            sender.send(Raw::Path { path, kind, seen });
        }
    }
}

fn kind(kind: EventKind) -> Option<RawKind> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => RawKind::Finished,
        EventKind::Access(_) | EventKind::Other => return None,
        EventKind::Create(CreateKind::Folder) => RawKind::Arrived,
        EventKind::Create(_) => RawKind::Created,
        // The two ends of a rename are told one by one; this is the same once more.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return None,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => {
            RawKind::Gone
        }
        EventKind::Modify(ModifyKind::Name(_)) => RawKind::Arrived,
        EventKind::Modify(ModifyKind::Metadata(_)) => RawKind::Touched,
        EventKind::Modify(_) => RawKind::Writing,
        EventKind::Any => RawKind::Arrived,
    })
}

/// Whether the loop may want to know. Anything may be a folder or a link when it comes or goes.
fn may_matter(path: &Path, kind: RawKind) -> bool {
    match kind {
        RawKind::Created | RawKind::Arrived | RawKind::Gone => true,
        // A settings file may have any name; in TOML there are few others.
        RawKind::Finished => is_relevant(path) || is_toml(path),
        RawKind::Writing | RawKind::Touched => is_relevant(path),
    }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

/// Whether a file of that name can be part of a plugin as far as this program follows it.
pub(crate) fn is_relevant(path: &Path) -> bool {
    is_python(path)
        || path.file_name().is_some_and(|name| name == MANIFEST)
        || path.extension().is_some_and(|extension| extension == "so" || extension == "pyd")
}
