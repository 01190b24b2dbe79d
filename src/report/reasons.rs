//! Which plugins an edit would reload, for a person and as JSON lines.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::Person;
use super::json::{PathWire, bytes_if_lost};
use super::line::Line;
use super::lines::line;
use super::person::{BOLD, DIM};
use crate::model::Reason;

#[derive(Serialize)]
struct ReasonWire<'a> {
    order: usize,
    id: &'a str,
    #[serde(flatten)]
    path: PathWire<'a>,
    because: &'static str,
    needs: Option<&'a str>,
    way: Vec<StepWire<'a>>,
}

#[derive(Serialize)]
struct StepWire<'a> {
    file: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_bytes: Option<String>,
    line: u32,
    imports: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imports_bytes: Option<String>,
}

/// A plugin that an edit would reload, with its line break; `order` counts from 1.
pub fn reason_line(order: usize, reason: &Reason) -> String {
    let way = reason.way.iter().map(|step| StepWire {
        file: step.file.to_string_lossy(),
        file_bytes: bytes_if_lost(&step.file),
        line: step.line,
        imports: step.imports.to_string_lossy(),
        imports_bytes: bytes_if_lost(&step.imports),
    });
    line(&ReasonWire {
        order,
        id: reason.id.as_str(),
        path: PathWire::new(&reason.entry),
        because: reason.because.as_str(),
        needs: reason.needs.as_ref().map(crate::model::PluginId::as_str),
        way: way.collect(),
    })
}

impl<W: Write> Person<W> {
    /// The plugins that an edit of `path` would reload, in the order in which they would start.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn why(&mut self, path: &Path, reasons: &[Reason]) -> io::Result<()> {
        let count = match reasons.len() {
            0 => "no plugin".to_owned(),
            1 => "1 plugin".to_owned(),
            count => format!("{count} plugins"),
        };
        let head = Line::default().add("An edit of ").join(self.path(BOLD, path));
        let mut told = self.say(head.add(format!(
            " reloads {count}, as far as the import statements tell{}",
            if reasons.is_empty() { "." } else { ":" }
        )));
        for (at, reason) in reasons.iter().enumerate() {
            let line = Line::default().add(format!("{}. ", at + 1));
            let line = line.paint(BOLD, reason.id.as_str()).add(format!(" {}", reason.words));
            told += &self.say(line);
            for step in &reason.way {
                let line = Line::default().add("     ").join(self.path(DIM, &step.file));
                let line = line.paint(DIM, format!(":{} imports ", step.line));
                told += &self.say(line.join(self.path(DIM, &step.imports)));
            }
        }
        self.write(&told)
    }
}
