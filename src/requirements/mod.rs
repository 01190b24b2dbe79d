//! Which of the requirements of a plugin (PEP 508) are not installed for an interpreter.
//!
//! Takes a [`Site`]: where the interpreter looks for packages. Reads the metadata that installers
//! leave there (`*.dist-info`, `*.egg-info`), runs nothing and installs nothing. A running
//! interpreter tells its own site; [`find`] reads one from the disk where none runs.

mod find;
mod installed;

use std::cell::RefCell;
use std::path::PathBuf;
use std::str::FromStr;

use pep508_rs::{
    MarkerEnvironment, MarkerEnvironmentBuilder, PackageName, Requirement, VerbatimUrl,
    VersionOrUrl,
};

pub use find::find;

use crate::calm::calmly;
use crate::model::Site;
use installed::Shelves;

/// A requirement that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// As it was written.
    pub requirement: String,
    /// Why it is not met.
    pub why: Why,
}

/// Why a requirement is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not written as PEP 508 wants it, in the words of whoever reads that.
    Unreadable(String),
    /// No such package is installed.
    Missing(String),
    /// The package is installed in another version.
    OtherVersion(String, String),
}

impl Lack {
    /// What a person should know.
    pub fn message(&self) -> String {
        let asked = &self.requirement;
        match &self.why {
            Why::Unreadable(why) => format!("{asked:?} is no requirement: {why}"),
            Why::Missing(name) => format!("the package {name} is not installed"),
            Why::OtherVersion(name, found) => {
                format!("{asked:?} is asked for, and {name} {found} is installed")
            }
        }
    }
}

/// What is installed for one interpreter. It is looked up again only where a folder has changed.
pub struct Packages {
    site: Site,
    markers: Option<MarkerEnvironment>,
    shelves: RefCell<Shelves>,
}

impl Packages {
    /// What is installed for `site`.
    pub fn of(site: Site) -> Self {
        Self { markers: markers(&site.version), shelves: RefCell::default(), site }
    }

    /// Where they lie.
    pub fn folders(&self) -> &[PathBuf] {
        &self.site.folders
    }

    /// Those of `requirements` that are not met, in their order.
    pub fn lacks(&self, requirements: &[String]) -> Vec<Lack> {
        if requirements.is_empty() {
            return Vec::new();
        }
        self.shelves.borrow_mut().refresh(&self.site.folders);
        let lack = |requirement: &String| {
            let why = self.look(requirement)?;
            Some(Lack { requirement: requirement.clone(), why })
        };
        requirements.iter().filter_map(lack).collect()
    }

    fn look(&self, requirement: &str) -> Option<Why> {
        if has_name_last(requirement) {
            let why = "write the name of what is compared before `~=`";
            return Some(Why::Unreadable(why.to_owned()));
        }
        // What its reader has never met may be more than it can take, which is no reason to end.
        calmly(|| self.compare(requirement)).unwrap_or_else(|| {
            Some(Why::Unreadable("reading it fails in a way that nobody foresaw".to_owned()))
        })
    }

    fn compare(&self, requirement: &str) -> Option<Why> {
        let asked = match Requirement::<VerbatimUrl>::from_str(requirement) {
            Ok(asked) => asked,
            Err(error) => return Some(Why::Unreadable(error.message.to_string())),
        };
        // One that is meant for other systems or versions asks for nothing here.
        if self.markers.as_ref().is_some_and(|markers| !asked.evaluate_markers(markers, &[])) {
            return None;
        }
        let name = asked.name.to_string();
        let shelves = self.shelves.borrow();
        let Some(found) = shelves.version(&self.site.folders, &name) else {
            return Some(Why::Missing(name));
        };
        let fits = match &asked.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(wanted)) => match found.parse() {
                Ok(version) => wanted.contains(&version),
                // Older than the rules for versions; nothing can be said against it.
                Err(_) => true,
            },
            // What lies at an address cannot be compared.
            Some(VersionOrUrl::Url(_)) | None => true,
        };
        (!fits).then_some(Why::OtherVersion(name, found))
    }

    /// The line that installs what is lacking; `None` if nothing could be.
    pub fn remedy(&self, lacks: &[Lack]) -> Option<String> {
        let wanted: Vec<String> = lacks
            .iter()
            .filter(|lack| !matches!(lack.why, Why::Unreadable(_)))
            .map(|lack| quoted(&lack.requirement))
            .collect();
        let python = quoted(&self.site.executable.to_string_lossy());
        (!wanted.is_empty()).then(|| format!("{python} -m pip install {}", wanted.join(" ")))
    }
}

/// Whether a text stands before `~=` in it. The reader of requirements gives up on that while it holds
/// a lock, and would read no other marker after it.
fn has_name_last(requirement: &str) -> bool {
    let before = requirement.match_indices("~=").map(|(at, _)| &requirement[..at]);
    before.map(str::trim_end).any(|before| before.ends_with(['"', '\'']))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+@:,=".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// What the markers of requirements are compared with.
fn markers(version: &str) -> Option<MarkerEnvironment> {
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let release = text(system.release());
    let (machine, name, about) =
        (text(system.machine()), text(system.sysname()), text(system.version()));
    let minor: Vec<&str> = version.splitn(3, '.').take(2).collect();
    let builder = MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: version,
        os_name: "posix",
        platform_machine: &machine,
        platform_python_implementation: "CPython",
        platform_release: &release,
        platform_system: &name,
        platform_version: &about,
        python_full_version: version,
        python_version: &minor.join("."),
        sys_platform: if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS },
    };
    MarkerEnvironment::try_from(builder).ok()
}

/// The name of a package as all of its spellings have it.
fn normalized(name: &str) -> Option<String> {
    PackageName::new(name.to_owned()).ok().map(|name| name.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn install(folder: &Path, name: &str, file: &str, text: &str) {
        fs::create_dir_all(folder.join(name)).unwrap();
        fs::write(folder.join(name).join(file), text).unwrap();
    }

    fn packages(folder: &Path) -> Packages {
        let executable = "/usr/bin/python3".into();
        let folders = vec![folder.join("not-there"), folder.to_owned()];
        Packages::of(Site { executable, version: "3.11.7".to_owned(), folders })
    }

    fn told(packages: &Packages, requirement: &str) -> Option<String> {
        packages.lacks(&[requirement.to_owned()]).first().map(Lack::message)
    }

    #[test]
    fn what_installers_leave_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        install(folder, "Foo_Bar-1.2.3.dist-info", "METADATA", "Name: Foo.Bar\nVersion: 1.2.3\n");
        install(folder, "old-2.0-py3.11.egg-info", "PKG-INFO", "Name: old\nVersion: 2.0\n");
        fs::write(folder.join("flat-0.5.egg-info"), "Name: flat\nVersion: 0.5\n").unwrap();
        fs::create_dir(folder.join("left-1.0.dist-info")).unwrap();
        let packages = packages(folder);
        for met in [
            "foo-bar",
            "FOO.bar>=1.2",
            "foo_bar==1.2.*",
            "foo-bar[extra]~=1.2",
            "old<3",
            "flat",
            "foo-bar @ https://example.com/foo.whl",
            "absent; python_version < '3'",
            "absent; sys_platform == 'win32'",
        ] {
            assert_eq!(told(&packages, met), None, "{met}");
        }
        for (requirement, why) in [
            ("absent", "the package absent is not installed"),
            ("absent>=2; python_version >= '3'", "the package absent is not installed"),
            ("left", "the package left is not installed"),
            ("foo-bar>=2", "\"foo-bar>=2\" is asked for, and foo-bar 1.2.3 is installed"),
            ("foo bar", "\"foo bar\" is no requirement: "),
            ("", "\"\" is no requirement: "),
        ] {
            let told = told(&packages, requirement).unwrap();
            assert!(told.starts_with(why), "{requirement}: {told}");
        }
    }

    #[test]
    fn what_nobody_foresaw_is_a_fault_of_the_requirement() {
        let folder = tempfile::tempdir().unwrap();
        let packages = packages(folder.path());
        for odd in ["a[b-]", "a[b.]>=1", "a[-b]", "a @ file://${HOME"] {
            let told = told(&packages, odd).unwrap_or_default();
            assert!(
                told.contains("is no requirement: ") || told.contains("not installed"),
                "{odd}: {told}"
            );
        }
        for odd in ["a[b-]", "a; '3' ~= sys_platform"] {
            let why = told(&packages, odd).unwrap();
            assert!(why.starts_with(&format!("{odd:?} is no requirement: ")), "{why}");
            // Others are read as ever.
            assert_eq!(told(&packages, "b; python_version < '3'"), None);
        }
    }

    #[test]
    fn what_is_installed_meanwhile_counts() {
        let folder = tempfile::tempdir().unwrap();
        let packages = packages(folder.path());
        assert!(told(&packages, "late").is_some());
        install(folder.path(), "late-1.dist-info", "METADATA", "Name: late\nVersion: 1\n");
        assert_eq!(told(&packages, "late"), None);
        fs::remove_dir_all(folder.path().join("late-1.dist-info")).unwrap();
        assert!(told(&packages, "late").is_some());
    }

    #[test]
    fn the_remedy_is_a_line_for_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let packages = packages(folder.path());
        let lacks = packages.lacks(&["a>=1".into(), "b".into(), "no requirement".into()]);
        assert_eq!(lacks.len(), 3);
        let remedy = packages.remedy(&lacks).unwrap();
        assert_eq!(remedy, "/usr/bin/python3 -m pip install 'a>=1' b");
        assert_eq!(packages.remedy(&lacks[2..]), None);
    }
}
