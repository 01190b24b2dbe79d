//! What an interpreter is and where it finds packages: enough to say what is installed for it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An interpreter, as far as installed packages are concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The interpreter; absolute.
    #[serde(with = "crate::raw::path")]
    pub executable: PathBuf,
    /// Its whole version, such as `3.11.7`.
    pub version: String,
    /// Where packages lie; the first that has one counts.
    #[serde(with = "crate::raw::paths")]
    pub folders: Vec<PathBuf>,
}
