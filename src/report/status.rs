//! What a person asks to see: how plugins stand, the last error, the keys.

use std::io::Write;

use super::failures::Failure;
use super::line::Line;
use super::person::{BAD, BOLD, DIM, GOOD, WARN};
use super::text::escape;
use super::{Person, View};
use crate::model::{PluginId, Standing, State};

/// Ids longer than this do not push the rest of the list to the right.
const LONGEST_ID: usize = 32;

const HELP: &[(&str, &str)] = &[
    ("r", "reload a plugin by its number, or all of them"),
    ("l", "list the plugins"),
    ("e", "show the last error again"),
    ("c", "clear the screen"),
    ("q", "quit, as Ctrl-C does"),
    ("?", "this help"),
];

/// Empties the screen and begins at its top.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

impl<W: Write> Person<W> {
    pub(super) fn view(&mut self, view: &View<'_>) -> String {
        if !self.options.terminal {
            return String::new();
        }
        match *view {
            View::Progress { done, total } => {
                self.footer.progress(self.now, done, total);
                String::new()
            }
            View::List { plugins, numbered } => self.list(plugins, numbered),
            View::Question { typed } => {
                self.footer
                    .set(format!("reload which? number, or Enter for all; Esc: none  {typed}"));
                String::new()
            }
            View::Answered => {
                self.footer.clear();
                String::new()
            }
            View::NoSuchNumber { number, last } => {
                self.remark(&format!("there is no number {number}; the last is {last}"))
            }
            View::Gone { plugin } => self.remark(&format!("{plugin} is gone meanwhile")),
            View::LastError => self.last_error(),
            View::Help => self.help(),
            View::Clear => CLEAR.to_owned(),
            View::Blank => "\n".to_owned(),
        }
    }

    fn remark(&self, text: &str) -> String {
        self.say(Line::new(DIM, "·").add(text))
    }

    fn list(&self, plugins: &[Standing], numbered: bool) -> String {
        let strangers: Vec<&Failure> = self
            .failures
            .iter()
            .filter(|failure| !plugins.iter().any(|plugin| failure.path == plugin.path))
            .collect();
        if plugins.is_empty() && (numbered || strangers.is_empty()) {
            return self.remark("no plugins so far");
        }
        let digits = plugins.len().to_string().len();
        let lengths = plugins.iter().map(|plugin| plugin.id.as_str().len());
        let longest = lengths.filter(|length| *length <= LONGEST_ID).max().unwrap_or(0);
        let mut list = String::new();
        for (at, plugin) in plugins.iter().enumerate() {
            let number = format!("{:>digits$} ", at + 1);
            let line = if numbered { Line::default().paint(BOLD, number) } else { Line::default() };
            let (mark, words) = self.stands(plugin);
            let blanks = " ".repeat(longest.saturating_sub(plugin.id.as_str().len()) + 1);
            let line = line
                .join(mark)
                .paint(BOLD, plugin.id.as_str())
                .add(blanks)
                .add(words)
                .add("  ")
                .join(self.path(DIM, &plugin.path));
            list.push_str(&self.say(line));
        }
        if numbered {
            return list;
        }
        for failure in strangers {
            let line = Line::new(BAD, "✗").join(self.path(BOLD, &failure.path));
            let words = format!(" no plugin: {}", escape(&failure.fault.kind));
            list.push_str(&self.say(line.add(words)));
        }
        list
    }

    fn stands(&self, plugin: &Standing) -> (Line, String) {
        let since = |id: &PluginId| self.since(id).map(|since| format!(" since {since}"));
        let since = since(&plugin.id).unwrap_or_default();
        let failure = self.failures.iter().find(|open| open.path == plugin.path);
        let why = failure.map(|open| escape(&open.fault.kind));
        match (plugin.state, why) {
            (State::Live(generation), _) => {
                (Line::new(GOOD, "✓"), format!("live: generation {generation}{since}"))
            }
            (State::Kept(generation), why) => {
                let why = why.map(|why| format!("; the edit after it: {why}")).unwrap_or_default();
                (Line::new(WARN, "!"), format!("kept: generation {generation}{since}{why}"))
            }
            (State::Waiting, _) => (Line::new(BAD, "✗"), "waits for a dependency".to_owned()),
            (State::Failed, why) => {
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                (Line::new(BAD, "✗"), format!("failed{why}"))
            }
            (State::Asleep, Some(why)) => (Line::new(BAD, "✗"), format!("failed: {why}")),
            (State::Asleep, None) => (Line::new(DIM, "·"), "lazy: not asked for yet".to_owned()),
        }
    }

    fn last_error(&self) -> String {
        if let Some(Failure { id, path, fault, kept }) = self.failures.last() {
            let mut shown =
                self.in_full(id.as_ref(), path, fault, &self.now_of(id.as_ref(), *kept));
            match self.failures.count() - 1 {
                0 => {}
                1 => shown.push_str(&self.remark("one more fails; l lists them")),
                more => shown.push_str(&self.remark(&format!("{more} more fail; l lists them"))),
            }
            return shown;
        }
        match self.failures.last_healed() {
            Some(Failure { id, path, fault, .. }) => {
                self.in_full(id.as_ref(), path, fault, "healed meanwhile, nothing fails now")
            }
            None => self.remark("no error so far"),
        }
    }

    fn help(&self) -> String {
        let keys = HELP.iter().map(|(key, does)| {
            self.say(Line::default().add("  ").paint(BOLD, *key).add(format!("  {does}")))
        });
        keys.chain([
            self.remark("a plugin that reads stdin itself needs --no-keys --isolation none")
        ])
        .collect()
    }
}
