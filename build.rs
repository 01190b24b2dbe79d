//! Links the binary to the interpreter it was configured with, tells it where that is, and puts the
//! text of the `qtforge` package into it.
//!
//! Without the rpath a program that was linked against one libpython may silently run on another
//! one of the same name that the dynamic loader happens to find first.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_libpython_rpath_link_args();
    let python = pyo3_build_config::get();
    println!("cargo:rustc-env=REPLUG_BUILD_PYTHON={}", python.executable().unwrap_or_default());
    println!("cargo:rerun-if-changed=build.rs");
    embed_qtforge()
}

/// Writes a table of (module, path, text, is a package) for `src/python/embedded.rs`.
fn embed_qtforge() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("python");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    python_files(&root.join("qtforge"), &mut files)?;
    files.sort();
    let mut table = String::from("const SOURCES: &[(&str, &str, &str, bool)] = &[\n");
    for file in files {
        let path = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        let stem = path.trim_end_matches(".py").replace('/', ".");
        let package = stem.strip_suffix(".__init__");
        let module = package.unwrap_or(&stem);
        writeln!(
            table,
            "    ({module:?}, {path:?}, include_str!({:?}), {}),",
            file,
            package.is_some()
        )?;
    }
    table.push_str("];\n");
    fs::write(Path::new(&std::env::var("OUT_DIR")?).join("qtforge_sources.rs"), table)?;
    Ok(())
}

fn python_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            python_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
    Ok(())
}
