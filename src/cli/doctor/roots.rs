//! The roots: what lies where, what is watched of it, and what their disks do.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{many, milliseconds, shown};
use crate::model::{Diagnosis, Health};
use crate::settings::Poll;
use crate::watch::measure::Bench;
use crate::watch::place::{self, Sort};
use crate::watch::{Census, RootCensus};

/// So many folders that cannot be looked into are named.
const NAMED: usize = 3;

pub(super) fn examine(census: &Census, poll: Poll, stopping: &AtomicBool) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> =
        census.roots.iter().map(|root| root_found(root, poll)).collect();
    // What a disk does is the same for each root on it.
    let mut disks = HashSet::new();
    for root in &census.roots {
        let Ok(metadata) = fs::metadata(&root.root) else { continue };
        let is_pseudo = place::file_system(&root.root).is_some_and(|one| one.sort == Sort::Pseudo);
        if !is_pseudo && disks.insert(metadata.dev()) && !stopping.load(Ordering::Relaxed) {
            found.extend(disk(root, census, poll));
        }
    }
    found
}

fn root_found(census: &RootCensus, poll: Poll) -> Diagnosis {
    let RootCensus { root, folders, files, ignored, closed, silent } = census;
    let system = place::file_system(root);
    let name = system.as_ref().filter(|_| root.exists()).map(|system| system.name.clone());
    let about = |message: String| {
        Diagnosis::ok("root", message)
            .about(root)
            .fact("file_system", &name)
            .fact("folders", folders)
            .fact("files", files)
            .fact("ignored", ignored)
    };
    if let Err(error) = look(root) {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "make it, or name another one; `watch` waits for it",
            _ => "make it readable, or name another one",
        };
        return about(error.to_string()).but(Health::Fail, remedy);
    }
    let on = name.as_deref().unwrap_or("a file system that is not known");
    if system.as_ref().is_some_and(|system| system.sort == Sort::Pseudo) {
        let message =
            format!("on {on}, the kernel's own data made to look like files: not watched");
        return about(message).but(Health::Fail, "name a folder on a disk");
    }
    let left_out: Vec<String> =
        ignored.iter().map(|(rule, count)| format!("{rule} ({count})")).collect();
    let left_out = match left_out.as_slice() {
        [] => "nothing left out".to_owned(),
        rules => format!("left out: {}", rules.join(", ")),
    };
    let counted = format!("{}, {}", many(*folders, "folder"), many(*files, "file"));
    let message = format!("on {on}; {counted}; {left_out}");
    let mut found = about(message);
    if let (Some(why), Poll::Auto) = (silent, poll) {
        let remedy = format!("it {why}; so it is polled, and a save is noticed a little later");
        found = found.but(Health::Warn, remedy);
    }
    let remote = system.is_some_and(|system| system.sort == Sort::Remote);
    if remote && poll == Poll::Never {
        let remedy = "changes made elsewhere are not told; take `poll = \"auto\"`";
        found = found.but(Health::Fail, remedy);
    }
    if !closed.is_empty() {
        let named = closed.iter().take(NAMED);
        let named: Vec<String> =
            named.map(|(folder, error)| format!("{}: {error}", folder.display())).collect();
        let remedy = format!(
            "{} cannot be looked into ({}); make them readable, or leave them out with `ignore` in \
             watch.toml",
            many(closed.len(), "folder"),
            named.join("; ")
        );
        found = found.but(Health::Warn, remedy);
    }
    found
}

fn look(root: &Path) -> io::Result<()> {
    if fs::metadata(root)?.is_dir() {
        fs::read_dir(root).map(drop)
    } else {
        fs::File::open(root).map(drop)
    }
}

/// What the disk of `root` does, measured on it, or elsewhere if nothing can be written there.
fn disk(root: &RootCensus, census: &Census, poll: Poll) -> Vec<Diagnosis> {
    let folder = if root.root.is_dir() { Some(root.root.as_path()) } else { root.root.parent() };
    let folder = folder.unwrap_or(&root.root);
    let (bench, place, elsewhere) = match Bench::new(folder) {
        Ok(bench) => (Ok(bench), folder.to_owned(), None),
        Err(why) => (Bench::new(&env::temp_dir()), env::temp_dir(), Some(why)),
    };
    let bench = match bench {
        Ok(bench) => bench,
        Err(error) => {
            let message = format!("not measured, since nothing can be written here: {error}");
            return vec![Diagnosis::ok("latency", message).about(place)];
        }
    };
    let note = |found: Diagnosis| match &elsewhere {
        None => found,
        Some(why) => {
            let message = format!(
                "{} (measured here, since {} cannot be written to: {why})",
                found.message,
                folder.display()
            );
            Diagnosis { message, ..found }
        }
    };
    vec![note(clock(&bench, &place)), note(latency(&bench, &place, root, census, poll))]
}

fn clock(bench: &Bench, place: &PathBuf) -> Diagnosis {
    match bench.clock() {
        Ok(step) => Diagnosis::ok("clock", format!("file times in steps of {}", shown(step)))
            .about(place)
            .fact("step_ns", u64::try_from(step.as_nanos()).unwrap_or(u64::MAX)),
        Err(error) => Diagnosis::ok("clock", format!("not measured: {error}")).about(place),
    }
}

fn latency(
    bench: &Bench,
    place: &PathBuf,
    root: &RootCensus,
    census: &Census,
    poll: Poll,
) -> Diagnosis {
    const CHECK: &str = "latency";
    if let Poll::Every(pause) = poll {
        let message = format!("a save is noticed within {}, since files are polled", shown(pause));
        return Diagnosis::ok(CHECK, message).about(place);
    }
    let none = |message: String| {
        let remedy = match poll {
            Poll::Never => "take `poll = \"auto\"` in watch.toml, so that files are polled",
            _ => "files are polled; say so with `poll = 500` in watch.toml, or take a local disk",
        };
        Diagnosis::ok(CHECK, message).about(place).but(Health::Fail, remedy)
    };
    match bench.latency() {
        // A network file system that tells of what happens here says nothing of what matters.
        Ok(Some(_)) if root.silent.is_some() => {
            Diagnosis::ok(CHECK, "a save is noticed by polling").about(place)
        }
        Ok(Some(latency)) => {
            let (median, longest) = (latency.median, latency.longest);
            let message = format!(
                "a save is told after {}, at the longest {} ({} saves)",
                shown(median),
                shown(longest),
                latency.saves
            );
            Diagnosis::ok(CHECK, message)
                .about(place)
                .fact("median_ms", milliseconds(median))
                .fact("longest_ms", milliseconds(longest))
                .fact("saves", latency.saves)
        }
        // What stands in the way was said by its name.
        Err(_) if census.refused.is_some() => {
            Diagnosis::ok(CHECK, "not measured, since a limit is met").about(place)
        }
        Ok(None) => none("saves are not told here".to_owned()),
        Err(error) => none(format!("nothing can be watched here: {error}")),
    }
}
