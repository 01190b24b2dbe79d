//! The plugins of one process: starts, stops and restores generations on Python's main thread.
//!
//! Takes the commands of `host`, gives its answers. Holds the GIL only while a command is carried
//! out. A generation that starts is kept apart until it is live, so that a failure leaves the one
//! before it as it was.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyErr, PyResult, Python};
use pyo3::types::{PyModule, PyModuleMethods};

use super::bridged::Wanted;
use super::call::{Called, Calls, Visit};
use super::deadline::{Urgency, Watchdog};
use super::debugger::{self, AskTerminal};
#[cfg(feature = "embed")]
use super::embedded;
use super::filters::Filters;
use super::guard::Guard;
use super::guest::Guest;
use super::imports::{self, CodeStore, Identity, Importer, Shared};
use super::instance;
use super::interrupts::Interrupts;
use super::leaks::Leaks;
use super::mends::Mends;
use super::prints::Tags;
use super::start::refusal;
use super::undo::{Undo, Undone};
use super::vitals::Vitals;
use super::waking::{Asker, Waking};
use super::{context, exec, fault, inputs, life, method, tools};
use crate::host::{Limits, Note, Replacement, STOPPING, Sharing, Slot, Start, Started};
use crate::model::{Phase, PluginFault, PluginId, ReloadMode, Timings, Warning};
use crate::source::Source;

/// How long functions that plugins registered with `atexit` may take, all together.
const AT_EXIT: Duration = Duration::from_secs(3);

/// How long a thread may keep the GIL while no plugin with a deadline is live.
const GIL_LIMIT: Duration = Duration::from_secs(10);

/// How long the look at generations that have ended may take.
const INSPECTION: Duration = Duration::from_secs(3);

/// A crash of this process is described in the supervisor's file, with the stacks of all threads.
fn describe_crashes(py: Python<'_>) -> PyResult<()> {
    let faulthandler = py.import("faulthandler")?;
    faulthandler.call_method1("enable", (crate::host::CRASH, true))?;
    let text = include_str!("last_words.py");
    let module = PyModule::new(py, "qtforge._last_words")?;
    imports::execute(&imports::compile_text(py, text, "<replug exit>")?, &module.dict())?;
    let os = py.import("os")?;
    let dump = faulthandler.getattr("dump_traceback")?;
    let exit = (dump, os.getattr("_exit")?, crate::host::CRASH);
    os.setattr("_exit", module.getattr("exit_with")?.call1(exit)?)
}

/// Without a store everything works all the same.
fn open_store(py: Python<'_>, folder: PathBuf) -> Option<Arc<CodeStore>> {
    let store = CodeStore::open(py, folder.clone());
    let refused = |error: &io::Error| {
        tracing::warn!("compiled code is not kept in {}: {error}", folder.display());
    };
    store.inspect_err(refused).ok()
}

/// All plugins of this process.
pub struct Runtime {
    shared: Arc<Shared>,
    notes: Sender<Note>,
    pub(super) calls: Calls,
    /// Nothing is looked for in a process that belongs to somebody else.
    leaks: RefCell<Option<Leaks>>,
    /// Nor is anything taken out of it.
    pub(super) undo: Option<Undo>,
    /// Which of the loaders of this process it belongs to; 0 is the process's own.
    loader: u64,
    /// Whoever called makes the contexts, and initializes: `Running::context` is a `Life` then.
    pub(super) by_user: bool,
    /// A program in another language says what instances are made with.
    pub(super) wanted: Option<Wanted>,
    /// Where its plugins meet: event bus, services, configurations.
    pub(super) hub: Py<PyAny>,
    /// The exception behind the latest fault, for a caller in Python.
    pub(super) cause: RefCell<Option<PyErr>>,
    /// Plugins that have started and may have to go back.
    held: RefCell<Vec<(PluginId, ReloadMode)>>,
    pub(super) slots: RefCell<HashMap<PluginId, Slots>>,
    /// How long each phase of the start under way took, if that is measured.
    pub(super) clock: RefCell<Option<Timings>>,
    /// What plugins may look up that nobody offers yet.
    pub(super) waking: Arc<Waking>,
    /// What runs now may have wishes: it starts, and does not end.
    may_wish: Cell<bool>,
}

#[derive(Default)]
pub(super) struct Slots {
    pub(super) live: Option<Arc<Running>>,
    pub(super) aside: Option<Arc<Running>>,
}

/// One generation that was initialized.
pub(super) struct Running {
    pub(super) id: PluginId,
    pub(super) importer: Py<Importer>,
    pub(super) instance: Py<PyAny>,
    pub(super) context: Py<PyAny>,
    pub(super) asker: Arc<Asker>,
    pub(super) limits: Limits,
    /// It was shut down, and is to be initialized if it comes back.
    pub(super) ended: AtomicBool,
    /// What was taken out of places that belong to all when it ended.
    pub(super) undone: Mutex<Option<Undone>>,
}

impl Running {
    fn take_undone(&self) -> Option<Undone> {
        self.undone.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Runtime {
    /// Prepares the interpreter of this thread, which must be Python's main thread, for plugins.
    /// What they import after their start is told through `notes`. An `expendable` process may be
    /// ended by a call that cannot be interrupted. What they print is tagged if there is a mark to do
    /// so with. Compiled code is kept in `cache`; a debugger asks for `terminal`.
    ///
    /// # Errors
    /// What Python raised; the interpreter cannot be used then.
    pub fn new(
        py: Python<'_>,
        notes: Sender<Note>,
        expendable: bool,
        tag_prints: Option<&str>,
        cache: Option<PathBuf>,
        terminal: AskTerminal,
    ) -> PyResult<Self> {
        tools::tools(py)?;
        #[cfg(feature = "embed")]
        embedded::install(py)?;
        let shared = Shared::of_process(py)?;
        if let Some(store) = cache.and_then(|folder| open_store(py, folder)) {
            // There is one runtime of this kind in a process.
            let _ = shared.store.set(store);
        }
        inputs::install(py)?;
        py.import("qtforge.core")?;
        py.import("qtforge._host")?;
        let surroundings = py.import("qtforge._surroundings")?.getattr("Surroundings")?;
        if expendable {
            describe_crashes(py)?;
        }
        let watchdog = Watchdog::start(py, expendable)?;
        let interrupts = Interrupts::new(py, expendable)?;
        debugger::install(py, terminal, watchdog.deadlines())?;
        let tags = tag_prints.map(|mark| Tags::new(py, mark)).transpose()?;
        let guard = Guard::new(py, tags)?;
        let undo = Undo::new(py)?;
        let filters = Filters::new(py, undo.is_foreign(py))?;
        let vitals = Vitals::new(py, expendable)?;
        let mends = Mends::new(py)?;
        Ok(Self {
            shared,
            notes,
            calls: Calls::new(
                (guard, filters),
                watchdog,
                vitals,
                interrupts,
                mends,
                surroundings.unbind(),
            ),
            leaks: RefCell::new(Some(Leaks::new(py)?)),
            undo: Some(undo),
            loader: 0,
            by_user: false,
            wanted: None,
            hub: context::hub(py, true)?,
            cause: RefCell::new(None),
            held: RefCell::default(),
            slots: RefCell::default(),
            clock: RefCell::default(),
            waking: Waking::new(),
            may_wish: Cell::new(false),
        })
    }

    /// Plugins in the process of a program that called us. With `by_user`, that program makes their
    /// contexts and initializes them itself; a reload then does what it did. May be called on any
    /// thread.
    ///
    /// # Errors
    /// What Python raised.
    pub fn as_guest(py: Python<'_>, notes: Sender<Note>, by_user: bool) -> PyResult<Self> {
        static LOADERS: AtomicU64 = AtomicU64::new(1);
        tools::tools(py)?;
        let shared = Shared::of_process(py)?;
        if !by_user {
            inputs::install(py)?;
        }
        Ok(Self {
            shared,
            notes,
            hub: context::hub(py, false)?,
            calls: Calls::as_guest(Guest::new(py)?),
            loader: LOADERS.fetch_add(1, Ordering::Relaxed),
            by_user,
            wanted: None,
            leaks: RefCell::new(None),
            undo: None,
            cause: RefCell::new(None),
            held: RefCell::default(),
            slots: RefCell::default(),
            clock: RefCell::default(),
            waking: Waking::new(),
            may_wish: Cell::new(false),
        })
    }

    /// The instances that are live, by id.
    pub fn instances(&self, py: Python<'_>) -> Vec<(PluginId, Py<PyAny>)> {
        let slots = self.slots.borrow();
        let live = slots.values().filter_map(|slots| slots.live.as_ref());
        live.map(|running| (running.id.clone(), running.instance.clone_ref(py))).collect()
    }

    /// The id and the instance of the plugin with that key, if it is live.
    pub fn instance(&self, py: Python<'_>, key: &PluginId) -> Option<(PluginId, Py<PyAny>)> {
        let running = self.live(key)?;
        Some((running.id.clone(), running.instance.clone_ref(py)))
    }

    /// The exception behind the latest fault, once.
    pub fn take_cause(&mut self) -> Option<PyErr> {
        self.cause.get_mut().take()
    }

    /// A way to shorten the call under way, for a thread that cannot wait for it.
    pub fn urgency(&self) -> Urgency {
        self.calls.urgency()
    }

    /// Compiles `sources` in order; the first fault.
    ///
    /// # Errors
    /// A fault of phase `parse`.
    pub fn compile(&self, py: Python<'_>, sources: &[Source]) -> Result<(), PluginFault> {
        for source in sources {
            imports::code(py, &self.shared, source).map_err(|error| {
                self.note_cause(py, &error);
                fault::not_python(py, &error, source)
            })?;
        }
        Ok(())
    }

    pub(super) fn note_cause(&self, py: Python<'_>, error: &PyErr) {
        // It holds frames, so it is kept only where it will be asked for.
        if self.by_user {
            self.cause.replace(Some(error.clone_ref(py)));
        }
    }

    /// See [`crate::host::Host::start`].
    pub fn start(&self, py: Python<'_>, start: Start) -> Started {
        if self.calls.is_hurried() {
            let fault = PluginFault::new(Phase::Import, STOPPING, "replug stops");
            return Started::failed(fault);
        }
        let identity = Identity {
            key: start.key.clone(),
            generation: start.generation,
            package: self.package_of(&start.key),
            home: start.home.clone(),
            entry: start.entry.clone(),
        };
        let importer = match Importer::new(
            py,
            identity,
            start.sources.clone(),
            self.shared.clone(),
            self.notes.clone(),
        ) {
            Ok(importer) => importer,
            Err(error) => {
                return Started::failed(own_fault(py, &error));
            }
        };
        self.own_prints(py, &importer, &start.id);
        if let Err(error) = self.carry(&importer, &start) {
            // Then everything is imported anew.
            tracing::error!(plugin = %start.id, %error, "nothing could be carried");
        }
        self.shared.commons.collect();
        let mut needs = Vec::new();
        self.clock.replace(start.timed.then(Timings::default));
        importer.get().time(start.timed);
        let visit = self.calls.visit(&importer, Visit::Other, || {
            let result = self.wishing(|| self.start_with(&start, &importer, &mut needs));
            if result.is_err() {
                self.take_out(&importer, start.limits.shutdown, true);
            }
            result
        });
        let result = visit.unwrap_or_else(|error| Err(own_fault(py, &error)));
        let live = result.is_ok();
        let timings = self
            .clock
            .take()
            .map(|timings| Box::new(Timings { modules: importer.get().take_times(), ..timings }));
        let (mut trace, mut warnings) = importer.get().take_trace(live);
        trace.left = inputs::left(&trace.wrote);
        let (shared, of_shared) = self.shared.commons.take();
        trace.shared.extend(shared);
        warnings.extend(of_shared);
        let result = match result {
            Ok((fields, running)) => {
                warnings.extend(importer.get().keep_carried(start.hold));
                self.own_prints(py, &importer, &running.id);
                self.go_live(py, start.key, start.mode, start.hold, running);
                Ok(fields)
            }
            Err(fault) => {
                importer.get().give_back(py);
                self.undo(py, &start.key, &importer);
                self.has_ended(&importer);
                Err(fault)
            }
        };
        Started { result, needs, trace, warnings, timings }
    }

    /// What the generation left in places that belong to all goes.
    fn take_out(
        &self,
        importer: &Bound<'_, Importer>,
        limit: Duration,
        failed: bool,
    ) -> Option<Undone> {
        let undo = self.undo.as_ref()?;
        // It waits for locks of `logging`, and a logger may be of a class of the plugin's own.
        let called = self.calls.call(importer, limit, |_| undo.ended(importer, failed));
        let undone = called.and_then(|called| called.result);
        let tell = |error: &PyErr| tracing::debug!(%error, "something that was left stays");
        undone.inspect_err(tell).ok()
    }

    /// Modules of the generation before go over to the one of `importer`.
    fn carry(&self, importer: &Bound<'_, Importer>, start: &Start) -> PyResult<()> {
        let before = self.latest(&start.key);
        let before = before.as_ref().map(|running| running.importer.bind(importer.py()));
        Importer::carry(importer, &start.carry, before, &start.edited)
    }

    /// The generation that is live.
    pub(super) fn live(&self, key: &PluginId) -> Option<Arc<Running>> {
        self.slots.borrow().get(key).and_then(|slots| slots.live.clone())
    }

    /// The generation that is live, or that was until it was stopped.
    pub(super) fn latest(&self, key: &PluginId) -> Option<Arc<Running>> {
        let slots = self.slots.borrow();
        let slots = slots.get(key)?;
        slots.live.as_ref().or(slots.aside.as_ref()).cloned()
    }

    fn take_aside(&self, key: &PluginId) -> Option<Arc<Running>> {
        self.slots.borrow_mut().get_mut(key).and_then(|slots| slots.aside.take())
    }

    /// Keeps what was stopped, unless something is kept already.
    fn set_aside(&self, key: &PluginId, running: &Arc<Running>) -> bool {
        let mut slots = self.slots.borrow_mut();
        let slots = slots.entry(key.clone()).or_default();
        let free = slots.aside.is_none();
        if free {
            slots.aside = Some(running.clone());
        }
        free
    }

    /// A generation has ended, and nothing of ours needs it any more.
    fn has_ended(&self, importer: &Bound<'_, Importer>) {
        Leaks::ended(&mut self.leaks.borrow_mut(), importer);
    }

    /// Runs what may look for services that nobody offers yet.
    fn wishing<T>(&self, body: impl FnOnce() -> T) -> T {
        let before = self.may_wish.replace(true);
        let outcome = body();
        self.may_wish.set(before);
        outcome
    }

    /// Runs `body`, which carries requests out, in the midst of the call that is under way; `None` if
    /// that call may have no wishes.
    pub(crate) fn meanwhile<T>(&self, py: Python<'_>, body: impl FnOnce() -> T) -> Option<T> {
        if !self.may_wish.replace(false) {
            return None;
        }
        let clock = self.clock.take();
        let outcome = self.calls.interrupted(py, body);
        self.clock.replace(clock);
        self.may_wish.set(true);
        outcome.unwrap_or_else(|error| {
            tracing::error!(%error, "a call could not go on as it was");
            None
        })
    }

    /// See [`crate::host::Host::expect`].
    pub fn expect(&self, services: BTreeSet<String>) {
        self.waking.expect(services);
    }

    /// See [`crate::host::Host::granted`].
    pub fn granted(&self, services: &[String]) {
        self.waking.granted(services);
    }

    /// From now on what this package prints is that plugin's.
    fn own_prints(&self, py: Python<'_>, importer: &Bound<'_, Importer>, id: &PluginId) {
        let Some(tags) = self.calls.tags() else { return };
        if let Err(error) = tags.own(py, &importer.get().identity.package, id) {
            tracing::error!(plugin = %id, %error, "what it prints has no name");
        }
    }

    fn package_of(&self, key: &PluginId) -> String {
        let mut names = self.shared.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.of(&(self.loader, key.clone()))
    }

    fn go_live(
        &self,
        py: Python<'_>,
        key: PluginId,
        mode: ReloadMode,
        hold: bool,
        running: Running,
    ) {
        let mut all = self.slots.borrow_mut();
        let slots = all.entry(key.clone()).or_default();
        let before = slots.live.replace(Arc::new(running));
        if hold {
            self.held.borrow_mut().push((key, mode));
            if mode == ReloadMode::Exclusive {
                return;
            }
        }
        // A stopped generation has served as the way back; a live one is to be stopped yet.
        let aside = match mode {
            ReloadMode::Exclusive => None,
            ReloadMode::Overlap => before,
        };
        let dropped = std::mem::replace(&mut slots.aside, aside);
        drop(all);
        if let Some(dropped) = dropped {
            self.has_ended(dropped.importer.bind(py));
        }
    }

    /// A start failed: its entries go, those of a live generation come back.
    fn undo(&self, py: Python<'_>, key: &PluginId, importer: &Bound<'_, Importer>) {
        let outcome = importer.get().hide(py).and_then(|()| match self.live(key) {
            Some(live) => Importer::show(live.importer.bind(py)),
            None => Ok(()),
        });
        if let Err(error) = outcome {
            tracing::error!(plugin = %key, %error, "sys.modules could not be put back");
        }
    }

    /// See [`crate::host::Host::stop`].
    pub fn stop(&self, py: Python<'_>, key: &PluginId, slot: Slot) -> Vec<Warning> {
        let running = self.slots.borrow_mut().get_mut(key).and_then(|slots| match slot {
            Slot::Live => slots.live.take(),
            Slot::Aside => slots.aside.take(),
        });
        let Some(running) = running else { return Vec::new() };
        running.ended.store(true, Ordering::Relaxed);
        self.waking.ends(&running.asker);
        let importer = running.importer.bind(py);
        let ended = self.calls.visit(importer, Visit::End, || self.end(py, &running));
        let warnings = ended.unwrap_or_else(|error| {
            tracing::error!(plugin = %key, %error, "what it left behind could not be put back");
            Vec::new()
        });
        if let Err(error) = running.importer.get().hide(py) {
            tracing::error!(plugin = %key, %error, "sys.modules could not be cleared");
        }
        match slot {
            // What is held there is the way back.
            Slot::Live if self.set_aside(key, &running) => {}
            Slot::Live | Slot::Aside => {
                importer.get().give_back(py);
                self.has_ended(importer);
            }
        }
        warnings
    }

    /// `stop_service`, `shutdown`, and the undoing of what was registered.
    fn end(&self, py: Python<'_>, running: &Running) -> Vec<Warning> {
        let importer = running.importer.bind(py);
        let instance = running.instance.bind(py);
        let limit = running.limits.shutdown;
        let mut warnings = Vec::new();
        for (name, step) in [
            ("stop_service", instance::stop_service as fn(&Bound<'_, PyAny>) -> PyResult<()>),
            ("shutdown", instance::shutdown),
        ] {
            let call = |_| match self.by_user {
                true => running.context.bind(py).call_method0(name).map(|_| ()),
                false => step(instance),
            };
            let called = self.calls.call(importer, limit, call);
            if let Some(warning) = self.ended_badly(importer, &format!("{name}()"), called, limit) {
                warnings.push(warning);
            }
        }
        let _ = self.calls.call(importer, limit, |_| instance::mark_ended(instance));
        warnings.extend(self.dispose(importer, running.context.bind(py), limit));
        let undone = self.take_out(importer, limit, false);
        *running.undone.lock().unwrap_or_else(PoisonError::into_inner) = undone;
        warnings
    }

    /// What to say of a step of an end that raised or took too long.
    fn ended_badly(
        &self,
        importer: &Bound<'_, Importer>,
        name: &str,
        called: PyResult<Called<()>>,
        limit: Duration,
    ) -> Option<Warning> {
        let py = importer.py();
        let (result, struck) = match called {
            Ok(Called { result, struck }) => (result, struck),
            Err(error) => (Err(error), None),
        };
        if let Some(struck) = struck {
            // What came out of it has the whole way behind it, unless something else came out.
            let out = result.err().filter(|error| error.get_type(py).is(struck.get_type(py)));
            let struck = out.unwrap_or(struck);
            let late =
                self.calls.told(importer, limit, || fault::timeout(py, &struck, importer.get()));
            return Some(Warning::new("shutdown_timeout", format!("{name} {late}")));
        }
        let error = result.err()?;
        self.note_cause(py, &error);
        let what = self.calls.told(importer, limit, || fault::one_line(py, &error, importer.get()));
        Some(Warning::new("shutdown_raised", format!("{name} raised {what}")))
    }

    /// Undoes what was done through the context. A cleanup that does not come back costs the others
    /// nothing; if a second one does not, those that are left are not called any more.
    pub(super) fn dispose(
        &self,
        importer: &Bound<'_, Importer>,
        context: &Bound<'_, PyAny>,
        limit: Duration,
    ) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for calls_cleanups in [true, true, false] {
            let mut failures = None;
            let called = self.calls.call(importer, limit, |_| {
                failures = Some(context::dispose(context, calls_cleanups)?);
                Ok(())
            });
            warnings.extend(self.ended_badly(importer, "on_cleanup", called, limit));
            if let Some(failures) = failures {
                let told = failures.into_iter().map(|failure| format!("on_cleanup: {failure}"));
                warnings.extend(told.map(|told| Warning::new("shutdown_raised", told)));
                break;
            }
        }
        warnings
    }

    /// See [`crate::host::Host::begin_restore`].
    ///
    /// # Errors
    /// Why it could not be initialized again.
    pub fn restore(&self, py: Python<'_>, key: &PluginId) -> Result<(), PluginFault> {
        let aside = self.take_aside(key);
        let Some(running) = aside else {
            return Err(PluginFault::new(
                Phase::Initialize,
                "PluginLoadError",
                "nothing is left of the generation before",
            ));
        };
        let importer = running.importer.bind(py).clone();
        let context = running.context.bind(py).clone();
        self.waking.begins(&running.asker);
        let again = || {
            self.phase(&importer, Phase::Initialize, running.limits.phase, |_| {
                if self.by_user {
                    return life::again(&context);
                }
                if let (Some(undo), Some(undone)) = (&self.undo, running.take_undone()) {
                    undo.goes_on(&importer, &undone)?;
                }
                instance::initialize(running.instance.bind(py), &context)
            })
        };
        let result = Importer::show(&importer)
            .map_err(|error| fault::describe(py, &error, Phase::Initialize, importer.get()))
            .and_then(|()| match running.ended.load(Ordering::Relaxed) {
                true => self.wishing(again),
                false => Ok(None),
            })
            .and_then(|refused| match refused {
                None => Ok(()),
                Some(message) => Err(refusal(&message, importer.get())),
            });
        match result {
            Ok(()) => {
                running.ended.store(false, Ordering::Relaxed);
                self.slots.borrow_mut().entry(key.clone()).or_default().live = Some(running);
                Ok(())
            }
            Err(fault) => {
                self.waking.ends(&running.asker);
                self.dispose(&importer, &context, running.limits.shutdown);
                self.take_out(&importer, running.limits.shutdown, false);
                if let Err(error) = importer.get().hide(py) {
                    tracing::error!(plugin = %key, %error, "sys.modules could not be cleared");
                }
                self.has_ended(&importer);
                Err(fault)
            }
        }
    }

    /// See [`crate::host::Host::forget`].
    pub fn forget(&self, py: Python<'_>, key: &PluginId) {
        let aside = self.take_aside(key);
        let Some(running) = aside else { return };
        self.has_ended(running.importer.bind(py));
        if self.live(key).is_none() {
            self.slots.borrow_mut().remove(key);
            let files: Vec<PathBuf> = running.importer.get().files();
            let dropped = {
                let mut codes = self.shared.codes.lock().unwrap_or_else(PoisonError::into_inner);
                codes.forget(files)
            };
            drop(dropped);
            let importer = running.importer.bind(py);
            let forgotten =
                imports::unpin(py, &self.shared, &importer.get().files()).and_then(|()| {
                    // It waits for a lock that a thread of a plugin may hold.
                    let limit = running.limits.shutdown;
                    if self.by_user {
                        return Ok(());
                    }
                    let hub = self.hub.bind(py);
                    self.calls.call(importer, limit, |_| context::forget(hub, &running.id))?.result
                });
            if let Err(error) = forgotten {
                tracing::error!(plugin = %key, %error, "something of it could not be dropped");
            }
        }
    }

    /// See [`crate::host::Host::share`].
    pub fn share(&self, sharing: Sharing) {
        self.shared.commons.share(sharing, self.notes.clone());
    }

    /// See [`crate::host::Host::replace`].
    pub fn replace(&self, py: Python<'_>, replacement: Replacement) {
        if let Err(error) = self.shared.commons.replace(py, replacement, self.notes.clone()) {
            tracing::error!(%error, "shared modules could not be taken out of sys.modules");
        }
    }

    /// See [`crate::host::Host::settle`].
    pub fn settle(&self, py: Python<'_>, for_good: bool, epoch: u64) {
        for (key, mode) in self.held.take() {
            if !for_good {
                continue;
            }
            if let Some(live) = self.live(&key) {
                // What there is to warn of was told when it started.
                let _ = live.importer.get().keep_carried(false);
            }
            if mode == ReloadMode::Exclusive
                && let Some(dropped) = self.take_aside(&key)
            {
                self.has_ended(dropped.importer.bind(py));
            }
        }
        if let Err(error) = self.shared.commons.settle(py, &self.shared, for_good, epoch) {
            tracing::error!(%error, "shared modules could not be put back into sys.modules");
        }
    }

    /// See [`crate::host::Host::begin_exec`].
    ///
    /// # Errors
    /// What the code raised.
    pub fn exec(
        &self,
        py: Python<'_>,
        key: &PluginId,
        code: &str,
    ) -> Result<Option<String>, PluginFault> {
        let Some(running) = self.live(key) else {
            let message = format!("the plugin {key} is not live");
            return Err(PluginFault::new(Phase::Initialize, "PluginExecutionError", message));
        };
        exec::check(py, code)?;
        let importer = running.importer.bind(py);
        let instance = running.instance.bind(py);
        let context = running.context.bind(py);
        self.wishing(|| {
            self.phase(importer, Phase::Initialize, running.limits.phase, |_| {
                exec::run(importer, instance, context, code)
            })
        })
    }

    /// See [`crate::host::Host::begin_call`].
    ///
    /// # Errors
    /// What the method raised, or that there is none.
    pub fn call(
        &self,
        py: Python<'_>,
        key: &PluginId,
        name: &str,
        arguments: &str,
    ) -> Result<String, PluginFault> {
        let fault =
            |message: String| PluginFault::new(Phase::Initialize, "PluginExecutionError", message);
        let Some(running) = self.live(key) else {
            return Err(fault(format!("the plugin {key} is not live")));
        };
        let importer = running.importer.bind(py);
        let value = self.wishing(|| {
            self.phase(importer, Phase::Initialize, running.limits.phase, |py| {
                let found = method::find(running.instance.bind(py), name);
                found.map(|method| method::call(&method, arguments)).transpose()
            })
        })?;
        value.ok_or_else(|| fault(format!("{} has no method {name:?}", running.id)))
    }

    /// See [`crate::host::Host::inspect`].
    pub fn inspect(&self, py: Python<'_>) -> (Vec<(PluginId, Warning)>, Duration) {
        let mut leaks = self.leaks.borrow_mut();
        let Some(leaks) = leaks.as_mut() else { return (Vec::new(), Duration::ZERO) };
        // What goes now may have finalizers, which are plugins' code.
        match self.calls.call_any(py, INSPECTION, |py| Ok(leaks.inspect(py))) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "the look at ended generations was interrupted");
                (Vec::new(), INSPECTION)
            }
        }
    }

    /// Takes the GIL for `body`, which is not waited for beyond the longest deadline of a plugin here
    /// if the process can be started again.
    pub fn attached<T>(&self, body: impl FnOnce(Python<'_>) -> T) -> T {
        let limit = {
            let slots = self.slots.borrow();
            let live = slots.values().filter_map(|slots| slots.live.as_ref());
            live.map(|running| running.limits.phase).max().unwrap_or(GIL_LIMIT)
        };
        self.calls.await_gil(limit);
        Python::attach(|py| {
            if let Err(error) = self.calls.has_gil(py) {
                tracing::debug!(%error, "the signal of deadlines was not taken back");
            }
            body(py)
        })
    }

    /// The answer is out; with `idle`, nobody waits for this thread.
    pub fn rest(&self, py: Python<'_>, idle: bool) {
        self.calls.rest(py, idle);
        if let Some(store) = self.shared.store.get() {
            store.rest();
        }
    }

    /// See [`crate::host::Host::finish`].
    pub fn finish(&self, py: Python<'_>) {
        let run = self.calls.finish(py, AT_EXIT, |py| {
            py.import("atexit")?.call_method0("_run_exitfuncs")?;
            Ok(())
        });
        if let Err(error) = run {
            tracing::warn!(%error, "an atexit function failed");
        }
        if let Some(store) = self.shared.store.get() {
            store.finish();
        }
    }
}

/// Something that no plugin is to blame for, told all the same.
fn own_fault(py: Python<'_>, error: &PyErr) -> PluginFault {
    let message = fault::message(error.value(py).as_any());
    let message = format!("replug could not prepare the import: {message}");
    PluginFault::new(Phase::Import, "PluginLoadError", message)
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.loader == 0 {
            return;
        }
        // A loader was dropped with plugins in it: they go on, and nobody finds them by name.
        let hidden = Python::try_attach(|py| {
            let slots = self.slots.borrow();
            for running in slots.values().filter_map(|slots| slots.live.as_ref()) {
                if let Err(error) = running.importer.get().hide(py) {
                    tracing::error!(%error, "sys.modules could not be cleared");
                }
            }
        });
        if hidden.is_some() {
            let mut names = self.shared.names.lock().unwrap_or_else(PoisonError::into_inner);
            names.release(self.loader);
        }
    }
}
