//! What the keys do. A number belongs to the list that was shown last, so it is kept here.

use std::time::SystemTime;

use super::Supervisor;
use crate::host::Host;
use crate::keys::Key;
use crate::model::{PluginId, State};
use crate::report::View;

/// More plugins than this nobody counts through.
const LONGEST_NUMBER: usize = 6;

/// The question that is open.
#[derive(Debug, Default)]
pub(super) struct Console {
    question: Option<Question>,
}

/// Which plugin to reload.
#[derive(Debug)]
struct Question {
    /// The keys of the plugins, in the order of their numbers.
    offered: Vec<PluginId>,
    /// What was typed so far.
    number: String,
}

impl<H: Host> Supervisor<H> {
    /// Does what the key says; `false` when it is time to stop.
    pub(super) fn press(&mut self, key: Key) -> bool {
        match self.console.question.take() {
            Some(question) => self.answer(question, key),
            None => match key {
                Key::Reload => self.ask(),
                Key::List => {
                    let plugins = self.loader.standings();
                    self.show(&View::List { plugins: &plugins, numbered: false });
                }
                Key::LastError => self.show(&View::LastError),
                Key::Clear => self.show(&View::Clear),
                Key::Help => self.show(&View::Help),
                Key::Enter => self.show(&View::Blank),
                Key::Quit => return false,
                Key::Digit(_) | Key::Erase | Key::Other => {}
            },
        }
        true
    }

    fn ask(&mut self) {
        let plugins = self.loader.standings();
        self.show(&View::List { plugins: &plugins, numbered: true });
        if plugins.is_empty() {
            return;
        }
        self.show(&View::Question { typed: "" });
        let offered = plugins.into_iter().map(|plugin| plugin.key).collect();
        self.console.question = Some(Question { offered, number: String::new() });
    }

    fn answer(&mut self, mut question: Question, key: Key) {
        match key {
            Key::Digit(digit) if question.number.len() < LONGEST_NUMBER => {
                question.number.push(digit);
            }
            Key::Digit(_) => {}
            Key::Erase => _ = question.number.pop(),
            Key::Enter => {
                self.show(&View::Answered);
                return self.reload(&question);
            }
            _ => return self.show(&View::Answered),
        }
        self.show(&View::Question { typed: &question.number });
        self.console.question = Some(question);
    }

    fn reload(&mut self, question: &Question) {
        let standings = self.loader.standings();
        let keys: Vec<PluginId> = if question.number.is_empty() {
            let awake = standings.into_iter().filter(|plugin| plugin.state != State::Asleep);
            awake.map(|plugin| plugin.key).collect()
        } else {
            let number: usize = question.number.parse().unwrap_or_default();
            let Some(key) = number.checked_sub(1).and_then(|at| question.offered.get(at)) else {
                return self.show(&View::NoSuchNumber { number, last: question.offered.len() });
            };
            if !standings.iter().any(|plugin| plugin.key == *key) {
                return self.show(&View::Gone { plugin: key });
            }
            vec![key.clone()]
        };
        let Self { loader, voice, .. } = self;
        let imported = loader.reload(&keys, &mut |event| voice.say(&event));
        self.compare(imported);
    }

    fn show(&mut self, view: &View<'_>) {
        self.voice.show(SystemTime::now(), view);
    }
}
