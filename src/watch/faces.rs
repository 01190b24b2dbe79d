//! Which paths lead to the same file: through links, or because it has several names.
//!
//! One file is one file: it is told under one of its paths, the first in order, and under the next
//! one when that is gone. Names come before links.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::armed::Inode;

/// The paths of each file.
#[derive(Debug, Default)]
pub(super) struct Faces {
    /// Each with whether it is a link.
    paths: HashMap<Inode, Vec<(bool, PathBuf)>>,
    /// By the bytes of the path, which are compared faster than its parts.
    files: BTreeMap<OsString, (Inode, bool)>,
    /// How many paths are not the only one to their file.
    further: usize,
}

impl Faces {
    /// `path` leads to this file, as a link or as a name of it. The other paths to it.
    pub(super) fn add(&mut self, path: &Path, file: Inode, is_link: bool) -> Vec<PathBuf> {
        match self.files.insert(path.into(), (file, is_link)) {
            Some(before) if before == (file, is_link) => {}
            before => {
                if let Some((other, was_link)) = before {
                    self.part(path, other, was_link);
                }
                let paths = self.paths.entry(file).or_insert_with(|| Vec::with_capacity(1));
                let face = (is_link, path.to_owned());
                let at = paths.partition_point(|other| *other < face);
                paths.insert(at, face);
                self.further += usize::from(paths.len() > 1);
            }
        }
        let paths = self.paths.get(&file).into_iter().flatten();
        paths.map(|(_, other)| other).filter(|other| *other != path).cloned().collect()
    }

    /// `path` does not lead to a file any more. The other paths to the one that it led to.
    pub(super) fn remove(&mut self, path: &Path) -> Vec<PathBuf> {
        let Some((file, is_link)) = self.files.remove(path.as_os_str()) else { return Vec::new() };
        self.part(path, file, is_link)
    }

    /// `path` leads to `file` no more; what else does.
    fn part(&mut self, path: &Path, file: Inode, is_link: bool) -> Vec<PathBuf> {
        let Some(paths) = self.paths.get_mut(&file) else { return Vec::new() };
        paths.retain(|(link, other)| *link != is_link || other != path);
        let others: Vec<PathBuf> = paths.iter().map(|(_, other)| other.clone()).collect();
        if others.is_empty() {
            self.paths.remove(&file);
        } else {
            self.further -= 1;
        }
        others
    }

    /// The paths below `folder`.
    pub(super) fn below(&self, folder: &Path) -> Vec<PathBuf> {
        let mut inside = folder.as_os_str().to_owned();
        if folder.parent().is_some() {
            inside.push("/");
        }
        let at = self.files.contains_key(folder.as_os_str()).then(|| folder.to_owned());
        let below = self.files.range::<OsStr, _>((Bound::Included(&*inside), Bound::Unbounded));
        let below = below.map(|(path, _)| Path::new(path));
        at.into_iter()
            .chain(below.take_while(|path| path.starts_with(folder)).map(Path::to_owned))
            .collect()
    }

    /// Whether another path stands for the file that `path` leads to.
    pub(super) fn is_hidden(&self, path: &Path) -> bool {
        if self.further == 0 {
            return false;
        }
        let paths = self.files.get(path.as_os_str()).and_then(|(file, _)| self.paths.get(file));
        paths.and_then(|paths| paths.first()).is_some_and(|(_, first)| first != path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_links_and_the_first_stands_for_all() {
        let mut faces = Faces::default();
        let (a, b, link) = (Path::new("/r/a.py"), Path::new("/r/sub/b.py"), Path::new("/r/0.py"));
        assert!(faces.add(b, (1, 7), false).is_empty() && !faces.is_hidden(b));
        assert_eq!(faces.add(a, (1, 7), false), [b]);
        assert_eq!(faces.add(link, (1, 7), true), [a, b]);
        assert_eq!([a, b, link].map(|path| faces.is_hidden(path)), [false, true, true]);
        assert_eq!(faces.add(a, (1, 7), false), [b, link], "it was there already");
        assert_eq!(faces.remove(a), [b, link]);
        assert_eq!([b, link].map(|path| faces.is_hidden(path)), [false, true]);
        // The same path, another file.
        assert!(faces.add(b, (1, 8), false).is_empty());
        assert_eq!([b, link].map(|path| faces.is_hidden(path)), [false, false]);
        assert_eq!((faces.remove(link), faces.remove(b)), (Vec::new(), Vec::new()));
        assert_eq!((faces.further, faces.paths.len(), faces.files.len()), (0, 0, 0));
    }

    #[test]
    fn what_is_below_a_folder_is_not_what_is_beside_it() {
        let mut faces = Faces::default();
        for (number, path) in
            ["/r/a", "/r/a-b.py", "/r/a.py", "/r/a/b.py", "/r/a/b/c.py", "/r/b.py"]
                .iter()
                .enumerate()
        {
            faces.add(Path::new(path), (1, number as u64), false);
        }
        let below = ["/r/a", "/r/a/b.py", "/r/a/b/c.py"].map(PathBuf::from);
        assert_eq!(faces.below(Path::new("/r/a")), below);
        assert_eq!(faces.below(Path::new("/r/a.py")), [PathBuf::from("/r/a.py")]);
        assert_eq!(faces.below(Path::new("/")).len(), 6);
    }
}
