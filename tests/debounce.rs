//! The debouncer, in simulated time: cases as data files, and properties over random changes.
//!
//! `tests/debounce/README` tells how a case is written; every `.case` beside it is run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test speaks by failing")]

#[path = "debounce/case.rs"]
mod case;
#[path = "debounce/properties.rs"]
mod properties;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use replug::debounce::{Debouncer, Settle};

use case::{Case, describe};

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/debounce");
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
    names.sort();
    assert!(!names.is_empty());

    let mut wrong = Vec::new();
    for path in &names {
        let case = Case::parse(&fs::read_to_string(path).unwrap())
            .unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let got = case.run();
        if got != case.expected {
            wrong.push(format!(
                "{}\n  expected:\n    {}\n  got:\n    {}",
                path.display(),
                case.expected.join("\n    "),
                got.join("\n    "),
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

#[test]
fn a_long_quiet_time_is_not_cut_short_by_the_cap() {
    let settle = Settle::with_burst(Duration::from_secs(1));
    assert!(settle.cap > settle.burst);
    assert_eq!(Settle::with_burst(Settle::default().burst), Settle::default());
}

#[test]
fn a_lone_path_shows_before_it_settles_and_no_other_does() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut debouncer = Debouncer::new(Settle::default());
    assert_eq!(debouncer.peek_lone(), None);

    case::push(&mut debouncer, "writing", "b.py", at(0));
    case::push(&mut debouncer, "gone", "c.py", at(0));
    assert_eq!(debouncer.peek_lone(), None, "half a file is not compiled");
    case::push(&mut debouncer, "finished", "a.py", at(0));
    assert_eq!(debouncer.peek_lone(), Some(Path::new("a.py")));

    debouncer.hold(at(100));
    assert_eq!(debouncer.peek_lone(), None, "held");
    debouncer.release();
    case::push(&mut debouncer, "finished", "b.py", at(0));
    assert_eq!(debouncer.peek_lone(), None, "a burst");

    // A hold that has run out counts no more.
    debouncer.hold(at(19));
    assert!(debouncer.take(at(20)).is_some());
    case::push(&mut debouncer, "finished", "a.py", at(39));
    assert_eq!(debouncer.peek_lone(), None, "soon after a batch");
    assert!(debouncer.take(at(59)).is_some());
    case::push(&mut debouncer, "finished", "a.py", at(79));
    assert_eq!(debouncer.peek_lone(), Some(Path::new("a.py")));
}

#[test]
fn new_quiet_times_hold_for_what_waits() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut debouncer = Debouncer::new(Settle::default());
    case::push(&mut debouncer, "finished", "a.py", at(0));
    case::push(&mut debouncer, "finished", "b.py", at(5));
    assert_eq!(debouncer.deadline(), Some(at(25)));
    debouncer.set_settle(Settle::with_burst(Duration::from_millis(50)));
    assert_eq!(debouncer.deadline(), Some(at(55)));
    assert_eq!(describe(&debouncer.take(at(55)).unwrap()), "a.py b.py");
}

#[test]
fn first_seen_is_that_of_the_changes_given_out() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut debouncer = Debouncer::new(Settle::default());
    case::push(&mut debouncer, "gone", "a.py", at(0));
    case::push(&mut debouncer, "gone", "b.py", at(10));
    case::push(&mut debouncer, "writing", "a.py", at(100));
    case::push(&mut debouncer, "finished", "a.py", at(103));
    let back = debouncer.take(at(104)).unwrap();
    assert_eq!((describe(&back).as_str(), back.first_seen), ("a.py vanishing:b.py", at(100)));
    assert_eq!(debouncer.take(at(160)).unwrap().first_seen, at(10));
}
