//! Plugins as a table for a person.
//!
//! A table is as wide as the terminal at most, and nothing in it is cut: what does not fit beside
//! the rest stands on a line of its own below.

use std::io::{self, Write};
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::Person;
use super::line::Line;
use super::person::{BAD, BOLD, DIM, PLAIN};
use super::text::{escape, short_path};
use crate::model::{Candidate, PluginFault, PluginId};

const HEADS: [&str; 5] = ["ID", "VERSION", "KIND", "ENTRY", "DEPENDENCIES"];

/// Blanks between two columns.
const GAP: usize = 2;

/// How wide a table is where there is no terminal.
const USUAL_WIDTH: usize = 80;

impl<W: Write> Person<W> {
    /// The plugins as a table, then what means to be a plugin and cannot be one.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn listing(
        &mut self,
        plugins: &[&Candidate],
        broken: &[(&Path, &PluginFault)],
    ) -> io::Result<()> {
        let mut told = if plugins.is_empty() { String::new() } else { self.table(plugins) };
        for (path, fault) in broken {
            let line = Line::new(BAD, "✗").join(self.path(BOLD, path));
            told += &self.say(
                line.add(format!(" no plugin: {}; `replug check` tells more", escape(&fault.kind))),
            );
        }
        self.write(&told)
    }

    fn table(&self, plugins: &[&Candidate]) -> String {
        let cells: Vec<[String; 5]> = plugins.iter().map(|plugin| self.cells(plugin)).collect();
        let mut widths = HEADS.map(UnicodeWidthStr::width);
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if cells.iter().all(|row| row[4].is_empty()) {
            widths[4] = 0;
        }
        let room = if self.options.terminal { self.options.width } else { USUAL_WIDTH };
        // As many of the columns as fit side by side; the rest goes below, row by row.
        let total = |count: usize| widths[..count].iter().sum::<usize>() + GAP * (count - 1);
        let beside = (3..=HEADS.len()).rev().find(|count| total(*count) <= room).unwrap_or(3);
        let head = HEADS.map(|head| if head == HEADS[4] && widths[4] == 0 { "" } else { head });
        let mut told = self.row(&head.map(str::to_owned), None, &widths, beside);
        for (row, plugin) in cells.iter().zip(plugins) {
            told += &self.row(row, Some(plugin), &widths, beside);
        }
        told
    }

    fn cells(&self, plugin: &Candidate) -> [String; 5] {
        // What shows only when it runs is not known here.
        let unknown = plugin.computed.contains("dependencies").then_some("?");
        let dependencies = plugin.metadata.dependencies.iter().map(PluginId::as_str).chain(unknown);
        [
            plugin.id.to_string(),
            if plugin.computed.contains("version") {
                "?".to_owned()
            } else {
                escape(&plugin.metadata.version)
            },
            plugin.kind.as_str().to_owned(),
            short_path(&plugin.entry, &self.options.base),
            dependencies.collect::<Vec<_>>().join(", "),
        ]
    }

    /// A row of the table, or its head if there is no plugin.
    fn row(
        &self,
        cells: &[String; 5],
        plugin: Option<&Candidate>,
        widths: &[usize; 5],
        beside: usize,
    ) -> String {
        let mut line = Line::default();
        let mut blanks = 0;
        for (at, cell) in cells[..beside].iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            line = line.add(" ".repeat(blanks)).join(self.cell(at, cell, plugin));
            blanks = widths[at] + GAP - cell.width();
        }
        let mut told = line.render(self.unbroken());
        let Some(plugin) = plugin else { return told };
        if beside < 4 {
            told += &self.say(Line::default().add("  ").join(self.path(DIM, &plugin.entry)));
        }
        if beside < 5 && !cells[4].is_empty() {
            told += &self.say(Line::default().add("  ").paint(DIM, "needs ").add(&cells[4]));
        }
        told
    }

    fn cell(&self, column: usize, text: &str, plugin: Option<&Candidate>) -> Line {
        match (plugin, column) {
            (None, _) => Line::default().paint(DIM, text),
            (Some(_), 0) => Line::default().paint(BOLD, text),
            (Some(plugin), 3) => self.path(PLAIN, &plugin.entry),
            (Some(_), _) => Line::default().add(text),
        }
    }
}
