//! What Linux tells about file systems and about its limits for watches.
//!
//! inotify sees what this machine does to a file. What another one does to it over the network, or
//! a program behind FUSE, it does not see; and in `/proc` there is nothing to see at all.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::place::{FileSystem, InUse, Limits, Sort};

/// Numbers of `statfs(2)`, the usual name, and what to expect.
const KNOWN: &[(u64, &str, Sort)] = &[
    (0x6969, "NFS", Sort::Remote),
    (0x517b, "SMB", Sort::Remote),
    (0xff53_4d42, "CIFS", Sort::Remote),
    (0xfe53_4d42, "SMB2", Sort::Remote),
    (0x0102_1997, "9p", Sort::Remote),
    (0x6573_5546, "FUSE", Sort::Remote),
    (0x7375_7245, "Coda", Sort::Remote),
    (0x5346_414f, "AFS", Sort::Remote),
    (0x00c3_6400, "Ceph", Sort::Remote),
    (0x0bd0_0bd0, "Lustre", Sort::Remote),
    (0x0116_1970, "GFS2", Sort::Remote),
    (0x7461_636f, "OCFS2", Sort::Remote),
    (0x786f_4256, "vboxsf", Sort::Remote),
    (0x9fa0, "proc", Sort::Pseudo),
    (0x6265_6572, "sysfs", Sort::Pseudo),
    (0x0027_e0eb, "cgroup", Sort::Pseudo),
    (0x6367_7270, "cgroup2", Sort::Pseudo),
    (0x6462_6720, "debugfs", Sort::Pseudo),
    (0x7472_6163, "tracefs", Sort::Pseudo),
    (0x1cd1, "devpts", Sort::Pseudo),
    (0x7363_6673, "securityfs", Sort::Pseudo),
    (0xcafe_4a11, "bpf", Sort::Pseudo),
    (0x6165_676c, "pstore", Sort::Pseudo),
    (0x6265_6570, "configfs", Sort::Pseudo),
    (0xde5e_81e4, "efivarfs", Sort::Pseudo),
    (0xf97c_ff8c, "selinuxfs", Sort::Pseudo),
    (0x1980_0202, "mqueue", Sort::Pseudo),
    (0x6e73_6673, "nsfs", Sort::Pseudo),
    (0x4249_4e4d, "binfmt_misc", Sort::Pseudo),
    (0xef53, "ext4", Sort::Local),
    (0x5846_5342, "XFS", Sort::Local),
    (0x9123_683e, "Btrfs", Sort::Local),
    (0x0102_1994, "tmpfs", Sort::Local),
    (0x794c_7630, "overlayfs", Sort::Local),
    (0xf2f5_2010, "F2FS", Sort::Local),
    (0x2fc1_2fc1, "ZFS", Sort::Local),
    (0x4d44, "FAT", Sort::Local),
    (0x2011_bab0, "exFAT", Sort::Local),
    (0x5346_544e, "NTFS", Sort::Local),
    (0x7371_7368, "squashfs", Sort::Local),
    (0x9660, "ISO 9660", Sort::Local),
];

/// The file system that `path` lies on, if it can be told.
pub(super) fn file_system(path: &Path) -> Option<FileSystem> {
    let told = rustix::fs::statfs(path).ok()?;
    // The field is of another width on other machines; the number has 32 bits on all of them.
    #[expect(clippy::cast_sign_loss, reason = "only the bits count")]
    Some(sort(told.f_type as u64 & 0xffff_ffff))
}

fn sort(number: u64) -> FileSystem {
    match KNOWN.iter().find(|(known, ..)| *known == number) {
        Some((_, name, sort)) => FileSystem { name: (*name).to_owned(), sort: *sort },
        None => FileSystem { name: format!("type {number:#x}"), sort: Sort::Local },
    }
}

/// The limits that hold for this user.
pub(super) fn limits() -> Limits {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    // In a user namespace a tighter limit may stand; the lower one counts.
    let lower = |name: &str, user: &str| {
        let machine = number(&format!("/proc/sys/fs/inotify/{name}"));
        machine.into_iter().chain(number(&format!("/proc/sys/user/{user}"))).min()
    };
    Limits {
        watches: lower("max_user_watches", "max_inotify_watches"),
        instances: lower("max_user_instances", "max_inotify_instances"),
        queue: number("/proc/sys/fs/inotify/max_queued_events"),
    }
}

/// What this user's programs have. The kernel counts by user, and in a user namespace once more; so
/// the programs in other ones are left out.
pub(super) fn in_use() -> Option<InUse> {
    let namespace = |process: &Path| fs::read_link(process.join("ns/user")).ok();
    let own = Path::new("/proc/self");
    let (user, home) = (fs::metadata(own).ok()?.uid(), namespace(own));
    let mut sum = InUse::default();
    for process in fs::read_dir("/proc").ok()?.filter_map(Result::ok).map(|entry| entry.path()) {
        let is_ours = || fs::metadata(&process).is_ok_and(|data| data.uid() == user);
        let name = process.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
        if !name.iter().all(u8::is_ascii_digit) || !is_ours() || namespace(&process) != home {
            continue;
        }
        let files = fs::read_dir(process.join("fd")).into_iter().flatten().filter_map(Result::ok);
        for file in files {
            let leads_to = fs::read_link(file.path()).unwrap_or_default();
            if leads_to != Path::new("anon_inode:inotify") {
                continue;
            }
            let info = process.join("fdinfo").join(file.file_name());
            let info = fs::read_to_string(info).unwrap_or_default();
            let watches = info.lines().filter(|line| line.starts_with("inotify wd:")).count();
            sum.instances += 1;
            sum.watches += watches as u64;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_told_apart() {
        for (number, name, kind) in [
            (0x6969, "NFS", Sort::Remote),
            (0xff53_4d42, "CIFS", Sort::Remote),
            (0x0102_1997, "9p", Sort::Remote),
            (0x6573_5546, "FUSE", Sort::Remote),
            (0x9fa0, "proc", Sort::Pseudo),
            (0xef53, "ext4", Sort::Local),
            (0x1234, "type 0x1234", Sort::Local),
        ] {
            assert_eq!(sort(number), FileSystem { name: name.to_owned(), sort: kind });
        }
    }

    #[test]
    fn the_real_ones_are_told() {
        assert_eq!(file_system(Path::new("/proc")).map(|system| system.sort), Some(Sort::Pseudo));
        assert_eq!(file_system(Path::new("/sys")).map(|system| system.sort), Some(Sort::Pseudo));
        assert_eq!(file_system(Path::new("/nowhere/at/all")), None);
        assert!(limits().watches.is_some_and(|watches| watches > 0));
    }

    #[test]
    fn what_is_in_use_is_counted() {
        use notify::{RecursiveMode, Watcher};
        let folder = tempfile::tempdir().unwrap();
        let mut watcher = notify::recommended_watcher(|_| {}).unwrap();
        watcher.watch(folder.path(), RecursiveMode::NonRecursive).unwrap();
        let used = in_use().unwrap();
        assert!(used.instances >= 1 && used.watches >= 1, "{used:?}");
    }
}
