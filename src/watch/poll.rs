//! Looking at files again and again, where nobody tells.
//!
//! A thread of its own compares what it finds with what it found before, and tells the difference
//! as if the system had told it. Metadata are compared; contents are read only where those differ,
//! and not here. It has no timer while there is nothing to look at, and takes a bounded share of a
//! core otherwise.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender as Channel, unbounded};

use super::followed::Followed;
use super::ignore::is_litter;
use super::raw::{Raw, RawKind, Sender, is_relevant};

/// The pause between two passes if nobody says.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// For each second of looking, so many of rest: a twentieth of a core is spent.
const REST: u32 = 19;

/// A file that changed is looked at again after this time, to see whether somebody still writes.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// For so long a change is told again and again: some file systems note times in steps of two
/// seconds, and then a further change of the same size cannot be seen. And whoever is told looks for
/// himself, later: he may meet a file that came and went between two passes.
const COARSEST_CLOCK: Duration = Duration::from_secs(2);

/// What is polled, seen from the thread that decides it.
#[derive(Debug)]
pub(super) struct Poller {
    sender: Sender,
    pause: Duration,
    orders: Option<Channel<Order>>,
}

#[derive(Debug)]
enum Order {
    Folder(PathBuf, Option<Stamp>, Listing),
    Path(PathBuf, Option<Stamp>),
    Met(Vec<PathBuf>),
    Forget(PathBuf),
}

impl Poller {
    /// A poller of nothing that will tell `sender`.
    pub(super) fn new(sender: Sender, pause: Duration) -> Self {
        Self { sender, pause, orders: None }
    }

    /// What is directly in `folder` is polled from now on: whoever lists it after this call misses
    /// nothing.
    pub(super) fn folder(&mut self, folder: &Path) {
        let listing = list(folder, &self.sender.followed());
        self.order(Order::Folder(folder.to_owned(), Stamp::of(folder), listing));
    }

    /// The path is polled from now on: whether it is there, and where it leads.
    pub(super) fn path(&mut self, path: &Path) {
        self.order(Order::Path(path.to_owned(), Stamp::of(path)));
    }

    /// These files were found in folders that are polled. One that came after the folder was looked
    /// at may be gone before it is looked at again, and only whoever found it knows of it.
    pub(super) fn met(&mut self, files: &[PathBuf]) {
        if self.orders.is_some() && !files.is_empty() {
            self.order(Order::Met(files.to_owned()));
        }
    }

    /// The folder or path is not polled any more.
    pub(super) fn forget(&mut self, path: &Path) {
        if self.orders.is_some() {
            self.order(Order::Forget(path.to_owned()));
        }
    }

    fn order(&mut self, order: Order) {
        if self.orders.is_none() {
            let (send, orders) = unbounded();
            let (sender, pause) = (self.sender.clone(), self.pause);
            let looker = Looker::new(orders, sender, pause);
            match thread::Builder::new().name("poll".to_owned()).spawn(move || looker.run()) {
                Ok(_) => self.orders = Some(send),
                Err(error) => tracing::error!(%error, "files cannot be polled"),
            }
        }
        if let Some(orders) = &self.orders {
            // The thread lives as long as this sender.
            let _ = orders.send(order);
        }
    }
}

/// What identifies a state of a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    place: (u64, u64),
    kind: u32,
    /// Size and times; of a folder they say only that something in it changed.
    content: Option<(u64, i64, i64, i64, i64)>,
}

impl Facts {
    fn of(data: &Metadata) -> Self {
        let times = (data.size(), data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec());
        Self {
            place: (data.dev(), data.ino()),
            kind: data.mode() & libc::S_IFMT,
            content: (!data.is_dir()).then_some(times),
        }
    }
}

/// A path as it was found: itself, and what it leads to if it is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    own: Facts,
    target: Option<Facts>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        Self::of_entry(path, &fs::symlink_metadata(path).ok()?)
    }

    fn of_entry(path: &Path, own: &Metadata) -> Option<Self> {
        let target = own.is_symlink().then(|| fs::metadata(path).ok()).flatten();
        Some(Self { own: Facts::of(own), target: target.as_ref().map(Facts::of) })
    }

    /// What it is in the end.
    fn facts(&self) -> Facts {
        self.target.unwrap_or(self.own)
    }

    fn is_folder(&self) -> bool {
        self.facts().kind == libc::S_IFDIR
    }

    /// Whether it is so new that its times may stand for another state as well.
    fn is_fresh(&self, now: SystemTime) -> bool {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let oldest = now.saturating_sub(COARSEST_CLOCK).as_secs();
        let modified = self.facts().content.map(|(_, seconds, ..)| seconds);
        modified.is_some_and(|modified| i64::try_from(oldest).is_ok_and(|old| modified >= old))
    }
}

type Listing = BTreeMap<OsString, Stamp>;

/// What in a folder can matter: files of plugins, those that plugins name, folders, links, and version
/// control's folder.
fn list(folder: &Path, followed: &Followed) -> Listing {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let stamp = |entry: fs::DirEntry| {
        let (name, kind, path) = (entry.file_name(), entry.file_type().ok()?, entry.path());
        let text = name.to_string_lossy();
        let hidden =
            if kind.is_dir() { text.starts_with('.') && name != ".git" } else { is_litter(&text) };
        let by_name = is_relevant(&path) || followed.counts(&path);
        let matters = kind.is_dir() || kind.is_symlink() || by_name;
        if hidden || !matters {
            return None;
        }
        Some((name, Stamp::of_entry(&path, &entry.metadata().ok()?)?))
    };
    entries.filter_map(stamp).collect()
}

/// The thread that looks.
struct Looker {
    orders: Receiver<Order>,
    sender: Sender,
    pause: Duration,
    folders: BTreeMap<PathBuf, (Option<Stamp>, Listing)>,
    paths: BTreeMap<PathBuf, Option<Stamp>>,
    /// What changed a moment ago, with when that was first seen.
    recent: HashMap<PathBuf, (Option<Stamp>, Instant)>,
}

impl Looker {
    fn new(orders: Receiver<Order>, sender: Sender, pause: Duration) -> Self {
        let (folders, paths, recent) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { orders, sender, pause, folders, paths, recent }
    }

    fn run(mut self) {
        let mut next = Instant::now() + self.pause;
        loop {
            let order = if self.folders.is_empty() && self.paths.is_empty() {
                let order = self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected);
                next = Instant::now() + self.pause;
                order
            } else {
                let second = Instant::now() + SECOND_LOOK;
                let due = if self.recent.is_empty() { next } else { next.min(second) };
                self.orders.recv_deadline(due)
            };
            match order {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    self.look_twice();
                    let began = Instant::now();
                    if began >= next {
                        self.look();
                        let rest = began.elapsed().saturating_mul(REST);
                        next = Instant::now() + self.pause.max(rest);
                    }
                }
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Folder(folder, stamp, listing) => {
                let now = SystemTime::now();
                for (name, stamp) in listing.iter().filter(|(_, stamp)| stamp.is_fresh(now)) {
                    self.recent.insert(folder.join(name), (Some(*stamp), Instant::now()));
                }
                self.folders.insert(folder, (stamp, listing));
            }
            Order::Path(path, stamp) => _ = self.paths.insert(path, stamp),
            Order::Met(files) => {
                for file in files {
                    let listing = file.parent().and_then(|folder| self.folders.get(folder));
                    let is_listed = listing.is_some_and(|(_, listing)| {
                        file.file_name().is_some_and(|name| listing.contains_key(name))
                    });
                    if !is_listed {
                        self.recent.entry(file).or_insert((None, Instant::now()));
                    }
                }
            }
            Order::Forget(path) => {
                self.folders.remove(&path);
                self.paths.remove(&path);
                self.recent.retain(|recent, _| recent.parent() != Some(&path));
            }
        }
    }

    fn look(&mut self) {
        let followed = self.sender.followed();
        let mut told = Vec::new();
        for (folder, (itself, old)) in &mut self.folders {
            let now = Stamp::of(folder);
            if now != *itself {
                told.push((folder.clone(), *itself, now));
                *itself = now;
            }
            let new = list(folder, &followed);
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                told.push((folder.join(name), None, None));
            }
            for (name, stamp) in &new {
                let before = old.get(name).copied();
                if before != Some(*stamp) {
                    told.push((folder.join(name), before, Some(*stamp)));
                }
            }
            *old = new;
        }
        for (path, old) in &mut self.paths {
            let new = Stamp::of(path);
            if new != *old {
                told.push((path.clone(), *old, new));
                *old = new;
            }
        }
        for (path, old, new) in told {
            self.tell(path, old, new);
        }
    }

    fn tell(&mut self, path: PathBuf, old: Option<Stamp>, new: Option<Stamp>) {
        let Some(stamp) = new else {
            self.recent.insert(path.clone(), (None, Instant::now()));
            return self.send(path, RawKind::Gone);
        };
        let same_thing = old.is_some_and(|old| {
            old.is_folder() == stamp.is_folder() && old.own.kind == stamp.own.kind
        });
        if stamp.is_folder() || !same_thing || stamp.own.kind == libc::S_IFLNK {
            if old.is_some() {
                self.send(path.clone(), RawKind::Gone);
            }
            self.send(path.clone(), RawKind::Arrived);
        } else {
            self.send(path.clone(), RawKind::Writing);
        }
        if !stamp.is_folder() {
            self.recent.insert(path, (Some(stamp), Instant::now()));
        }
    }

    /// Looks again at what changed a moment ago.
    fn look_twice(&mut self) {
        let mut told = Vec::new();
        self.recent.retain(|path, (stamp, since)| {
            let new = Stamp::of(path);
            let kind = match new {
                None => RawKind::Gone,
                Some(_) if stamp.is_none() => RawKind::Arrived,
                Some(_) if new == *stamp => RawKind::Finished,
                Some(_) => RawKind::Writing,
            };
            told.push((path.clone(), kind));
            if new != *stamp {
                (*stamp, *since) = (new, Instant::now());
            }
            let is_folder = new.is_some_and(|new| new.is_folder());
            since.elapsed() < COARSEST_CLOCK && !is_folder
        });
        for (path, kind) in told {
            self.send(path, kind);
        }
    }

    fn send(&self, path: PathBuf, kind: RawKind) {
        self.sender.send(Raw::Path { path, kind, seen: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_between_two_looks_is_told_when_it_is_gone() {
        let scene = tempfile::tempdir().unwrap();
        let (send, told) = unbounded();
        let mut poller = Poller::new(Sender::new(send), Duration::from_millis(10));
        poller.folder(scene.path());
        // It came after the folder was looked at, was found there, and is gone before the next look.
        let file = scene.path().join("a.py");
        poller.met(std::slice::from_ref(&file));
        let raw = told.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(
            matches!(&raw, Raw::Path { path, kind: RawKind::Gone, .. } if *path == file),
            "{raw:?}"
        );
    }
}
