//! One outcome as a line: pieces of text, each with its style and its link, broken at blanks where
//! the terminal ends.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::link::linked;

/// What stands before the second and every further row of a line.
const INDENT: &str = "  ";

/// What a terminal can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Whether to colour.
    pub(super) color: bool,
    /// Where a row ends; `None` leaves that to whoever reads.
    pub(super) columns: Option<usize>,
}

/// A line that is being put together.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    style: Style,
    text: String,
    link: Option<String>,
}

/// A run of characters of one piece, without a blank in it or of blanks only.
#[derive(Clone, Copy)]
struct Run<'a> {
    piece: usize,
    text: &'a str,
}

impl Line {
    /// A line that begins with a mark, which a blank follows.
    pub(super) fn new(style: Style, mark: &str) -> Self {
        Self::default().paint(style, mark).add(" ")
    }

    /// Adds plain text.
    pub(super) fn add(self, text: impl Into<String>) -> Self {
        self.paint(Style::new(), text)
    }

    /// Adds text in a style.
    pub(super) fn paint(self, style: Style, text: impl Into<String>) -> Self {
        self.link(style, text, None)
    }

    /// Adds text that leads somewhere.
    pub(super) fn link(
        mut self,
        style: Style,
        text: impl Into<String>,
        link: Option<String>,
    ) -> Self {
        self.0.push(Piece { style, text: text.into(), link });
        self
    }

    /// Adds all of another line.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line with its break at the end. A word longer than a row is left whole.
    pub(super) fn render(&self, look: Look) -> String {
        let mut rows: Vec<Vec<Run<'_>>> = vec![Vec::new()];
        let (mut column, mut blanks) = (0, Vec::new());
        let mut runs = self.runs().into_iter().peekable();
        while let Some(first) = runs.next() {
            if is_blank(first) {
                blanks.push(first);
                continue;
            }
            let mut word = vec![first];
            while let Some(run) = runs.next_if(|run| !is_blank(*run)) {
                word.push(run);
            }
            let wide = width(&blanks) + width(&word);
            let fits = look.columns.is_none_or(|columns| column + wide <= columns);
            match rows.last_mut() {
                // A row with nothing but the mark in it would be no row.
                Some(row) if fits || column <= INDENT.len() => {
                    row.append(&mut blanks);
                    row.append(&mut word);
                    column += wide;
                }
                _ => {
                    blanks.clear();
                    column = INDENT.len() + width(&word);
                    rows.push(word);
                }
            }
        }
        let rows: Vec<String> = rows.iter().map(|row| self.row(row, look)).collect();
        format!("{}\n", rows.join(&format!("\n{INDENT}")))
    }

    fn runs(&self) -> Vec<Run<'_>> {
        let mut runs = Vec::new();
        for (piece, Piece { text, .. }) in self.0.iter().enumerate() {
            let mut rest = text.as_str();
            while let Some(first) = rest.chars().next() {
                let blank = first == ' ';
                let end = rest.find(|char| (char == ' ') != blank).unwrap_or(rest.len());
                let (text, after) = rest.split_at(end);
                runs.push(Run { piece, text });
                rest = after;
            }
        }
        runs
    }

    fn row(&self, runs: &[Run<'_>], look: Look) -> String {
        let mut row = String::new();
        for together in runs.chunk_by(|one, other| one.piece == other.piece) {
            let Piece { style, link, .. } = &self.0[together[0].piece];
            let text: String = together.iter().map(|run| run.text).collect();
            let text = link.as_ref().map_or(text.clone(), |link| linked(&text, link));
            if look.color && !style.is_plain() {
                // Writing to a String cannot fail.
                let _ = write!(row, "{style}{text}{style:#}");
            } else {
                row.push_str(&text);
            }
        }
        row
    }
}

fn is_blank(run: Run<'_>) -> bool {
    run.text.starts_with(' ')
}

fn width(runs: &[Run<'_>]) -> usize {
    runs.iter().map(|run| run.text.width()).sum()
}
