//! Events as text for a person: one line an outcome, a code frame for each error.
//!
//! Takes events in order and remembers which plugins fail, so that a plugin that heals gets a line
//! that says so, and the same failure is not told in full twice. The colours add nothing that the
//! words do not say.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Effects, Style};

use super::failures::Failures;
use super::footer::Footer;
use super::frame::Frame;
use super::line::{Line, Look};
use super::link::file_uri;
use super::text::{cut, escape, message, short_path};
use super::{PersonOptions, Report, View};
use crate::model::{
    Because, Event, Kept, Live, Phase, PluginFault, PluginId, UnloadReason, Warning,
};

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::BrightRed.on_default().effects(Effects::BOLD);
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
pub(super) const BOLD: Style = Style::new().effects(Effects::BOLD);
pub(super) const DIM: Style = Style::new().effects(Effects::DIMMED);
pub(super) const PLAIN: Style = Style::new();

/// Writes each event as a line or a few, for a person.
#[derive(Debug)]
pub struct Person<W: Write> {
    out: W,
    pub(super) options: PersonOptions,
    pub(super) failures: Failures,
    /// When each plugin last went live.
    since: HashMap<PluginId, SystemTime>,
    /// The time of the event at hand.
    pub(super) now: SystemTime,
    pub(super) footer: Footer,
}

impl<W: Write> Person<W> {
    /// Text on `out`.
    pub fn new(out: W, options: PersonOptions) -> Self {
        Self {
            out,
            options,
            failures: Failures::default(),
            since: HashMap::new(),
            now: SystemTime::UNIX_EPOCH,
            footer: Footer::default(),
        }
    }

    /// The writer.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// The writer, with all that was told.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// The terminal is this wide from now on.
    pub fn resize(&mut self, columns: usize) {
        self.options.width = columns;
    }

    /// Tells what came of code that was run beside a plugin.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn raised(&mut self, id: &PluginId, fault: &PluginFault) -> io::Result<()> {
        let head = Line::new(BAD, "✗").paint(BOLD, id.as_str());
        let head = head.add(": the code did not run to its end");
        let told = self.say(head) + &self.frame().draw(fault);
        self.write(&told)
    }

    /// Tells of a plugin that was written to start from.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn wrote(&mut self, id: &PluginId, entry: &Path, root: &Path) -> io::Result<()> {
        let line = Line::new(GOOD, "✓").paint(BOLD, id.as_str()).add(" written to ");
        let told = self.say(line.join(self.path(PLAIN, entry)));
        let folder = match short_path(root, &self.options.base) {
            root if root == escape(&self.options.base.to_string_lossy()) => String::new(),
            root => format!(" {root}"),
        };
        let next =
            Line::default().add(format!("  load it and reload it on a save: replug{folder}"));
        let told = told + &self.say(next);
        self.write(&told)
    }

    /// Writes lines that are no event.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn beside(&mut self, text: &str) -> io::Result<()> {
        self.write(text)
    }

    /// Writes `text` above the footer, in one piece.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        let width = self.options.width;
        let text = self.footer.below(text, width);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Person<W> {
    /// A line that a plugin printed, with its id before it if that is known.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn print(&mut self, id: Option<&str>, line: &[u8]) -> io::Result<()> {
        let text = self.printed(id, line);
        let (erase, footer) = self.footer.around(self.options.width);
        self.out.write_all(&[erase.as_bytes(), &text, footer.as_bytes()].concat())?;
        self.out.flush()
    }

    /// The same as it is written where nothing else is.
    pub fn printed(&self, id: Option<&str>, line: &[u8]) -> Vec<u8> {
        let prefix = id.map(|id| {
            let style = if self.options.color { DIM } else { PLAIN };
            format!("{style}{} |{style:#} ", escape(id))
        });
        let prefix = prefix.unwrap_or_default();
        // What goes back to the beginning of a row shall not write over the id.
        let (rows, end) = match line.strip_suffix(b"\r") {
            Some(rows) => (rows, "\r\n"),
            None => (line, "\n"),
        };
        let mut text = Vec::new();
        for (number, row) in rows.split(|byte| *byte == b'\r').enumerate() {
            if number > 0 {
                text.push(b'\r');
            }
            text.extend_from_slice(prefix.as_bytes());
            text.extend_from_slice(row);
        }
        text.extend_from_slice(end.as_bytes());
        text
    }
}

impl<W: Write + Send> Report for Person<W> {
    fn event(&mut self, at: SystemTime, event: &Event) -> io::Result<()> {
        self.now = at;
        let told = self.tell(event);
        let matters =
            matches!(event, Event::Failed { .. } | Event::Warned { .. } | Event::Stopped { .. });
        if !matters && self.options.verbosity < 0 {
            return self.write("");
        }
        self.write(&told)
    }

    fn show(&mut self, at: SystemTime, view: &View<'_>) -> io::Result<()> {
        self.now = at;
        let shown = self.view(view);
        self.write(&shown)
    }
}

impl<W: Write> Person<W> {
    fn tell(&mut self, event: &Event) -> String {
        match event {
            Event::Starting { version, python } => {
                self.footer.begin(self.now);
                self.say(
                    Line::default().add(format!("replug {version}, Python {}", escape(python))),
                )
            }
            Event::Ready { plugins } => {
                self.footer.clear();
                self.ready(*plugins)
            }
            Event::Loaded(live) => self.loaded(live),
            Event::Reloaded { live, changed, because } => self.reloaded(live, changed, *because),
            Event::Unloaded { id, path, because } => {
                self.failures.close(Some(id), path);
                self.unloaded(id, path, *because)
            }
            Event::Failed { id, path, fault, kept, took: _ } => {
                self.failed(id.as_ref(), path, fault, *kept)
            }
            Event::Warned { id, warning } => self.warned(id.as_ref(), warning),
            Event::Rescan { reason } => {
                let what = format!("every file compared again: {}", escape(reason));
                self.say(Line::new(DIM, "·").add(what))
            }
            Event::Stopped { exit } => {
                self.footer.clear();
                self.say(match exit {
                    0 => Line::new(BOLD, "■").add("stopped"),
                    exit => Line::new(BAD, "■").add(format!("stopped with exit code {exit}")),
                })
            }
        }
    }

    fn ready(&self, plugins: usize) -> String {
        let hint = match (self.options.once, self.options.keys) {
            (true, _) => None,
            (false, false) => Some("Ctrl-C stops."),
            (false, true) => Some("? lists the keys."),
        };
        let ready = match (plugins, self.failures.count()) {
            (0, 0) => match hint {
                None => "ready: no plugins.".to_owned(),
                Some(hint) => format!("ready: waiting for a plugin. {hint}"),
            },
            (live, failed) => {
                let s = if live == 1 { "" } else { "s" };
                let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
                let hint = hint
                    .map(|hint| format!(" Save a file to see it reload; {hint}"))
                    .unwrap_or_default();
                format!("ready: {live} plugin{s} live{failed}.{hint}")
            }
        };
        self.say(Line::new(GOOD, "✓").add(ready))
    }

    fn loaded(&mut self, live: &Live) -> String {
        let healed = self.goes_live(live);
        let how = match (healed, live.generation) {
            (false, _) => "loaded",
            // It never worked before, so it cannot work again.
            (true, 1) => "works now: loaded",
            (true, _) => "works again: loaded",
        };
        let line = Line::new(GOOD, "✓").paint(BOLD, live.id.as_str()).add(format!(
            " {} {how} in {}  ",
            escape(&live.version),
            duration(live.took)
        ));
        self.say(line.join(self.path(DIM, &live.path)))
    }

    fn reloaded(&mut self, live: &Live, changed: &[PathBuf], because: Because) -> String {
        let healed = self.goes_live(live);
        let line = Line::new(GOOD, "↻").paint(BOLD, live.id.as_str()).add(format!(
            " {} {} in {} (generation {}): ",
            escape(&live.version),
            if healed { "works again: reloaded" } else { "reloaded" },
            duration(live.took),
            live.generation,
        ));
        self.say(line.join(self.because(because, &live.path, changed)))
    }

    /// Whether it failed before.
    fn goes_live(&mut self, live: &Live) -> bool {
        self.since.insert(live.id.clone(), self.now);
        self.failures.close(Some(&live.id), &live.path)
    }

    fn because(&self, because: Because, path: &Path, changed: &[PathBuf]) -> Line {
        let files = self.files(changed);
        let line = Line::default();
        match because {
            Because::Edit if changed.is_empty() => line.add("edited"),
            Because::Edit => files.add(" edited"),
            Because::Moved => line.add("moved to ").join(self.path(PLAIN, path)),
            Because::Shared if changed.is_empty() => line.add("a shared module was edited"),
            Because::Shared => line.add("shared ").join(files).add(" edited"),
            Because::Dependency if changed.is_empty() => line.add("a dependency was reloaded"),
            Because::Dependency => line.add("dependency ").join(files).add(" edited"),
            Because::Metadata if changed.is_empty() => line.add("its settings changed"),
            Because::Metadata => line.add("its settings changed in ").join(files),
            Because::Manual => line.add("asked for"),
            Because::Host => line.add("its process was started again"),
        }
    }

    /// The files by name; no more than two of them unless somebody wants to know it all.
    fn files(&self, changed: &[PathBuf]) -> Line {
        let limit = if self.options.verbosity > 0 { changed.len() } else { 2 };
        let shown = if changed.len() <= limit { changed } else { &changed[..1] };
        let mut line = Line::default();
        for (number, path) in shown.iter().enumerate() {
            line = line.add(if number == 0 { "" } else { ", " }).join(self.path(PLAIN, path));
        }
        match changed.len() - shown.len() {
            0 => line,
            more => line.add(format!(" and {more} more")),
        }
    }

    fn unloaded(&mut self, id: &PluginId, path: &Path, because: UnloadReason) -> String {
        self.since.remove(id);
        let path = self.path(PLAIN, path);
        let line = Line::new(DIM, "−").paint(BOLD, id.as_str());
        self.say(match because {
            UnloadReason::Deleted => line.add(" unloaded: ").join(path).add(" deleted"),
            UnloadReason::Renamed => line.add(" unloaded: ").join(path).add(" has another id now"),
            UnloadReason::Disabled => line.add(" unloaded: turned off in the settings"),
            UnloadReason::Stop => line.add(" shut down"),
        })
    }

    fn failed(
        &mut self,
        id: Option<&PluginId>,
        path: &Path,
        fault: &PluginFault,
        kept: Kept,
    ) -> String {
        if self.failures.open(id, path, fault, kept) {
            let line =
                self.names(id, path).add(format!(" still failing: {}", self.in_short(fault)));
            return self.say(line);
        }
        self.in_full(id, path, fault, &self.now_of(id, kept))
    }

    /// What runs after a failure.
    pub(super) fn now_of(&self, id: Option<&PluginId>, kept: Kept) -> String {
        let generation = match kept {
            Kept::Nothing => return "not running".to_owned(),
            Kept::All => return "every plugin starts again".to_owned(),
            Kept::Generation(generation) => generation,
        };
        let since = id.and_then(|id| self.since(id));
        let since = since.map(|since| format!(" (since {since})")).unwrap_or_default();
        format!("generation {generation}{since} still runs")
    }

    /// A failure with its code frame, and how it is now.
    pub(super) fn in_full(
        &self,
        id: Option<&PluginId>,
        path: &Path,
        fault: &PluginFault,
        now: &str,
    ) -> String {
        let stage = match fault.phase {
            Phase::Host => "failed: its process died".to_owned(),
            phase => format!("failed at {}", phase.as_str()),
        };
        let head = self.say(self.names(id, path).add(format!(" {stage}; {now}")));
        head + &self.frame().draw(fault)
    }

    /// How faults are drawn here.
    pub(super) fn frame(&self) -> Frame<'_> {
        let PersonOptions { color, width, ref base, ref link_host, .. } = self.options;
        let link_host = link_host.as_deref();
        Frame { color, base, width, columns: self.columns(), link_host }
    }

    fn names(&self, id: Option<&PluginId>, path: &Path) -> Line {
        let line = Line::new(BAD, "✗");
        match id {
            Some(id) => line.paint(BOLD, id.as_str()),
            None => line.join(self.path(BOLD, path)),
        }
    }

    /// When the plugin last went live; with the day, if that is not today.
    pub(super) fn since(&self, id: &PluginId) -> Option<String> {
        let then = (self.options.clock)(*self.since.get(id)?);
        let today = (self.options.clock)(self.now).date == then.date;
        Some(if today { then.time } else { format!("{} {}", then.date, then.time) })
    }

    /// It was told in full before, so one row of the terminal will do.
    fn in_short(&self, fault: &PluginFault) -> String {
        let mut short = escape(&fault.kind);
        if !fault.message.is_empty() {
            short.push_str(": ");
            short.push_str(&cut(&message(&fault.message), self.options.width));
        }
        if let Some(place) = &fault.place {
            let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
            let file = short_path(&place.file, &self.options.base);
            short.push_str(&format!(" ({file}{line})"));
        }
        short
    }

    fn warned(&self, id: Option<&PluginId>, warning: &Warning) -> String {
        let mut line = Line::new(WARN, "!");
        if let Some(id) = id {
            line = line.paint(BOLD, id.as_str()).add(": ");
        }
        let line = line.add(message(&warning.message)).add(" ");
        self.say(line.paint(DIM, format!("[{}]", warning.code)))
    }

    pub(super) fn say(&self, line: Line) -> String {
        line.render(Look { color: self.options.color, columns: self.columns() })
    }

    /// For what is laid out already, and longer only if a word of it is.
    pub(super) fn unbroken(&self) -> Look {
        Look { color: self.options.color, columns: None }
    }

    /// Where lines are broken, if anywhere.
    fn columns(&self) -> Option<usize> {
        self.options.terminal.then_some(self.options.width)
    }

    /// The path as a person would type it, leading to the file.
    pub(super) fn path(&self, style: Style, path: &Path) -> Line {
        let link = self.options.link_host.as_deref().map(|host| file_uri(host, path));
        Line::default().link(style, short_path(path, &self.options.base), link)
    }
}

/// As many digits as a person reads.
fn duration(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    if ms < 999.95 { format!("{ms:.1} ms") } else { format!("{:.1} s", ms / 1e3) }
}
