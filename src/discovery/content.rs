//! What a file is found to be when it is read again.

use std::path::Path;

use crate::model::{MANIFEST, is_python};
use crate::source::{ContentHash, ReadError, Source};

/// A file as it was found.
#[derive(Debug)]
pub enum Content {
    /// It was read.
    Present(Source),
    /// It is not there, or not a regular file.
    Gone,
    /// It is there and cannot be read.
    Unreadable(ReadError),
}

impl Content {
    /// Whether it is the content with that hash.
    pub fn is(&self, hash: ContentHash) -> bool {
        matches!(self, Self::Present(source) if source.hash == hash)
    }

    /// Reads `path`.
    pub fn read(path: &Path) -> Self {
        let is_ours = is_python(path) || path.ends_with(MANIFEST);
        let read = if is_ours { Source::read(path) } else { Source::read_any(path) };
        match read {
            Ok(source) => Self::Present(source),
            Err(ReadError::Missing | ReadError::NotAFile) => Self::Gone,
            Err(error) => Self::Unreadable(error),
        }
    }
}
