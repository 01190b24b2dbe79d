//! Random edits of random modules of a package whose modules import one another at random: what runs is
//! never older than what was saved, and what was saved last is what ends up live.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use crate::support::{Scene, Watch};

const MODULES: usize = 12;
const EDITS: usize = 60;

/// Numbers that look random and follow from the first one.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // The generator of Knuth's MMIX; its upper bits are good enough.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// What is on disk: for each module its number and what it imports.
struct Package<'a> {
    scene: &'a Scene,
    versions: Vec<usize>,
    imports: Vec<BTreeSet<usize>>,
}

impl Package<'_> {
    /// Writes one module. It knows the versions of all that it saw, to any depth.
    fn write(&self, module: usize) {
        let version = self.versions[module];
        let mut text = format!("SEEN = {{{module}: {version}}}\n");
        for (place, imported) in self.imports[module].iter().enumerate() {
            // All forms of import that give a module or what it holds.
            text += &match place % 4 {
                0 => format!("from . import m{imported}\nSEEN.update(m{imported}.SEEN)\n"),
                1 => format!("from parts.m{imported} import SEEN as it\nSEEN.update(it)\n"),
                2 => format!("import parts.m{imported}\nSEEN.update(parts.m{imported}.SEEN)\n"),
                _ => format!(
                    "import importlib\nSEEN.update(importlib.import_module('parts.m{imported}').SEEN)\n"
                ),
            };
        }
        // Of one size, so that nothing but the content tells them apart.
        text.push_str(&"#".repeat(1000 - text.len()));
        self.scene.write(format!("a/parts/m{module}.py"), text);
    }

    /// The versions of all modules that the entry reaches.
    fn reached(&self) -> Vec<(usize, usize)> {
        let mut found = BTreeSet::from([0]);
        let mut next = vec![0];
        while let Some(module) = next.pop() {
            next.extend(self.imports[module].iter().copied().filter(|it| found.insert(*it)));
        }
        found.into_iter().map(|module| (module, self.versions[module])).collect()
    }
}

/// What the generations told that went live: the versions that each saw.
fn told(scene: &Scene) -> Vec<Vec<(usize, usize)>> {
    let log = scene.log();
    let lines = log.iter().filter_map(|line| line.strip_prefix("saw "));
    lines
        .map(|line| {
            let pairs = line.split(' ').map(|pair| pair.split_once(':').unwrap());
            pairs
                .map(|(module, version)| (module.parse().unwrap(), version.parse().unwrap()))
                .collect()
        })
        .collect()
}

fn churn(carry: bool) {
    let seed = RandomState::new().hash_one(0);
    let mut dice = Dice(seed);
    let scene = Scene::new();
    scene.probe();
    let carried = if carry { r#", "carry": ["parts/"]"# } else { "" };
    scene.write("a/plugin.json", format!(r#"{{"id": "a"{carried}}}"#));
    scene.write("a/parts/__init__.py", "");
    let init = "from parts import m0\n\
                log('saw ' + ' '.join(f'{it}:{m0.SEEN[it]}' for it in sorted(m0.SEEN)))";
    scene.plugin("a").init(init).save("a/plugin.py");
    let mut package = Package {
        scene: &scene,
        versions: vec![0; MODULES],
        imports: vec![BTreeSet::new(); MODULES],
    };
    for module in 0..MODULES {
        // Only later ones, so that each sees all of what it imports.
        for _ in 0..2 {
            if module + 1 < MODULES {
                let imported = module + 1 + dice.below(MODULES - module - 1);
                package.imports[module].insert(imported);
            }
        }
        package.write(module);
    }
    let mut watch = scene.watching();
    let mut history = vec![package.reached()];
    for _ in 0..EDITS {
        let module = dice.below(MODULES);
        package.versions[module] += 1;
        if module + 1 < MODULES && dice.below(3) == 0 {
            let other = module + 1 + dice.below(MODULES - module - 1);
            if !package.imports[module].remove(&other) {
                package.imports[module].insert(other);
            }
        }
        package.write(module);
        history.push(package.reached());
        if dice.below(4) == 0 {
            settle(&mut watch, &scene, &package, seed);
        }
    }
    settle(&mut watch, &scene, &package, seed);
    let mut newest = [0; MODULES];
    for saw in told(&scene) {
        for (module, version) in saw {
            assert!(version >= newest[module], "m{module} went back to {version}: seed {seed}");
            newest[module] = version;
        }
    }
}

/// Everything that was saved is live.
fn settle(watch: &mut Watch, scene: &Scene, package: &Package<'_>, seed: u64) {
    let wanted = package.reached();
    while told(scene).last() != Some(&wanted) {
        let event = watch.outcome();
        assert!(event.is_live("a"), "seed {seed}: {event:?}");
    }
    // Nothing older comes after it: what is still told now is the same once more.
    std::fs::write(&watch.probe, format!("{}#", std::fs::read_to_string(&watch.probe).unwrap()))
        .unwrap();
    watch.wait(|event| event.is_live("probe"));
    assert_eq!(told(scene).last(), Some(&wanted), "seed {seed}");
}

#[test]
fn what_was_saved_last_is_live() {
    churn(false);
}

#[test]
fn what_was_saved_last_is_live_with_modules_that_are_carried() {
    churn(true);
}
