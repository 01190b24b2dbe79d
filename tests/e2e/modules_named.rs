//! Own modules looked up by their plain name, by the standard library or by a library that a plugin
//! calls; and what lies in them beside code.

use crate::support::{Scene, text};

/// A folder plugin `a` with the package `own`, whose body runs `body`.
fn with_own(body: &str) -> Scene {
    let scene = Scene::new();
    scene.write("a/plugin.json", r#"{"id": "a"}"#);
    scene.plugin("a").body(body).save("a/plugin.py");
    scene.write("a/own/__init__.py", "NAME = 'own'\n");
    scene.write("a/own/x.py", "from own import NAME\nVALUE = 'of ' + NAME\n");
    scene.write("a/own/data/words.txt", "tea");
    scene.write("a/own/handlers.py", "import logging\nclass Handler(logging.Handler):\n    pass\n");
    scene.write("a/own/run.py", "import own.x\nVALUE = own.x.VALUE\nRUN = __name__\n");
    scene.write("a/own/deep/__init__.py", "");
    scene.write("a/own/deep/leaf.py", "VALUE = 'leaf'\n");
    scene
}

/// Runs `body` in such a plugin, which must then have told `lines`.
fn tells(body: &str, lines: &[&str]) {
    let scene = with_own(body);
    scene.watch().expect_loaded("a");
    let log = scene.log();
    assert_eq!(log[1..log.len() - 1], *lines);
}

#[test]
fn importlib_resources_finds_the_own_package() {
    tells(
        "from importlib import resources
log(resources.files('own').joinpath('data/words.txt').read_text())
import own
log(resources.files(own).joinpath('data/words.txt').read_text())
log((resources.files('own.data') / 'words.txt').read_text())
with resources.as_file(resources.files('own') / 'data' / 'words.txt') as path:
    log(path.read_text())",
        &["tea", "tea", "tea", "tea"],
    );
}

#[test]
fn find_spec_tells_without_running_anything() {
    let body = "import importlib.util, sys
spec = importlib.util.find_spec('own')
log(spec.origin)
log(f'{__name__}.own' in sys.modules)
log(importlib.util.find_spec('own.nothing'))
log(importlib.util.find_spec('.own.x', __package__).loader.get_source().splitlines()[0])
log(importlib.util.find_spec('json').name)
import own
log(importlib.util.find_spec('own') is own.__spec__)";
    let scene = with_own(body);
    scene.watch().expect_loaded("a");
    let origin = text(scene.path("a/own/__init__.py"));
    let log = scene.log();
    let told = [origin.as_str(), "False", "None", "from own import NAME", "json", "True"];
    assert_eq!(log[1..7], told);
}

#[test]
fn a_module_made_from_its_spec_is_another_one() {
    tells(
        "import importlib.util
spec = importlib.util.find_spec('own.x')
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
log(module.VALUE)
import own.x
log(own.x is module)",
        &["of own", "False"],
    );
}

#[test]
fn pkgutil_finds_data_modules_and_names() {
    tells(
        "import pkgutil, own
log(pkgutil.get_data('own', 'data/words.txt').decode())
log([m.name for m in pkgutil.iter_modules(own.__path__, 'own.')])
log([m.name for m in pkgutil.walk_packages(own.__path__, 'own.')])
log(pkgutil.resolve_name('own.x:VALUE'))
log(pkgutil.resolve_name('own.deep.leaf').VALUE)",
        &[
            "tea",
            "['own.deep', 'own.handlers', 'own.run', 'own.x']",
            "['own.deep', 'own.deep.leaf', 'own.handlers', 'own.run', 'own.x']",
            "of own",
            "leaf",
        ],
    );
}

#[test]
fn logging_is_configured_with_an_own_handler() {
    tells(
        "import logging.config
logging.config.dictConfig({
    'version': 1, 'disable_existing_loggers': False,
    'handlers': {'h': {'class': 'own.handlers.Handler'}},
    'loggers': {'of.a': {'handlers': ['h']}}})
import own.handlers
log(isinstance(logging.getLogger('of.a').handlers[0], own.handlers.Handler))",
        &["True"],
    );
}

#[test]
fn mock_patches_an_own_module() {
    tells(
        "from unittest import mock
import own.x
with mock.patch('own.x.VALUE', 'patched'):
    log(own.x.VALUE)
log(own.x.VALUE)",
        &["patched", "of own"],
    );
}

#[test]
fn runpy_runs_an_own_module_that_imports_its_siblings() {
    tells(
        "import runpy
names = runpy.run_module('own.run')
log(names['VALUE'] + ' ' + names['RUN'])
log(runpy.run_module('own.run', run_name='__main__', alter_sys=True)['RUN'])",
        &["of own own.run", "__main__"],
    );
}

#[test]
fn lazy_attributes_and_reload_work() {
    let scene = with_own(
        "import importlib, own
own.x
log(own.x.VALUE)
own.x.VALUE = 'set'
log(importlib.reload(own.x) is own.x)
log(own.x.VALUE)",
    );
    scene.write(
        "a/own/__init__.py",
        "import importlib\nNAME = 'own'\ndef __getattr__(name):\n    \
         return importlib.import_module('own.' + name)\n",
    );
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log()[1..4], ["of own", "True", "of own"]);
}

#[test]
fn an_entry_reloads_itself_when_it_asks_for_it() {
    let scene = Scene::new();
    let init = "import importlib, sys\nmodule = sys.modules[__name__]\nlog(importlib.reload(module) is module)";
    scene.plugin("a").init(init).save("a.py");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log(), ["a body one", "a init one", "a body one", "True"]);
}

#[test]
fn a_thread_looks_the_own_package_up() {
    tells(
        "import threading
def work():
    from importlib import resources
    import pkgutil
    log(resources.files('own').joinpath('data/words.txt').read_text())
    log(pkgutil.resolve_name('own.x:VALUE'))
thread = threading.Thread(target=work)
thread.start()
thread.join()",
        &["tea", "of own"],
    );
}

/// A library outside of the plugin that looks modules up by name, on `sys.path`.
fn with_library(scene: &Scene) -> String {
    scene.write_outside(
        "site/foreign_lib.py",
        "import importlib, importlib.util
def by_call(name):
    return __import__(name)
def by_import_module(name):
    return importlib.import_module(name)
def by_spec(name):
    return importlib.util.find_spec(name)
def by_exec(name):
    names = {}
    exec('import ' + name, names)
    return names[name]
",
    );
    format!("import sys\nsys.path.insert(0, {:?})\n", scene.outside("site"))
}

#[test]
fn a_library_finds_the_own_module_that_it_is_told() {
    let scene = Scene::new();
    let body = with_library(&scene)
        + "import foreign_lib, settings_of_a
for look in (foreign_lib.by_call, foreign_lib.by_import_module, foreign_lib.by_exec):
    log(look('settings_of_a') is settings_of_a)
log(foreign_lib.by_spec('settings_of_a').origin == settings_of_a.__file__)
log('settings_of_a' in sys.modules)
for missing in ('nowhere_x', 'settings_of_a.nowhere'):
    try:
        foreign_lib.by_import_module(missing)
    except ModuleNotFoundError as error:
        log(error)";
    scene.plugin("a").body(&body).save("a/a.py");
    scene.write("a/settings_of_a.py", "");
    scene.watch().expect_loaded("a");
    let told = [
        "True",
        "True",
        "True",
        "True",
        "False",
        "No module named 'nowhere_x'",
        "No module named 'settings_of_a.nowhere'; 'settings_of_a' is not a package",
    ];
    assert_eq!(scene.log()[1..8], told);
}

#[test]
fn a_library_keeps_what_it_means_itself() {
    // `both` is a package of the library's and of the plugin's: each has its own.
    let scene = Scene::new();
    scene.write_outside("site/both.py", "WHO = 'foreign'\n");
    let body = with_library(&scene)
        + "import foreign_lib, both, importlib
log(foreign_lib.by_import_module('both').WHO)
log(both.WHO + importlib.import_module('both').WHO)
import pkgutil
log(pkgutil.resolve_name('both:WHO'))";
    scene.plugin("a").body(&body).save("a/a.py");
    scene.write("a/both.py", "WHO = 'own'\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log()[1..4], ["foreign", "ownown", "own"]);
}
