//! Version control at work: what stands in a `.git` folder while files are being changed.
//!
//! A checkout or a rebase writes files one by one, and what lies on disk meanwhile is half of one
//! state and half of another. Takes what happens in `.git` folders with its time; gives how long
//! nothing should be acted on. Nobody waits for ever: a rebase may stop at a conflict for hours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::raw::RawKind;

/// The lock that each change of the working tree holds.
const LOCK: &str = "index.lock";

/// Folders that stand for as long as a rebase is under way.
const REBASES: &[&str] = &["rebase-merge", "rebase-apply"];

/// How long a lock is waited for, and how long a rebase is in which nothing happens.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// How long a rebase is waited for in all.
const LONGEST_REBASE: Duration = Duration::from_secs(30);

/// What version control wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nothing should be acted on before then.
    Until(Instant),
    /// It is done.
    Over,
}

/// The `.git` folders that are watched, and who is at work in them.
#[derive(Debug, Default)]
pub(super) struct Repositories {
    folders: BTreeSet<PathBuf>,
    /// Locks and rebases that came while they were watched, since when.
    marks: BTreeMap<PathBuf, Instant>,
}

impl Repositories {
    /// A `.git` folder is watched from now on.
    pub(super) fn add(&mut self, git: PathBuf) {
        self.folders.insert(git);
    }

    /// What a path that was told means, if it lies in a `.git` folder.
    pub(super) fn understand(&mut self, path: &Path, kind: RawKind, seen: Instant) -> Option<Hold> {
        if !path.parent().is_some_and(|folder| self.folders.contains(folder)) {
            return None;
        }
        let name = path.file_name()?.to_string_lossy();
        if name == LOCK || REBASES.contains(&name.as_ref()) {
            if kind == RawKind::Gone {
                self.marks.remove(path);
            } else {
                self.marks.entry(path.to_owned()).or_insert(seen);
            }
        }
        Some(self.hold(seen))
    }

    fn hold(&self, seen: Instant) -> Hold {
        let until = |(path, since): (&PathBuf, &Instant)| {
            let is_lock = path.file_name().is_some_and(|name| name == LOCK);
            if is_lock {
                *since + LONGEST_SILENCE
            } else {
                (seen + LONGEST_SILENCE).min(*since + LONGEST_REBASE)
            }
        };
        let until = self.marks.iter().map(until).filter(|until| *until > seen).max();
        until.map_or(Hold::Over, Hold::Until)
    }
}

/// The `.git` folder of the repository that `folder` lies in.
pub(super) fn repository(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find_map(|ancestor| git_folder(&ancestor.join(".git")))
}

/// The folder that `.git` is, or the one that it names, as in a linked working tree.
pub(super) fn git_folder(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = fs::read_to_string(git).ok()?;
    let named = git.parent()?.join(text.strip_prefix("gitdir:")?.trim());
    named.canonicalize().ok().filter(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git() -> Repositories {
        let mut git = Repositories::default();
        git.add(PathBuf::from("/r/.git"));
        git
    }

    fn told(git: &mut Repositories, name: &str, kind: RawKind, seen: Instant) -> Option<Hold> {
        git.understand(&Path::new("/r/.git").join(name), kind, seen)
    }

    #[test]
    fn a_lock_holds_until_it_goes_and_not_for_ever() {
        let (mut git, start) = (git(), Instant::now());
        let until = Hold::Until(start + LONGEST_SILENCE);
        assert_eq!(told(&mut git, LOCK, RawKind::Created, start), Some(until));
        let later = start + Duration::from_secs(1);
        assert_eq!(told(&mut git, "HEAD", RawKind::Arrived, later), Some(until));
        assert_eq!(told(&mut git, LOCK, RawKind::Gone, later), Some(Hold::Over));
    }

    #[test]
    fn a_lock_that_was_left_behind_holds_once() {
        let (mut git, start) = (git(), Instant::now());
        told(&mut git, LOCK, RawKind::Created, start);
        let later = start + LONGEST_SILENCE;
        assert_eq!(told(&mut git, "HEAD", RawKind::Arrived, later), Some(Hold::Over));
    }

    #[test]
    fn a_rebase_holds_between_its_steps_as_long_as_something_happens() {
        let (mut git, start) = (git(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        told(&mut git, "rebase-merge", RawKind::Arrived, start);
        for second in [3, 6, 9] {
            told(&mut git, LOCK, RawKind::Created, at(second));
            let hold = told(&mut git, LOCK, RawKind::Gone, at(second));
            assert_eq!(hold, Some(Hold::Until(at(second + 5))));
        }
        assert_eq!(told(&mut git, "rebase-merge", RawKind::Gone, at(10)), Some(Hold::Over));
    }

    #[test]
    fn a_rebase_that_stopped_at_a_conflict_holds_nothing_up() {
        let (mut git, start) = (git(), Instant::now());
        told(&mut git, "rebase-merge", RawKind::Arrived, start);
        // An editor refreshes the index every now and then.
        let later = start + LONGEST_REBASE;
        told(&mut git, LOCK, RawKind::Created, later);
        assert_eq!(told(&mut git, LOCK, RawKind::Gone, later), Some(Hold::Over));
    }

    #[test]
    fn other_folders_are_no_business_of_it() {
        let (mut git, start) = (git(), Instant::now());
        assert_eq!(git.understand(Path::new("/r/index.lock"), RawKind::Created, start), None);
    }
}
