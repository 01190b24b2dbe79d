//! The only place that knows the order of the stages: watch, debounce, discovery, loader, report.
//!
//! One thread, one loop. It waits for something to happen, lets changes settle, reads what settled,
//! and has the loader bring what is live in line with it. What arrives while it is busy waits in the
//! channels and is looked at afterwards.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, at, never, select};

mod commands;
mod console;
mod memory;
mod packages;

pub use commands::{Answer, Command};
use console::Console;

use crate::debounce::{Batch, Debouncer, Settle, SettledKind};
use crate::discovery::{Content, Index};
use crate::host::{Host, Note};
use crate::keys::Key;
use crate::loader::{Imported, Loader, Policy};
use crate::model::{Change, ChangeKind, Edit, Event, Isolation, UnitChange, Verdict, Warning};
use crate::report::{Report, View};
use crate::watch::{self, Hold, Ignored, Polling, Raw, RawKind, Rules, Tree};

/// The ends of the channels that the loop listens to.
pub struct Inputs {
    /// From the watcher's callback.
    pub raw: Receiver<Raw>,
    /// The watcher's side, asked whether something did not fit.
    pub sender: watch::Sender,
    /// From the host: imports that happen long after a start.
    pub notes: Receiver<Note>,
    /// The host has ended unasked.
    pub gone: Receiver<()>,
    /// What a person presses.
    pub keys: Receiver<Key>,
    /// What a program asks for.
    pub commands: Receiver<Command>,
    /// Somebody wants the program to stop.
    pub stop: Receiver<()>,
    /// Set before that is told, so that it is noticed in the middle of a long pass.
    pub stopping: Arc<AtomicBool>,
}

/// Nothing has happened for so long: now is the time for what nobody waits for.
const IDLE: Duration = Duration::from_millis(300);

/// How to run.
pub struct Options {
    /// Load everything, shut it down again.
    pub once: bool,
    /// Tell where the time of each load and reload went.
    pub timings: bool,
    /// The interpreter's version.
    pub python: String,
    /// What may change while it runs.
    pub configuration: Configuration,
    /// Reads that again when the settings file was saved.
    pub reread: Reread,
}

/// What the user may change while the program runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// The settings file, if there may be one, whether it is there or not.
    pub file: Option<PathBuf>,
    /// What to watch.
    pub roots: Vec<PathBuf>,
    /// What to leave out.
    pub ignored: Ignored,
    /// How changes are noticed.
    pub polling: Polling,
    /// The quiet times.
    pub settle: Settle,
    /// What the user decided about plugins.
    pub policy: Policy,
    /// The interpreter that was asked for. Like the isolation, it counts at the start only.
    pub interpreter: Option<PathBuf>,
}

impl Configuration {
    /// What is watched: the roots, and the folders of shared modules.
    fn watched(&self) -> Vec<PathBuf> {
        let mut watched = self.roots.clone();
        for folder in &self.policy.shared {
            if !watched.contains(folder) {
                watched.push(folder.clone());
            }
        }
        watched
    }

    /// Whether a file may be a plugin: shared modules outside of the roots are none.
    fn is_discovered(&self, path: &Path) -> bool {
        let shared = &self.policy.shared;
        !shared.iter().any(|folder| path.starts_with(folder))
            || self.roots.iter().any(|root| path.starts_with(root))
    }
}

/// Reads the settings again: what holds from now on, or why nothing changes.
pub type Reread = Box<dyn FnMut() -> Result<Configuration, String> + Send>;

/// Watches, loads, reloads.
pub struct Supervisor<H> {
    inputs: Inputs,
    once: bool,
    python: String,
    configuration: Configuration,
    /// Where plugins run, and the interpreter that was asked for when they began to.
    place: (Isolation, Option<PathBuf>),
    reread: Reread,
    tree: Tree,
    debouncer: Debouncer,
    index: Index,
    loader: Loader<H>,
    voice: Voice,
    console: Console,
    /// A file that was read while its quiet time passes.
    ahead: Option<(PathBuf, Content)>,
    /// Files that were found empty, which few mean to be, with the time of their last change then.
    emptied: HashMap<PathBuf, Option<SystemTime>>,
    /// When generations that have ended are to be looked after.
    inspection: Option<Instant>,
    /// How long nothing must have happened before that.
    idle: Duration,
}

impl<H: Host> Supervisor<H> {
    /// A supervisor that has not begun yet.
    pub fn new(options: Options, inputs: Inputs, host: H, report: Box<dyn Report>) -> Self {
        let Options { once, timings, python, configuration, reread } = options;
        let rules = Rules::new(&configuration.ignored);
        let tree = Tree::new(configuration.watched(), rules).until(inputs.stopping.clone());
        let tree = if once {
            tree
        } else {
            let file = configuration.file.clone();
            tree.live(inputs.sender.clone(), configuration.polling, file)
        };
        Self {
            once,
            python,
            reread,
            tree,
            debouncer: Debouncer::new(configuration.settle),
            index: Index::default(),
            loader: Loader::new(host, configuration.policy.clone())
                .until(inputs.stopping.clone())
                .timed(timings),
            inputs,
            place: (configuration.policy.isolation, configuration.interpreter.clone()),
            configuration,
            voice: Voice { report, closed: false, failed: false, broken: false },
            console: Console::default(),
            ahead: None,
            emptied: HashMap::new(),
            inspection: None,
            idle: IDLE,
        }
    }

    /// Runs until somebody wants it to stop, or for one pass; the exit code.
    pub fn run(mut self) -> u8 {
        self.voice.say(&Event::Starting {
            version: env!("CARGO_PKG_VERSION"),
            python: self.python.clone(),
        });
        let stopped = self.first_pass();
        let mut exit = 0;
        if !self.once && !stopped {
            // Nothing may happen for long, and the first events may have met a full disk.
            while !self.voice.closed && self.step() {}
        }
        let Self { loader, voice, .. } = &mut self;
        loader.stop(&mut |event| voice.say(&event));
        if self.once {
            exit = u8::from(self.voice.failed);
        }
        self.voice.say(&Event::Stopped { exit });
        // That the output cannot be written may show only now.
        if self.voice.broken { 1 } else { exit }
    }

    /// Loads what is there; whether somebody wanted it to stop meanwhile.
    fn first_pass(&mut self) -> bool {
        let seen = Instant::now();
        let mut files = self.tree.scan();
        files.retain(|file| self.configuration.is_discovered(file));
        tracing::debug!(files = files.len(), folders = self.tree.folders(), "watching");
        let units = self.index.fill(files);
        if units.iter().all(|unit| !means_to_be_a_plugin(unit)) {
            tracing::warn!("no plugins found; waiting for one to appear");
        }
        let total = units.iter().filter(|unit| means_to_be_a_plugin(unit)).count();
        let Self { loader, voice, .. } = self;
        let mut done = 0;
        let edit = Edit { seen, units, ..Edit::nothing() };
        let imported = loader.apply(edit, &mut |event| {
            voice.say(&event);
            if matches!(event, Event::Loaded(_) | Event::Failed { .. }) {
                done += 1;
                voice.show(SystemTime::now(), &View::Progress { done, total });
            }
        });
        self.compare(imported);
        // A host that died young is not up again yet, and what is live counts only then.
        while let Some(due) = self.loader.revival() {
            if self.inputs.stop.recv_deadline(due) != Err(RecvTimeoutError::Timeout) {
                return true;
            }
            self.revive();
        }
        self.follow_packages();
        self.warn_of_the_tree();
        if !self.inputs.stopping.load(Ordering::Relaxed) {
            self.voice.say(&Event::Ready { plugins: self.loader.live() });
            memory::log(self.loader.process());
        }
        false
    }

    /// Waits for the next thing to happen and deals with it; `false` when it is time to stop.
    fn step(&mut self) -> bool {
        let deadlines = [self.debouncer.deadline(), self.inspection];
        let timer = deadlines.into_iter().flatten().min().map_or_else(never, at);
        let revival = self.loader.revival().map_or_else(never, at);
        let (stop, keys) = (self.inputs.stop.clone(), self.inputs.keys.clone());
        let commands = self.inputs.commands.clone();
        let gone = self.inputs.gone.clone();
        select! {
            recv(stop) -> _ => return false,
            recv(keys) -> key => match key {
                Ok(key) => if !self.press(key) { return false; },
                // The terminal is gone, and a closed channel would be ready for ever.
                Err(_) => self.inputs.keys = never(),
            },
            recv(commands) -> command => match command {
                Ok(command) => self.obey(command),
                // Nobody asks any more, and a closed channel would be ready for ever.
                Err(_) => self.inputs.commands = never(),
            },
            recv(self.inputs.raw) -> raw => {
                if let Ok(raw) = raw {
                    self.take_in(raw);
                }
            }
            recv(self.inputs.notes) -> note => {
                if let Ok(note) = note {
                    self.note(note);
                }
            }
            recv(gone) -> told => match told {
                Ok(()) => self.recover(),
                // Plugins run in this process, and a closed channel would be ready for ever.
                Err(_) => self.inputs.gone = never(),
            },
            recv(revival) -> _ => self.revive(),
            recv(timer) -> _ => {}
        }
        while let Ok(raw) = self.inputs.raw.try_recv() {
            self.take_in(raw);
        }
        if self.inputs.sender.take_lost() {
            self.rescan("more file events at once than could be kept");
        }
        // What a plugin tells of its own writing comes before anything is made of it.
        while let Ok(note) = self.inputs.notes.try_recv() {
            self.note(note);
        }
        if let Some(batch) = self.debouncer.take(Instant::now()) {
            self.settle(batch);
        }
        self.inspect_when_idle();
        !self.voice.closed && self.inputs.stop.try_recv() == Err(TryRecvError::Empty)
    }

    fn take_in(&mut self, raw: Raw) {
        let (path, kind, seen) = match raw {
            Raw::Path { path, kind, seen } => (path, kind, seen),
            Raw::Lost(reason) => return self.rescan(&reason),
        };
        // A changed mode matters only where the old one stood in the way.
        let is_nothing = kind == RawKind::Touched && !self.index.is_unreadable(&path);
        tracing::trace!(path = %path.display(), ?kind, "told");
        let mut understood = self.tree.understand(path, kind, seen);
        if is_nothing {
            understood.changes.clear();
        }
        if understood.settings {
            self.reconfigure();
        }
        match understood.hold {
            Some(Hold::Until(until)) => self.debouncer.hold(until),
            Some(Hold::Over) => self.debouncer.release(),
            None => {}
        }
        for change in understood.changes {
            if self.ahead.as_ref().is_some_and(|(path, _)| *path == change.path) {
                self.ahead = None;
            }
            tracing::trace!(path = %change.path.display(), kind = ?change.kind, "changed");
            self.debouncer.push(change, seen);
        }
        self.warn_of_the_tree();
        self.read_ahead();
    }

    /// While the quiet time of a lone save passes, the file is read, parsed and compiled.
    fn read_ahead(&mut self) {
        let Some(path) = self.debouncer.peek_lone() else { return };
        if self.ahead.is_some() || !self.loader.knows(path) {
            return;
        }
        let content = Content::read(path);
        if let Content::Present(source) = &content
            && !self.index.is_known(path, &content)
        {
            // The host compiles while this thread parses.
            self.loader.prepare(source);
            self.index.look_ahead(source);
        }
        self.ahead = Some((path.to_owned(), content));
    }

    fn settle(&mut self, batch: Batch) {
        let Batch { changes, mut vanishing, first_seen } = batch;
        let mut ahead = self.ahead.take();
        let (mut contents, mut passed_over) = (Vec::new(), Vec::new());
        let mut installed = false;
        for settled in changes {
            if self.tree.has_packages(&settled.path) {
                installed = true;
                continue;
            }
            let is_gone = settled.kind == SettledKind::Gone;
            if is_gone {
                vanishing.push(settled.path.clone());
            }
            for path in self.files_of(&settled.path, is_gone) {
                if self.index.may_be_entry(&path) && !self.index.has(&path) {
                    passed_over.push(path.clone());
                }
                let content = match ahead.take_if(|(known, _)| *known == path) {
                    Some((_, content)) => content,
                    None if self.is_outside(&path) => Content::Gone,
                    None => Content::read(&path),
                };
                let is_gone = is_gone || self.is_outside(&path);
                if matches!(content, Content::Gone) && !is_gone {
                    // It vanished after it was written. That may have been told before: a file that
                    // is deleted while it is open is still told of when it is written to.
                    if !self.index.is_known(&path, &content) {
                        self.debouncer
                            .push(Change { path, kind: ChangeKind::Gone }, Instant::now());
                    }
                    continue;
                }
                if is_empty(&content) && self.index.hash(&path).is_some() {
                    // Somebody truncated it and is about to write. That he did, and truncated it
                    // once more, may not have been told yet.
                    let written = fs::metadata(&path).and_then(|data| data.modified()).ok();
                    let before = self.emptied.insert(path.clone(), written);
                    if !settled.deferred || before.is_some_and(|before| before != written) {
                        self.debouncer.defer(path, Instant::now());
                        continue;
                    }
                }
                self.emptied.remove(&path);
                if !self.index.is_known(&path, &content) {
                    contents.push((path, content));
                }
            }
        }
        if !passed_over.is_empty() {
            let taken: BTreeSet<&Path> = contents.iter().map(|(path, _)| path.as_path()).collect();
            passed_over.retain(|path| !taken.contains(path.as_path()));
        }
        let vanishing = self.gone_by_now(vanishing);
        self.update(contents, &passed_over, first_seen, vanishing);
        if installed {
            self.start_waiting();
        }
    }

    /// The files of these paths that are not there any more as they are known. A folder may be back.
    fn gone_by_now(&self, vanishing: Vec<PathBuf>) -> Vec<PathBuf> {
        let files: BTreeSet<PathBuf> =
            vanishing.iter().flat_map(|path| self.files_of(path, true)).collect();
        let is_gone = |path: &PathBuf| !self.index.is_known(path, &Content::read(path));
        files.into_iter().filter(is_gone).collect()
    }

    /// Whether something may be at `path` that does not belong to the tree any more: it is ignored
    /// now, or reached in another way.
    fn is_outside(&self, path: &Path) -> bool {
        (self.index.has(path) || !self.loader.knows(path)) && !self.tree.holds(path)
    }

    /// The files that a settled path stands for: itself, or what was in the folder that is gone.
    fn files_of(&self, path: &Path, is_gone: bool) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::from([path.to_owned()]);
        if is_gone {
            files.extend(self.index.below(path));
            files.extend(self.loader.files_below(path));
        }
        files
    }

    /// Some contents are not what they were.
    fn update(
        &mut self,
        contents: Vec<(PathBuf, Content)>,
        passed_over: &[PathBuf],
        seen: Instant,
        vanishing: Vec<PathBuf>,
    ) {
        if contents.is_empty() && passed_over.is_empty() {
            return;
        }
        let changed = contents
            .iter()
            .map(|(path, content)| match content {
                Content::Present(source) => (path.clone(), Some(source.clone())),
                Content::Gone | Content::Unreadable(_) => (path.clone(), None),
            })
            .collect();
        let (discovered, modules): (Vec<_>, Vec<_>) =
            contents.into_iter().partition(|(path, _)| self.configuration.is_discovered(path));
        for (path, content) in modules {
            match content {
                Content::Present(source) => self.index.learn(path, source.hash),
                Content::Gone | Content::Unreadable(_) => self.index.forget(&path),
            }
        }
        let units = self.index.update_beside(discovered, passed_over);
        self.apply(Edit { seen, changed, units, vanishing });
    }

    fn apply(&mut self, edit: Edit) {
        let Self { loader, voice, .. } = self;
        let imported = loader.apply(edit, &mut |event| voice.say(&event));
        for path in self.loader.take_left() {
            // It was away when the plugin was found elsewhere. If it is back, it is looked at like a
            // new one, although its content is known.
            self.index.forget(&path);
            if path.exists() {
                self.debouncer.push(Change { path, kind: ChangeKind::Finished }, Instant::now());
            }
        }
        self.compare(imported);
        self.follow_packages();
        self.warn_of_the_tree();
    }

    fn note(&mut self, note: Note) {
        let Self { loader, voice, .. } = self;
        let imported = loader.note(note, &mut |event| voice.say(&event));
        self.compare(imported);
    }

    /// The host is dead. Maybe that was noticed before, while something was asked of it.
    fn recover(&mut self) {
        let Self { loader, voice, .. } = self;
        let imported = loader.recover(&mut |event| voice.say(&event));
        self.compare(imported);
    }

    /// The pause after a death is over.
    fn revive(&mut self) {
        let Self { loader, voice, .. } = self;
        let imported = loader.revive(&mut |event| voice.say(&event));
        self.compare(imported);
    }

    /// The host read these files itself, maybe while they were edited.
    fn compare(&mut self, imported: Vec<Imported>) {
        for Imported { path, hash } in imported {
            let is_stale = match self.index.hash(&path) {
                Some(known) => known != hash,
                // No save of it mattered so far, so one may have been passed over.
                None => self.index.has(&path) && !Content::read(&path).is(hash),
            };
            self.index.learn(path.clone(), hash);
            if is_stale {
                // Which of the two is newer cannot be told, so the file is read again.
                self.debouncer.push(Change { path, kind: ChangeKind::Finished }, Instant::now());
            }
        }
        self.follow();
        if self.loader.take_ended() {
            self.inspection = Some(Instant::now() + self.idle);
        }
    }

    /// Looks after generations that have ended, if it is time and nothing else is to be done. The
    /// longer that takes, the longer is waited before the next look.
    fn inspect_when_idle(&mut self) {
        if self.inspection.is_none_or(|due| due > Instant::now()) {
            return;
        }
        if self.debouncer.deadline().is_some() {
            self.inspection = Some(Instant::now() + self.idle);
            return;
        }
        self.inspection = None;
        let Self { loader, voice, .. } = self;
        let took = loader.inspect(&mut |event| voice.say(&event));
        self.idle = IDLE.max(took * 20);
        memory::log(self.loader.process());
    }

    /// The watch follows what concerns plugins now. What was edited before it did is settled like any
    /// other edit.
    fn follow(&mut self) {
        if let Some(patterns) = self.loader.take_patterns() {
            for path in self.tree.follow_patterns(patterns) {
                if let (None, Content::Present(source)) =
                    (self.index.hash(&path), Content::read(&path))
                {
                    self.index.learn(path, source.hash);
                }
            }
        }
        for (path, concerns) in self.loader.take_news() {
            if !concerns {
                self.tree.unfollow(&path);
            } else if self.tree.follow(&path) && !self.index.is_known(&path, &Content::read(&path))
            {
                self.debouncer.push(Change { path, kind: ChangeKind::Finished }, Instant::now());
            }
        }
    }

    /// The settings file was saved. A faulty one changes nothing.
    fn reconfigure(&mut self) {
        let new = match (self.reread)() {
            Ok(new) => new,
            Err(message) => {
                tracing::warn!("{message}; the settings before it stay in force");
                let warning = Warning::new("settings", message);
                return self.voice.say(&Event::Warned { id: None, warning });
            }
        };
        let old = std::mem::replace(&mut self.configuration, new.clone());
        if new == old {
            return;
        }
        self.warn_of_what_stays(&old, &new);
        self.debouncer.set_settle(new.settle);
        let (watched, polling) = (old.watched(), new.polling != old.polling);
        if new.policy != old.policy {
            let Self { loader, voice, .. } = self;
            let imported =
                loader.reconfigure(new.policy.clone(), new.file.as_deref(), &mut |event| {
                    voice.say(&event)
                });
            self.compare(imported);
        }
        if new.watched() != watched || new.ignored != old.ignored || polling {
            self.tree.replace(new.watched(), Rules::new(&new.ignored));
            self.compare_with_disk();
        }
    }

    /// What was asked for and takes another start of the program.
    fn warn_of_what_stays(&mut self, old: &Configuration, new: &Configuration) {
        let (place, now) = (self.place.0.as_str(), new.policy.isolation);
        let mut told = Vec::new();
        if now != old.policy.isolation && now != self.place.0 {
            let now = now.as_str();
            told.push(format!(
                "`isolation` is \"{now}\" now, and plugins go on running with \"{place}\""
            ));
        }
        if new.interpreter != old.interpreter && new.interpreter != self.place.1 {
            told.push(
                "`python` is another one now, and plugins go on running with that of the \
                       start"
                    .to_owned(),
            );
        }
        for told in told {
            let message = format!("{told}: start replug again for that to take effect");
            let warning = Warning::new("settings", message);
            self.voice.say(&Event::Warned { id: None, warning });
        }
    }

    /// Compares the whole tree with what is known.
    fn rescan(&mut self, reason: &str) {
        self.voice.say(&Event::Rescan { reason: reason.to_owned() });
        self.compare_with_disk();
    }

    /// What is under the roots now is what counts; whatever else was known is gone. What differs
    /// settles as if it had been told: it may be in the middle of being written.
    fn compare_with_disk(&mut self) {
        let seen = Instant::now();
        let found = self.tree.rescan(self.configuration.polling);
        let found: BTreeSet<PathBuf> = found.into_iter().collect();
        let known: BTreeSet<PathBuf> =
            self.index.files().into_iter().chain(self.loader.files()).collect();
        for path in known.union(&found) {
            let content = if self.is_outside(path) { Content::Gone } else { Content::read(path) };
            if !self.index.is_known(path, &content) {
                let gone = matches!(content, Content::Gone);
                let kind = if gone { ChangeKind::Gone } else { ChangeKind::Finished };
                self.debouncer.push(Change { path: path.clone(), kind }, seen);
            }
        }
    }

    fn warn_of_the_tree(&mut self) {
        for warning in self.tree.take_warnings() {
            self.voice.say(&Event::Warned { id: None, warning });
        }
    }
}

fn is_empty(content: &Content) -> bool {
    matches!(content, Content::Present(source) if source.bytes.is_empty())
}

fn means_to_be_a_plugin(unit: &UnitChange) -> bool {
    !matches!(unit.verdict, None | Some(Verdict::NotAPlugin))
}

/// Tells events and keeps in mind what they mean for the exit code.
struct Voice {
    report: Box<dyn Report>,
    /// Nobody listens any more.
    closed: bool,
    failed: bool,
    /// What was to be told got lost, which is no wish of anybody.
    broken: bool,
}

impl Voice {
    fn say(&mut self, event: &Event) {
        self.failed |= matches!(event, Event::Failed { .. });
        if self.closed {
            return;
        }
        let told = self.report.event(SystemTime::now(), event);
        self.heed(told);
    }

    fn show(&mut self, at: SystemTime, view: &View<'_>) {
        if !self.closed {
            let told = self.report.show(at, view);
            self.heed(told);
        }
    }

    fn heed(&mut self, told: io::Result<()>) {
        if let Err(error) = told {
            self.closed = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.broken = true;
                tracing::error!("the output cannot be written; stopping: {error}");
            }
        }
    }
}
