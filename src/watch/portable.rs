//! What is assumed where nothing is known of file systems and limits: that the system's notices
//! come, and that there are enough of them.

use std::path::Path;

use super::place::{FileSystem, InUse, Limits};

/// Nothing is known.
pub(super) fn file_system(_path: &Path) -> Option<FileSystem> {
    None
}

/// None are known.
pub(super) fn limits() -> Limits {
    Limits::default()
}

/// Not known.
pub(super) fn in_use() -> Option<InUse> {
    None
}
