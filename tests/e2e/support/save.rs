//! The ways in which editors and tools put a new content in place of an old one.
//!
//! Each takes the file and its new content and leaves nothing else behind that counts.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::files::run;

pub(crate) type Save = fn(&Path, &str);

/// Opens, truncates, writes, closes: nano, VS Code, `echo >`.
pub(crate) fn in_place(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// Writes in many small pieces before it closes.
pub(crate) fn in_pieces(path: &Path, text: &str) {
    let mut file = File::create(path).unwrap();
    for piece in text.as_bytes().chunks(40) {
        file.write_all(piece).unwrap();
    }
}

/// Writes over the old content and then cuts the rest off, without an empty file between.
pub(crate) fn overwrite(path: &Path, text: &str) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_len(text.len() as u64).unwrap();
}

/// A temporary file beside it, renamed over it: most careful programs.
pub(crate) fn atomic(path: &Path, text: &str) {
    let fresh = beside(path, ".", ".tmp");
    fs::write(&fresh, text).unwrap();
    fs::rename(&fresh, path).unwrap();
}

/// A temporary file whose name is itself that of a Python source.
pub(crate) fn atomic_py(path: &Path, text: &str) {
    let fresh = beside(path, ".tmp-", "");
    fs::write(&fresh, text).unwrap();
    fs::rename(&fresh, path).unwrap();
}

/// Vim with `writebackup` and `backupcopy=no`: a probe whether files can be made, a backup.
pub(crate) fn vim(path: &Path, text: &str) {
    let probe = path.with_file_name("4913");
    fs::write(&probe, "").unwrap();
    fs::remove_file(&probe).unwrap();
    let backup = beside(path, "", "~");
    let mode = fs::metadata(path).unwrap().permissions();
    fs::rename(path, &backup).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, mode).unwrap();
    fs::remove_file(&backup).unwrap();
}

/// Emacs: the old file becomes the backup and stays.
pub(crate) fn emacs(path: &Path, text: &str) {
    fs::rename(path, beside(path, "", "~")).unwrap();
    fs::write(path, text).unwrap();
}

/// JetBrains' safe write: new beside, old away, new into place, old deleted.
pub(crate) fn jetbrains(path: &Path, text: &str) {
    let (fresh, old) = (beside(path, "", "___jb_tmp___"), beside(path, "", "___jb_old___"));
    fs::write(&fresh, text).unwrap();
    fs::rename(path, &old).unwrap();
    fs::rename(&fresh, path).unwrap();
    fs::remove_file(&old).unwrap();
}

/// rsync's receiver: a hidden file with a random ending, its mode set, renamed over the old one.
pub(crate) fn rsync(path: &Path, text: &str) {
    let fresh = beside(path, ".", ".AbCdEf");
    fs::write(&fresh, text).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o644)).unwrap();
    fs::rename(&fresh, path).unwrap();
}

/// `cp`, which writes into the old file.
pub(crate) fn cp(path: &Path, text: &str) {
    let from = away(path, text);
    run("cp", [from.as_path(), path]);
}

/// `mv` from a folder that is not watched.
pub(crate) fn mv(path: &Path, text: &str) {
    let from = away(path, text);
    run("mv", [from.as_path(), path]);
}

/// `sed -i`; the new content must be the old one with `"one"` replaced by `"two"`.
pub(crate) fn sed(path: &Path, text: &str) {
    run("sed", [Path::new("-i"), Path::new("s/\"one\"/\"two\"/"), path]);
    assert_eq!(fs::read_to_string(path).unwrap(), text, "sed made something else");
}

/// Deleted and written again at once.
pub(crate) fn delete_and_write(path: &Path, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}

/// A name beside `path`, made of its own.
fn beside(path: &Path, before: &str, after: &str) -> PathBuf {
    let mut name = OsString::from(before);
    name.push(path.file_name().unwrap());
    name.push(after);
    path.with_file_name(name)
}

/// A file with this content in a folder that is not watched, on the same file system.
fn away(path: &Path, text: &str) -> PathBuf {
    let from = path.parent().unwrap().parent().unwrap().join("away.txt");
    fs::write(&from, text).unwrap();
    from
}
