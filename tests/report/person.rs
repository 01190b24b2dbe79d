//! The text for a person, compared with the files beside this one, in which `␛` stands for the
//! escape character. With REPLUG_UPDATE set the files are written anew, to be read as a diff.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use replug::model::{Because, Event, Phase, Place, PluginFault, UnloadReason};
use replug::report::{Moment, Person, PersonOptions, Report};

use crate::events::*;

pub(crate) fn options() -> PersonOptions {
    PersonOptions {
        color: false,
        base: PathBuf::from("/home/ann"),
        verbosity: 0,
        width: 80,
        terminal: false,
        link_host: None,
        once: false,
        keys: false,
        clock: |at| {
            let seconds = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
            let (minutes, hours) = (seconds / 60 % 60, seconds / 3_600 % 24);
            Moment {
                date: format!("1970-01-{:02}", seconds / 86_400 + 1),
                time: format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
            }
        },
    }
}

/// A terminal of 80 columns.
pub(crate) fn terminal() -> PersonOptions {
    PersonOptions { terminal: true, keys: true, ..options() }
}

pub(crate) fn person(options: PersonOptions, events: &[Event]) -> String {
    let mut out = Vec::new();
    let mut person = Person::new(&mut out, options);
    for (number, event) in events.iter().enumerate() {
        person.event(UNIX_EPOCH + Duration::from_secs(number as u64), event).unwrap();
    }
    String::from_utf8(out).unwrap()
}

/// Compares with the whole of a file in `tests/report/`.
pub(crate) fn assert_reads(told: &str, file: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/report").join(file);
    let told = told.replace('\u{1b}', "␛");
    if std::env::var_os("REPLUG_UPDATE").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(told == expected, "{file} should read:\n{expected}\nbut it reads:\n{told}");
}

const STEPS: &str = "Traceback (most recent call last):
  File \"/home/ann/plugins/clock.py\", line 30, in initialize
    self.start()
  File \"/home/ann/plugins/clock.py\", line 12, in start
    value = foo + 1
            ^^^
NameError: name 'foo' is not defined
";

pub(crate) fn story() -> Vec<Event> {
    let clock = Some("com.example.clock");
    let missing = PluginFault::new(
        Phase::Dependency,
        "MissingDependency",
        "needs com.example.sound, which is not there",
    );
    let mut deep = undefined();
    deep.phase = Phase::Initialize;
    deep.traceback = Some(STEPS.to_owned());
    let died = PluginFault::new(Phase::Host, "SIGSEGV", "the host process was killed by SIGSEGV");
    let mut again = live("com.example.beep", BEEP, "1.0.0", 1, 1_500);
    again.took = Duration::from_millis(1_500);
    vec![
        starting(),
        loaded("com.example.clock", CLOCK),
        loaded("com.example.web", "/srv/web/plugin.py"),
        failed(Some("com.example.beep"), BEEP, missing, None),
        Event::Ready { plugins: 2 },
        reloaded(2, &[CLOCK], Because::Edit),
        failed(clock, CLOCK, undefined(), Some(2)),
        failed(clock, CLOCK, undefined(), Some(2)),
        failed(clock, CLOCK, deep, Some(2)),
        reloaded(3, &[CLOCK, "/home/ann/plugins/face.py"], Because::Edit),
        reloaded(4, &[CLOCK, BEEP, "/lib/a.py"], Because::Edit),
        Event::Loaded(again),
        failed(clock, CLOCK, died, None),
        Event::Loaded(live("com.example.clock", CLOCK, "1.0.1", 5, 2_000)),
        reloaded(6, &["/home/ann/lib/util.py"], Because::Shared),
        reloaded(7, &[BEEP], Because::Dependency),
        reloaded(8, &["/home/ann/watch.toml"], Because::Metadata),
        reloaded(9, &[], Because::Moved),
        reloaded(10, &[], Because::Manual),
        reloaded(11, &[], Because::Host),
        warned(clock, "shutdown_raised", "shutdown raised ValueError: no such face"),
        warned(None, "watch_limit", "50 folders are polled: the limit of watches is reached"),
        rescan(),
        unloaded(UnloadReason::Deleted),
        unloaded(UnloadReason::Renamed),
        unloaded(UnloadReason::Disabled),
        unloaded(UnloadReason::Stop),
        Event::Stopped { exit: 0 },
        Event::Stopped { exit: 1 },
    ]
}

#[test]
fn a_day_as_a_person_reads_it() {
    assert_reads(&person(options(), &story()), "story.txt");
}

#[test]
fn colour_adds_only_colour() {
    let colored = person(PersonOptions { color: true, ..options() }, &story());
    assert_reads(&colored, "story_color.txt");
    let mut plain = String::new();
    for piece in colored.split("\u{1b}[") {
        plain.push_str(piece.split_once('m').filter(|_| !plain.is_empty()).map_or(piece, |p| p.1));
    }
    assert_eq!(plain, person(options(), &story()));
}

#[test]
fn quiet_leaves_the_failures_the_warnings_and_the_end() {
    let quiet = person(PersonOptions { verbosity: -1, ..options() }, &story());
    assert_reads(&quiet, "quiet.txt");
}

#[test]
fn verbose_names_every_changed_file() {
    let changed = [CLOCK, BEEP, "/home/ann/plugins/face.py", "/lib/a.py"];
    let event = reloaded(2, &changed, Because::Edit);
    let told = person(PersonOptions { verbosity: 1, ..options() }, &[event]);
    assert_reads(&told, "verbose.txt");
}

#[test]
fn ready_counts_what_lives_and_what_fails() {
    let fault = || PluginFault::new(Phase::Parse, "SyntaxError", "invalid syntax");
    let last = |events: &[Event]| {
        person(options(), events).lines().last().map(str::to_owned).unwrap_or_default()
    };
    let ready = |plugins| Event::Ready { plugins };
    assert_eq!(last(&[ready(0)]), "✓ ready: waiting for a plugin. Ctrl-C stops.");
    assert_eq!(
        last(&[ready(1)]),
        "✓ ready: 1 plugin live. Save a file to see it reload; Ctrl-C stops."
    );
    assert_eq!(
        last(&[failed(None, BEEP, fault(), None), ready(0)]),
        "✓ ready: 0 plugins live, 1 failed. Save a file to see it reload; Ctrl-C stops."
    );
    // The same file twice is one; a file that healed is none; a manifest heals with its entry.
    let manifest = "/home/ann/plugins/web/plugin.json";
    let events = [
        failed(None, BEEP, fault(), None),
        failed(Some("beep"), BEEP, undefined(), None),
        failed(None, CLOCK, fault(), None),
        loaded("com.example.clock", CLOCK),
        failed(None, manifest, fault(), None),
        loaded("web", "/home/ann/plugins/web/src/main.py"),
        ready(2),
    ];
    assert_eq!(
        last(&events),
        "✓ ready: 2 plugins live, 1 failed. Save a file to see it reload; Ctrl-C stops."
    );
}

#[test]
fn a_second_plugin_of_one_id_fails_beside_the_first() {
    let duplicate = || PluginFault::new(Phase::Metadata, "DuplicatePluginId", "two files, one id");
    let told = person(
        options(),
        &[
            failed(Some("com.example.clock"), BEEP, duplicate(), None),
            loaded("com.example.clock", CLOCK),
            Event::Ready { plugins: 1 },
            failed(Some("com.example.clock"), BEEP, duplicate(), None),
            unloaded(UnloadReason::Deleted),
            Event::Loaded(live("com.example.clock", BEEP, "1.0.0", 2, 2_000)),
        ],
    );
    assert_reads(&told, "duplicate.txt");
}

#[test]
fn a_failure_is_told_in_full_again_when_it_is_another_or_came_back() {
    let fails = |fault, kept| failed(Some("com.example.clock"), CLOCK, fault, kept);
    let frames = |events: &[Event]| person(options(), events).matches("error[").count();
    let mut moved = undefined();
    moved.place.as_mut().unwrap().line = Some(13);
    let mut traced = undefined();
    traced.traceback = Some("at 0x7f00".to_owned());
    assert_eq!(frames(&[fails(undefined(), Some(1)), fails(undefined(), Some(1))]), 1);
    assert_eq!(frames(&[fails(undefined(), Some(1)), fails(traced, Some(1))]), 1);
    assert_eq!(frames(&[fails(undefined(), Some(1)), fails(moved, Some(1))]), 2);
    assert_eq!(frames(&[fails(undefined(), Some(1)), fails(undefined(), None)]), 2);
    let edit = reloaded(2, &[CLOCK], Because::Edit);
    assert_eq!(frames(&[fails(undefined(), Some(1)), edit, fails(undefined(), Some(2))]), 2);
}

#[test]
fn code_frames_show_the_place_whatever_the_line_is() {
    let long = format!("table = [{} boom, {}]", "1, ".repeat(200), "2, ".repeat(200));
    let wide_span = format!("    value = compute({})", "argument, ".repeat(30));
    let mut no_text = undefined();
    no_text.place.as_mut().unwrap().text = None;
    let mut no_text_no_column = undefined();
    no_text_no_column.place = Some(Place { line: Some(12), ..Place::file(CLOCK) });
    let mut zero = undefined();
    zero.place.as_mut().unwrap().line = Some(0);
    let huge_message = fault(&"x".repeat(100_000), "value = foo", None, None);
    let mut empty_message = undefined();
    empty_message.message.clear();
    let mut high_line = undefined();
    high_line.place.as_mut().unwrap().line = Some(123_456);
    let mut deep = undefined();
    let step = "  File \"/home/ann/plugins/clock.py\", line 1, in f\n    f()\n";
    deep.traceback = Some(format!("Traceback (most recent call last):\n{}", step.repeat(900)));
    let faults = [
        fault("a plain line", "value = foo", Some(9), Some(12)),
        fault("no end", "value = foo", Some(9), None),
        fault("no column", "    value = foo", None, None),
        fault("an empty line", "", Some(1), Some(1)),
        fault("past the end", "value = (", Some(99), Some(120)),
        fault("end before begin", "value = foo", Some(9), Some(3)),
        fault("tabs", "\tif\tfoo:", Some(5), Some(8)),
        fault("wide characters", "名前 = '漢字' + foo", Some(13), Some(16)),
        fault("a very long line", &long, Some(611), Some(615)),
        fault("a very long span", &wide_span, Some(13), Some(300)),
        fault("deep in blanks", &format!("{}foo", " ".repeat(120)), Some(121), Some(124)),
        high_line,
        no_text,
        no_text_no_column,
        zero,
        PluginFault::new(Phase::Read, "PermissionError", "no line").at(Place::file(CLOCK)),
        PluginFault::new(Phase::Host, "NoPlace", "no place"),
        empty_message,
        deep,
    ];
    let told = faults.map(|fault| person(options(), &[failed(None, CLOCK, fault, None)]));
    assert_reads(&told.join("\n"), "frames.txt");
    // Not in the file, for the sake of editors that take away blanks at the end of a line.
    let blank = person(options(), &[failed(None, CLOCK, fault("", "    ", None, None), None)]);
    assert!(blank.ends_with("\n12 |     \n   | ^\n"), "{blank}");
    let huge = person(options(), &[failed(None, CLOCK, huge_message, None)]);
    assert!(huge.len() < 1_500, "{} bytes", huge.len());
    for line in told.iter().flat_map(|text| text.lines()).filter(|line| line.contains('|')) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_group_of_exceptions_keeps_what_its_members_say() {
    let mut fault = undefined();
    fault.traceback = Some(
        "  + Exception Group Traceback (most recent call last):
  |   File \"/home/ann/plugins/clock.py\", line 4, in <module>
  |     raise ExceptionGroup(\"two\", [a, b])
  | ExceptionGroup: two (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File \"/home/ann/plugins/clock.py\", line 2, in <module>
    |     1 / 0
    | ZeroDivisionError: division by zero
    +------------------------------------
"
        .to_owned(),
    );
    assert_reads(&person(options(), &[failed(None, CLOCK, fault, None)]), "group.txt");
}

#[test]
fn nobody_can_fake_a_line_or_reach_the_terminal() {
    let evil = "a\n✓ fake\r\u{1b}[2J\u{9b}31m\u{202e}\u{7}\u{2028}\u{0}end";
    let mut fault = fault(evil, &format!("\t{evil}"), Some(2), Some(4));
    fault.kind = evil.to_owned();
    fault.place.as_mut().unwrap().file = PathBuf::from(format!("/home/ann/{evil}.py"));
    fault.traceback = Some(format!("{STEPS}{STEPS}").replace("self.start()", "\u{1b}[2J\r\t|"));
    let path = format!("/home/ann/{evil}/x.py");
    let told = person(
        options(),
        &[
            Event::Starting { version: "0.1.0", python: evil.to_owned() },
            Event::Loaded(live("a", &path, evil, 1, 1_000)),
            reloaded(2, &[&path], Because::Edit),
            failed(None, &path, fault.clone(), None),
            failed(None, &path, fault, None),
            warned(None, "leak", evil),
            Event::Rescan { reason: evil.to_owned() },
        ],
    );
    assert_reads(&told, "hostile.txt");
}
