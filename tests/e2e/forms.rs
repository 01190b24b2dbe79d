//! The forms that a plugin may have: factory, class, functions, and what is not clear.

use crate::support::event::Phase;
use crate::support::{Scene, text};

/// Loads `source` as `a.py`, which may use `log`, and edits and stops it.
fn lives(source: &str) -> Vec<String> {
    let scene = Scene::new();
    let source = format!("{}{source}", scene.log_function());
    scene.write("a.py", &source);
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    watch.wait_ready();
    scene.write("a.py", format!("{source}\n# edited\n"));
    watch.expect_reloaded("a");
    watch.stop();
    scene.log()
}

const TWICE: [&str; 4] = ["init", "shutdown", "init", "shutdown"];

#[test]
fn a_factory() {
    let log = lives(
        "PLUGIN_METADATA = {'id': 'a'}
class Quite:
    def initialize(self, context): log('init')
    def shutdown(self): log('shutdown')
def create_plugin():
    return Quite()
",
    );
    assert_eq!(log, TWICE);
}

#[test]
fn a_class_without_a_base() {
    let log = lives(
        "PLUGIN_METADATA = {'id': 'a'}
class Quite:
    def get_metadata(self): return PLUGIN_METADATA
    def initialize(self, context): log('init')
    def shutdown(self): log('shutdown')
",
    );
    assert_eq!(log, TWICE);
}

#[test]
fn module_functions() {
    let log = lives(
        "PLUGIN_METADATA = {'id': 'a'}
def initialize(context): log('init')
def shutdown(): log('shutdown')
",
    );
    assert_eq!(log, TWICE);
}

#[test]
fn a_module_with_a_shutdown_only() {
    let log = lives("PLUGIN_METADATA = {'id': 'a'}\ndef shutdown(): log('shutdown')\n");
    assert_eq!(log, ["shutdown", "shutdown"]);
}

#[test]
fn initialize_without_an_argument() {
    let log = lives(
        "PLUGIN_METADATA = {'id': 'a'}
class Quite:
    def get_metadata(self): return PLUGIN_METADATA
    def initialize(self): log('init'); return True
    def shutdown(self): log('shutdown')
",
    );
    assert_eq!(log, TWICE);
}

#[test]
fn a_type_error_inside_initialize_is_not_a_missing_argument() {
    let scene = Scene::new();
    scene.plugin("a").init("len(5)").save("a.py");
    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Initialize, "TypeError"));
    assert_eq!(scene.told("a init one"), 1);
}

#[test]
fn the_factory_goes_before_a_class() {
    let scene = Scene::new();
    let source = scene.plugin("a").text();
    scene.write("a.py", format!("{source}\nclass Other(Plugin):\n    pass\ndef create_plugin():\n    log('a made')\n    return Other()\n"));
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    assert_eq!(scene.log(), ["a body one", "a made", "a init one"]);
}

#[test]
fn two_candidates_are_an_error_that_names_both() {
    let scene = Scene::new();
    let class = "(PluginInterface):
    def get_metadata(self): return PluginMetadata(id='a')
    def initialize(self, context): return True
    def shutdown(self): pass
";
    let head =
        "from qtforge.core import PluginInterface, PluginMetadata\nPLUGIN_METADATA = {'id': 'a'}\n";
    scene.write("a.py", format!("{head}class FirstOne{class}class SecondOne{class}"));
    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Create);
    assert!(failed.error.message.contains("FirstOne"), "{failed:?}");
    assert!(failed.error.message.contains("SecondOne"), "{failed:?}");
}

#[test]
fn an_imported_class_is_no_candidate() {
    let scene = Scene::new();
    let base = scene.plugin("base").text().replace("PLUGIN_METADATA", "OTHER");
    scene.write("a/shared_base.py", base);
    scene.plugin("a").body("from shared_base import Plugin as Imported").save("a/a.py");
    let mut watch = scene.watch();
    let live = watch.wait(|event| event.is_live("a"));
    assert_eq!(live.path(), Some(text(scene.path("a/a.py")).as_str()));
    assert_eq!(scene.told("a init one"), 1);
}

#[test]
fn an_abstract_class_is_no_candidate() {
    let scene = Scene::new();
    let body = "import abc\nclass Base(PluginInterface):\n    @abc.abstractmethod\n    \
                def more(self): ...";
    scene.plugin("a").body(body).save("a.py");
    scene.watch().expect_loaded("a");
}

#[test]
fn a_module_with_nothing_in_it_fails_at_create() {
    let scene = Scene::new();
    scene.write("a.py", "PLUGIN_METADATA = {'id': 'a'}\n");
    let failed = scene.watch().expect_failed("a");
    assert_eq!(failed.phase, Phase::Create);
}

#[test]
fn the_class_of_plugin_json() {
    let scene = Scene::new();
    scene.write("a/plugin.json", r#"{"id": "a", "class": "Second"}"#);
    let log = scene.log_function();
    let class = "    def get_metadata(self): return None\n    def initialize(self, context): log(type(self).__name__)\n";
    scene.write("a/plugin.py", format!("{log}class First:\n{class}class Second:\n{class}"));
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log(), ["Second"]);
}

#[test]
fn the_helpers_of_the_base_class_work() {
    let scene = Scene::new();
    let init = "log(f'a {self.is_initialized()} {self.get_context()}')\n\
                self._context = context\nself._initialized = True\n\
                log(f'a {self.is_initialized()} {self.get_context() is context}')";
    scene.plugin("a").init(init).save("a.py");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log()[2..], ["a False None", "a True True"]);
}

#[test]
fn a_context_by_keyword() {
    for taken in ["*, context=None", "*, context", "**more", "*, other=1, context=None"] {
        let log = lives(&format!(
            "PLUGIN_METADATA = {{'id': 'a'}}
class Quite:
    def get_metadata(self): return PLUGIN_METADATA
    def initialize(self, {taken}):
        log('init' if {}.plugin_id == 'a' else 'no')
    def shutdown(self): log('shutdown')
",
            if taken == "**more" { "more['context']" } else { "context" }
        ));
        assert_eq!(log, TWICE, "{taken}");
    }
}

#[test]
fn a_keyword_of_another_name_is_no_context() {
    let log = lives(
        "PLUGIN_METADATA = {'id': 'a'}
def initialize(*, eager=True): log('init')
def shutdown(): log('shutdown')
",
    );
    assert_eq!(log, TWICE);
}

#[test]
fn a_class_whose_attributes_raise_is_no_candidate() {
    let log = lives(
        "PLUGIN_METADATA = {'id': 'a'}
class Meta(type):
    def __getattribute__(cls, name):
        raise RuntimeError('leave me alone')
class Odd(metaclass=Meta): pass
class Quite:
    def get_metadata(self): return PLUGIN_METADATA
    def initialize(self): log('init')
    def shutdown(self): log('shutdown')
",
    );
    assert_eq!(log, TWICE);
}
