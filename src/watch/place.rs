//! Where a folder lies, and whether the system tells what happens there.
//!
//! Some file systems are known to tell nothing by their type. Of the others a writable one is asked:
//! a cookie, a file that is made and deleted at once, has to come back as an event.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::Receiver;

#[cfg(target_os = "linux")]
use super::linux as system;
#[cfg(not(target_os = "linux"))]
use super::portable as system;

/// How the names of cookies begin. A leading dot hides them from discovery, too.
pub(super) const COOKIE: &str = ".replug-cookie-";

/// How long a cookie may take. It takes less than a millisecond where it comes at all; a machine
/// that is busy beyond reason should not be taken for one that tells nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Its usual name.
    pub name: String,
    /// What to expect of it.
    pub sort: Sort,
}

/// What to expect of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Whatever happens to a file happens on this machine.
    Local,
    /// Others may change files, and nobody tells.
    Remote,
    /// The kernel's own data, made to look like files. There are no plugins in it.
    Pseudo,
}

/// How much the system lets one user watch; `None` where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Folders, in all programs together.
    pub watches: Option<u64>,
    /// Programs.
    pub instances: Option<u64>,
    /// Events that wait to be read.
    pub queue: Option<u64>,
}

/// How much of that the user's programs have at the moment, as far as it can be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Folders.
    pub watches: u64,
    /// Programs, or rather the queues that they opened.
    pub instances: u64,
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::watches`].
    Watches,
    /// [`Limits::instances`].
    Instances,
}

impl Limit {
    /// The command that raises it far enough for so many folders.
    pub fn remedy(self, folders: usize) -> String {
        let (key, enough) = match self {
            Self::Watches => {
                let enough = (folders as u64).saturating_mul(2).next_power_of_two();
                ("max_user_watches", enough.max(524_288))
            }
            Self::Instances => {
                let now = limits().instances.unwrap_or_default();
                ("max_user_instances", now.saturating_mul(2).max(512))
            }
        };
        format!("sudo sysctl fs.inotify.{key}={enough}")
    }
}

/// The file system that `path`, or what is there of it, lies on.
pub fn file_system(path: &Path) -> Option<FileSystem> {
    path.ancestors().find_map(system::file_system)
}

/// The limits that hold for this user.
pub fn limits() -> Limits {
    system::limits()
}

/// What this user's programs have of what is limited; `None` where that cannot be told.
pub fn in_use() -> Option<InUse> {
    system::in_use()
}

/// Whether `folder`, which is watched, tells of a cookie; `None` if none can be made in it. `seen`
/// gives the cookies that were told.
pub(super) fn tells(folder: &Path, seen: &Receiver<PathBuf>) -> Option<bool> {
    tells_within(folder, seen, PATIENCE)
}

fn tells_within(folder: &Path, seen: &Receiver<PathBuf>, patience: Duration) -> Option<bool> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let cookie = folder.join(format!("{COOKIE}{}-{number}", std::process::id()));
    drop(File::create_new(&cookie).ok()?);
    // At once, so that it is not left behind whatever happens to this process.
    let _ = fs::remove_file(&cookie);
    loop {
        match seen.recv_timeout(patience) {
            // The path may be spelled in another way.
            Ok(told) if told.file_name() == cookie.file_name() => return Some(true),
            Ok(_) => {}
            Err(_) => return Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_tells_nothing_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let (_sender, seen) = crossbeam_channel::unbounded();
        assert_eq!(tells_within(folder.path(), &seen, Duration::ZERO), Some(false));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_asked() {
        let (_sender, seen) = crossbeam_channel::unbounded();
        assert_eq!(tells(Path::new("/proc/self"), &seen), None);
        assert_eq!(tells(Path::new("/nowhere/at/all"), &seen), None);
    }
}
