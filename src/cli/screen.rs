//! Where a person reads: what the place can do, and how wide it is at the moment.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::args::{Color, Common, Watch};
use super::{clock, stdio};
use crate::host::{Printing, Sink, Stream};
use crate::model::Event;
use crate::report::{self, Person, PersonOptions, Report, View};

/// If nobody says how wide it is.
const WIDTH: usize = 80;

/// Text for a person, fitted to the window as it is when something is told. Several may hold it.
#[derive(Clone)]
pub(super) struct Screen {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    place: File,
    person: Person<File>,
}

impl Screen {
    /// Text on `place`.
    ///
    /// # Errors
    /// If no descriptor is left.
    pub(super) fn new(place: File, options: PersonOptions) -> io::Result<Self> {
        let person = Person::new(place.try_clone()?, options);
        Ok(Self { inner: Arc::new(Mutex::new(Inner { place, person })) })
    }

    /// Shows the lines that plugins print, whole, between those of our own.
    pub(super) fn printing(&self) -> Printing {
        let screen = self.clone();
        let one_place = stdio::is_one_place();
        let sink: Sink = Arc::new(move |stream, owner, line| {
            // A reader that has gone away is noticed elsewhere.
            let _ = match stream {
                Stream::Err if !one_place => {
                    let text = screen.fitted().person.printed(owner, line);
                    io::stderr().write_all(&text)
                }
                Stream::Out | Stream::Err => screen.fitted().person.print(owner, line),
            };
        });
        Printing { sink, one_place }
    }

    /// Writes `text` to stderr, above what is rewritten at the bottom if that is the same place.
    fn beside(&self, text: &str) -> io::Result<()> {
        if stdio::is_one_place() {
            return self.fitted().person.beside(text);
        }
        // That nobody reads it is no reason to end.
        let _ = io::stderr().write_all(text.as_bytes());
        Ok(())
    }

    fn fitted(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked while writing harmed nothing but a line.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let columns = width(&inner.place);
        inner.person.resize(columns);
        inner
    }
}

impl Report for Screen {
    fn event(&mut self, at: SystemTime, event: &Event) -> io::Result<()> {
        self.fitted().person.event(at, event)?;
        if let Event::Loaded(live) | Event::Reloaded { live, .. } = event
            && let Some(timings) = &live.timings
        {
            self.beside(&report::table(&live.id, live.took, timings))?;
        }
        Ok(())
    }

    fn show(&mut self, at: SystemTime, view: &View<'_>) -> io::Result<()> {
        self.fitted().person.show(at, view)
    }
}

/// What to tell a person at `place`, and how.
pub(super) fn options(common: &Common, place: &File) -> PersonOptions {
    let verbosity = if common.quiet { -1 } else { i8::try_from(common.verbose).unwrap_or(i8::MAX) };
    let color = use_color(common.color, place.is_terminal());
    PersonOptions {
        color,
        base: common.layer.cwd.clone(),
        verbosity,
        width: width(place),
        terminal: is_screen(place),
        link_host: (color && knows_links(place)).then(host),
        once: true,
        keys: false,
        clock: clock::local,
    }
}

/// The same for somebody who watches.
pub(super) fn watch_options(arguments: &Watch, place: &File, keys: bool) -> PersonOptions {
    PersonOptions { once: arguments.once, keys, ..options(&arguments.common, place) }
}

/// Whether there are keys to press: nobody who runs the program once, or reads its output by a
/// program, presses any, and a pager at the other end wants them for itself.
pub(super) fn has_keys(arguments: &Watch, place: &File) -> bool {
    let wanted = !(arguments.no_keys || arguments.once || arguments.common.json);
    wanted && is_screen(place) && io::stdin().is_terminal()
}

pub(super) fn use_color(color: Color, is_terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let unset = |name: &str| env::var_os(name).is_none_or(|value| value.is_empty());
            is_terminal && unset("NO_COLOR") && !is_dumb()
        }
    }
}

/// Whether lines can be written over.
fn is_screen(place: &File) -> bool {
    place.is_terminal() && !is_dumb()
}

/// Whether it shows links; FORCE_HYPERLINK says so of anything.
fn knows_links(place: &File) -> bool {
    let forced = env::var_os("FORCE_HYPERLINK").is_some();
    (forced || is_screen(place)) && supports_hyperlinks::supports_hyperlinks()
}

/// The name of this machine.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A terminal that only writes.
fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn width(place: &File) -> usize {
    let size = rustix::termios::tcgetwinsize(place).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(WIDTH)
}
