//! The folders that are watched, and those that are polled because they cannot be.
//!
//! The system knows a folder by its inode and notify by its path. Here both meet: a folder that was
//! reached in two ways is watched once, and what is told of it is told of each of its names.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::ErrorKind;

use super::place::{self, FileSystem, Limit, Sort};
use super::poll::{PAUSE, Poller};
use super::raw::{Sender, Watcher};
use crate::model::Warning;

/// What identifies a file or folder whatever its path.
pub(super) type Inode = (u64, u64);

/// How changes are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polling {
    /// The system tells; where it cannot, files are looked at again and again.
    #[default]
    Auto,
    /// The system tells, or nobody does.
    Never,
    /// Files are looked at again and again, this far apart.
    Every(Duration),
}

/// Why something is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// All that is in the folder matters, or it is a file that has several names.
    Listed,
    /// Something in it is on the way to a root, to a link's target, or to the settings.
    Way,
}

#[derive(Debug)]
struct Entry {
    inode: Inode,
    roles: [bool; 2],
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// notify knows it by this path.
    Watched,
    /// Another path of the same inode is watched.
    Alias,
    Polled,
    /// It could not be watched and must not be polled.
    Blind,
}

/// Everything that is watched or polled.
pub(super) struct Armed {
    /// `None`: nothing is, the tree is only listed.
    sender: Option<Sender>,
    polling: Polling,
    watcher: Option<Watcher>,
    poller: Option<Poller>,
    entries: BTreeMap<PathBuf, Entry>,
    names: HashMap<Inode, Vec<PathBuf>>,
    systems: HashMap<u64, System>,
    /// Names of which the watch went with another name.
    freed: Vec<PathBuf>,
    refused: Option<Limit>,
    told: Option<Limit>,
    warnings: Vec<Warning>,
}

/// What is known of a file system by its device.
#[derive(Clone, Debug)]
struct System {
    known: Option<FileSystem>,
    /// The reason to poll it.
    silent: Option<String>,
    probed: bool,
}

impl Armed {
    /// Nothing yet. What happens will be told to `sender`; without one nothing is ever watched.
    pub(super) fn new(sender: Option<Sender>, polling: Polling) -> Self {
        let mut armed = Self {
            sender,
            polling,
            watcher: None,
            poller: None,
            entries: BTreeMap::new(),
            names: HashMap::new(),
            systems: HashMap::new(),
            freed: Vec::new(),
            refused: None,
            told: None,
            warnings: Vec::new(),
        };
        armed.renew(polling);
        armed
    }

    /// Lets go of everything, with a watcher that knows nothing of before.
    pub(super) fn renew(&mut self, polling: Polling) {
        self.polling = polling;
        self.entries.clear();
        self.names.clear();
        self.systems.clear();
        self.freed.clear();
        self.refused = None;
        // The old one first: the system may have no second one to give.
        self.watcher = None;
        self.poller = None;
        let Some(sender) = &self.sender else { return };
        let pause = match polling {
            Polling::Every(pause) => pause,
            Polling::Auto | Polling::Never => PAUSE,
        };
        self.poller = (polling != Polling::Never).then(|| Poller::new(sender.clone(), pause));
        if !matches!(polling, Polling::Every(_)) {
            match Watcher::new(sender.clone()) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => {
                    tracing::debug!(%error, "no watcher");
                    self.refused = Some(Limit::Instances);
                }
            }
        }
    }

    /// Whether anything is watched at all.
    pub(super) fn is_live(&self) -> bool {
        self.sender.is_some()
    }

    /// Arms `path`, whose inode this is: whoever lists it afterwards misses nothing.
    pub(super) fn add(&mut self, path: &Path, inode: Inode, role: Role) {
        if self.sender.is_none() {
            return;
        }
        if let Some(entry) = self.entries.get_mut(path) {
            if entry.inode == inode {
                let is_new = !std::mem::replace(&mut entry.roles[role as usize], true);
                if is_new && role == Role::Listed && entry.how == How::Polled {
                    self.poll(path);
                }
                return;
            }
            self.forget(path);
        }
        let mut roles = [false; 2];
        roles[role as usize] = true;
        let how = self.arm(path, inode, role);
        self.entries.insert(path.to_owned(), Entry { inode, roles, how });
        if matches!(how, How::Watched | How::Alias) {
            self.names.entry(inode).or_default().push(path.to_owned());
        }
    }

    fn arm(&mut self, path: &Path, inode: Inode, role: Role) -> How {
        if self.is_silent(path, inode.0) {
            return self.poll_as(path, role);
        }
        // A name may be stale: its folder is gone, and the system has given the inode to another.
        for name in self.names.get(&inode).cloned().unwrap_or_default() {
            if super::tree::inode_of(&name) == Some(inode) {
                return How::Alias;
            }
            self.forget(&name);
        }
        let Some(watcher) = &mut self.watcher else { return self.poll_as(path, role) };
        match watcher.watch(path) {
            Ok(()) => How::Watched,
            Err(error) => {
                match error.kind {
                    ErrorKind::MaxFilesWatch => self.refused = Some(Limit::Watches),
                    _ => tracing::debug!(path = %path.display(), %error, "not watched"),
                }
                self.poll_as(path, role)
            }
        }
    }

    fn poll_as(&mut self, path: &Path, role: Role) -> How {
        if self.poller.is_none() {
            return How::Blind;
        }
        if role == Role::Listed {
            self.poll(path);
        }
        How::Polled
    }

    fn poll(&mut self, path: &Path) {
        let Some(poller) = &mut self.poller else { return };
        if path.is_dir() { poller.folder(path) } else { poller.path(path) }
    }

    /// These files were found in `folder`, which was armed before.
    pub(super) fn met(&mut self, folder: &Path, files: &[PathBuf]) {
        let polled = self.entries.get(folder).is_some_and(|entry| entry.how == How::Polled);
        if let Some(poller) = self.poller.as_mut().filter(|_| polled) {
            poller.met(files);
        }
    }

    /// A step of a way, in a folder that was armed for it.
    pub(super) fn add_step(&mut self, step: &Path) {
        let folder = step.parent().unwrap_or(step);
        let polled = self.entries.get(folder).is_some_and(|entry| entry.how == How::Polled);
        if let Some(poller) = self.poller.as_mut().filter(|_| polled) {
            poller.path(step);
        }
    }

    /// Nobody's way leads over `step` any more.
    pub(super) fn remove_step(&mut self, step: &Path) {
        let listed = self.entries.get(step).is_some_and(|entry| entry.roles[Role::Listed as usize]);
        if let Some(poller) = self.poller.as_mut().filter(|_| !listed) {
            poller.forget(step);
        }
    }

    /// `path` is not armed for this any more.
    pub(super) fn remove(&mut self, path: &Path, role: Role) {
        let Some(entry) = self.entries.get_mut(path) else { return };
        entry.roles[role as usize] = false;
        if entry.roles == [false; 2] {
            self.forget(path);
        }
    }

    /// The path is gone, or another thing, and with it went the watch of whatever is below.
    pub(super) fn forget_below(&mut self, path: &Path) {
        let names = self.entries.range(path.to_owned()..).map(|(name, _)| name);
        let below: Vec<PathBuf> =
            names.take_while(|name| name.starts_with(path)).cloned().collect();
        for name in below {
            self.forget(&name);
        }
    }

    fn forget(&mut self, path: &Path) {
        let Some(entry) = self.entries.remove(path) else { return };
        match entry.how {
            How::Blind => return,
            How::Polled => {
                if let Some(poller) = &mut self.poller {
                    poller.forget(path);
                }
                return;
            }
            How::Watched | How::Alias => {}
        }
        let Some(names) = self.names.get_mut(&entry.inode) else { return };
        names.retain(|name| name != path);
        if entry.how == How::Watched {
            if let Some(watcher) = &mut self.watcher {
                watcher.unwatch(path);
            }
            // The watch was for all the names.
            self.freed.append(names);
        }
        if names.is_empty() {
            self.names.remove(&entry.inode);
        }
    }

    /// Names whose watch went with another one: they have to be added anew and listed again.
    pub(super) fn take_freed(&mut self) -> Vec<PathBuf> {
        let freed = std::mem::take(&mut self.freed);
        for name in &freed {
            self.entries.remove(name);
        }
        freed
    }

    /// The paths that stand for what is told of `path`.
    pub(super) fn spellings(&self, path: &Path) -> Vec<PathBuf> {
        let mut paths = vec![path.to_owned()];
        let mut also = |found: PathBuf| {
            if !paths.contains(&found) {
                paths.push(found);
            }
        };
        for name in self.names_of(path) {
            also(name.clone());
        }
        if let (Some(folder), Some(file)) = (path.parent(), path.file_name()) {
            for name in self.names_of(folder) {
                also(name.join(file));
            }
        }
        paths
    }

    fn names_of(&self, path: &Path) -> &[PathBuf] {
        let names = self.entries.get(path).and_then(|entry| self.names.get(&entry.inode));
        names.map_or(&[], Vec::as_slice)
    }

    // --- file systems ---------------------------------------------------------------------------

    fn system(&mut self, path: &Path, device: u64) -> &mut System {
        let may_poll = self.polling == Polling::Auto && self.sender.is_some();
        let warnings = &mut self.warnings;
        self.systems.entry(device).or_insert_with(|| {
            let known = place::file_system(path);
            let remote = known.as_ref().filter(|known| known.sort == Sort::Remote);
            let silent = remote.filter(|_| may_poll).map(|known| {
                format!("lies on {}, which does not tell of changes made elsewhere", known.name)
            });
            if let Some(why) = &silent {
                warnings.push(fallback(path, why));
            }
            System { known, silent, probed: false }
        })
    }

    fn is_silent(&mut self, path: &Path, device: u64) -> bool {
        matches!(self.polling, Polling::Every(_)) || self.system(path, device).silent.is_some()
    }

    /// Whether there is nothing in the folder but the kernel's own data.
    pub(super) fn is_pseudo(&mut self, path: &Path, device: u64) -> Option<String> {
        let known = self.system(path, device).known.as_ref();
        known.filter(|known| known.sort == Sort::Pseudo).map(|known| known.name.clone())
    }

    /// Sees to it that the system tells of what happens in the folder of a root, which is armed; if
    /// it does not, the whole file system is polled.
    pub(super) fn probe(&mut self, folder: &Path, inode: Inode) {
        let watched = self.entries.get(folder).is_some_and(|entry| entry.how == How::Watched);
        if self.polling != Polling::Auto || !watched || self.system(folder, inode.0).probed {
            return;
        }
        let Some(watcher) = &self.watcher else { return };
        let Some(tells) = place::tells(folder, watcher.cookies()) else { return };
        let system = self.system(folder, inode.0);
        system.probed = true;
        if !tells {
            let why = "does not tell of changes, as a file made for the purpose showed";
            system.silent = Some(why.to_owned());
            self.warnings.push(fallback(folder, why));
            self.forget(folder);
            self.add(folder, inode, Role::Listed);
        }
    }

    /// Why the system's notices are not relied on where `path` lies.
    pub(super) fn why_silent(&self, path: &Path) -> Option<&str> {
        let (device, _) = super::tree::inode_of(path)?;
        self.systems.get(&device)?.silent.as_deref()
    }

    // --- what a person should know --------------------------------------------------------------

    /// What went wrong since the last time this was asked; of limits, once.
    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        if let Some(limit) = self.refused.filter(|limit| self.told != Some(*limit)) {
            self.told = Some(limit);
            let warning = self.limit(limit);
            self.warnings.push(warning);
        }
        std::mem::take(&mut self.warnings)
    }

    /// How many folders and files are armed, and how many of them are not watched.
    pub(super) fn count(&self) -> (usize, usize) {
        let left =
            self.entries.values().filter(|entry| matches!(entry.how, How::Polled | How::Blind));
        (self.entries.len(), left.count())
    }

    /// The limit that was met.
    pub(super) fn refused(&self) -> Option<Limit> {
        self.refused
    }

    fn limit(&self, limit: Limit) -> Warning {
        let (all, left) = self.count();
        let limits = place::limits();
        let shown = |limit: Option<u64>| limit.map_or("no more".to_owned(), |n| n.to_string());
        let instead = match &self.poller {
            Some(_) => format!("looked at every {} ms instead", PAUSE.as_millis()),
            None => "not watched, and `poll` forbids to look at them instead".to_owned(),
        };
        let what = match limit {
            Limit::Watches => format!("watch {} folders", shown(limits.watches)),
            Limit::Instances => format!("watch files in {} programs", shown(limits.instances)),
        };
        let message = format!(
            "{left} of {all} folders are {instead}: the system lets one user {what} at a time; \
             allow more with: {}",
            limit.remedy(all)
        );
        Warning::new("watch_limit", message)
    }
}

fn fallback(folder: &Path, why: &str) -> Warning {
    let message = format!(
        "{} {why}; it is looked at every {} ms instead",
        folder.display(),
        PAUSE.as_millis()
    );
    Warning::new("poll_fallback", message)
}
