//! Who imports which own and shared modules, told from the import statements alone.
//!
//! One graph for `why` and for `list --graph`. Nothing runs and no interpreter is asked: imports by name
//! are not seen, and an import in a branch that never runs is. What is installed is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::discovery::{self, Import};
use crate::loader::order;
use crate::model::{
    Because, Candidate, Patterns, PluginId, PluginImports, Reason, Step, looked_for,
};
use crate::source::Source;

/// The top-level names of the standard library, which come before all others.
const STANDARD_LIBRARY: &str = include_str!("stdlib.txt");

/// The imports of some plugins.
pub struct Imports<'a> {
    plugins: Vec<(&'a Candidate, Reached)>,
    shared: &'a [PathBuf],
}

/// What a plugin reaches by imports.
#[derive(Default)]
struct Reached {
    /// The step by which each file was reached first: those form shortest ways.
    first: BTreeMap<PathBuf, Step>,
    steps: BTreeSet<Step>,
    /// Modules that were looked for in vain: paths without an extension.
    missed: Vec<Step>,
}

impl<'a> Imports<'a> {
    /// Reads the files that `plugins` import, in their own folders and in the `shared` ones.
    pub fn of(plugins: &[&'a Candidate], shared: &'a [PathBuf]) -> Self {
        let standard = STANDARD_LIBRARY.lines().collect();
        let mut reader = Reader { shared, standard, read: HashMap::new() };
        let plugins = plugins.iter().map(|plugin| (*plugin, reader.reach(plugin))).collect();
        Self { plugins, shared }
    }

    /// Of each plugin.
    pub fn all(&self) -> Vec<PluginImports> {
        let told = |(plugin, reached): &(&Candidate, Reached)| PluginImports {
            id: plugin.id.clone(),
            entry: plugin.entry.clone(),
            steps: reached.steps.iter().cloned().collect(),
        };
        self.plugins.iter().map(told).collect()
    }

    /// The plugins that an edit of `path` would reload, in the order in which they would start.
    pub fn why(&self, path: &Path) -> Vec<Reason> {
        let mut reasons: BTreeMap<PluginId, Reason> = BTreeMap::new();
        for (plugin, reached) in &self.plugins {
            if let Some(reason) = self.reason(plugin, reached, path) {
                reasons.entry(plugin.id.clone()).or_insert(reason);
            }
        }
        let mut graph = order::Graph::new();
        for (plugin, _) in &self.plugins {
            let needs = plugin.metadata.dependencies.clone();
            graph.entry(plugin.id.clone()).or_insert(needs);
        }
        let direct: BTreeSet<PluginId> = reasons.keys().cloned().collect();
        let order = order::dependencies_first(&graph);
        for id in order::dependents_of(&graph, &direct) {
            let Some((plugin, _)) = self.plugins.iter().find(|(plugin, _)| plugin.id == id) else {
                continue;
            };
            reasons.entry(id.clone()).or_insert_with(|| Reason {
                id,
                entry: plugin.entry.clone(),
                because: Because::Dependency,
                words: String::new(),
                way: Vec::new(),
                needs: None,
            });
        }
        let concerned: BTreeSet<PluginId> = reasons.keys().cloned().collect();
        for reason in reasons.values_mut().filter(|it| it.because == Because::Dependency) {
            let mut needs = graph.get(&reason.id).into_iter().flatten();
            reason.needs = needs.find(|id| concerned.contains(*id)).cloned();
            reason.words = match &reason.needs {
                Some(id) => format!("depends on {id}"),
                None => String::new(),
            };
        }
        order.iter().filter_map(|id| reasons.remove(id)).collect()
    }

    fn reason(&self, plugin: &Candidate, reached: &Reached, path: &Path) -> Option<Reason> {
        let reason = |because, words: &str, way| {
            let (id, entry) = (plugin.id.clone(), plugin.entry.clone());
            Some(Reason { id, entry, because, words: words.to_owned(), way, needs: None })
        };
        if plugin.entry == path {
            return reason(Because::Edit, "has it as its entry", Vec::new());
        }
        if plugin.manifest.as_deref() == Some(path) {
            return reason(Because::Metadata, "has it as its plugin.json", Vec::new());
        }
        let is_shared = self.shared.iter().any(|folder| path.starts_with(folder))
            && !path.starts_with(&plugin.home);
        let because = if is_shared { Because::Shared } else { Because::Edit };
        if let Some(way) = reached.way(path) {
            return reason(because, "imports it", way);
        }
        let bases = looked_for(path);
        if let Some(missed) = reached.missed.iter().find(|step| bases.contains(&step.imports)) {
            let mut way = reached.way(&missed.file).unwrap_or_default();
            way.push(Step { imports: path.to_owned(), ..missed.clone() });
            return reason(because, "looks for it", way);
        }
        let patterns = Patterns::new(&plugin.home, &plugin.metadata.watch);
        if patterns.is_some_and(|patterns| patterns.matches(path)) {
            return reason(Because::Edit, "names it in `watch`", Vec::new());
        }
        None
    }
}

impl Reached {
    /// The shortest way from the entry to `path`.
    fn way(&self, path: &Path) -> Option<Vec<Step>> {
        let mut way = vec![self.first.get(path)?.clone()];
        while let Some(step) = way.last().and_then(|step| self.first.get(&step.file)) {
            way.push(step.clone());
        }
        way.reverse();
        Some(way)
    }
}

struct Reader<'a> {
    shared: &'a [PathBuf],
    standard: HashSet<&'static str>,
    /// The imports of each file that was read.
    read: HashMap<PathBuf, Rc<Vec<Import>>>,
}

/// What an import statement leads to.
#[derive(Default)]
struct Led {
    found: Vec<PathBuf>,
    missed: Vec<PathBuf>,
}

impl Reader<'_> {
    fn reach(&mut self, plugin: &Candidate) -> Reached {
        let mut reached = Reached::default();
        let mut next = VecDeque::from([(plugin.entry.clone(), true)]);
        let mut seen = HashSet::from([plugin.entry.clone()]);
        while let Some((file, own)) = next.pop_front() {
            for import in self.imports(&file).iter() {
                let home = own.then_some(plugin.home.as_path());
                let (led, is_own) = self.follow(&file, import, home);
                let step = |imports| Step { file: file.clone(), line: import.line, imports };
                reached.missed.extend(led.missed.into_iter().map(step));
                for found in led.found.into_iter().filter(|found| *found != file) {
                    if found == plugin.entry {
                        continue;
                    }
                    reached.steps.insert(step(found.clone()));
                    if seen.insert(found.clone()) {
                        reached.first.insert(found.clone(), step(found.clone()));
                        next.push_back((found, is_own));
                    }
                }
            }
        }
        reached
    }

    fn imports(&mut self, file: &Path) -> Rc<Vec<Import>> {
        if let Some(known) = self.read.get(file) {
            return known.clone();
        }
        let read = Source::read(file).map(|source| discovery::imports(&source));
        let imports = Rc::new(read.unwrap_or_default());
        self.read.insert(file.to_owned(), imports.clone());
        imports
    }

    /// Where an import in `file` leads, and whether that is an own module of the plugin at `home`.
    fn follow(&self, file: &Path, import: &Import, home: Option<&Path>) -> (Led, bool) {
        let parts: Vec<&str> = import.module.split('.').filter(|part| !part.is_empty()).collect();
        if import.level > 0 {
            let mut folders = file.ancestors().skip(1);
            let up = usize::try_from(import.level).unwrap_or(usize::MAX) - 1;
            let Some(folder) = folders.nth(up) else { return (Led::default(), false) };
            let mut led = Led::default();
            let init = folder.join("__init__.py");
            if parts.is_empty() && init.is_file() {
                led.found.push(init);
            }
            led.walk(folder, &parts, &import.names);
            return (led, home.is_some());
        }
        let Some(top) = parts.first().filter(|top| !self.standard.contains(**top)) else {
            return (Led::default(), false);
        };
        let mut folders = home.into_iter().chain(self.shared.iter().map(PathBuf::as_path));
        let has = |folder: &&Path| {
            let base = folder.join(top);
            base.is_dir() || with_ending(&base).is_file()
        };
        let mut led = Led::default();
        // What would come before what is found matters as well.
        for folder in folders.by_ref() {
            if has(&folder) {
                led.walk(folder, &parts, &import.names);
                return (led, home == Some(folder));
            }
            led.missed.push(folder.join(top));
        }
        (led, false)
    }
}

impl Led {
    /// Follows `parts` from `folder` on, then the `names` that are modules.
    fn walk(&mut self, folder: &Path, parts: &[&str], names: &[String]) {
        let mut folder = folder.to_owned();
        for part in parts {
            let base = folder.join(part);
            match self.take(&base) {
                true if base.is_dir() => folder = base,
                true => return,
                false => return self.missed.push(base),
            }
        }
        for name in names {
            self.take(&folder.join(name));
        }
    }

    /// The module at `base`, if there is one.
    fn take(&mut self, base: &Path) -> bool {
        let (init, file) = (base.join("__init__.py"), with_ending(base));
        if init.is_file() {
            self.found.push(init);
        } else if file.is_file() {
            self.found.push(file);
        } else {
            return base.is_dir();
        }
        true
    }
}

fn with_ending(base: &Path) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(".py");
    PathBuf::from(path)
}
