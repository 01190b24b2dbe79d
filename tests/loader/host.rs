//! A host that is played: it runs scripts instead of Python, notes every call, and holds the loader to
//! what is true of any history.
//!
//! No two instances of a plugin are alive at once unless it overlaps. What is alive is shut down
//! exactly once before it is dropped. A plugin starts after what it needs, and is stopped before.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use replug::host::{Death, Host, Input, Slot, Start, Started, Trace};
use replug::model::{Fields, Generation, Phase, PluginFault, PluginId, ReloadMode, Warning};
use replug::source::Source;

use crate::script::{all, has, id, needs};

/// What the test and the host both see.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) disk: BTreeMap<PathBuf, String>,
    pub(crate) calls: Vec<String>,
    pub(crate) live: BTreeMap<PluginId, Instance>,
    aside: BTreeMap<PluginId, Instance>,
    /// The process has died, and of whose call.
    dead: Option<PluginId>,
    while_stopping: bool,
    /// Somebody has asked about it.
    mourned: bool,
    /// Calls that were begun and not waited for yet.
    begun: VecDeque<Begun>,
    /// The same of those that wait for what a wish of the first of them leads to.
    interrupted: Vec<VecDeque<Begun>>,
    /// The look-ups that are wishes.
    expected: BTreeSet<String>,
    /// No other process can be started.
    pub(crate) barren: bool,
}

enum Call {
    Start(Box<Start>),
    Restore(PluginId),
}

struct Begun {
    call: Call,
    /// How many of the services that it asks for it has asked for.
    asked: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: PluginId,
    pub(crate) generation: Generation,
    pub(crate) sources: BTreeMap<PathBuf, String>,
    entry: PathBuf,
    text: String,
    initialized: bool,
}

#[derive(Clone, Default)]
pub(crate) struct FakeHost(pub(crate) Rc<RefCell<Stage>>);

fn gone() -> PluginFault {
    PluginFault::new(Phase::Host, "HostDied", "the process has died")
}

fn fault(phase: &str, what: &str) -> PluginFault {
    let phase = match phase {
        "parse" => Phase::Parse,
        "import" => Phase::Import,
        "create" => Phase::Create,
        "metadata" => Phase::Metadata,
        _ => Phase::Initialize,
    };
    PluginFault::new(phase, "RuntimeError", what)
}

fn text(source: &Source) -> String {
    String::from_utf8(source.bytes.to_vec()).unwrap()
}

impl Stage {
    /// The process ends, and everything in it.
    pub(crate) fn die(&mut self, culprit: &PluginId) {
        self.calls.push(format!("{culprit} dies"));
        self.dead = Some(culprit.clone());
        self.while_stopping = false;
        self.mourned = false;
        self.live.clear();
        self.aside.clear();
    }

    fn is_live(&self, id: &PluginId) -> bool {
        self.live.values().any(|instance| instance.id == *id && instance.initialized)
    }

    /// Whether a service is registered.
    fn is_offered(&self, service: &str) -> bool {
        let mut live = self.live.values().filter(|instance| instance.initialized);
        live.any(|instance| all(&instance.text, "offers").any(|offered| offered == service))
    }

    fn begin(&mut self, call: Call) {
        self.begun.push_back(Begun { call, asked: 0 });
    }

    /// The key and the script of the first call, if it gets as far as asking.
    fn asking(&self) -> Option<(PluginId, String)> {
        let Begun { call, .. } = self.begun.front().filter(|_| self.dead.is_none())?;
        let (key, text) = match call {
            Call::Start(start) => {
                let given = start.sources.iter().find(|source| source.path == start.entry);
                let text = given.map(text).or_else(|| self.disk.get(&start.entry).cloned());
                (start.key.clone(), text?)
            }
            Call::Restore(key) => (key.clone(), self.aside.get(key)?.text.clone()),
        };
        let gets_there = !has(&text, "broken") && all(&text, "raises").all(|it| it == "initialize");
        gets_there.then_some((key, text))
    }

    /// The next service that the first call asks for, if it is to be told.
    fn wish(&mut self) -> Option<String> {
        let (key, text) = self.asking()?;
        for service in all(&text, "asks") {
            let begun = self.begun.front_mut()?;
            if all(&text, "asks").position(|other| other == service) < Some(begun.asked) {
                continue;
            }
            begun.asked += 1;
            let offered = self.is_offered(service);
            if offered || !self.expected.contains(service) {
                let what = if offered { "has" } else { "misses" };
                self.calls.push(format!("{key} {what} {service}"));
                continue;
            }
            self.calls.push(format!("{key} asks {service}"));
            self.interrupted.push(std::mem::take(&mut self.begun));
            return Some(service.to_owned());
        }
        None
    }

    /// The call that had a wish goes on.
    fn go_on(&mut self) {
        assert!(self.begun.is_empty(), "calls are under way: {:?}", self.calls);
        self.begun = self.interrupted.pop().unwrap();
        let Some((key, text)) = self.asking() else { return };
        let service = all(&text, "asks").nth(self.begun[0].asked - 1).unwrap();
        let what = if self.is_offered(service) { "gets" } else { "misses" };
        self.calls.push(format!("{key} {what} {service}"));
    }

    fn restore(&mut self, key: &PluginId) -> Result<(), PluginFault> {
        if self.dead.is_some() {
            return Err(gone());
        }
        self.calls.push(format!("restore {key}"));
        let Some(mut instance) = self.aside.remove(key) else {
            panic!("nothing to restore: {:?}", self.calls)
        };
        assert!(!self.live.contains_key(key), "two of {key}: {:?}", self.calls);
        assert!(!instance.initialized, "it was not stopped: {:?}", self.calls);
        self.check_needs(key, &instance.text);
        if has(&instance.text, "refuses") {
            return Err(fault("initialize", "it refuses"));
        }
        instance.initialized = true;
        self.live.insert(key.clone(), instance);
        Ok(())
    }

    fn check_needs(&self, key: &PluginId, text: &str) {
        for needed in needs(text) {
            assert!(self.is_live(&needed), "{key} starts before {needed}: {:?}", self.calls);
        }
    }

    fn start(&mut self, start: &Start) -> Started {
        let mut trace = Trace::default();
        let stage = self;
        if stage.dead.is_some() {
            return Started::failed(gone());
        }
        let key = &start.key;
        let result = stage.run(start, &mut trace);
        let what = match &result {
            Ok(_) => format!("start {key}"),
            Err(fault) => format!("start {key}: {}", fault.phase.as_str()),
        };
        stage.calls.push(what);
        let alive = stage.live.get(key).is_some_and(|instance| instance.initialized);
        assert!(!alive || start.mode == ReloadMode::Overlap, "two of {key}: {:?}", stage.calls);
        let result = result.and_then(|instance| {
            stage.check_needs(key, &instance.text);
            if has(&instance.text, "dies") {
                stage.die(key);
                return Err(gone());
            }
            let fields = Fields::from_iter([("id".to_owned(), instance.id.as_str().into())]);
            let before = stage.live.insert(key.clone(), instance);
            let aside = if start.mode == ReloadMode::Overlap { before } else { None };
            let dropped = match aside {
                Some(before) => stage.aside.insert(key.clone(), before),
                None => stage.aside.remove(key),
            };
            drop_checked(dropped);
            Ok(fields)
        });
        Started { result, needs: Vec::new(), trace, warnings: Vec::new(), timings: None }
    }

    /// What a start imports, executes and says.
    fn run(&mut self, start: &Start, trace: &mut Trace) -> Result<Instance, PluginFault> {
        let given: BTreeMap<&Path, &Source> =
            start.sources.iter().map(|source| (source.path.as_path(), source)).collect();
        let read = |disk: &BTreeMap<PathBuf, String>, path: &Path| {
            given
                .get(path)
                .map(|source| (*source).clone())
                .or_else(|| disk.get(path).map(|text| Source::new(path, text.clone().into_bytes())))
        };
        let mut executed = BTreeMap::new();
        let mut waiting = vec![start.entry.clone()];
        while let Some(path) = waiting.pop() {
            let Some(source) = read(&self.disk, &path) else {
                trace.missed.push(path.with_extension(""));
                let module = path.file_stem().unwrap().display();
                return Err(fault("import", &format!("No module named '{module}'")));
            };
            let body = text(&source);
            executed.insert(path.clone(), body.clone());
            trace.imported.push(source);
            if has(&body, "broken") {
                return Err(fault("parse", "invalid syntax"));
            }
            if let Some(phase) = all(&body, "raises").next() {
                return Err(fault(phase, "as the script says"));
            }
            for name in all(&body, "try") {
                let path = start.home.join(format!("{name}.py"));
                if read(&self.disk, &path).is_some() {
                    waiting.push(path);
                } else {
                    trace.missed.push(path.with_extension(""));
                }
            }
            for name in all(&body, "import") {
                waiting.push(start.home.join(format!("{name}.py")));
            }
            waiting.retain(|path| !executed.contains_key(path));
        }
        let body = executed[&start.entry].clone();
        for name in all(&body, "appends") {
            let path = start.home.join(format!("{name}.py"));
            let text = self.disk.entry(path.clone()).or_default();
            text.push_str("\nmore");
            let hash = Some(Source::new(path.clone(), text.clone().into_bytes()).hash);
            trace.left.push(Input { path: path.clone(), hash });
            trace.wrote.push(path);
        }
        let mut own = start.id.clone();
        if let Some(said) = all(&body, "says").next()
            && start.provisional
        {
            own = id(said);
            let mut others = self.live.iter().filter(|(key, _)| **key != start.key);
            if others.any(|(_, other)| other.id == own)
                || start.taken.iter().any(|taken| taken.id == own)
            {
                return Err(PluginFault::new(Phase::Metadata, "IdTaken", "taken"));
            }
        }
        Ok(Instance {
            id: own,
            generation: start.generation,
            sources: executed,
            entry: start.entry.clone(),
            text: body,
            initialized: true,
        })
    }
}

fn drop_checked(instance: Option<Instance>) {
    if let Some(instance) = instance {
        assert!(!instance.initialized, "{instance:?} was dropped and never shut down");
    }
}

impl Host for FakeHost {
    fn prepare(&mut self, _source: &Source) {}

    fn compile(&mut self, sources: &[Source]) -> Result<(), PluginFault> {
        if self.0.borrow().dead.is_some() {
            return Err(gone());
        }
        let broken = sources.iter().any(|source| has(&text(source), "broken"));
        if broken { Err(fault("parse", "invalid syntax")) } else { Ok(()) }
    }

    fn begin(&mut self, start: Start) {
        self.0.borrow_mut().begin(Call::Start(Box::new(start)));
    }

    fn expect(&mut self, services: &BTreeSet<String>) {
        let mut stage = self.0.borrow_mut();
        assert!(stage.begun.is_empty(), "calls are under way: {:?}", stage.calls);
        stage.expected.clone_from(services);
    }

    fn wish(&mut self) -> Option<String> {
        self.0.borrow_mut().wish()
    }

    fn go_on(&mut self) {
        self.0.borrow_mut().go_on();
    }

    fn granted(&mut self, services: &[String]) {
        self.0.borrow_mut().calls.push(format!("granted {}", services.join(" ")));
    }

    fn started(&mut self) -> Started {
        let mut stage = self.0.borrow_mut();
        let Some(Begun { call: Call::Start(start), .. }) = stage.begun.pop_front() else {
            panic!("nothing is being started: {:?}", stage.calls)
        };
        stage.start(&start)
    }

    fn stop(&mut self, key: &PluginId, slot: Slot) -> Vec<Warning> {
        let mut stage = self.0.borrow_mut();
        assert!(stage.begun.is_empty(), "calls are under way: {:?}", stage.calls);
        if stage.dead.is_some() {
            return Vec::new();
        }
        let what = if slot == Slot::Aside { "stop old" } else { "stop" };
        stage.calls.push(format!("{what} {key}"));
        let taken = match slot {
            Slot::Live => stage.live.remove(key),
            Slot::Aside => stage.aside.remove(key),
        };
        let Some(mut instance) = taken else { panic!("nothing to stop: {:?}", stage.calls) };
        assert!(instance.initialized, "shut down twice: {:?}", stage.calls);
        instance.initialized = false;
        if slot == Slot::Live {
            // One whose new content overlaps stays until that is up.
            let overlaps = |other: &Instance| {
                let now = stage.disk.get(&other.entry);
                has(&other.text, "overlap") || now.is_some_and(|text| has(text, "overlap"))
            };
            let dependents = stage
                .live
                .values()
                .filter(|other| needs(&other.text).contains(&instance.id) && !overlaps(other));
            let dependents: Vec<_> = dependents.map(|other| other.id.clone()).collect();
            assert!(dependents.is_empty(), "{dependents:?} need {key}: {:?}", stage.calls);
        }
        if has(&instance.text, "dies-stopping") {
            stage.die(key);
            stage.while_stopping = slot == Slot::Live;
            return Vec::new();
        }
        if slot == Slot::Live {
            drop_checked(stage.aside.insert(key.clone(), instance));
        }
        Vec::new()
    }

    fn begin_restore(&mut self, key: &PluginId) {
        let mut stage = self.0.borrow_mut();
        assert!(stage.begun.is_empty(), "calls are under way: {:?}", stage.calls);
        stage.begin(Call::Restore(key.clone()));
    }

    fn restored(&mut self) -> Result<(), PluginFault> {
        let mut stage = self.0.borrow_mut();
        let Some(Begun { call: Call::Restore(key), .. }) = stage.begun.pop_front() else {
            panic!("nothing is being restored: {:?}", stage.calls)
        };
        stage.restore(&key)
    }

    fn forget(&mut self, key: &PluginId) {
        drop_checked(self.0.borrow_mut().aside.remove(key));
    }

    fn begin_exec(&mut self, _key: &PluginId, _code: &str) {}

    fn executed(&mut self) -> Result<Option<String>, PluginFault> {
        Ok(None)
    }

    fn begin_call(&mut self, _: &PluginId, _: &str, _: &str) {}

    fn death(&mut self) -> Option<Death> {
        let mut stage = self.0.borrow_mut();
        let culprit = stage.dead.clone().filter(|_| !stage.mourned)?;
        stage.mourned = true;
        let while_stopping = stage.while_stopping;
        Some(Death { culprit: Some(culprit), while_stopping, fault: gone() })
    }

    fn pause(&self) -> Duration {
        Duration::ZERO
    }

    fn revive(&mut self) -> Result<(), String> {
        let mut stage = self.0.borrow_mut();
        assert!(stage.begun.is_empty(), "calls are under way: {:?}", stage.calls);
        if stage.barren {
            return Err("no more processes".to_owned());
        }
        stage.dead = None;
        stage.expected.clear();
        stage.calls.push("revive".to_owned());
        Ok(())
    }

    fn inspect(&mut self) -> (Vec<(PluginId, Warning)>, Duration) {
        (Vec::new(), Duration::ZERO)
    }

    fn finish(&mut self) {
        let stage = self.0.borrow();
        assert!(stage.live.is_empty(), "still alive: {:?}", stage.live);
    }
}
