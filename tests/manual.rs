//! A reload that somebody asks for: the loader over a host that only notes what it is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share may fail like tests")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use replug::discovery::{Content, Index};
use replug::host::{Death, Host, Slot, Start, Started, Trace};
use replug::loader::{Loader, Policy};
use replug::model::{Because, Edit, Event, Phase, PluginFault, PluginId, State, Warning};
use replug::source::Source;

/// What the host was told, and what it is to refuse.
#[derive(Default)]
struct Inside {
    told: Vec<String>,
    begun: VecDeque<Started>,
    refuse_start: BTreeSet<String>,
    refuse_compile: BTreeSet<PathBuf>,
}

#[derive(Clone, Default)]
struct FakeHost(Rc<RefCell<Inside>>);

impl FakeHost {
    fn note(&self, line: String) {
        self.0.borrow_mut().told.push(line);
    }

    fn take_told(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().told)
    }
}

impl Host for FakeHost {
    fn prepare(&mut self, _: &Source) {}

    fn compile(&mut self, sources: &[Source]) -> Result<(), PluginFault> {
        let refused = &self.0.borrow().refuse_compile;
        match sources.iter().any(|source| refused.contains(&source.path)) {
            true => Err(PluginFault::new(Phase::Parse, "SyntaxError", "invalid syntax")),
            false => Ok(()),
        }
    }

    fn begin(&mut self, start: Start) {
        self.note(format!("start {}", start.key));
        let refused = self.0.borrow().refuse_start.contains(start.key.as_str());
        let fault = || PluginFault::new(Phase::Initialize, "ValueError", "no");
        let started = Started {
            result: if refused { Err(fault()) } else { Ok(start.fields) },
            needs: Vec::new(),
            trace: Trace { imported: start.sources, ..Trace::default() },
            warnings: Vec::new(),
            timings: None,
        };
        self.0.borrow_mut().begun.push_back(started);
    }

    fn started(&mut self) -> Started {
        self.0.borrow_mut().begun.pop_front().unwrap()
    }

    fn stop(&mut self, key: &PluginId, _: Slot) -> Vec<Warning> {
        self.note(format!("stop {key}"));
        Vec::new()
    }

    fn begin_restore(&mut self, key: &PluginId) {
        self.note(format!("restore {key}"));
    }

    fn restored(&mut self) -> Result<(), PluginFault> {
        Ok(())
    }

    fn forget(&mut self, _: &PluginId) {}

    fn begin_exec(&mut self, key: &PluginId, _: &str) {
        self.note(format!("exec {key}"));
    }

    fn executed(&mut self) -> Result<Option<String>, PluginFault> {
        Ok(None)
    }

    fn begin_call(&mut self, _: &PluginId, _: &str, _: &str) {}

    fn death(&mut self) -> Option<Death> {
        None
    }

    fn pause(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    fn revive(&mut self) -> Result<(), String> {
        Err("it never died".to_owned())
    }

    fn inspect(&mut self) -> (Vec<(PluginId, Warning)>, std::time::Duration) {
        (Vec::new(), std::time::Duration::ZERO)
    }

    fn finish(&mut self) {}
}

/// A folder of plugins, and a loader that has seen them.
struct Desk {
    folder: tempfile::TempDir,
    host: FakeHost,
    loader: Loader<FakeHost>,
    index: Index,
}

impl Desk {
    /// One plugin a pair: its id, and further entries of its metadata.
    fn new(plugins: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = FakeHost::default();
        let loader = Loader::new(host.clone(), Policy::default());
        let mut desk = Self { folder, host, loader, index: Index::default() };
        let files = plugins.iter().map(|(id, more)| desk.save(id, more)).collect();
        let units = desk.index.fill(files);
        let edit = Edit { units, ..Edit::nothing() };
        desk.loader.apply(edit, &mut |_| {});
        desk.host.take_told();
        desk
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.path().join(format!("{id}.py"))
    }

    fn save(&self, id: &str, more: &str) -> PathBuf {
        let text = format!("import qtforge\nPLUGIN_METADATA = {{'id': '{id}', {more}}}\n");
        std::fs::write(self.path(id), text).unwrap();
        self.path(id)
    }

    /// The file was saved, and the loader is told.
    fn edited(&mut self, path: &Path) -> Vec<String> {
        let content = Content::read(path);
        let Content::Present(source) = &content else { panic!("{} is gone", path.display()) };
        let changed = BTreeMap::from([(path.to_owned(), Some(source.clone()))]);
        let units = self.index.update(vec![(path.to_owned(), content)]);
        let edit = Edit { changed, units, ..Edit::nothing() };
        let mut events = Vec::new();
        self.loader.apply(edit, &mut |event| events.push(say(&event)));
        events
    }

    fn reload(&mut self, ids: &[&str]) -> Vec<String> {
        let keys: Vec<PluginId> = ids.iter().map(|id| PluginId::new(id).unwrap()).collect();
        let mut events = Vec::new();
        self.loader.reload(&keys, &mut |event| events.push(say(&event)));
        events
    }

    fn states(&self) -> Vec<(String, State)> {
        let standings = self.loader.standings().into_iter();
        standings.map(|plugin| (plugin.id.to_string(), plugin.state)).collect()
    }
}

fn say(event: &Event) -> String {
    match event {
        Event::Loaded(live) => format!("loaded {} {}", live.id, live.generation),
        Event::Reloaded { live, changed, because } => {
            assert!(*because != Because::Manual || changed.is_empty(), "{changed:?}");
            format!("reloaded {} {} {}", live.id, live.generation, because.as_str())
        }
        Event::Failed { id, fault, kept, .. } => {
            format!("failed {} {} {:?}", id.as_ref().unwrap(), fault.kind, kept.generation())
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn one_is_reloaded_although_nothing_changed() {
    let mut desk = Desk::new(&[("a", ""), ("b", "")]);
    assert_eq!(desk.reload(&["a"]), ["reloaded a 2 manual"]);
    assert_eq!(desk.host.take_told(), ["stop a", "start a"]);
}

#[test]
fn dependents_follow_and_all_go_in_order() {
    let mut desk = Desk::new(&[("a", "'dependencies': ['b']"), ("b", "")]);
    assert_eq!(desk.reload(&["b"]), ["reloaded b 2 manual", "reloaded a 2 dependency"]);
    desk.host.take_told();
    assert_eq!(desk.reload(&["a", "b"]), ["reloaded b 3 manual", "reloaded a 3 manual"]);
    assert_eq!(desk.host.take_told(), ["stop a", "stop b", "start b", "start a"]);
}

#[test]
fn one_that_fails_is_kept_and_tried_again_each_time() {
    let mut desk = Desk::new(&[("a", "")]);
    desk.host.0.borrow_mut().refuse_start.insert("a".to_owned());
    assert_eq!(desk.reload(&["a"]), ["failed a ValueError Some(1)"]);
    assert_eq!(desk.host.take_told(), ["stop a", "start a", "restore a"]);
    assert_eq!(desk.states(), [("a".to_owned(), State::Kept(1))]);
    desk.host.0.borrow_mut().refuse_start.clear();
    assert_eq!(desk.reload(&["a"]), ["reloaded a 2 manual"]);
    assert_eq!(desk.states(), [("a".to_owned(), State::Live(2))]);
}

#[test]
fn one_that_is_not_live_is_tried_as_well() {
    let mut desk = Desk::new(&[
        ("a", "'dependencies': ['nowhere']"),
        ("lazy", "'activation': 'lazy'"),
        ("z", ""),
    ]);
    let states =
        |desk: &Desk| desk.states().into_iter().map(|(_, state)| state).collect::<Vec<_>>();
    assert_eq!(states(&desk), [State::Waiting, State::Asleep, State::Live(1)]);
    assert_eq!(desk.reload(&["a"]), ["failed a MissingDependency None"]);
    assert_eq!(desk.reload(&["lazy"]), ["loaded lazy 1"]);
    assert_eq!(states(&desk), [State::Waiting, State::Live(1), State::Live(1)]);
}

#[test]
fn what_cannot_be_compiled_touches_nothing_that_runs() {
    let mut desk = Desk::new(&[("a", "")]);
    let path = desk.path("a");
    desk.host.0.borrow_mut().refuse_compile.insert(path);
    assert_eq!(desk.reload(&["a"]), ["failed a SyntaxError Some(1)"]);
    assert!(desk.host.take_told().is_empty());
}

#[test]
fn what_is_no_plugin_any_more_stays_so_until_it_is_edited() {
    let mut desk = Desk::new(&[("a", "")]);
    let path = desk.path("a");
    std::fs::write(&path, "x = 1\n").unwrap();
    assert_eq!(desk.edited(&path), ["failed a NotAPlugin Some(1)"]);
    assert_eq!(desk.reload(&["a"]), ["failed a NotAPlugin Some(1)"]);
    assert!(desk.host.take_told().is_empty());
    desk.save("a", "'version': '2'");
    assert_eq!(desk.edited(&path), ["reloaded a 2 edit"]);
    assert_eq!(desk.reload(&["a"]), ["reloaded a 3 manual"]);
}

#[test]
fn one_that_is_unknown_is_nobody() {
    let mut desk = Desk::new(&[("a", "")]);
    assert!(desk.reload(&["b"]).is_empty());
    assert!(desk.host.take_told().is_empty());
}
