//! A fault as a code frame: what happened, where, the source line and a caret under it.
//!
//! Takes a [`PluginFault`], whose place carries the one line that ran, and never reads a file: the
//! disk may hold another content by now. Gives lines that fit the terminal, each with its break.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstyle::{Effects, Style};

use super::line::{Line, Look};
use super::link::{file_uri, linked};
use super::person::{BAD, BOLD, WARN};
use super::text::{cut, escape, is_hazard, message, short_path};
use crate::model::{Place, PluginFault};

/// More lines of a traceback than this are shortened in the middle.
const TRACEBACK_LINES: usize = 30;
const DIM: Style = Style::new().effects(Effects::DIMMED);

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
}

/// How a fault is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// Whether to colour it.
    pub(super) color: bool,
    /// Paths inside this folder are shown relative to it.
    pub(super) base: &'a Path,
    /// How many columns there are.
    pub(super) width: usize,
    /// Where the title is broken, if anywhere.
    pub(super) columns: Option<usize>,
    /// The name of this machine, if files are to be links.
    pub(super) link_host: Option<&'a str>,
}

impl Frame<'_> {
    /// The message, the code frame, and the way to it if it has more than one step.
    pub(super) fn draw(&self, fault: &PluginFault) -> String {
        self.draw_as(Severity::Error, fault)
    }

    /// The same for what may be no more than a warning.
    pub(super) fn draw_as(&self, severity: Severity, fault: &PluginFault) -> String {
        let level = if severity == Severity::Error { Level::ERROR } else { Level::WARNING };
        let mut group = Group::with_title(level.primary_title(""));
        if let Some(place) = &fault.place {
            let file = short_path(&place.file, self.base);
            group = match (place.line.filter(|&line| line > 0), &place.text) {
                (Some(line), Some(text)) => group.element(snippet(file, line, text, place, self)),
                (line, _) => group.element(origin(file, line, place)),
            };
        }
        let renderer = if self.color { Renderer::styled() } else { Renderer::plain() };
        let below = renderer.term_width(self.width).render(&[group]);
        let mut drawn = self.title(severity, fault);
        // The renderer would not break a long title.
        if let Some((_, below)) = below.split_once('\n') {
            drawn.push_str(&self.link_origin(below, fault));
            drawn.push('\n');
        }
        if let Some(traceback) = &fault.traceback {
            drawn.push_str(&self.steps(traceback));
        }
        drawn
    }

    fn title(&self, severity: Severity, fault: &PluginFault) -> String {
        let (kind, message) = (escape(&fault.kind), message(&fault.message));
        let (style, word) = match severity {
            Severity::Error => (BAD, "error"),
            Severity::Warning => (WARN, "warning"),
        };
        let line = if message.is_empty() {
            Line::default().paint(style, word).paint(BOLD, format!(": {kind}"))
        } else {
            let line = Line::default().paint(style, format!("{word}[{kind}]"));
            line.paint(BOLD, format!(": {message}"))
        };
        line.render(Look { color: self.color, columns: self.columns })
    }

    /// What stands below the title, with the file that its first line names as a link.
    fn link_origin(&self, below: &str, fault: &PluginFault) -> String {
        match (self.link_host, &fault.place) {
            (Some(host), Some(Place { file, .. })) => {
                let name = short_path(file, self.base);
                below.replacen(&name, &linked(&name, &file_uri(host, file)), 1)
            }
            _ => below.to_owned(),
        }
    }

    /// The frames of a traceback, indented; nothing if the code frame has said it all.
    fn steps(&self, traceback: &str) -> String {
        let mut steps = String::new();
        for line in frames(traceback) {
            let line = self.link_step(self.shorten(line), line);
            if self.color {
                steps.push_str(&format!("{DIM}{line}{DIM:#}\n"));
            } else {
                steps.push_str(&format!("{line}\n"));
            }
        }
        steps
    }

    /// The line of a step with its file, if that was not cut, as a link.
    fn link_step(&self, shown: String, line: &str) -> String {
        let quoted = |line: &str| Some(line.split_once("File \"")?.1.split_once('"')?.0.to_owned());
        match (self.link_host, quoted(line), quoted(&shown)) {
            (Some(host), Some(file), Some(name)) if is_frame(line) && file.starts_with('/') => {
                shown.replacen(&name, &linked(&name, &file_uri(host, Path::new(&file))), 1)
            }
            _ => shown,
        }
    }

    fn shorten(&self, line: &str) -> String {
        let base = format!("File \"{}/", self.base.display());
        // A tab becomes one column, because Python counts it as one when it places its carets.
        let line = line.replacen(&base, "File \"", 1).replace('\t', " ");
        cut(&format!("  {}", escape(&line)), self.width)
    }
}

/// A place of which no source line is known.
fn origin(file: String, line: Option<u32>, place: &Place) -> Origin<'static> {
    let mut origin = Origin::path(file);
    if let Some(line) = line {
        origin = origin.line(line as usize);
        if let Some(column) = place.column {
            origin = origin.char_column(column as usize);
        }
    }
    origin
}

fn snippet(
    file: String,
    line: u32,
    text: &str,
    place: &Place,
    frame: &Frame<'_>,
) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
    let marked = marked(text, place, frame.width / 2);
    // Each hazard becomes one mark, so that columns still count characters of the file. Nobody
    // sees what lies a screen behind the caret.
    let shown = text
        .chars()
        .take(marked.end + frame.width)
        .map(|char| if is_hazard(char) && char != '\t' { '\u{fffd}' } else { char })
        .collect::<String>();
    let byte = |chars: usize| shown.char_indices().nth(chars).map_or(shown.len(), |(at, _)| at);
    let span = byte(marked.start)..byte(marked.end);
    Snippet::source(shown)
        .path(file)
        .line_start(line as usize)
        .annotation(AnnotationKind::Primary.span(span))
}

/// The characters to put carets under: those of the place, at most `limit`, or the first that is
/// not blank. A column past the end is the end.
fn marked(text: &str, place: &Place, limit: usize) -> Range<usize> {
    let length = text.chars().count();
    let Some(column) = place.column.filter(|&column| column > 0) else {
        let first = text.chars().position(|char| !char.is_whitespace()).unwrap_or(0);
        return first..(first + 1).min(length);
    };
    let start = (column as usize - 1).min(length);
    let end = place.end_column.map_or(start + 1, |end| (end as usize).saturating_sub(1));
    start..end.clamp(start + 1, start + limit.max(1)).min(length)
}

/// The lines of the frames of a traceback, if there is more than one frame; without its head, and
/// without the message at its end, which the title has said.
fn frames(traceback: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = traceback.split('\n').collect();
    if lines.iter().filter(|line| is_frame(line)).count() < 2 {
        return Vec::new();
    }
    let last = lines.iter().rposition(|line| is_frame(line)).unwrap_or(0);
    let message = lines[last..].iter().position(|line| !line.starts_with(' '));
    lines.truncate(message.map_or(lines.len(), |message| last + message));
    if lines[0].starts_with("Traceback (") {
        lines.remove(0);
    }
    let excess = lines.len().saturating_sub(TRACEBACK_LINES);
    if excess > 0 {
        let head = TRACEBACK_LINES / 3;
        lines.splice(head..=head + excess, ["  ..."]);
    }
    lines
}

/// In the traceback of an exception group a frame stands behind bars.
fn is_frame(line: &str) -> bool {
    line.trim_start_matches([' ', '|', '+']).starts_with("File \"")
}
