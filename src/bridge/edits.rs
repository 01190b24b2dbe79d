//! Edits of the files that the plugins of a host program are made of, for `--watch`.
//!
//! Nothing is looked for here: the host says what is loaded, and what that has reached for is followed,
//! file by file, by the same watch and with the same quiet times as under `replug watch`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crossbeam_channel::{Receiver, bounded};

use crate::debounce::{Debouncer, Settle, SettledKind};
use crate::loader::Imported;
use crate::model::{Change, ChangeKind, Patterns, is_python};
use crate::source::{ContentHash, Source};
use crate::watch::{Hold, Ignored, Polling, Raw, Rules, Sender, Tree};

/// How many file events may wait while a request is carried out; beyond that all files are compared.
const RAW_EVENTS: usize = 16_384;

/// How to notice edits.
pub struct Watching {
    /// What is never looked at.
    pub ignored: Ignored,
    /// How changes are noticed.
    pub polling: Polling,
    /// The quiet times.
    pub settle: Settle,
}

/// What plugins have reached for since the last time.
pub(super) struct News {
    /// Files, and whether they still concern anybody.
    pub(super) files: Vec<(PathBuf, bool)>,
    /// What plugins name themselves, if that is something else now.
    pub(super) patterns: Option<Vec<Patterns>>,
    /// Own modules that are missing, without an extension.
    pub(super) missed: BTreeSet<PathBuf>,
}

/// Files with the content that they have now; `None` for those that are gone.
pub(super) type Changed = BTreeMap<PathBuf, Option<Source>>;

/// The files, and what happens to them.
pub(super) struct Edits {
    tree: Tree,
    /// What the system tells.
    pub(super) raw: Receiver<Raw>,
    sender: Sender,
    debouncer: Debouncer,
    polling: Polling,
    /// The content that is known of each file.
    known: BTreeMap<PathBuf, Option<ContentHash>>,
    missed: BTreeSet<PathBuf>,
}

impl Edits {
    pub(super) fn new(watching: Watching) -> Self {
        let (channel, raw) = bounded(RAW_EVENTS);
        let sender = Sender::new(channel);
        let tree = Tree::new(Vec::new(), Rules::new(&watching.ignored));
        let mut tree = tree.live(sender.clone(), watching.polling, None);
        tree.scan();
        Self {
            tree,
            raw,
            sender,
            debouncer: Debouncer::new(watching.settle),
            polling: watching.polling,
            known: BTreeMap::new(),
            missed: BTreeSet::new(),
        }
    }

    /// When something will have settled, if nothing else happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.debouncer.deadline()
    }

    /// These contents were executed. One that is not what is on disk was edited meanwhile.
    pub(super) fn executed(&mut self, imported: Vec<Imported>) {
        for Imported { path, hash } in imported {
            self.known.insert(path.clone(), Some(hash));
            self.look_at(path);
        }
    }

    /// Follows what concerns plugins now.
    pub(super) fn follow(&mut self, news: News) {
        if let Some(patterns) = news.patterns {
            for path in self.tree.follow_patterns(patterns) {
                self.learn(path);
            }
        }
        for (path, concerns) in news.files {
            if concerns {
                self.tree.follow(&path);
                // A module that nobody has executed was not there when it was looked for.
                if is_python(&path) {
                    self.known.entry(path.clone()).or_insert(None);
                }
                self.learn(path);
            } else {
                self.tree.unfollow(&path);
                self.known.remove(&path);
            }
        }
        let modules = |base: &PathBuf| {
            let mut file = base.clone().into_os_string();
            file.push(".py");
            [PathBuf::from(file), base.join("__init__.py")]
        };
        for path in self.missed.difference(&news.missed).flat_map(modules) {
            // It may be there by now, and be followed for that.
            if self.known.get(&path) == Some(&None) {
                self.known.remove(&path);
                self.tree.unfollow(&path);
            }
        }
        let missed: Vec<PathBuf> = news.missed.difference(&self.missed).flat_map(modules).collect();
        for path in missed {
            self.tree.follow(&path);
            // It may have come before that.
            self.known.entry(path.clone()).or_insert(None);
            self.look_at(path);
        }
        self.missed = news.missed;
    }

    /// Takes in what the system told, and all that waits behind it.
    pub(super) fn take_in(&mut self, raw: Raw) {
        let mut next = Some(raw);
        while let Some(raw) = next {
            match raw {
                Raw::Path { path, kind, seen } => {
                    let understood = self.tree.understand(path, kind, seen);
                    match understood.hold {
                        Some(Hold::Until(until)) => self.debouncer.hold(until),
                        Some(Hold::Over) => self.debouncer.release(),
                        None => {}
                    }
                    for change in understood.changes {
                        self.debouncer.push(change, seen);
                    }
                }
                Raw::Lost(reason) => self.compare_all(&reason),
            }
            next = self.raw.try_recv().ok();
        }
        if self.sender.take_lost() {
            self.compare_all("more file events at once than could be kept");
        }
        for warning in self.tree.take_warnings() {
            tracing::warn!("{}", warning.message);
        }
    }

    /// What has settled and is not what it was.
    pub(super) fn settled(&mut self) -> Changed {
        let now = Instant::now();
        let mut changed = Changed::new();
        for settled in self.debouncer.take(now).map(|batch| batch.changes).unwrap_or_default() {
            let path = settled.path;
            let content = Source::read(&path).ok();
            let is_gone = settled.kind == SettledKind::Gone;
            let is_empty = content.as_ref().is_some_and(|source| source.bytes.is_empty());
            let hash = content.as_ref().map(|source| source.hash);
            if self.known.get(&path).is_some_and(|known| *known == hash) {
                continue;
            }
            if is_empty && !settled.deferred && self.known.contains_key(&path) {
                // Somebody truncated it and is about to write.
                self.debouncer.defer(path, now);
            } else if content.is_none() && !is_gone {
                self.debouncer.push(Change { path, kind: ChangeKind::Gone }, now);
            } else {
                self.known.insert(path.clone(), hash);
                changed.insert(path, content);
            }
        }
        changed
    }

    /// A file is followed from now on.
    fn learn(&mut self, path: PathBuf) {
        match self.known.entry(path) {
            Entry::Vacant(unknown) => {
                let hash = hash_of(unknown.key());
                unknown.insert(hash);
            }
            Entry::Occupied(known) => {
                let path = known.key().clone();
                self.look_at(path);
            }
        }
    }

    /// Has a file settle whose content is not what is known of it.
    fn look_at(&mut self, path: PathBuf) {
        let hash = hash_of(&path);
        if self.known.get(&path).is_some_and(|known| *known != hash) {
            let kind = if hash.is_some() { ChangeKind::Finished } else { ChangeKind::Gone };
            self.debouncer.push(Change { path, kind }, Instant::now());
        }
    }

    /// Events were lost: all files are compared with what is known of them.
    fn compare_all(&mut self, reason: &str) {
        tracing::warn!("{reason}; comparing all files");
        self.tree.rescan(self.polling);
        for path in self.known.keys().cloned().collect::<Vec<_>>() {
            self.look_at(path);
        }
    }
}

fn hash_of(path: &Path) -> Option<ContentHash> {
    Source::read(path).ok().map(|source| source.hash)
}
