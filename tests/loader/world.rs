//! A disk with scripts on it and a loader over it: files are saved, and an edit settles.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use replug::host::{Note, Trace};
use replug::loader::{Loader, Policy};
use replug::model::{Edit, Event, PluginId, UnitChange};
use replug::source::Source;

use crate::host::{FakeHost, Stage};
use crate::script::{id, verdict};

pub(crate) struct World {
    pub(crate) stage: Rc<RefCell<Stage>>,
    pub(crate) loader: Loader<FakeHost>,
    /// What the loader was told of the disk.
    seen: BTreeMap<PathBuf, String>,
    pub(crate) told: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(BTreeMap::new())
    }

    /// A loader that has not looked yet.
    pub(crate) fn over(disk: BTreeMap<PathBuf, String>) -> Self {
        let host = FakeHost::default();
        let stage = host.0.clone();
        stage.borrow_mut().disk = disk;
        let loader = Loader::new(host, Policy::default());
        Self { stage, loader, seen: BTreeMap::new(), told: Vec::new() }
    }

    /// A world in which these plugins were loaded: each is a name and its script.
    pub(crate) fn with(plugins: &[(&str, &str)]) -> Self {
        let mut world = Self::new();
        for (name, script) in plugins {
            world.save(name, script);
        }
        world.settle();
        world.calls();
        world
    }

    pub(crate) fn path(name: &str) -> PathBuf {
        Path::new("/p").join(name).with_extension("py")
    }

    /// Writes the plugin `name` to the file of that name.
    pub(crate) fn save(&mut self, name: &str, script: &str) {
        self.write(name, &format!("plugin {name}\n{script}"));
    }

    pub(crate) fn write(&mut self, name: &str, text: &str) {
        self.stage.borrow_mut().disk.insert(Self::path(name), text.to_owned());
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.stage.borrow_mut().disk.remove(&Self::path(name));
    }

    /// One save, and what came of it.
    pub(crate) fn edit(&mut self, name: &str, script: &str) -> Vec<String> {
        self.save(name, script);
        self.settle()
    }

    /// The loader learns of all that was written and deleted; the events.
    pub(crate) fn settle(&mut self) -> Vec<String> {
        let disk = self.stage.borrow().disk.clone();
        let paths: BTreeSet<&PathBuf> = disk.keys().chain(self.seen.keys()).collect();
        let mut edit = Edit { seen: Instant::now(), ..Edit::nothing() };
        for path in paths {
            let text = disk.get(path);
            if text == self.seen.get(path) {
                continue;
            }
            let source = text.map(|text| Source::new(path.clone(), text.clone().into_bytes()));
            edit.changed.insert(path.clone(), source.clone());
            let verdict = text.map(|text| verdict(path, text));
            edit.units.push(UnitChange {
                unit: path.clone(),
                verdict,
                entry: source,
                entry_path: None,
            });
        }
        self.seen = disk;
        let told = &mut self.told;
        told.clear();
        self.loader.apply(edit, &mut |event| told.push(line(&event)));
        self.check();
        self.told.clone()
    }

    /// A plugin imports a module long after its start.
    pub(crate) fn imports_late(&mut self, name: &str, module: &str) {
        let path = Self::path(module);
        let stage = self.stage.borrow();
        let (key, instance) = stage
            .live
            .iter()
            .find(|(_, instance)| instance.id == id(name))
            .unwrap_or_else(|| panic!("{name} is not live"));
        let mut trace = Trace::default();
        match stage.disk.get(&path) {
            Some(text) => trace.imported.push(Source::new(path, text.clone().into_bytes())),
            None => trace.missed.push(path.with_extension("")),
        }
        let note = Note { key: Some(key.clone()), generation: instance.generation, trace };
        drop(stage);
        self.loader.note(note, &mut |_| {});
    }

    /// A thread of a plugin waits for a service.
    pub(crate) fn waits(&mut self, name: &str, service: &str) -> Vec<String> {
        let stage = self.stage.borrow();
        let key = id(name);
        let generation = stage.live[&key].generation;
        drop(stage);
        let trace = Trace { wishes: vec![service.to_owned()], ..Trace::default() };
        let mut told = Vec::new();
        let note = Note { key: Some(key), generation, trace };
        self.loader.note(note, &mut |event| told.push(line(&event)));
        self.check();
        told
    }

    /// Somebody asks for a reload by hand.
    pub(crate) fn reload(&mut self, names: &[&str]) -> Vec<String> {
        let keys: Vec<PluginId> = names.iter().map(|name| id(name)).collect();
        let mut told = Vec::new();
        self.loader.reload(&keys, &mut |event| told.push(line(&event)));
        self.check();
        told
    }

    /// The same of one that may not be there.
    pub(crate) fn reload_if_known(&mut self, name: &str) -> Vec<String> {
        let known = self.loader.standings();
        let known = known.iter().find(|plugin| plugin.id == id(name));
        match known.map(|plugin| plugin.key.to_string()) {
            Some(key) => self.reload(&[&key]),
            None => Vec::new(),
        }
    }

    /// The process ends, of `name`, while nothing is asked of it.
    pub(crate) fn dies(&mut self, name: &str) -> Vec<String> {
        self.stage.borrow_mut().die(&id(name));
        let mut told = Vec::new();
        self.loader.recover(&mut |event| told.push(line(&event)));
        self.check();
        told
    }

    pub(crate) fn stop(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        self.loader.stop(&mut |event| told.push(line(&event)));
        told
    }

    /// What was asked of the host since the last time.
    pub(crate) fn calls(&mut self) -> Vec<String> {
        std::mem::take(&mut self.stage.borrow_mut().calls)
    }

    /// What is live, with everything that it executed.
    pub(crate) fn live(&self) -> BTreeMap<PluginId, BTreeMap<PathBuf, String>> {
        let stage = self.stage.borrow();
        let live = stage.live.values();
        live.map(|instance| (instance.id.clone(), instance.sources.clone())).collect()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.live().keys().map(ToString::to_string).collect()
    }

    /// The loader's books say of what is live what the host says.
    fn check(&self) {
        let stage = self.stage.borrow();
        assert_eq!(self.loader.live(), stage.live.len(), "{:?}", stage.calls);
    }
}

/// An event as one line, without what differs from run to run.
fn line(event: &Event) -> String {
    match event {
        Event::Loaded(live) => format!("loaded {} {}", live.id, live.generation),
        Event::Reloaded { live, because, .. } => {
            format!("reloaded {} {} {}", live.id, live.generation, because.as_str())
        }
        Event::Unloaded { id, because, .. } => format!("unloaded {id} {}", because.as_str()),
        Event::Failed { id: Some(id), fault, .. } if fault.kind == "DuplicatePluginId" => {
            format!("clash {id}")
        }
        Event::Failed { id, fault, kept, .. } => {
            let id = id.as_ref().map_or("?", PluginId::as_str);
            let kept =
                kept.generation().map_or("gone".to_owned(), |number| format!("kept {number}"));
            format!("failed {id} {} {kept}", fault.phase.as_str())
        }
        Event::Warned { warning, .. } => format!("warning {}", warning.code),
        other => format!("{other:?}"),
    }
}
