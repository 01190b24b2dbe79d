//! Where an interpreter finds packages, read from the disk without running it.
//!
//! What only code can tell stays unknown: folders that a `.pth` file adds by an `import`, or a
//! `sitecustomize`. A running interpreter knows those, and is asked where there is one.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::model::Site;

/// The site of `executable`, an interpreter of the minor version `minor`, such as `3.11`.
pub fn find(executable: &Path, minor: &str) -> Site {
    let above = |path: &Path| path.parent().and_then(Path::parent).map(Path::to_owned);
    let near = above(executable).unwrap_or_default();
    let own = Venv::read(&near);
    let (home, alone) = match &own {
        Some(venv) => (venv.home.clone(), !venv.system_packages),
        None => (fs::canonicalize(executable).ok().and_then(|real| above(&real)), false),
    };
    let mut folders: Vec<PathBuf> =
        env::var_os("PYTHONPATH").iter().flat_map(env::split_paths).collect();
    if own.is_some() {
        folders.extend(packages(&near, minor));
    }
    if !alone {
        folders.extend(user_packages(minor));
        folders.extend(home.iter().flat_map(|home| packages(home, minor)));
    }
    folders.retain(|folder| folder.is_absolute());
    let added: Vec<PathBuf> = folders.iter().flat_map(|folder| added_by_pth(folder)).collect();
    folders.extend(added);
    let version = own
        .and_then(|venv| venv.version)
        .or_else(|| home.and_then(|home| patch_level(&home, minor)))
        .unwrap_or_else(|| format!("{minor}.0"));
    Site { executable: executable.to_owned(), version, folders }
}

/// What `pyvenv.cfg` says of a virtual environment.
struct Venv {
    /// Above the folder of the interpreter that it was made with.
    home: Option<PathBuf>,
    version: Option<String>,
    system_packages: bool,
}

impl Venv {
    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("pyvenv.cfg")).ok()?;
        let mut venv = Self { home: None, version: None, system_packages: false };
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim();
            match key.trim() {
                "home" => venv.home = Path::new(value).parent().map(Path::to_owned),
                "version" | "version_info" => venv.version = Some(value.to_owned()),
                "include-system-site-packages" => {
                    venv.system_packages = value.eq_ignore_ascii_case("true");
                }
                _ => {}
            }
        }
        Some(venv)
    }
}

/// The folders of packages below a prefix, those of Debian among them.
fn packages(prefix: &Path, minor: &str) -> Vec<PathBuf> {
    vec![
        prefix.join(format!("local/lib/python{minor}/dist-packages")),
        prefix.join(format!("lib/python{minor}/site-packages")),
        prefix.join(format!("lib64/python{minor}/site-packages")),
        prefix.join("lib/python3/dist-packages"),
        prefix.join(format!("lib/python{minor}/dist-packages")),
    ]
}

fn user_packages(minor: &str) -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    if set("PYTHONNOUSERSITE").is_some() {
        return None;
    }
    let local = || set("HOME").map(|home| Path::new(&home).join(".local"));
    let base = set("PYTHONUSERBASE").map(PathBuf::from).or_else(local)?;
    Some(base.join(format!("lib/python{minor}/site-packages")))
}

/// The folders that the `.pth` files of `folder` name.
fn added_by_pth(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let files = entries.map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "pth"));
    let mut added = Vec::new();
    for text in files.filter_map(|path| fs::read_to_string(path).ok()) {
        let lines = text.lines().map(str::trim_end);
        let paths = lines.filter(|line| {
            !(line.is_empty() || line.starts_with(['#', '\t']) || line.starts_with("import"))
        });
        added.extend(paths.map(|line| folder.join(line)).filter(|path| path.is_dir()));
    }
    added
}

/// The whole version, as the headers of an interpreter have it.
fn patch_level(prefix: &Path, minor: &str) -> Option<String> {
    let header = prefix.join(format!("include/python{minor}/patchlevel.h"));
    let text = fs::read_to_string(header).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("#define PY_VERSION"))?;
    Some(line.trim().trim_matches('"').trim_end_matches('+').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_environment_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path();
        let put = |name: &str, text: &str| {
            fs::create_dir_all(prefix.join(name).parent().unwrap()).unwrap();
            fs::write(prefix.join(name), text).unwrap();
        };
        put("bin/python3", "");
        put("pyvenv.cfg", "home = /opt/python/bin\nversion = 3.11.4\n");
        put("lib/python3.11/site-packages/more.pth", "# a comment\nimport os\n../../../src\n\n");
        fs::create_dir(prefix.join("src")).unwrap();
        let executable = prefix.join("bin/python3");
        let site = find(&executable, "3.11");
        assert_eq!(site.version, "3.11.4");
        assert!(site.folders.contains(&prefix.join("lib/python3.11/site-packages")));
        assert!(site.folders.iter().any(|path| path.ends_with("site-packages/../../../src")));
        let system = Path::new("/opt/python/lib/python3.11/site-packages").to_owned();
        assert!(!site.folders.contains(&system));
        put("pyvenv.cfg", "home = /opt/python/bin\ninclude-system-site-packages = true\n");
        assert!(find(&executable, "3.11").folders.contains(&system));
    }
}
