//! What ARCHITECTURE.md says of the code: paths, rooms and whom they know, crates, `unsafe`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use crate::markdown::{quoted, rows, section};
use crate::{files_below, project_folder, text_of};

/// The code of each source file in `folder`, without comments, by its path in the project.
fn code_below(folder: &str) -> Vec<(String, String)> {
    let files = files_below(&project_folder().join(folder), ".rs");
    let named = files.into_iter().map(|path| {
        let name = path.strip_prefix(project_folder()).unwrap().to_string_lossy().into_owned();
        let text = text_of(&name);
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        (name, code.join("\n"))
    });
    let named: Vec<_> = named.collect();
    assert!(!named.is_empty(), "nothing in {folder}");
    named
}

/// `debounce` for `src/debounce.rs` and for `src/debounce/waiting.rs`.
fn room(file: &str) -> &str {
    let inside = file.strip_prefix("src/").unwrap();
    inside.split(['/', '.']).next().unwrap()
}

#[test]
fn every_path_that_it_names_is_there() {
    let is_path = Regex::new(r"^[\w.-]+/[\w./-]*$|^\w+\.(rs|md|toml)$").unwrap();
    let text = text_of("ARCHITECTURE.md");
    let paths: BTreeSet<String> =
        quoted(&text).into_iter().filter(|word| is_path.is_match(word)).collect();
    assert!(paths.len() > 30, "{paths:?}");
    let gone: Vec<_> = paths.iter().filter(|path| !project_folder().join(path).exists()).collect();
    assert!(gone.is_empty(), "not there: {gone:?}");
}

#[test]
fn every_source_says_what_it_is_for() {
    for file in files_below(&project_folder().join("src"), ".rs") {
        let text = std::fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let said = first.strip_prefix("//! ").is_some_and(|words| !words.trim().is_empty());
        assert!(said, "{} does not open with `//! `: {first:?}", file.display());
    }
}

/// From each room to those that it may know.
fn may_know() -> BTreeMap<String, BTreeSet<String>> {
    let text = text_of("ARCHITECTURE.md");
    let mut rooms = BTreeMap::new();
    for row in rows(section(&text, "## The rooms")) {
        let known: BTreeSet<String> =
            row[2].split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect();
        for path in quoted(&row[0]) {
            rooms.insert(room(&path).to_owned(), known.clone());
        }
    }
    rooms
}

/// How many times `super` at the left margin of `file` stays in its room; within a module of the file,
/// which is indented, once more.
fn depth(file: &str) -> usize {
    let path = Path::new(file);
    path.components().count() - 2 - usize::from(path.ends_with("mod.rs"))
}

#[test]
fn rooms_know_only_those_that_the_table_allows() {
    let allowed = may_know();
    for known in allowed.values().flatten() {
        assert!(allowed.contains_key(known), "the table allows {known}, which is no room");
    }
    let mention = Regex::new(r"\b(?:crate|replug)::(\w+|\{)").unwrap();
    let climb = Regex::new(r"(?m)^([ \t]*)(?:pub(?:\(\w+\))? )?use ((?:super::)+)").unwrap();
    let mut breaches = Vec::new();
    for (file, code) in code_below("src") {
        let own = room(&file);
        let Some(known) = allowed.get(own) else {
            breaches.push(format!("{file}: the room {own} is not in the table"));
            continue;
        };
        for found in mention.captures_iter(&code) {
            let other = &found[1];
            if other != own && !known.contains(other) {
                breaches.push(format!("{file}: {own} may not know {other}"));
            }
        }
        // A `super` that leads out of the room would say the same without the word `crate`.
        for found in climb.captures_iter(&code) {
            if found[2].matches("super").count() > depth(&file) + usize::from(!found[1].is_empty())
            {
                breaches.push(format!("{file}: {} leads out of {own}", found[0].trim()));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}\nmend the code, or the table in ARCHITECTURE.md");
}

#[test]
fn only_python_the_local_host_and_the_doors_know_pyo3() {
    for (file, code) in code_below("src") {
        let may = file.starts_with("src/python/")
            || file.starts_with("src/wheel/")
            || file.starts_with("src/bridge/")
            || ["src/host/local.rs", "src/host/turns.rs"].contains(&file.as_str());
        assert!(may || !code.contains("pyo3"), "{file} knows pyo3");
    }
}

/// The crates that Cargo.toml asks for, those for tests only apart.
fn crates_of_the_manifest() -> (BTreeSet<String>, BTreeSet<String>) {
    let manifest: toml::Table = text_of("Cargo.toml").parse().unwrap();
    let of = |table: &str| manifest[table].as_table().unwrap().keys().cloned();
    (of("dependencies").chain(of("build-dependencies")).collect(), of("dev-dependencies").collect())
}

#[test]
fn every_crate_has_its_reason_and_its_place() {
    let text = text_of("ARCHITECTURE.md");
    let listed: BTreeMap<String, BTreeSet<String>> = rows(section(&text, "## Crates"))
        .into_iter()
        .map(|row| {
            assert!(!row[2].is_empty(), "{} has no reason", row[0]);
            (row[0].replace('`', ""), row[1].split(", ").map(str::to_owned).collect())
        })
        .collect();
    let names: BTreeSet<String> = listed.keys().cloned().collect();
    let (real, for_tests) = crates_of_the_manifest();
    assert_eq!(names, real.union(&for_tests).cloned().collect());

    let mut code = code_below("src");
    code.extend(code_below("tests"));
    code.push(("build.rs".to_owned(), text_of("build.rs")));
    let mut wrong = Vec::new();
    for (name, places) in &listed {
        let word = name.replace('-', "_");
        let mention = Regex::new(&format!(r"(?:^|[^\w:]){word}(?:::|;)")).unwrap();
        let mut used = BTreeSet::new();
        for (file, code) in &code {
            // What the program uses anyway, tests may use without a word.
            let counts = !real.contains(name) || !file.starts_with("tests/");
            if counts && mention.is_match(code) {
                used.insert(place_of(file));
            }
        }
        if used != *places {
            wrong.push(format!("{name} is used in {used:?}, and the table says {places:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The name that the table of crates has for where a file is.
fn place_of(file: &str) -> String {
    match file.split('/').collect::<Vec<_>>().as_slice() {
        ["src", name] if !matches!(*name, "debounce.rs") => (*name).to_owned(),
        ["src", ..] => room(file).to_owned(),
        [first, ..] => (*first).to_owned(),
        [] => unreachable!(),
    }
}

#[test]
fn unsafe_is_where_it_is_said_to_be() {
    let text = text_of("ARCHITECTURE.md");
    let start = text.find("`unsafe` is denied").expect("the list of files with unsafe");
    let list = &text[start..];
    let list = &list[..list.find("\n\n").unwrap_or(list.len())];
    let said: BTreeSet<String> =
        quoted(list).into_iter().filter(|word| word.starts_with("src/")).collect();
    let found: BTreeSet<String> = code_below("src")
        .into_iter()
        .filter(|(_, code)| code.contains("unsafe {") || code.contains("unsafe extern"))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(said, found);
}
