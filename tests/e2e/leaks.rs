//! Generations that have ended: that they go, and that a person is told who holds those that do not.

use crate::support::{Scene, Watch};

/// Reloads `a`, of this body, initialization and shutdown, once; a plugin `keeper` with the list `KEPT`
/// in its module is there as well.
fn reloaded(body: &str, init: &str, shutdown: &str) -> (Scene, Watch) {
    let scene = Scene::new();
    scene.write_outside("site/foreign_shelf.py", "SHELF = []\n");
    let path = format!("import sys\nsys.path.insert(0, {:?})\n", scene.outside("site"));
    let keep = "KEPT = []\ndef keep(it):\n    KEPT.append(it)";
    scene
        .plugin("keeper")
        .body(keep)
        .init("context.get_event_bus().subscribe('keep', keep)")
        .save("keeper.py");
    let plugin = |tag: &str| {
        let body = format!("{path}{body}");
        let plugin = scene.plugin("a").tag(tag).needs(&["keeper"]);
        plugin.body(&body).init(init).shutdown(shutdown).save("z/a.py");
    };
    plugin("one");
    let mut watch = scene.watching();
    plugin("two");
    watch.expect_reloaded("a");
    (scene, watch)
}

/// After such a reload `leak` speaks of `holder`.
fn leaks(body: &str, init: &str, holder: &str) {
    let (_scene, mut watch) = reloaded(body, init, "");
    let message = watch.warned("a", "leak").message;
    assert!(message.contains("generation 1 ") && message.contains(holder), "{message}");
}

#[test]
fn a_list_of_another_plugin_is_named() {
    leaks("", "context.get_event_bus().publish('keep', self)", "the global `KEPT` of keeper");
}

#[test]
fn a_global_of_an_installed_module_is_named() {
    leaks(
        "import foreign_shelf",
        "foreign_shelf.SHELF.append(self.shutdown)",
        "the global `SHELF` of foreign_shelf",
    );
}

#[test]
fn a_function_put_into_the_standard_library_is_named() {
    leaks(
        "import json\ndef mine(): pass\njson.__dict__.setdefault('patched', mine)",
        "",
        "the global `patched` of json",
    );
}

#[test]
fn a_logging_handler_is_named() {
    let body = "import logging\nclass Mine(logging.Handler):\n    def emit(self, record): pass";
    // What goes the usual way is taken out when the generation ends.
    leaks(body, "logging.getLogger('of.all').handlers.append(Mine())", "the logger `of.all`");
}

#[test]
fn a_function_of_atexit_is_named() {
    leaks("import atexit\ndef last(): pass", "atexit.register(last)", "`atexit`");
}

#[test]
fn an_object_in_the_state_is_named() {
    leaks("", "context.state.setdefault('it', self)", "held by `context.state`");
}

#[test]
fn a_thread_that_was_left_is_told() {
    let init = "import threading\nself.stop = threading.Event()\n\
                threading.Thread(target=lambda: self.stop.wait(), name='left-over', daemon=True).start()";
    let (_scene, mut watch) = reloaded("", init, "");
    let message = watch.warned("a", "thread_left").message;
    assert!(message.contains("generation 1 ") && message.contains("left-over"), "{message}");
}

/// What a plugin does in all innocence, and what must not keep its generations.
const INNOCENT: &str =
    "import abc, collections, copyreg, dataclasses, enum, functools, typing, weakref
import helpers
T = typing.TypeVar('T')
class Base(abc.ABC):
    @abc.abstractmethod
    def do(self): ...
class Child(Base):
    def do(self): return super().do()
Base.register(dict)
isinstance({}, Base)
@dataclasses.dataclass
class Point:
    x: typing.Optional[Child] = None
    y: 'typing.List[Point]' = dataclasses.field(default_factory=list)
class Colour(enum.Enum):
    RED = 1
Pair = collections.namedtuple('Pair', 'a b')
class Box(typing.Generic[T]): pass
IntBox = Box[Child]
@functools.lru_cache
def cached(x): return Point(x)
cached(1)
@functools.singledispatch
def show(x): return 1
@show.register
def _(x: Point): return 2
show(Point())
@typing.overload
def over(x: int) -> int: ...
@typing.overload
def over(x: str) -> str: ...
def over(x): return x
copyreg.pickle(Child, lambda it: (Child, ()))
typing.get_type_hints(Point)
try:
    import broken
except SyntaxError:
    pass
try:
    1 / 0
except ZeroDivisionError as error:
    KEPT = error
class Circle: pass
loop = Circle(); loop.loop = loop";

#[test]
fn what_is_innocent_goes() {
    let scene = Scene::new();
    // Generations tell when they go: an object of theirs has a finalizer that is a foreign function.
    let body = format!(
        "{INNOCENT}\nimport weakref, os\nclass Sentinel: pass\nsentinel = Sentinel()\n\
         weakref.finalize(sentinel, os.unlink, helpers.made(TAG))"
    );
    let made = format!(
        "def made(tag):\n    path = {:?} + tag\n    open(path, 'w').close()\n    return path\n",
        scene.outside("gone-")
    );
    scene.write("a/helpers.py", made);
    scene.write("a/broken.py", "def (:\n");
    let init = "import threading, logging\nself.log = logging.getLogger(__name__)\nself.log.info('x')\n\
                context.get_event_bus().subscribe('x', self.get_metadata)\ncontext.register_service('s', self)\n\
                thread = threading.Thread(target=lambda: None); thread.start(); thread.join()";
    scene.plugin("a").body(&body).init(init).save("a/a.py");
    // A generation of this one is known to stay: when that is told, all others were looked at.
    scene.plugin("leaky").body("import json\njson.leaky = lambda: None").save("leaky.py");
    let mut watch = scene.watching();
    for tag in ["two", "six"] {
        scene.plugin("a").tag(tag).body(&body).init(init).save("a/a.py");
        watch.expect_reloaded("a");
    }
    // One that fails must go as well.
    scene
        .plugin("a")
        .tag("bad")
        .body(&body)
        .init(&format!("{init}\nraise ValueError"))
        .save("a/a.py");
    watch.expect_failed("a");
    scene.plugin("leaky").tag("two").body("import json\njson.leaky = lambda: 1").save("leaky.py");
    watch.expect_reloaded("leaky");
    scene.plugin("leaky").tag("six").body("").save("leaky.py");
    watch.expect_reloaded("leaky");
    watch.warned("leaky", "leak");
    let told: Vec<_> = watch
        .seen
        .iter()
        .filter(|event| {
            matches!(event, crate::support::Event::Warning(_)) && event.id() == Some("a")
        })
        .collect();
    assert!(told.is_empty(), "{told:?}");
    for (tag, alive) in [("one", false), ("two", false), ("six", true), ("bad", false)] {
        assert_eq!(scene.outside(format!("gone-{tag}")).exists(), alive, "{tag}");
    }
}
