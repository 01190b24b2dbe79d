//! What stays: the source lines of the generation that runs, and modules that are not the plugin's.

use crate::support::files::run;
use crate::support::{Scene, Watch};

const PYTHON: &str = env!("REPLUG_BUILD_PYTHON");

/// Has a plugin publish `go` on the bus, once more each time that `tag` is another.
fn ask(scene: &Scene, watch: &mut Watch, tag: &str) {
    let init = "context.get_event_bus().publish('go', None)";
    scene.plugin("asker").tag(tag).init(init).save("asker.py");
    watch.wait(|event| event.is_live("asker"));
}

#[test]
fn tracebacks_in_a_kept_generation_show_the_lines_that_run() {
    let scene = Scene::new();
    let init = "def go(_):
    import inspect, io, logging, traceback
    try:
        helpers.fail()
    except ValueError:
        log('by traceback ' + str('the line that runs' in traceback.format_exc()))
        out = io.StringIO()
        logger = logging.Logger('alone')
        logger.addHandler(logging.StreamHandler(out))
        logger.exception('it failed')
        log('by logging ' + str('the line that runs' in out.getvalue()))
    log('by inspect ' + str('the line that runs' in inspect.getsource(helpers.fail)))
context.get_event_bus().subscribe('go', go)";
    scene.plugin("a").body("import helpers").init(init).save("a/a.py");
    scene.write("a/helpers.py", "def fail():\n    raise ValueError('x')  # the line that runs\n");
    let mut watch = scene.watching();
    // It is kept, by a fault that is seen before anything runs and by one that is seen when it does.
    for (tag, broken) in [("one", "# new\n# new\ndef (:\n"), ("two", "# new\n# new\n1 / 0\n")] {
        scene.write("a/helpers.py", broken);
        assert!(watch.expect_failed("a").kept);
        ask(&scene, &mut watch, tag);
        let log = scene.take_log();
        for line in ["by traceback True", "by logging True", "by inspect True"] {
            assert!(log.iter().any(|told| told == line), "{line}: {log:?}");
        }
    }
}

#[test]
fn source_lines_do_not_pile_up() {
    let scene = Scene::new();
    let init = "import linecache, traceback\ntry:\n    helpers.fail()\nexcept ValueError:\n    \
                traceback.format_exc()\nlog(f'a lines {len(linecache.cache)}')";
    scene.write("a/helpers.py", "def fail(): raise ValueError\n");
    let save = |number: u32| {
        let body = format!("import helpers\nNUMBER = {number}");
        scene.plugin("a").body(&body).init(init).save("a/a.py")
    };
    save(0);
    let mut watch = scene.watching();
    for number in 1..=100 {
        save(number);
        watch.expect_reloaded("a");
    }
    let log = scene.log();
    let counts: Vec<_> = log.iter().filter(|line| line.starts_with("a lines ")).collect();
    assert_eq!(counts.len(), 101);
    assert_eq!(counts[1], counts[100]);
}

#[test]
fn an_extension_module_that_is_not_its_own_is_imported_once() {
    let scene = Scene::new();
    let save = |number: u32| {
        let body = format!(
            "import sqlite3, _sqlite3, sys\n\
             _sqlite3.reloads = getattr(_sqlite3, 'reloads', -1) + 1\n\
             assert sqlite3.connect(':memory:').execute('select 1').fetchone() == (1,)\n\
             log(f'a {{_sqlite3.reloads}}')  # {number}"
        );
        scene.plugin("a").body(&body).save("a.py")
    };
    save(0);
    let mut watch = scene.watching();
    for number in 1..=100 {
        save(number);
        watch.expect_reloaded("a");
        assert_eq!(scene.told(&format!("a {number}")), 1);
    }
}

#[test]
fn an_own_extension_module_that_is_replaced_needs_a_process() {
    let scene = Scene::new();
    // Any of Python's own will do, under a name of the plugin's.
    let find = "import importlib\nfor name in ('_bisect', '_heapq', '_csv', '_random', 'array'):\n    \
                file = getattr(importlib.import_module(name), '__file__', None)\n    \
                if file:\n        print(name, file)\n        break";
    let found = String::from_utf8(run(PYTHON, ["-c", find]).stdout).unwrap();
    let (name, file) = found.trim().split_once(' ').expect("an extension module that is a file");
    let bytes = std::fs::read(file).unwrap();
    let body = format!("from pkg import {name}\nlog('a has ' + {name}.__name__.split('.')[-1])");
    scene.write("a/plugin.json", r#"{"id": "a"}"#);
    scene.plugin("a").body(&body).save("a/plugin.py");
    scene.write("a/pkg/__init__.py", "");
    let module = format!("a/pkg/{name}.so");
    scene.write(&module, &bytes);
    let mut watch = scene.watching();
    assert_eq!(scene.told(&format!("a has {name}")), 1);
    // Renamed into place, as compilers and installers do: writing into it would crash the process.
    let other = [bytes.as_slice(), b"\0"].concat();
    std::fs::rename(scene.write_outside("new.so", other), scene.path(&module)).unwrap();
    assert!(watch.warned("a", "needs_process").message.contains(name));
}

#[test]
fn packages_of_one_name_in_two_versions_do_not_meet() {
    let scene = Scene::new();
    for (id, version) in [("a", "1.0"), ("b", "2.0")] {
        scene.write(format!("{id}/plugin.json"), format!(r#"{{"id": "{id}"}}"#));
        let body = format!(
            "import vendored, vendored.sub.leaf, pickle
thing = pickle.loads(pickle.dumps(vendored.Thing()))
log('{id} ' + ' '.join([vendored.VERSION, vendored.sub.leaf.seen, vendored.data(), vendored.lazy, thing.version()]))"
        );
        scene.plugin(id).body(&body).save(&format!("{id}/plugin.py"));
        scene.write(
            format!("{id}/vendored/__init__.py"),
            format!(
                "from vendored._version import VERSION
from importlib import resources
import vendored.sub
class Thing:
    def version(self): return VERSION
def data(): return resources.files('vendored').joinpath('data.txt').read_text()
def __getattr__(name):
    import importlib
    if name == 'lazy': return importlib.import_module('vendored.late').NAME
    raise AttributeError(name)
# {version}
"
            ),
        );
        scene.write(format!("{id}/vendored/_version.py"), format!("VERSION = '{version}'\n"));
        scene.write(format!("{id}/vendored/data.txt"), version);
        scene.write(format!("{id}/vendored/late.py"), format!("NAME = '{version}'\n"));
        scene.write(format!("{id}/vendored/sub/__init__.py"), "import vendored\n");
        scene.write(
            format!("{id}/vendored/sub/leaf.py"),
            "from .. import _version\nfrom vendored import VERSION as seen\nassert seen == _version.VERSION\n",
        );
    }
    let mut watch = scene.watching();
    assert_eq!(scene.told("a 1.0 1.0 1.0 1.0 1.0"), 1, "{:?}", scene.log());
    assert_eq!(scene.told("b 2.0 2.0 2.0 2.0 2.0"), 1, "{:?}", scene.log());
    scene.write("b/vendored/_version.py", "VERSION = '2.5'\n");
    watch.expect_reloaded("b");
    assert_eq!(scene.told("b 2.5 2.5 2.0 2.0 2.5"), 1, "{:?}", scene.log());
}

#[test]
fn processes_that_a_plugin_forks_run_its_own_modules() {
    let scene = Scene::new();
    let init = "import multiprocessing, helpers
with multiprocessing.get_context('fork').Pool(2) as pool:
    log(f'a got {pool.map(helpers.double, [1, 2, 3])}')";
    scene.plugin("a").init(init).save("a/a.py");
    scene.write(
        "a/helpers.py",
        "def double(number):\n    import factor\n    return number * factor.BY\n",
    );
    scene.write("a/factor.py", "BY = 2\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a got [2, 4, 6]"), 1);
}
