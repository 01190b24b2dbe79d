//! What `doctor` found, for a person: a line each, aligned, with what to do below where something is
//! to be done, then the sum.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::Person;
use super::line::Line;
use super::person::{BAD, BOLD, GOOD, PLAIN, WARN};
use super::text::message;
use crate::model::{Diagnosis, Health};

impl<W: Write> Person<W> {
    /// What was found out, and what it comes to.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn diagnoses(&mut self, found: &[Diagnosis]) -> io::Result<()> {
        let quiet = self.options.verbosity < 0;
        let shown = found.iter().filter(|one| !quiet || one.health == Health::Fail);
        let width = found.iter().map(|one| one.check.width()).max().unwrap_or_default();
        let mut told: String = shown.map(|one| self.diagnosis(one, width)).collect();
        if !quiet {
            told += &self.say(sum(found));
        }
        self.write(&told)
    }

    fn diagnosis(&self, one: &Diagnosis, width: usize) -> String {
        let blanks = " ".repeat(width + 2 - one.check.width());
        let mut line = mark(one.health).paint(BOLD, one.check).add(blanks);
        if let Some(path) = &one.path {
            line = line.join(self.path(PLAIN, path)).add(": ");
        }
        let mut told = self.say(line.add(message(&one.message)));
        if let Some(remedy) = &one.remedy {
            told += &self.say(Line::default().paint(BOLD, "  help").add(": ").add(message(remedy)));
        }
        told
    }
}

fn sum(found: &[Diagnosis]) -> Line {
    let count = |health| found.iter().filter(|one| one.health == health).count();
    match (count(Health::Fail), count(Health::Warn)) {
        (0, 0) => mark(Health::Ok).add("everything works"),
        (0, 1) => mark(Health::Warn).add("it works; 1 warning"),
        (0, warnings) => mark(Health::Warn).add(format!("it works; {warnings} warnings")),
        (1, _) => mark(Health::Fail).add("1 thing will not work"),
        (fails, _) => mark(Health::Fail).add(format!("{fails} things will not work")),
    }
}

fn mark(health: Health) -> Line {
    match health {
        Health::Ok => Line::new(GOOD, "✓"),
        Health::Warn => Line::new(WARN, "!"),
        Health::Fail => Line::new(BAD, "✗"),
    }
}
