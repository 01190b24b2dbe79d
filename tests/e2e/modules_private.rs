//! Own modules are private, and what a plugin does with modules works as it does anywhere.

use crate::support::event::Phase;
use crate::support::{Scene, text};

#[test]
fn two_plugins_import_each_their_own_helpers() {
    let scene = Scene::new();
    scene.probe();
    for id in ["a", "b"] {
        let body = format!(
            "import helpers, sys\nlog('{id} helps ' + helpers.NAME)\n\
             log('{id} plain ' + str('helpers' in sys.modules))"
        );
        scene.plugin(id).body(&body).save(&format!("{id}/plug.py"));
        scene.write(format!("{id}/helpers.py"), format!("NAME = 'of {id}'\n"));
    }
    let mut watch = scene.watching();
    for line in ["a helps of a", "b helps of b", "a plain False", "b plain False"] {
        assert_eq!(scene.told(line), 1, "{line}: {:?}", scene.log());
    }
    scene.write("b/helpers.py", "NAME = 'new b'\n");
    assert_eq!(watch.expect_reloaded("b").changed, [text(scene.path("b/helpers.py"))]);
    watch.assert_quiet();
    assert_eq!(scene.told("b helps new b"), 1);
    assert_eq!(scene.told("a init one"), 1);
}

#[test]
fn two_file_plugins_in_one_folder_have_each_its_own_copy() {
    let scene = Scene::new();
    scene.write("helpers.py", "SEEN = []\n");
    for id in ["a", "b"] {
        let body = "import helpers\nhelpers.SEEN.append(1)\nlog(f'seen {len(helpers.SEEN)}')";
        scene.plugin(id).body(body).save(&format!("{id}.py"));
    }
    let mut watch = scene.watching();
    assert_eq!(scene.told("seen 1"), 2);
    scene.write("helpers.py", "SEEN = []  # edited\n");
    let mut ids: Vec<_> =
        watch.outcomes(2).iter().map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(scene.told("seen 1"), 4);
}

#[test]
fn relative_imports_work_in_both_kinds() {
    let scene = Scene::new();
    let body =
        "from . import helpers\nfrom .helpers import NAME\nlog('got ' + NAME + helpers.NAME)";
    scene.plugin("a").body(body).save("a/plug.py");
    scene.write("a/helpers.py", "NAME = 'a'\n");
    scene.write("b/plugin.json", r#"{"id": "b"}"#);
    scene.plugin("b").body(body).save("b/plugin.py");
    scene.write("b/helpers.py", "NAME = 'b'\n");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    assert_eq!(scene.told("got aa"), 1);
    assert_eq!(scene.told("got bb"), 1);
}

#[test]
fn an_entry_below_its_folder_imports_from_the_folder() {
    let scene = Scene::new();
    scene.write("a/plugin.json", r#"{"id": "a", "entry": "src/main.py"}"#);
    scene.plugin("a").body("import helpers\nlog('a helps ' + helpers.NAME)").save("a/src/main.py");
    scene.write("a/helpers.py", "NAME = 'x'\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a helps x"), 1);
}

#[test]
fn every_form_of_import_finds_the_own_module() {
    let scene = Scene::new();
    let body = "import importlib
import helpers as one
import pkg.part
from pkg import part as two
from pkg.part import *
import pkg.part as three
four = importlib.import_module('helpers')
five = __import__('helpers')
def late():
    import helpers
    return helpers
def spelled():
    names = {}
    exec('import helpers', globals(), names)
    return names['helpers']
log('same ' + str(one is four is five is late() is spelled()))
log('part ' + str(pkg.part is two is three) + STAR)";
    scene.plugin("a").body(body).save("a/a.py");
    scene.write("a/helpers.py", "");
    scene.write("a/pkg/__init__.py", "");
    scene.write("a/pkg/part.py", "STAR = 'star'\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log()[1..3], ["same True", "part Truestar"]);
}

#[test]
fn a_thread_imports_the_own_module() {
    let scene = Scene::new();
    let init = "import threading\ndef work():\n    import helpers\n    log('a helps ' + helpers.NAME)\n\
                thread = threading.Thread(target=work)\nthread.start()\nthread.join()";
    scene.plugin("a").init(init).save("a/a.py");
    scene.write("a/helpers.py", "NAME = 'x'\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a helps x"), 1);
}

#[test]
fn circular_imports_work() {
    let scene = Scene::new();
    scene.plugin("a").body("import one\nlog('a got ' + one.two.NAME)").save("a/a.py");
    scene.write("a/one.py", "import two\nNAME = 'one'\n");
    scene.write("a/two.py", "import one\nNAME = 'two'\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a got two"), 1);
}

#[test]
fn dataclasses_and_pickles_work() {
    let scene = Scene::new();
    let body = "import dataclasses, enum, pickle, typing
@dataclasses.dataclass
class Point:
    x: int
    y: 'typing.Optional[int]' = None
    z: dataclasses.InitVar[int] = 0
class Colour(enum.Enum):
    RED = 1
import helpers";
    let init = "for value in (Point(1, 2), Colour.RED, helpers.Thing(3)):
    for dumps in (pickle.dumps, pickle._dumps):
        assert pickle.loads(dumps(value)) == value
assert typing.get_type_hints(Point)['y'] == typing.Optional[int]
log('a pickled')";
    scene.plugin("a").body(body).init(init).save("a/a.py");
    let helper = "from __future__ import annotations\nimport dataclasses\n\
                  @dataclasses.dataclass\nclass Thing:\n    x: int\n";
    scene.write("a/helpers.py", helper);
    let mut watch = scene.watching();
    assert_eq!(scene.told("a pickled"), 1);
    scene.write("a/helpers.py", format!("{helper}# edited\n"));
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a pickled"), 2);
}

#[test]
fn the_body_runs_once_with_the_module_in_place() {
    let scene = Scene::new();
    let body = "import sys\nlog('a there ' + str(sys.modules[__name__].__dict__ is globals()))\n\
                log('a file ' + __file__)\nlog('a main ' + str(__name__ == '__main__'))";
    scene.plugin("a").body(body).save("a.py");
    let mut watch = scene.watching();
    let file = format!("a file {}", text(scene.path("a.py")));
    assert_eq!(scene.log(), ["a body one", "a there True", &file, "a main False", "a init one"]);
    scene.plugin("a").tag("two").body(body).save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a body two"), 1);
}

#[test]
fn a_helper_that_imports_the_entry_gets_the_running_module() {
    let scene = Scene::new();
    scene
        .plugin("a")
        .body("MARK = 5\nimport helpers\nlog(f'a mark {helpers.mark}')")
        .save("a/entry.py");
    scene.write("a/helpers.py", "import entry\nmark = entry.MARK\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a mark 5"), 1);
    assert_eq!(scene.told("a body one"), 1);
}

#[test]
fn the_standard_library_is_not_shadowed() {
    let scene = Scene::new();
    scene.plugin("a").body("import json\nlog('a ' + json.dumps([1]))").save("a/a.py");
    scene.write("a/json.py", "raise RuntimeError('the wrong one')\n");
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    assert_eq!(scene.told("a [1]"), 1);
    assert!(watch.warned("a", "shadowed").message.contains("json"));
}

#[test]
fn an_own_module_named_like_a_foreign_one_is_the_own() {
    let scene = Scene::new();
    scene.plugin("a").body("import pip\nlog('a ' + pip.NAME)").save("a/a.py");
    scene.write("a/pip.py", "NAME = 'mine'\n");
    scene.watch().expect_loaded("a");
    assert_eq!(scene.told("a mine"), 1);
}

#[test]
fn nothing_of_the_old_generation_is_left_in_the_new() {
    let scene = Scene::new();
    scene.plugin("a").body("import helpers\nhelpers.extra = 1\nOLD = 1").save("a/a.py");
    scene.write("a/helpers.py", "");
    let mut watch = scene.watching();
    let body =
        "import helpers\nlog('a ' + str(hasattr(helpers, 'extra')) + str('OLD' in globals()))";
    scene.plugin("a").tag("two").body(body).save("a/a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a FalseFalse"), 1);
}

#[test]
fn a_foreign_module_is_not_imported_again() {
    let scene = Scene::new();
    let body =
        "import colorsys\nlog(f'a mark {getattr(colorsys, \"mark\", None)}')\ncolorsys.mark = 1";
    scene.plugin("a").body(body).save("a.py");
    let mut watch = scene.watching();
    scene.plugin("a").tag("two").body(body).save("a.py");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a mark 1"), 1);
}

#[test]
fn the_neighbour_of_a_folder_plugin_is_not_its_own() {
    let scene = Scene::new();
    scene.write("a/plugin.json", r#"{"id": "a"}"#);
    scene.plugin("a").body("import outsider").save("a/plugin.py");
    scene.write("outsider.py", "");
    let failed = scene.watch().expect_failed("a");
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "ModuleNotFoundError"));
}

#[test]
fn additions_to_sys_path_stay_in_force_for_their_plugin_only() {
    let scene = Scene::new();
    scene.write_outside("extra/only_here_x.py", "NAME = 'x'\n");
    let body = format!("import sys\nsys.path.insert(0, {:?})", scene.outside("extra"));
    let init = "import only_here_x\nlog('a ' + only_here_x.NAME)";
    scene.plugin("a").body(&body).init(init).save("a/a.py");
    let other = format!("import sys\nlog('b ' + str({:?} in sys.path))", scene.outside("extra"));
    scene.plugin("b").body(&other).save("b/b.py");
    scene.watch().wait_ready();
    assert_eq!(scene.told("a x"), 1);
    assert_eq!(scene.told("b False"), 1);
}
