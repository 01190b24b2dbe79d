//! Compiled code on disk, so that the next start of the program need not compile again.
//!
//! An entry is found by the content it was compiled from, the path that stands in its tracebacks and
//! the interpreter; never by a time, so it is never out of date. Each entry is sealed with a key that
//! only this user can read, and is unmarshalled only if the seal holds. Whatever is wrong with the
//! store, the source is compiled. Entries are written when nobody waits.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, bounded};
use pyo3::prelude::{Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyBytes, PyBytesMethods, PyCode};

use crate::python::interrupts::take_no_signals;
use crate::python::tools::tools;
use crate::source::{Source, open_regular};

/// What all entries together may have; the ones that were not used for longest go first.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// An entry that was used notes that no more often than this.
const NOTED_AGAIN: Duration = Duration::from_secs(3600);

/// So long nothing must have been compiled before anything is written.
const QUIET: Duration = Duration::from_millis(500);

/// How long the end of the program may be put off by what is not written yet.
const AT_THE_END: Duration = Duration::from_secs(1);

const SEAL: usize = blake3::OUT_LEN;

/// The file that has the key.
const KEY: &str = "key";

/// Entries end with this, and nothing else in the folder does.
const ENTRY: &str = "code";

/// Compiled code by content, and what is to be added to it.
pub(crate) struct CodeStore {
    folder: PathBuf,
    key: [u8; 32],
    /// What identifies the interpreter.
    stamp: Vec<u8>,
    pending: Mutex<Pending>,
    /// The writer knows that there is something to write.
    told: AtomicBool,
    bell: Sender<()>,
}

#[derive(Default)]
struct Pending {
    /// The newest code of each file.
    codes: HashMap<PathBuf, (Source, Py<PyAny>)>,
    added: Option<Instant>,
}

impl CodeStore {
    /// A store in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open(py: Python<'_>, folder: PathBuf) -> io::Result<Arc<Self>> {
        make_private(&folder)?;
        let key = read_key(&folder)?;
        let stamp = stamp(py).map_err(io::Error::other)?;
        let (bell, rung) = bounded(1);
        let store = Arc::new(Self {
            folder,
            key,
            stamp,
            pending: Mutex::default(),
            told: AtomicBool::new(false),
            bell,
        });
        let writer = store.clone();
        thread::Builder::new().name("cache".to_owned()).spawn(move || {
            take_no_signals();
            writer.run(&rung);
        })?;
        Ok(store)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The code of `source`, if it is there and whole.
    pub(super) fn find(&self, py: Python<'_>, source: &Source) -> Option<Py<PyAny>> {
        let name = self.name(source);
        let path = self.path(&name);
        let (file, sealed) = read_entry(&path)?;
        let marshalled = self.unseal(&name, &sealed)?;
        let code = tools(py).ok()?.loads.bind(py).call1((PyBytes::new(py, marshalled),)).ok()?;
        let code = code.cast_into::<PyCode>().ok()?;
        let used = file.metadata().and_then(|metadata| metadata.modified()).ok();
        let used = used.and_then(|used| used.elapsed().ok());
        if used.is_some_and(|ago| ago > NOTED_AGAIN) {
            // If that cannot be noted, it goes a little too soon.
            let _ = file.set_modified(SystemTime::now());
        }
        Some(code.into_any().unbind())
    }

    /// `code` was compiled from `source`, and is to be kept. It is not written yet.
    pub(super) fn add(&self, py: Python<'_>, source: &Source, code: &Py<PyAny>) {
        let mut pending = self.pending();
        pending.added = Some(Instant::now());
        let entry = (source.clone(), code.clone_ref(py));
        let replaced = pending.codes.insert(source.path.clone(), entry);
        drop(pending);
        drop(replaced);
    }

    /// Nobody waits for this thread now: what was added may be written soon.
    pub(crate) fn rest(&self) {
        if !self.told.load(Ordering::Relaxed) && !self.pending().codes.is_empty() {
            self.told.store(true, Ordering::Relaxed);
            // If the bell was rung already, that is as good.
            let _ = self.bell.try_send(());
        }
    }

    /// Writes what was added and not written yet; the program is about to end.
    pub(crate) fn finish(&self) {
        self.write(Instant::now().checked_add(AT_THE_END));
    }

    fn run(&self, rung: &Receiver<()>) {
        while rung.recv().is_ok() {
            loop {
                thread::sleep(QUIET);
                let added = self.pending().added;
                if added.is_none_or(|added| added.elapsed() >= QUIET) {
                    break;
                }
            }
            self.told.store(false, Ordering::Relaxed);
            self.write(None);
        }
    }

    fn write(&self, deadline: Option<Instant>) {
        let codes = std::mem::take(&mut self.pending().codes);
        if codes.is_empty() {
            return;
        }
        let mut failed = None;
        for (source, code) in codes.into_values() {
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                break;
            }
            // Between two of them a plugin may run.
            let marshalled = Python::attach(|py| {
                let marshalled = dump(py, &code);
                drop(code);
                marshalled
            });
            // What cannot be marshalled is compiled again next time.
            let Ok(marshalled) = marshalled else { continue };
            failed = self.put(&source, &marshalled).err().or(failed);
        }
        failed = make_room(&self.folder, MOST_BYTES).err().or(failed);
        if let Some(error) = failed {
            let folder = self.folder.display();
            tracing::debug!(%folder, %error, "compiled code could not be kept");
        }
    }

    fn put(&self, source: &Source, marshalled: &[u8]) -> io::Result<()> {
        let name = self.name(source);
        let mut sealed = self.seal(&name, marshalled).to_vec();
        sealed.extend_from_slice(marshalled);
        write_whole(&self.folder, &self.path(&name), &sealed)
    }

    /// What names the entry of `source`.
    fn name(&self, source: &Source) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [&self.stamp[..], source.path.as_os_str().as_encoded_bytes()] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part);
        }
        hasher.update(source.hash.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(ENTRY)
    }

    /// Holds for that name only, so that one entry cannot stand in for another.
    fn seal(&self, name: &str, marshalled: &[u8]) -> [u8; SEAL] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"seal").update(name.as_bytes()).update(marshalled);
        *hasher.finalize().as_bytes()
    }

    fn unseal<'a>(&self, name: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (seal, marshalled) = sealed.split_first_chunk::<SEAL>()?;
        (self.seal(name, marshalled) == *seal).then_some(marshalled)
    }
}

/// Drops what was not used for longest until a quarter is free, if all entries together have more than
/// `most` bytes. Not every write shall have to look at all of them.
fn make_room(folder: &Path, most: u64) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ENTRY || extension == PART) {
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                // Another program made room, or has just put it into place.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            entries.push((metadata.modified()?, metadata.len(), path));
        }
    }
    let mut bytes: u64 = entries.iter().map(|(_, length, _)| length).sum();
    if bytes <= most {
        return Ok(());
    }
    entries.sort();
    for (_, length, path) in entries {
        if bytes <= most / 4 * 3 {
            break;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => bytes -= length,
        }
    }
    Ok(())
}

/// What is in a file of the store. One that would keep whoever opens it waiting, or that is larger
/// than all of them may be, is none.
fn read_entry(path: &Path) -> Option<(File, Vec<u8>)> {
    let (mut file, size) = open_regular(path).ok().filter(|(_, size)| *size <= MOST_BYTES)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    (&mut file).take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some((file, bytes))
}

/// What is being written ends with this.
const PART: &str = "part";

/// Writes a file so that others see all of it or nothing.
fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The writer may be at work while the program ends.
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let part = folder.join(format!("{}-{number}.{PART}", std::process::id()));
    // What an earlier process of that number left is in the way.
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    fs::rename(part, path)
}

/// A folder that nobody else can look into.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::symlink_metadata(folder)?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if metadata.is_dir() && ours && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let message = "it is not a folder that belongs to this user and to nobody else; remove it, or \
                   make it so with chmod 700";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

/// The key of the store, made up when there is none.
fn read_key(folder: &Path) -> io::Result<[u8; 32]> {
    let path = folder.join(KEY);
    if let Some((_, bytes)) = read_entry(&path)
        && let Ok(key) = bytes.try_into()
    {
        return Ok(key);
    }
    let mut key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    write_whole(folder, &path, &key)?;
    Ok(key)
}

/// Everything about the interpreter that code depends on.
fn stamp(py: Python<'_>) -> PyResult<Vec<u8>> {
    let sys = py.import("sys")?;
    let magic = py.import("importlib.util")?.getattr("MAGIC_NUMBER")?;
    let mut stamp: Vec<u8> = magic.extract()?;
    let optimize: i64 = sys.getattr("flags")?.getattr("optimize")?.extract()?;
    stamp.extend(optimize.to_le_bytes());
    stamp.extend(sys.getattr("version")?.extract::<String>()?.into_bytes());
    // How the compiler is called is this program's own business.
    stamp.extend(env!("CARGO_PKG_VERSION").bytes());
    Ok(stamp)
}

fn dump(py: Python<'_>, code: &Py<PyAny>) -> PyResult<Vec<u8>> {
    let marshalled = tools(py)?.dumps.bind(py).call1((code,))?;
    Ok(marshalled.cast::<PyBytes>()?.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of 100 bytes each; the higher the number, the later it was used.
    fn folder_with(entries: u64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..entries {
            let path = folder.path().join(format!("{number}.{ENTRY}"));
            fs::write(&path, [0; 100]).unwrap();
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + number);
            File::options().write(true).open(path).unwrap().set_modified(used).unwrap();
        }
        fs::write(folder.path().join(KEY), [0; 32]).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let listing = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn up_to_the_bound_everything_is_kept() {
        let folder = folder_with(8);
        make_room(folder.path(), 800).unwrap();
        assert_eq!(names(folder.path()).len(), 9);
    }

    #[test]
    fn above_the_bound_the_longest_unused_go_until_a_quarter_is_free() {
        let folder = folder_with(9);
        make_room(folder.path(), 800).unwrap();
        let kept = ["3.code", "4.code", "5.code", "6.code", "7.code", "8.code", KEY];
        assert_eq!(names(folder.path()), kept);
    }

    #[test]
    fn what_a_writer_left_counts_and_goes_as_well() {
        let folder = folder_with(8);
        let part = folder.path().join(format!("1-2.{PART}"));
        fs::write(&part, [0; 100]).unwrap();
        File::options()
            .write(true)
            .open(&part)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        make_room(folder.path(), 800).unwrap();
        assert!(!part.exists());
    }

    #[test]
    fn what_would_keep_a_reader_waiting_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_entry(folder.path()).is_none());
        assert!(read_entry(Path::new("/dev/zero")).is_none());
        let too_large = folder.path().join("large.code");
        File::create(&too_large).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(read_entry(&too_large).is_none());
    }
}
