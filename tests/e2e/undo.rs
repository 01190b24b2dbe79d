//! What a plugin leaves in places that belong to all is undone: when its load fails, when its
//! generation ends, and some of it after every call.

use crate::support::{Scene, Watch};

/// Everything that a generation may leave behind, and its own functions that it leaves.
const LEAVE: &str = "import atexit, logging, sys, threading, warnings
def hook(*args): pass
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None): return None
def farewell(): log('farewell ' + TAG)
def leave():
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger('of.all').addHandler(logging.NullHandler())
    logging.getLogger('of.all').addFilter(lambda record: True)
    sys.meta_path.append(Finder)
    sys.path_hooks.append(hook)
    sys.excepthook = threading.excepthook = sys.unraisablehook = hook
    warnings.showwarning = hook
    warnings.simplefilter('error')
    atexit.register(farewell)";

/// How much of that is there, in the eyes of another plugin.
const LOOK: &str = "import logging, sys, threading, warnings
def own(it): return getattr(it, '__module__', None) == 'qtforge.plugins.a'
found = [len(logging.getLogger().handlers), len(logging.getLogger('of.all').handlers)]
found += [len(logging.getLogger('of.all').filters)]
found += [sum(map(own, sys.meta_path)), sum(map(own, sys.path_hooks))]
found += [sum(map(own, (sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning)))]
found += [sum(it[0] == 'error' and it[2] is Warning for it in warnings.filters)]
warnings.warn('harmless')
log('found ' + str(found))";

/// All but the filter of warnings, which holds for its own calls only.
const ALL: &str = "found [1, 1, 1, 1, 1, 4, 0]";
const NOTHING: &str = "found [0, 0, 0, 0, 0, 0, 0]";

struct House {
    scene: Scene,
    watch: Watch,
    looks: usize,
}

impl House {
    /// The plugin `a` with this body and initialization.
    fn with(body: &str, init: &str) -> Self {
        let scene = Scene::new();
        Self::a(&scene, "one", body, init);
        scene.plugin("look").body("pass").save("look.py");
        let watch = scene.watching();
        Self { scene, watch, looks: 0 }
    }

    fn a(scene: &Scene, tag: &str, body: &str, init: &str) {
        scene.plugin("a").tag(tag).body(&format!("{LEAVE}\n{body}")).init(init).save("a.py");
    }

    fn save(&self, tag: &str, body: &str, init: &str) {
        Self::a(&self.scene, tag, body, init);
    }

    fn look(&mut self) -> String {
        self.looks += 1;
        let tag = format!("look {}", self.looks);
        self.scene.plugin("look").tag(&tag).body(LOOK).save("look.py");
        self.watch.expect_reloaded("look");
        let found = |line: &String| line.starts_with("found ");
        self.scene.take_log().into_iter().rfind(found).unwrap()
    }
}

#[test]
fn one_generation_after_the_other_leaves_as_much_as_one_and_in_the_end_nothing_is_left() {
    let mut house = House::with("", "leave()");
    assert_eq!(house.look(), ALL);
    for tag in ["two", "six"] {
        house.save(tag, "", "leave()");
        house.watch.expect_reloaded("a");
        assert_eq!(house.look(), ALL);
    }
    house.scene.remove("a.py");
    house.watch.expect_unloaded("a");
    assert_eq!(house.look(), NOTHING);
}

#[test]
fn a_load_that_fails_leaves_nothing() {
    for (body, init) in [("leave()\n1 / 0", ""), ("", "leave()\nreturn False")] {
        let mut house = House::with("", "");
        house.save("two", body, init);
        house.watch.expect_failed("a");
        assert_eq!(house.look(), NOTHING, "{body} {init}");
        house.watch.stop();
        assert_eq!(house.scene.told("farewell two"), 0);
    }
}

#[test]
fn a_generation_that_is_kept_has_what_it_left_while_it_was_imported() {
    let mut house = House::with("leave()", "");
    house.save("two", "1 / 0", "");
    house.watch.expect_failed("a");
    assert_eq!(house.look(), ALL);
    house.save("six", "", "");
    house.watch.expect_reloaded("a");
    assert_eq!(house.look(), NOTHING);
}

#[test]
fn a_generation_that_is_kept_leaves_once_what_it_leaves_in_initialize() {
    let mut house = House::with("", "leave()");
    house.save("two", "1 / 0", "");
    house.watch.expect_failed("a");
    assert!(house.look().starts_with("found [1, 1, 1, "), "{:?}", house.look());
    house.save("six", "", "");
    house.watch.expect_reloaded("a");
    assert_eq!(house.look(), NOTHING);
}

#[test]
fn filters_of_warnings_and_the_locale_hold_for_its_own_calls_only() {
    let scene = Scene::new();
    let init = "import locale, warnings\nwarnings.simplefilter('error')\n\
                was = locale.setlocale(locale.LC_ALL)\n\
                locale.setlocale(locale.LC_ALL, 'C.UTF-8' if was == 'C' else 'C')\n\
                log('locale was ' + was)";
    let shutdown = "import locale, warnings\nlog('mine ' + warnings.filters[0][0])\n\
                    log('locale is ' + locale.setlocale(locale.LC_ALL))";
    scene.plugin("a").init(init).shutdown(shutdown).save("a.py");
    let other = "import locale, warnings\nwarnings.warn('harmless')\n\
                 log('other ' + locale.setlocale(locale.LC_ALL))";
    scene.plugin("b").body(other).save("b.py");
    let mut watch = scene.watching();
    watch.stop();
    let log = scene.log();
    let after = |start: &str| {
        log.iter().find_map(|line| line.strip_prefix(start)).unwrap_or_else(|| panic!("{log:?}"))
    };
    assert_eq!(after("mine "), "error");
    assert_eq!(after("locale was "), after("other "));
    assert_eq!(after("locale was "), after("locale is "));
}

#[test]
fn what_an_installed_package_did_while_it_was_imported_stays() {
    let scene = Scene::new();
    let package = "import logging, sys, warnings\n\
                   logging.getLogger('installed').addHandler(logging.NullHandler())\n\
                   warnings.filterwarnings('ignore', message='of the package')\n\
                   class Finder:\n    @staticmethod\n    def find_spec(*args): return None\n\
                   sys.meta_path.append(Finder)\n";
    scene.write_outside("site/installed_x.py", package);
    let body = format!(
        "import sys\nsys.path.append({:?})\nimport installed_x, logging, warnings\n\
         found = [len(logging.getLogger('installed').handlers)]\n\
         found += [installed_x.Finder in sys.meta_path]\n\
         found += [sum(it[1] is not None and it[1].match('of the package') is not None for it in warnings.filters)]\n\
         log(found)",
        scene.outside("site")
    );
    scene.plugin("a").body(&body).save("a.py");
    let mut watch = scene.watching();
    for tag in ["two", "six"] {
        scene.plugin("a").tag(tag).body(&body).save("a.py");
        watch.expect_reloaded("a");
    }
    assert_eq!(scene.told("[1, True, 1]"), 3, "{:?}", scene.log());
}
