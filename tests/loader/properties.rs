//! What holds whatever happens: random histories of saves, deletions, failures and deaths.
//!
//! The double holds the loader to its orders on every call (`host.rs`). Here the outcome is compared
//! with what a loader makes of the same disk that has never seen another one, and the events with
//! what is live.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::{prop_assert_eq, proptest};

use crate::world::World;

/// Names of files, and ids.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
enum Step {
    Write(usize, String),
    Delete(usize),
    Settle,
    Reload(usize),
    Dies(usize),
}

/// A file: a plugin of its own name, or a module. With `strangers` it may have another's id, or
/// kill, or not compile: of two that have one id the live one stays, who killed waits, and what does
/// not compile stops an edit before it is known whether it matters. There history counts.
fn text(name: usize, strangers: bool) -> impl Strategy<Value = String> {
    let head = prop_oneof![
        12 => Just(format!("plugin {}", NAMES[name])),
        1 => (0..5_usize).prop_map(|other| format!("plugin {}", NAMES[other])),
        1 => (0..5_usize).prop_map(|other| format!("anonymous\nsays {}", NAMES[other])),
        2 => Just(String::new()),
    ];
    let line = prop_oneof![
        6 => (0..5_usize).prop_map(|other| format!("needs {}", NAMES[other])),
        2 => (0..5_usize).prop_map(|other| format!("import {}", NAMES[other])),
        2 => (0..5_usize).prop_map(|other| format!("try {}", NAMES[other])),
        2 => Just("overlap".to_owned()),
        3 => Just("lazy".to_owned()),
        3 => (0..5_usize).prop_map(|other| format!("asks {}", NAMES[other])),
        2 => (0..3_u8).prop_map(|number| format!("offers s{number}")),
        3 => (0..3_u8).prop_map(|number| format!("asks s{number}")),
        1 => (0..5_usize).prop_map(|other| format!("appends {}", NAMES[other])),
        1 => Just("broken".to_owned()),
        2 => Just("raises import".to_owned()),
        2 => Just("raises initialize".to_owned()),
        1 => Just("refuses".to_owned()),
        1 => Just("dies".to_owned()),
        1 => Just("dies-stopping".to_owned()),
        8 => (0..9_u8).prop_map(|number| number.to_string()),
    ];
    let text = (head, vec(line, 0..3));
    let text = text.prop_map(|(head, lines)| format!("{head}\n{}", lines.join("\n")));
    text.prop_filter("a stranger", move |text| {
        let own = text.starts_with(&format!("plugin {}\n", NAMES[name])) || text.starts_with('\n');
        strangers || (own && ["dies", "broken", "appends"].iter().all(|word| !text.contains(word)))
    })
}

fn step(strangers: bool) -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    prop_oneof![
        10 => name.clone().prop_flat_map(move |name| (Just(name), text(name, strangers)))
            .prop_map(|(name, text)| Step::Write(name, text)),
        2 => name.clone().prop_map(Step::Delete),
        8 => Just(Step::Settle),
        1 => name.clone().prop_map(Step::Reload),
        1 => name.prop_map(move |name| if strangers { Step::Dies(name) } else { Step::Settle }),
    ]
}

/// What the events say is live, with the generation.
#[derive(Default)]
struct Book {
    live: BTreeMap<String, u64>,
    /// The highest number that was ever given.
    highest: BTreeMap<String, u64>,
}

impl Book {
    fn read(&mut self, told: &[String], ids: &[String]) {
        for line in told {
            let words: Vec<&str> = line.split(' ').collect();
            let id = words[1].to_owned();
            match words[0] {
                "loaded" | "reloaded" => {
                    let number: u64 = words[2].parse().unwrap();
                    let highest = self.highest.entry(id.clone()).or_insert(0);
                    assert_eq!(number, *highest + 1, "{line}: {told:?}");
                    *highest = number;
                    let before = self.live.insert(id, number);
                    assert_eq!(before.is_some(), words[0] == "reloaded", "{line}: {told:?}");
                }
                "unloaded" => _ = self.live.remove(&id),
                // Another file with the same id may not parse, and then is not the live one.
                "failed" if line.ends_with("gone") => {
                    let other = words[2] == "parse" && ids.contains(&id);
                    _ = (!other).then(|| self.live.remove(&id));
                }
                "failed" => {
                    let kept = words[4].parse().unwrap();
                    assert_eq!(self.live.get(&id), Some(&kept), "{line}: {told:?}");
                }
                _ => {}
            }
        }
    }
}

/// Lives through `steps`; the world at its end, with everything settled.
fn live_through(steps: Vec<Step>) -> World {
    let mut world = World::new();
    let mut book = Book::default();
    for step in steps.into_iter().chain([Step::Settle]) {
        let told = match step {
            Step::Write(name, text) => {
                world.write(NAMES[name], &text);
                continue;
            }
            Step::Delete(name) => {
                world.delete(NAMES[name]);
                continue;
            }
            Step::Settle => world.settle(),
            Step::Reload(name) => {
                let told = world.settle();
                book.read(&told, &world.ids());
                world.reload_if_known(NAMES[name])
            }
            Step::Dies(name) if world.ids().contains(&NAMES[name].to_owned()) => {
                world.dies(NAMES[name])
            }
            Step::Dies(_) => continue,
        };
        book.read(&told, &world.ids());
        assert_eq!(Vec::from_iter(book.live.keys().cloned()), world.ids(), "{told:?}");
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_orders_and_the_numbers_hold(steps in vec(step(true), 1..40)) {
        let mut world = live_through(steps);
        let live = world.ids();
        let mut stopped: Vec<String> =
            world.stop().iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
        stopped.sort();
        prop_assert_eq!(stopped, live);
    }

    #[test]
    fn what_a_fresh_loader_makes_of_the_disk_is_live(steps in vec(step(false), 1..40)) {
        let world = live_through(steps);
        let disk = world.stage.borrow().disk.clone();
        let mut fresh = World::over(disk.clone());
        fresh.settle();
        let awake = |world: &World| {
            // A lazy one that was asked for once stays.
            let mut live = world.live();
            live.retain(|_, sources| !sources.values().any(|text| text.contains("lazy")));
            live
        };
        let live = awake(&world);
        for (id, sources) in awake(&fresh) {
            prop_assert_eq!(live.get(&id), Some(&sources), "{}", id);
        }
    }
}
