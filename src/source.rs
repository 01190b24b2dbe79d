//! A file as it was read, once.
//!
//! The bytes that were hashed are the bytes that are parsed, compiled, executed and shown in error
//! messages. Nothing in this program reads the same content twice and hopes that it is the same.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A Python source that is larger than this many bytes is refused (16 MiB).
///
/// No person writes such a file; a parser would need gigabytes for it while the author waits.
pub const MAX_SOURCE_BYTES: u64 = 16 * 1024 * 1024;

/// Room that is kept from one file to the next.
const READ_AT_ONCE: usize = 64 * 1024;

/// The identity of a content: two files with the same hash have the same bytes (BLAKE3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl ContentHash {
    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0[..6] {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The content of one file at one moment. Cloning is cheap and shares the bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where it was read; absolute.
    #[serde(with = "crate::raw::path")]
    pub path: PathBuf,
    /// What was read.
    #[serde(with = "crate::raw::bytes")]
    pub bytes: Arc<[u8]>,
    /// The hash of `bytes`.
    pub hash: ContentHash,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes, {:?})", self.path, self.bytes.len(), self.hash)
    }
}

impl Source {
    /// A source made of bytes that are at hand already.
    pub fn new(path: impl Into<PathBuf>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { path: path.into(), hash: ContentHash::of(&bytes), bytes }
    }

    /// Reads a regular file.
    ///
    /// # Errors
    /// [`ReadError::Missing`] if nothing is there, [`ReadError::NotAFile`] for a folder, FIFO,
    /// socket or device (which is never opened for longer than it takes to see what it is),
    /// [`ReadError::TooLarge`] above [`MAX_SOURCE_BYTES`], [`ReadError::Io`] for the rest.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        read_regular(path, &mut bytes)?;
        Ok(Self::new(path, bytes))
    }

    /// Reads a regular file that is no Python source, of any size. For one above
    /// [`MAX_SOURCE_BYTES`], its size and times stand for the content.
    ///
    /// # Errors
    /// As [`Source::read`], without [`ReadError::TooLarge`].
    pub fn read_any(path: &Path) -> Result<Self, ReadError> {
        match Self::read(path) {
            Err(ReadError::TooLarge { .. }) => {
                Ok(Self::new(path, stamp(path).map_err(ReadError::Io)?))
            }
            read => read,
        }
    }

    /// Reads a regular file of which only a content that is `wanted` is hashed and kept; `None` for
    /// any other.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read_if(path: &Path, wanted: impl Fn(&[u8]) -> bool) -> Result<Option<Self>, ReadError> {
        thread_local! {
            /// Most files are not wanted, so their contents share one place.
            static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        BYTES.with_borrow_mut(|bytes| {
            bytes.clear();
            // One large file shall not be paid for until the end.
            bytes.shrink_to(READ_AT_ONCE);
            let (file, size) = open_regular(path)?;
            // As much as there was when it was opened: to ask for the end costs as much as to read
            // a small file, and whoever goes on writing is noticed by the watch.
            let limit = if size > 0 { size } else { MAX_SOURCE_BYTES + 1 };
            read_open(file, size, limit, bytes)?;
            Ok(wanted(bytes).then(|| Self::new(path, bytes.as_slice())))
        })
    }
}

/// What stands for the bytes of a file that is too large to be read: its size and its times.
fn stamp(path: &Path) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::MetadataExt;

    let it = path.metadata()?;
    Ok(format!("{} {} {} {}", it.ino(), it.len(), it.mtime(), it.mtime_nsec()).into_bytes())
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is nothing at that path.
    #[error("the file is not there")]
    Missing,
    /// Something is there that is not a regular file.
    #[error("not a regular file")]
    NotAFile,
    /// More than [`MAX_SOURCE_BYTES`].
    #[error("the file has {size} bytes; at most {MAX_SOURCE_BYTES} are read as Python source")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// The system refused.
    #[error("{0}")]
    Io(#[source] io::Error),
}

/// Puts the content of a regular file behind what is in `bytes`.
fn read_regular(path: &Path, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
    let (file, size) = open_regular(path)?;
    read_open(file, size, MAX_SOURCE_BYTES + 1, bytes)
}

/// Puts what can be read, up to `limit`, behind what is in `bytes`.
fn read_open(file: File, size: u64, limit: u64, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
    if size > MAX_SOURCE_BYTES {
        return Err(ReadError::TooLarge { size });
    }
    // With room for one more byte, the end is seen without another allocation.
    bytes.reserve(usize::try_from(size).unwrap_or(0) + 1);
    // The file may grow between the two calls, so the limit is held here as well.
    let count = file.take(limit).read_to_end(bytes).map_err(ReadError::Io)?;
    if count as u64 > MAX_SOURCE_BYTES {
        return Err(ReadError::TooLarge { size: count as u64 });
    }
    Ok(())
}

/// Opens `path` if it is a regular file, without ever blocking on a FIFO; also its size.
pub(crate) fn open_regular(path: &Path) -> Result<(File, u64), ReadError> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
        // What open() says to a socket or to a device without a driver.
        _ if is_special(path) => ReadError::NotAFile,
        _ => ReadError::Io(error),
    })?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok((file, metadata.len())),
        Ok(_) => Err(ReadError::NotAFile),
        Err(error) => Err(ReadError::Io(error)),
    }
}

fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file())
}
