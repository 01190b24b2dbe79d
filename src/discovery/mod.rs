//! Which files are plugins, told from their bytes alone.
//!
//! Takes sources as they were read; gives a [`crate::model::Verdict`] for each: a candidate with its checked
//! metadata, a fault, or nothing. No plugin code runs here and no interpreter is asked: what needs
//! one (newer syntax, encodings only Python knows) is handed on as [`crate::model::Verdict::Unparsed`].

mod classify;
mod content;
mod decode;
mod folder;
mod imports;
mod index;
mod indicators;
mod literal;
mod manifest;
mod metadata;
mod nesting;
mod place;
mod places;
mod schema;
mod syntax;

pub use classify::{classify_file, classify_named_file};
pub use content::Content;
pub use folder::{FolderVerdict, classify_folder, classify_folder_with};
pub use imports::{Import, imports};
pub use index::Index;
pub use places::{Places, is_known_field, nearest_field, syntax_fault};
pub use schema::schema;
