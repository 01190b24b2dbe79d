//! The way to a path: every folder and every link that decides where it leads.
//!
//! A root, or a link below one, leads elsewhere as soon as anything on the way to it is replaced: a
//! parent that is moved away, a link in the middle of a chain that is set anew. So each step of the
//! way is watched, by its real name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Further links than the system itself follows are a loop.
const LONGEST_CHAIN: usize = 40;

/// The steps to `path`, which is absolute: each without a link in the folders before its last part.
/// The last one is where it leads in the end. What is missing is taken as it is spelled.
pub(super) fn steps(path: &Path) -> Vec<PathBuf> {
    let mut steps = Vec::new();
    let mut at = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = parts(path).collect();
    let mut links = 0;
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(part);
        steps.push(next.clone());
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        links += 1;
        if links > LONGEST_CHAIN {
            break;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            rest.push_front(part);
        }
    }
    steps
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// Whose way leads over which step.
#[derive(Debug, Default)]
pub(super) struct Ways {
    steps: BTreeMap<PathBuf, Vec<PathBuf>>,
    owners: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

impl Ways {
    /// The way to `owner` is this one from now on. The steps that are on nobody's way any more.
    pub(super) fn set(&mut self, owner: &Path, steps: Vec<PathBuf>) -> Vec<PathBuf> {
        let old = self.steps.insert(owner.to_owned(), steps.clone()).unwrap_or_default();
        for step in &steps {
            self.owners.entry(step.clone()).or_default().insert(owner.to_owned());
        }
        self.leave(owner, old.into_iter().filter(|step| !steps.contains(step)))
    }

    /// Nobody asks for the way to `owner` any more. The steps that are on nobody's way now.
    pub(super) fn remove(&mut self, owner: &Path) -> Vec<PathBuf> {
        let old = self.steps.remove(owner).unwrap_or_default();
        self.leave(owner, old.into_iter())
    }

    fn leave(&mut self, owner: &Path, steps: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
        let mut free = Vec::new();
        for step in steps {
            let Some(owners) = self.owners.get_mut(&step) else { continue };
            owners.remove(owner);
            if owners.is_empty() {
                self.owners.remove(&step);
                free.push(step);
            }
        }
        free
    }

    /// Those whose way leads over `step`.
    pub(super) fn over(&self, step: &Path) -> Vec<PathBuf> {
        self.owners.get(step).into_iter().flatten().cloned().collect()
    }

    /// Those that lead to `target` in the end.
    pub(super) fn to(&self, target: &Path) -> Vec<PathBuf> {
        let ends = |owner: &&PathBuf| {
            self.steps.get(*owner).is_some_and(|s| s.last().is_some_and(|end| end == target))
        };
        self.owners.get(target).into_iter().flatten().filter(ends).cloned().collect()
    }

    /// The owners below `folder`.
    pub(super) fn below(&self, folder: &Path) -> Vec<PathBuf> {
        let owners = self.steps.range(folder.to_owned()..).map(|(owner, _)| owner);
        owners.take_while(|owner| owner.starts_with(folder)).cloned().collect()
    }

    /// Whether anybody's way leads through `folder`.
    pub(super) fn leads_through(&self, folder: &Path) -> bool {
        let steps = self.owners.range(folder.to_owned()..).map(|(step, _)| step);
        let mut inside = steps.take_while(|step| step.starts_with(folder));
        inside.any(|step| step.parent() == Some(folder))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_link_of_a_chain_is_a_step() {
        let scene = tempfile::tempdir().unwrap();
        let base = scene.path().canonicalize().unwrap();
        for folder in ["out", "real/deep"] {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        symlink("../real", base.join("out/middle")).unwrap();
        symlink(base.join("out/middle/deep/a.py"), base.join("a.py")).unwrap();
        let steps = steps(&base.join("a.py"));
        let shown: Vec<_> = steps.iter().filter_map(|step| step.strip_prefix(&base).ok()).collect();
        let wanted = ["", "a.py", "", "out", "out/middle", "real", "real/deep", "real/deep/a.py"];
        assert_eq!(shown, wanted.map(Path::new));
    }

    #[test]
    fn a_loop_ends() {
        let scene = tempfile::tempdir().unwrap();
        symlink("b", scene.path().join("a")).unwrap();
        symlink("a", scene.path().join("b")).unwrap();
        assert!(steps(&scene.path().join("a")).len() < 100);
    }

    #[test]
    fn a_step_is_free_when_its_last_owner_leaves() {
        let path = |text: &str| PathBuf::from(text);
        let mut ways = Ways::default();
        assert!(ways.set(&path("/a"), vec![path("/x"), path("/x/y")]).is_empty());
        ways.set(&path("/b"), vec![path("/x")]);
        assert_eq!(ways.over(&path("/x")), [path("/a"), path("/b")]);
        assert_eq!(ways.to(&path("/x")), [path("/b")]);
        assert!(ways.leads_through(&path("/x")));
        assert_eq!(ways.set(&path("/a"), vec![path("/z")]), [path("/x/y")]);
        assert!(!ways.leads_through(&path("/x")));
        assert_eq!(ways.remove(&path("/b")), [path("/x")]);
    }
}
