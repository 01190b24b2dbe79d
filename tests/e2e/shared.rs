//! Shared modules: one copy for all plugins, and an edit of one reloads whoever uses it, once each.

use crate::support::event::{Because, Event, Phase};
use crate::support::{Scene, Watch, text};

/// A scene whose `watch.toml` shares the folder `lib`, which lies outside of the root.
pub(crate) fn sharing() -> Scene {
    let scene = Scene::new();
    scene.probe();
    scene.write_outside("watch.toml", "shared = ['lib']\n");
    scene.write_outside("lib/util.py", "NAME = 'one'\n");
    scene
}

/// A plugin that tells what `expression` is, when it is imported and when it is initialized.
pub(crate) fn user(scene: &Scene, id: &str, import: &str, expression: &str) {
    let told = format!("log('{id} has ' + {expression})");
    scene.plugin(id).body(import).init(&told).save(&format!("{id}.py"));
}

/// The next outcomes, which must be reloads of these, in any order; in the order that they came.
pub(crate) fn reloads(watch: &mut Watch, ids: &[&str]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for _ in ids {
        match watch.outcome() {
            Event::Reloaded(live) => told.push(live.id),
            other => watch.fail(&format!("expected reloads of {ids:?}, got {other:?}")),
        }
    }
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(sorted, ids);
    told
}

#[test]
fn plugins_share_one_copy_under_its_plain_name() {
    for isolation in ["shared", "none"] {
        let scene = sharing();
        scene.write_outside("lib/bus.py", "MET = []\n");
        for id in ["a", "b"] {
            let said = format!(
                "bus.MET.append('{id}')\nimport sys\nlog(bus.MET is sys.modules['bus'].MET)"
            );
            scene.plugin(id).body("import bus").init(&said).save(&format!("{id}.py"));
        }
        scene.plugin("c").body("import bus\nlog(bus.__name__ + str(bus.MET))").save("c.py");
        let watch = scene.watching_with(&["--isolation", isolation]);
        drop(watch);
        assert_eq!(scene.told("True"), 2);
        assert_eq!(scene.told("bus['a', 'b']"), 1);
    }
}

#[test]
fn an_edit_reloads_its_users_once_each_and_nobody_else() {
    for isolation in ["shared", "none"] {
        let scene = sharing();
        scene.plugin("stranger").save("stranger.py");
        let ids: Vec<String> = (0..100).map(|number| format!("p{number:03}")).collect();
        for id in &ids {
            user(&scene, id, "import util", "util.NAME");
        }
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        scene.take_log();
        let file = scene.write_outside("lib/util.py", "NAME = 'two'\n");
        for id in &ids {
            let live = watch.expect_reloaded(id);
            assert_eq!((live.because, live.generation), (Because::Shared, 2));
            assert_eq!(live.changed, [text(&file)]);
            assert_eq!(scene.told(&format!("{id} has two")), 1);
        }
        watch.assert_quiet();
        assert_eq!(scene.told("stranger shutdown one"), 0);
    }
}

#[test]
fn all_stop_before_the_module_runs_again_and_it_runs_once() {
    let scene = sharing();
    let log = scene.log_function();
    scene.write_outside("lib/util.py", format!("{log}NAME = 'one'\nlog('util runs')\n"));
    user(&scene, "a", "import util", "util.NAME");
    scene.plugin("b").needs(&["a"]).body("from util import NAME").save("b.py");
    let mut watch = scene.watching();
    scene.take_log();
    scene.write_outside("lib/util.py", format!("{log}NAME = 'two'\nlog('util runs')\n"));
    assert_eq!(reloads(&mut watch, &["a", "b"]), ["a", "b"]);
    let log = scene.log();
    assert_eq!(
        log,
        [
            "b shutdown one",
            "a shutdown one",
            "a body one",
            "util runs",
            "a init one",
            "a has two",
            "b body one",
            "b init one"
        ]
    );
}

#[test]
fn a_change_goes_up_a_long_chain_of_shared_modules() {
    let scene = sharing();
    let log = scene.log_function();
    scene.write_outside("lib/m00.py", "NAME = 'one'\n");
    for number in 1..30 {
        let text = format!("{log}from m{:02} import NAME\nlog('m{number:02} runs')\n", number - 1);
        scene.write_outside(format!("lib/m{number:02}.py"), text);
    }
    user(&scene, "a", "import m29", "m29.NAME");
    user(&scene, "b", "import m10", "m10.NAME");
    let mut watch = scene.watching();
    scene.take_log();
    // In the middle: what it imports stays as it is, and so does b.
    let text = format!("{log}NAME = 'mid'\nlog('m15 runs')\n");
    scene.write_outside("lib/m15.py", text);
    watch.expect_reloaded("a");
    assert_eq!(scene.told("a has mid"), 1);
    let runs: Vec<String> = scene.log().into_iter().filter(|line| line.ends_with("runs")).collect();
    let wanted: Vec<String> = (15..30).map(|number| format!("m{number:02} runs")).collect();
    assert_eq!(runs, wanted);
    watch.assert_quiet();
    // b does not come by m15, and a does not come by m00 any more.
    scene.write_outside("lib/m00.py", "NAME = 'two'\n");
    watch.expect_reloaded("b");
    watch.assert_quiet();
    assert_eq!(scene.told("b has two"), 1);
}

#[test]
fn a_package_with_relative_imports_is_shared_as_well() {
    let scene = sharing();
    scene.write_outside("lib/shop/__init__.py", "from .prices import TEA\nfrom . import units\n");
    scene.write_outside("lib/shop/prices.py", "from .deep.base import BASE\nTEA = 'tea ' + BASE\n");
    scene.write_outside("lib/shop/units.py", "NAME = 'EUR'\n");
    scene.write_outside("lib/shop/deep/base.py", "BASE = 'one'\n");
    user(&scene, "a", "import shop", "shop.TEA + shop.units.NAME");
    user(&scene, "b", "from shop.units import NAME", "NAME");
    user(&scene, "c", "import shop.deep.base as base", "base.BASE");
    let mut watch = scene.watching();
    assert_eq!(scene.told("a has tea oneEUR"), 1);
    scene.write_outside("lib/shop/deep/base.py", "BASE = 'two'\n");
    reloads(&mut watch, &["a", "b", "c"]);
    assert_eq!(scene.told("a has tea twoEUR"), 1);
    assert_eq!(scene.told("c has two"), 1);
    scene.write_outside("lib/shop/units.py", "NAME = 'USD'\n");
    reloads(&mut watch, &["a", "b", "c"]);
    assert_eq!(scene.told("a has tea twoUSD"), 1);
    assert_eq!(scene.told("b has USD"), 1);
    watch.assert_quiet();
}

#[test]
fn shared_modules_that_import_each_other_in_a_circle_reload() {
    let scene = sharing();
    scene.write_outside(
        "lib/ping.py",
        "import pong\nNAME = 'ping one'\ndef both():\n    return NAME + pong.NAME\n",
    );
    scene.write_outside(
        "lib/pong.py",
        "import ping\nNAME = 'pong one'\ndef both():\n    return NAME + ping.NAME\n",
    );
    user(&scene, "a", "import ping", "ping.both()");
    user(&scene, "b", "import pong", "pong.both()");
    let mut watch = scene.watching();
    scene.write_outside(
        "lib/pong.py",
        "import ping\nNAME = 'pong two'\ndef both():\n    return NAME + ping.NAME\n",
    );
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(scene.told("a has ping onepong two"), 1);
    assert_eq!(scene.told("b has pong twoping one"), 1);
}

#[test]
fn an_import_long_after_the_start_counts_as_well() {
    let scene = sharing();
    scene.write_outside("lib/late.py", "NAME = 'late one'\n");
    scene.write_outside("lib/util.py", "def get():\n    import late\n    return late.NAME\n");
    let body = "import threading, util\ndone = threading.Event()\ndef work():\n    log('a got ' + util.get())\n    done.set()";
    scene
        .plugin("a")
        .body(body)
        .init("threading.Thread(target=work).start()")
        .shutdown("done.wait()")
        .save("a.py");
    let mut watch = scene.watching();
    // The file is followed when somebody has imported it, and that may be a moment after `ready`.
    loop {
        watch.assert_quiet();
        if scene.told("a got late one") == 1 {
            break;
        }
    }
    watch.assert_quiet();
    scene.write_outside("lib/late.py", "NAME = 'late two'\n");
    let live = watch.expect_reloaded("a");
    assert_eq!(live.because, Because::Shared);
    let stopped = watch.stop();
    assert!(stopped.iter().any(|event| matches!(event, Event::Unloaded(_))));
    assert_eq!(scene.told("a got late two"), 1);
}

#[test]
fn a_module_that_is_imported_by_name_counts_as_well() {
    let scene = sharing();
    scene.write_outside("lib/inner.py", "NAME = 'one'\n");
    scene.write_outside(
        "lib/util.py",
        "import importlib\nNAME = importlib.import_module('inner').NAME\n",
    );
    user(&scene, "a", "import importlib\nutil = importlib.import_module('util')", "util.NAME");
    let mut watch = scene.watching();
    scene.write_outside("lib/inner.py", "NAME = 'two'\n");
    assert_eq!(watch.expect_reloaded("a").because, Because::Shared);
    assert_eq!(scene.told("a has two"), 1);
}

#[test]
fn own_modules_come_before_shared_ones_and_shared_ones_before_installed_ones() {
    let scene = sharing();
    scene.write_outside("lib/pip.py", "NAME = 'shared'\n");
    user(&scene, "a", "import pip", "pip.NAME");
    scene.plugin("b").body("import util, pip\nlog(util.NAME + pip.NAME)").save("b/b.py");
    scene.write("b/util.py", "NAME = 'own '\n");
    let mut watch = scene.watching();
    assert_eq!(scene.told("a has shared"), 1);
    assert_eq!(scene.told("own shared"), 1);
    let warning = watch.warned("a", "shadowed");
    assert!(warning.message.starts_with("`import pip` means the shared "), "{warning:?}");
    // The own one gives way when it is gone.
    scene.remove("b/util.py");
    watch.expect_reloaded("b");
    assert_eq!(scene.told("oneshared"), 1);
}

#[test]
fn a_shared_module_with_a_name_of_the_standard_library_is_told_of() {
    let scene = sharing();
    scene.write_outside("lib/json.py", "NAME = 'shared'\n");
    scene.plugin("a").body("import json\nlog(hasattr(json, 'loads'))").save("a.py");
    let mut watch = scene.watching();
    assert_eq!(scene.told("True"), 1);
    let warning = watch.warned("a", "shadowed");
    assert!(warning.message.contains("not the shared"), "{warning:?}");
}

#[test]
fn a_new_shared_module_takes_the_place_of_an_installed_one_and_gives_it_back() {
    let scene = sharing();
    scene
        .plugin("a")
        .body("import pip\nlog(pip.NAME if hasattr(pip, 'NAME') else 'installed')")
        .save("a.py");
    scene.plugin("b").body("import pip\nlog('b ' + str(id(pip)))").save("b.py");
    scene.plugin("c").save("c.py");
    let mut watch = scene.watching();
    let installed = scene.log().into_iter().find(|line| line.starts_with("b ") && line.len() > 12);
    let file = scene.write_outside("lib/pip.py", "NAME = 'shared'\n");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(scene.told("shared"), 1);
    scene.take_log();
    std::fs::remove_file(&file).unwrap();
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(scene.told("installed"), 1);
    // The very same module: it was not imported again.
    assert_eq!(scene.told(&installed.unwrap()), 1);
    watch.assert_quiet();
}

#[test]
fn a_deleted_shared_module_fails_its_users_and_they_go_on() {
    let scene = sharing();
    user(&scene, "a", "import util", "util.NAME");
    user(&scene, "b", "import util", "util.NAME");
    let mut watch = scene.watching();
    let file = scene.outside("lib/util.py");
    std::fs::remove_file(&file).unwrap();
    let failed = watch.expect_failed("a");
    assert!(failed.kept);
    assert_eq!((failed.phase, failed.error.kind.as_str()), (Phase::Import, "ModuleNotFoundError"));
    assert!(watch.expect_failed("b").kept);
    watch.assert_quiet();
    scene.write_outside("lib/util.py", "NAME = 'two'\n");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(scene.told("a has two"), 1);
}

#[test]
fn a_shared_module_that_was_missing_is_taken_up() {
    let scene = sharing();
    user(&scene, "a", "import later", "later.NAME");
    user(
        &scene,
        "b",
        "try:\n    import later\nexcept ImportError:\n    later = None",
        "str(bool(later))",
    );
    let mut watch = scene.watching();
    scene.write_outside("lib/later/__init__.py", "NAME = 'here'\n");
    let mut told = watch.outcomes(2);
    told.sort_by_key(|event| event.id().map(str::to_owned));
    assert!(matches!(&told[0], Event::Loaded(live) if live.id == "a"), "{told:?}");
    assert!(matches!(&told[1], Event::Reloaded(live) if live.id == "b"), "{told:?}");
    assert_eq!(scene.told("b has True"), 1);
    watch.assert_quiet();
}

/// What is saved meanwhile settles together.
fn at_once(scene: &Scene, save: impl FnOnce()) {
    let lock = scene.write(".git/index.lock", "");
    save();
    std::fs::remove_file(lock).unwrap();
}

#[test]
fn two_shared_modules_saved_at_once_are_one_reload() {
    let scene = sharing();
    std::fs::create_dir(scene.path(".git")).unwrap();
    scene.write_outside("lib/other.py", "NAME = 'one'\n");
    user(&scene, "a", "import util, other", "util.NAME + other.NAME");
    user(&scene, "b", "import other", "other.NAME");
    let mut watch = scene.watching();
    at_once(&scene, || {
        scene.write_outside("lib/util.py", "NAME = 'two'\n");
        scene.write_outside("lib/other.py", "NAME = 'two'\n");
    });
    let files = ["lib/other.py", "lib/util.py"].map(|file| text(scene.outside(file)));
    assert_eq!(watch.expect_reloaded("a").changed, files);
    assert_eq!(watch.expect_reloaded("b").changed, files[..1]);
    assert_eq!(scene.told("a has twotwo"), 1);
    watch.assert_quiet();
}

#[test]
fn a_shared_module_and_its_user_saved_at_once_are_one_reload() {
    let scene = sharing();
    std::fs::create_dir(scene.path(".git")).unwrap();
    user(&scene, "a", "import util", "util.NAME");
    user(&scene, "b", "import util", "util.NAME");
    let mut watch = scene.watching();
    at_once(&scene, || {
        scene.write_outside("lib/util.py", "NAME = 'two'\nNEW = 'new'\n");
        user(&scene, "a", "import util", "util.NEW");
    });
    let live = watch.expect_reloaded("a");
    assert_eq!((live.because, live.changed.len()), (Because::Edit, 2));
    assert_eq!(watch.expect_reloaded("b").because, Because::Shared);
    assert_eq!((scene.told("a has new"), scene.told("b has two")), (1, 1));
    watch.assert_quiet();
    // If the plugin cannot be, nobody goes to the new version.
    scene.take_log();
    at_once(&scene, || {
        scene.write_outside("lib/util.py", "NAME = 'six'\n");
        scene.write("a.py", scene.plugin("a").text() + "def (:\n");
    });
    assert!(watch.expect_failed("a").kept);
    assert!(watch.expect_failed("b").kept);
    watch.assert_quiet();
    assert_eq!(scene.log(), Vec::<String>::new());
    user(&scene, "a", "import util", "util.NAME");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!((scene.told("a has six"), scene.told("b has six")), (1, 1));
}

#[test]
fn folders_may_change_while_it_runs() {
    let scene = sharing();
    scene.write_outside("more/extra.py", "NAME = 'extra'\n");
    scene.write_outside("more/util.py", "NAME = 'more'\n");
    user(
        &scene,
        "a",
        "try:\n    import extra\nexcept ImportError:\n    extra = None",
        "str(bool(extra))",
    );
    user(&scene, "b", "import util", "util.NAME");
    scene.plugin("c").save("c.py");
    let mut watch = scene.watching();
    scene.write_outside("watch.toml", "shared = ['lib', 'more']\n");
    let live = watch.expect_reloaded("a");
    assert_eq!(
        (live.because, live.changed),
        (Because::Shared, vec![text(scene.outside("watch.toml"))])
    );
    assert_eq!(scene.told("a has True"), 1);
    watch.assert_quiet();
    scene.write_outside("more/extra.py", "NAME = 'other'\n");
    watch.expect_reloaded("a");
    scene.write_outside("watch.toml", "shared = ['more', 'lib']\n");
    watch.expect_reloaded("b");
    assert_eq!(scene.told("b has more"), 1);
    watch.assert_quiet();
    scene.write_outside("watch.toml", "shared = ['lib']\n");
    reloads(&mut watch, &["a", "b"]);
    assert_eq!(scene.told("a has False"), 2);
    watch.assert_quiet();
}

#[test]
fn a_folder_inside_a_root_holds_no_plugins_but_those_that_say_so() {
    let scene = Scene::new();
    scene.probe();
    scene.write_outside("watch.toml", "shared = ['plugins/lib']\n");
    scene.write("lib/util.py", "NAME = 'one'\n");
    scene.plugin("inside").save("lib/inside.py");
    user(&scene, "a", "import util", "util.NAME");
    let mut watch = scene.watching();
    assert_eq!(scene.told("inside init one"), 1);
    let file = scene.write("lib/util.py", "NAME = 'two'\n");
    assert_eq!(watch.expect_reloaded("a").changed, [text(file)]);
    watch.assert_quiet();
    // Outside of the roots there are none, whatever they say.
    let scene = sharing();
    scene.write_outside("lib/plugin.py", scene.plugin("outside").text());
    let mut watch = scene.watching();
    scene.write_outside("lib/plugin.py", scene.plugin("outside").tag("two").text());
    watch.assert_quiet();
    assert_eq!(scene.log(), Vec::<String>::new());
}

#[test]
fn tracebacks_and_data_of_shared_modules_are_of_what_ran() {
    let scene = sharing();
    scene.write_outside("lib/util.py", "def fail():\n    raise ValueError('first')\n");
    let body = "import util, inspect, traceback";
    let init = "log(inspect.getsource(util.fail).splitlines()[1].strip())";
    scene.plugin("a").body(body).init(init).save("a.py");
    let mut watch = scene.watching();
    let broken = "# moved\ndef fail():\n    raise ValueError('second')\nfail()\n";
    let file = scene.write_outside("lib/util.py", broken);
    let failed = watch.expect_failed("a");
    assert_eq!(failed.error.file, Some(text(&file)));
    assert_eq!(failed.error.line, Some(3));
    assert!(failed.error.traceback.unwrap().contains("raise ValueError('second')"));
    // Back on the version before, whose lines are shown though the disk has others.
    assert_eq!(scene.told("raise ValueError('first')"), 2);
}
