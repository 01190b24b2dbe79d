//! What `check` found, for a person: each finding with its code frame and its remedy, then the sum.

use std::io::{self, Write};

use super::Person;
use super::frame::Severity;
use super::line::Line;
use super::person::{BAD, BOLD, GOOD, WARN};
use super::text::message;
use crate::model::PluginFault;

impl<W: Write> Person<W> {
    /// Something that `check` found.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn finding(&mut self, is_error: bool, fault: &PluginFault, remedy: &str) -> io::Result<()> {
        let severity = if is_error { Severity::Error } else { Severity::Warning };
        let help = Line::default().paint(BOLD, "  help").add(": ").add(message(remedy));
        let told = self.frame().draw_as(severity, fault) + &self.say(help) + "\n";
        self.write(&told)
    }

    /// What all findings come to.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn sum(&mut self, errors: usize, warnings: usize, plugins: usize) -> io::Result<()> {
        if self.options.verbosity < 0 || (plugins == 0 && errors == 0) {
            return Ok(());
        }
        let many = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let plugins = many(plugins, "plugin");
        let line = match (errors, warnings) {
            (0, 0) => Line::new(GOOD, "✓").add(format!("{plugins}: nothing is wrong")),
            (0, _) => {
                let warnings = many(warnings, "warning");
                Line::new(WARN, "!").add(format!("{plugins}: nothing is wrong; {warnings}"))
            }
            (_, 0) => Line::new(BAD, "✗").add(format!("{plugins}: {}", many(errors, "error"))),
            _ => {
                let (errors, warnings) = (many(errors, "error"), many(warnings, "warning"));
                Line::new(BAD, "✗").add(format!("{plugins}: {errors}, {warnings}"))
            }
        };
        let told = self.say(line);
        self.write(&told)
    }
}
