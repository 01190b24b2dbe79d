//! What only a terminal gets: rows that fit it, links, and what the keys show.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use replug::model::{Because, Event, Standing, State};
use replug::report::{Person, PersonOptions, Report, View};

use crate::events::*;
use crate::person::{assert_reads, options, person, story, terminal};

/// What stands on a terminal that knows `\r`, the emptying of a row, and nothing else.
fn screen(told: &str) -> String {
    let mut rows = vec![String::new()];
    let mut rest = told;
    while let Some(char) = rest.chars().next() {
        let row = rows.last_mut().unwrap();
        if let Some(after) = rest.strip_prefix("\r\u{1b}[K") {
            row.clear();
            rest = after;
            continue;
        }
        match char {
            '\n' => rows.push(String::new()),
            char => row.push(char),
        }
        rest = &rest[char.len_utf8()..];
    }
    rows.join("\n")
}

/// A person at a terminal, who is shown one thing after the other, a second apart.
struct Desk {
    person: Person<Vec<u8>>,
    seconds: u64,
}

impl Desk {
    fn new(options: PersonOptions) -> Self {
        Self { person: Person::new(Vec::new(), options), seconds: 0 }
    }

    fn event(&mut self, event: &Event) {
        self.seconds += 1;
        self.person.event(UNIX_EPOCH + Duration::from_secs(self.seconds), event).unwrap();
    }

    fn show(&mut self, view: &View<'_>) {
        self.seconds += 1;
        self.person.show(UNIX_EPOCH + Duration::from_secs(self.seconds), view).unwrap();
    }

    /// All that was written, as it was.
    fn written(self) -> String {
        String::from_utf8(self.person.into_inner()).unwrap()
    }

    fn screen(self) -> String {
        screen(&self.written())
    }
}

fn standing(name: &str, path: &str, state: State) -> Standing {
    Standing { key: id(name), id: id(name), path: PathBuf::from(path), state }
}

fn five() -> Vec<Standing> {
    vec![
        standing("com.example.beep", BEEP, State::Failed),
        standing("com.example.clock", CLOCK, State::Kept(2)),
        standing("lazy", "/home/ann/plugins/lazy.py", State::Asleep),
        standing("needy", "/home/ann/plugins/needy.py", State::Waiting),
        standing("web", "/srv/web/plugin.py", State::Live(1)),
    ]
}

/// A morning after which the clock is kept, the beep failed and a file is no plugin.
fn morning(options: PersonOptions) -> Desk {
    let mut desk = Desk::new(options);
    for event in [
        starting(),
        loaded("com.example.clock", CLOCK),
        loaded("web", "/srv/web/plugin.py"),
        reloaded(2, &[CLOCK], Because::Edit),
        failed(None, "/home/ann/plugins/stray.py", undefined(), None),
        failed(Some("com.example.beep"), BEEP, undefined(), None),
        failed(Some("com.example.clock"), CLOCK, undefined(), Some(2)),
    ] {
        desk.event(&event);
    }
    desk
}

#[test]
fn rows_end_where_the_terminal_does() {
    for width in [80, 40] {
        let told = person(PersonOptions { width, ..terminal() }, &story());
        assert_reads(&told, &format!("width_{width}.txt"));
        for row in told.lines().filter(|row| row.contains(' ')) {
            assert!(row.chars().count() <= width, "{row}");
        }
    }
}

#[test]
fn a_word_longer_than_a_row_is_left_whole() {
    let path = format!("/srv/{}/x.py", "deep/".repeat(30));
    let told = person(terminal(), &[loaded("a", &path)]);
    assert_eq!(told, format!("✓ a 1.0.0 loaded in 2.1 ms\n  {path}\n"));
}

#[test]
fn wide_characters_count_twice() {
    let event = warned(None, "leak", &"漢字 ".repeat(20));
    let told = person(terminal(), &[event]);
    // 2 for the mark, then 15 words of 4 with 15 blanks between and behind them.
    assert_eq!(told.lines().next().unwrap().matches("漢字").count(), 15);
}

#[test]
fn files_are_links_where_the_terminal_knows_them() {
    let look = PersonOptions { color: true, link_host: Some("desk".to_owned()), ..terminal() };
    let linked = person(look.clone(), &story());
    assert_reads(&linked, "links.txt");
    let without = person(PersonOptions { link_host: None, ..look }, &story());
    let mut plain = String::new();
    let mut rest = linked.as_str();
    while let Some((before, link)) = rest.split_once("\u{1b}]8;;") {
        plain.push_str(before);
        rest = link.split_once("\u{1b}\\").unwrap().1;
    }
    assert_eq!(plain + rest, without);
}

#[test]
fn the_keys_show_how_plugins_stand() {
    for (look, file) in
        [(terminal(), "keys.txt"), (PersonOptions { color: true, ..terminal() }, "keys_color.txt")]
    {
        let mut desk = morning(look);
        desk.show(&View::Help);
        desk.show(&View::List { plugins: &five(), numbered: false });
        desk.show(&View::LastError);
        desk.show(&View::Blank);
        desk.event(&reloaded(3, &[CLOCK], Because::Edit));
        desk.event(&loaded("com.example.beep", BEEP));
        desk.event(&loaded("stray", "/home/ann/plugins/stray.py"));
        desk.show(&View::LastError);
        desk.show(&View::List { plugins: &five()[..3], numbered: true });
        desk.show(&View::Question { typed: "" });
        desk.show(&View::Question { typed: "7" });
        desk.show(&View::Answered);
        desk.show(&View::NoSuchNumber { number: 7, last: 3 });
        desk.show(&View::Gone { plugin: &id("lazy") });
        assert_reads(&desk.screen(), file);
    }
}

#[test]
fn there_is_something_to_say_when_there_is_nothing() {
    let mut desk = Desk::new(terminal());
    desk.show(&View::List { plugins: &[], numbered: false });
    desk.show(&View::LastError);
    assert_eq!(desk.screen(), "· no plugins so far\n· no error so far\n");
}

#[test]
fn a_question_stays_below_what_happens_meanwhile() {
    let mut desk = Desk::new(terminal());
    desk.show(&View::Question { typed: "1" });
    desk.event(&reloaded(2, &[CLOCK], Because::Edit));
    let below = "reload which? number, or Enter for all; Esc: none  1";
    let line = "↻ com.example.clock 1.0.1 reloaded in 2.4 ms (generation 2): plugins/clock.py";
    assert_eq!(desk.screen(), format!("{line}\n  edited\n{below}"));
}

#[test]
fn since_has_the_day_if_it_is_not_today() {
    let mut desk = Desk::new(terminal());
    desk.event(&reloaded(2, &[CLOCK], Because::Edit));
    desk.seconds += 86_400;
    desk.event(&failed(Some("com.example.clock"), CLOCK, undefined(), Some(2)));
    let screen = desk.screen();
    assert!(screen.contains("generation 2 (since 1970-01-01 00:00:01)"), "{screen}");
}

#[test]
fn a_first_pass_that_takes_long_says_how_far_it_is() {
    let mut desk = Desk::new(terminal());
    desk.event(&starting());
    for done in 1..=3 {
        desk.event(&loaded(&format!("p{done}"), CLOCK));
        desk.show(&View::Progress { done, total: 1_000 });
    }
    let last = |told: &str| screen(told).lines().last().unwrap().to_owned();
    let told = String::from_utf8(desk.person.get_ref().clone()).unwrap();
    assert_eq!(last(&told), "loading: 3 of 1000 plugins");
    desk.event(&Event::Ready { plugins: 3 });
    let screen = desk.screen();
    assert!(!screen.contains("loading:"), "{screen}");
    assert!(screen.ends_with("? lists the keys.\n"), "{screen}");
}

#[test]
fn a_first_pass_that_is_over_at_once_says_nothing_of_it() {
    let mut person = Person::new(Vec::new(), terminal());
    person.event(UNIX_EPOCH, &starting()).unwrap();
    let at = UNIX_EPOCH + Duration::from_millis(499);
    person.show(at, &View::Progress { done: 1, total: 2 }).unwrap();
    assert_eq!(person.get_ref(), b"replug 0.1.0, Python 3.11.7\n");
}

#[test]
fn a_file_or_a_pipe_is_shown_nothing_of_all_that() {
    let mut desk = morning(options());
    let before = desk.person.get_ref().len();
    desk.show(&View::Clear);
    desk.show(&View::Help);
    desk.show(&View::Question { typed: "" });
    desk.show(&View::Progress { done: 1, total: 2 });
    assert_eq!(desk.person.get_ref().len(), before);
    assert!(!desk.written().contains('\u{1b}'));
}

#[test]
fn a_single_pass_invites_to_nothing() {
    let once = |events: &[Event]| person(PersonOptions { once: true, ..terminal() }, events);
    assert_eq!(once(&[Event::Ready { plugins: 1 }]), "✓ ready: 1 plugin live.\n");
    assert_eq!(once(&[Event::Ready { plugins: 0 }]), "✓ ready: no plugins.\n");
}
