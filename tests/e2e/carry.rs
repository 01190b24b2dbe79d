//! `carry`: modules that go over from generation to generation as they are.

use std::fmt::Write as _;

use crate::support::{Scene, Watch};

/// A folder plugin `a` that carries the package `vendor`. Each of its modules tells when it runs.
struct Shelf {
    scene: Scene,
}

const ENTRY: &str = "import vendor, vendor.one, vendor.two";

impl Shelf {
    /// `vendor` imports `leaf`; `one` imports `leaf`, `two` imports nothing.
    fn new() -> Self {
        let shelf = Self::with(r#""vendor/""#);
        shelf.module("__init__", "one", "from . import leaf");
        shelf.module("leaf", "one", "VALUE = 'leaf one'");
        shelf.module("one", "one", "from vendor.leaf import VALUE");
        shelf.module("two", "one", "SEEN = []\ndef late():\n    import mine\n    return mine.TAG");
        shelf.scene.write("a/mine.py", "TAG = 'one'\n");
        shelf.entry("one", ENTRY);
        shelf
    }

    fn with(carry: &str) -> Self {
        let scene = Scene::new();
        scene.probe();
        scene.write("a/plugin.json", format!(r#"{{"id": "a", "carry": [{carry}]}}"#));
        Self { scene }
    }

    fn module(&self, name: &str, tag: &str, body: &str) {
        let log = self.scene.log_function();
        self.scene.write(
            format!("a/vendor/{name}.py"),
            format!("TAG = {tag:?}\n{log}log('ran {name} ' + TAG)\n{body}\n"),
        );
    }

    fn entry(&self, tag: &str, body: &str) {
        self.scene.plugin("a").tag(tag).body(body).save("a/plugin.py");
    }

    /// The modules whose bodies ran since the last time, in order.
    fn ran(&self) -> Vec<String> {
        let ran = |line: String| line.strip_prefix("ran ").map(str::to_owned);
        self.scene.take_log().into_iter().filter_map(ran).collect()
    }

    fn watching(&self) -> Watch {
        let watch = self.scene.watching();
        assert_eq!(self.ran().len(), 4);
        watch
    }
}

#[test]
fn an_edit_of_the_entry_runs_the_entry_alone() {
    let shelf = Shelf::new();
    let mut watch = shelf.watching();
    for tag in ["two", "six"] {
        shelf.entry(tag, &format!("{ENTRY}\nvendor.two.SEEN.append(TAG)\nlog(vendor.two.SEEN)"));
        watch.expect_reloaded("a");
    }
    assert!(shelf.scene.log().contains(&"['two', 'six']".to_owned()), "{:?}", shelf.scene.log());
    assert!(shelf.ran().is_empty());
}

#[test]
fn an_edited_leaf_runs_with_what_imported_it_and_without_its_siblings() {
    let shelf = Shelf::new();
    let mut watch = shelf.watching();
    shelf.module("leaf", "two", "VALUE = 'leaf two'");
    watch.expect_reloaded("a");
    let mut ran = shelf.ran();
    ran.sort();
    assert_eq!(ran, ["__init__ one", "leaf two", "one one"]);
    shelf.entry("two", &format!("{ENTRY}\nlog('value ' + vendor.leaf.VALUE + vendor.one.VALUE)"));
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("value leaf twoleaf two"), 1);
    assert!(shelf.ran().is_empty());
}

#[test]
fn packages_have_their_modules_as_attributes_whoever_of_them_runs_again() {
    let shelf = Shelf::new();
    let check = format!(
        "{ENTRY}\nimport sys\nassert vendor.two is sys.modules[vendor.two.__name__]\n\
         assert vendor.leaf is sys.modules[vendor.leaf.__name__]\n\
         assert vendor is sys.modules[vendor.__name__]\nassert sys.modules[__name__].vendor is vendor\n\
         log('fine ' + TAG)"
    );
    let mut watch = shelf.watching();
    shelf.entry("two", &check);
    watch.expect_reloaded("a");
    shelf.module("__init__", "two", "from . import leaf");
    watch.expect_reloaded("a");
    shelf.module("two", "two", "");
    watch.expect_reloaded("a");
    shelf.module("leaf", "two", "VALUE = ''");
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("fine two"), 4);
}

#[test]
fn what_a_carried_module_imports_later_is_of_the_new_generation() {
    let shelf = Shelf::new();
    shelf.entry("one", &format!("import mine\n{ENTRY}\nlog('late ' + vendor.two.late())"));
    let mut watch = shelf.scene.watching();
    shelf.ran();
    shelf.scene.write("a/mine.py", "TAG = 'two'\n");
    watch.expect_reloaded("a");
    // It has imported what is made anew in each generation, and so has to run again from then on.
    assert_eq!(shelf.scene.told("late two"), 1);
    assert_eq!(shelf.ran(), ["two one"]);
}

#[test]
fn a_first_late_import_of_a_carried_module_is_of_the_new_generation() {
    let shelf = Shelf::new();
    let mut watch = shelf.watching();
    shelf.scene.write("a/mine.py", "TAG = 'six'\n");
    shelf.entry("two", &format!("{ENTRY}\nlog('late ' + vendor.two.late())"));
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("late six"), 1);
    assert!(shelf.ran().is_empty());
}

#[test]
fn a_generation_that_fails_gives_back_what_it_was_to_carry_on() {
    let shelf = Shelf::new();
    let init = "import vendor.two\nassert vendor.leaf.VALUE == vendor.one.VALUE == 'leaf one'\n\
                assert __import__('sys').modules[vendor.two.__name__] is vendor.two\n\
                assert vendor.two.late() == 'one', vendor.two.late()\nlog('fine')";
    let entry = |tag: &str, body: &str| {
        shelf.scene.plugin("a").tag(tag).body(body).init(init).save("a/plugin.py");
    };
    entry("one", ENTRY);
    let mut watch = shelf.watching();
    entry("two", &format!("{ENTRY}\nimport mine, vendor.extra\n1 / 0"));
    watch.expect_failed("a");
    // Now with another leaf, which the failing generation has run, and its importers.
    shelf.module("leaf", "two", "VALUE = 'leaf two'");
    watch.expect_failed("a");
    assert_eq!(shelf.scene.told("fine"), 2, "{:?}", shelf.scene.log());
    shelf.ran();
    entry("six", &format!("{ENTRY}\nlog('value ' + vendor.leaf.VALUE)"));
    watch.expect_failed("a");
    let mut ran = shelf.ran();
    ran.sort();
    // What was initialized again has made `two` import what is not carried.
    assert_eq!(ran, ["__init__ one", "leaf two", "one one", "two one"]);
}

#[test]
fn modules_that_import_each_other_go_over_together() {
    let shelf = Shelf::with(r#""vendor""#);
    shelf.module("__init__", "one", "");
    shelf.module("one", "one", "import vendor.two\ndef get(): return vendor.two.TAG");
    shelf.module("two", "one", "import vendor.one");
    shelf.module("leaf", "one", "");
    let entry = "import vendor.one, vendor.leaf\nlog('got ' + vendor.one.get())";
    shelf.entry("one", entry);
    let mut watch = shelf.watching();
    shelf.entry("two", entry);
    watch.expect_reloaded("a");
    assert!(shelf.ran().is_empty());
    shelf.module("two", "two", "import vendor.one");
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("got two"), 1);
    let mut ran = shelf.ran();
    ran.sort();
    assert_eq!(ran, ["one one", "two two"]);
}

#[test]
fn a_module_that_imports_what_is_not_carried_runs_again_and_a_warning_says_so() {
    let shelf = Shelf::with(r#""vendor/""#);
    shelf.module("__init__", "one", "");
    shelf.module("one", "one", "import mine\nVALUE = mine.TAG");
    shelf.module("two", "one", "from vendor.one import VALUE");
    shelf.module("leaf", "one", "");
    shelf.scene.write("a/mine.py", "TAG = 'one'\n");
    let entry = "import vendor.two, vendor.leaf\nlog('value ' + vendor.two.VALUE)";
    shelf.entry("one", entry);
    let mut watch = shelf.watching();
    let message = watch.warned("a", "not_carried").message;
    assert!(message.contains("vendor.one, which imports mine"), "{message}");
    shelf.scene.write("a/mine.py", "TAG = 'two'\n");
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("value two"), 1);
    assert_eq!(shelf.ran(), ["two one", "one one"]);
    watch.assert_quiet();
    let warnings = watch.seen.iter().filter(|event| format!("{event:?}").contains("not_carried"));
    assert_eq!(warnings.count(), 1);
}

#[test]
fn a_module_that_was_missing_and_a_file_that_was_read_count_as_well() {
    let shelf = Shelf::with(r#""vendor/", "single""#);
    let single = "try:\n    from vendor import fast\nexcept ImportError:\n    fast = None\n\
                  import pathlib\nTEXT = pathlib.Path(__file__).with_name('text.txt').read_text()\n";
    let log = shelf.scene.log_function();
    shelf.scene.write("a/single.py", format!("{log}log('ran single')\n{single}"));
    shelf.scene.write("a/text.txt", "old");
    shelf.module("__init__", "one", "");
    shelf.module("leaf", "one", "");
    let entry = "import single, vendor.leaf\nlog(f'got {single.TEXT} {bool(single.fast)}')";
    shelf.entry("one", entry);
    let mut watch = shelf.scene.watching();
    assert_eq!(shelf.ran().len(), 3);
    shelf.entry("two", entry);
    watch.expect_reloaded("a");
    assert!(shelf.ran().is_empty());
    shelf.scene.write("a/text.txt", "new");
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("got new False"), 1);
    assert_eq!(shelf.ran(), ["single"]);
    shelf.module("fast", "one", "");
    watch.expect_reloaded("a");
    assert_eq!(shelf.scene.told("got new True"), 1);
    assert_eq!(shelf.ran(), ["single", "fast one"]);
}

#[test]
fn a_death_of_the_process_imports_everything_anew_from_what_ran() {
    let shelf = Shelf::new();
    let entry = format!("{ENTRY}\nlog('value ' + vendor.leaf.VALUE)");
    shelf.entry("one", &entry);
    shelf.scene.plugin("killer").init("import os\nif TAG == 'two': os._exit(3)").save("killer.py");
    let mut watch = shelf.watching();
    shelf.entry("two", &entry);
    watch.expect_reloaded("a");
    assert!(shelf.ran().is_empty());
    shelf
        .scene
        .plugin("killer")
        .tag("two")
        .init("import os\nif TAG == 'two': os._exit(3)")
        .save("killer.py");
    watch.wait(|event| event.is_live("a"));
    assert_eq!(shelf.scene.told("value leaf one"), 1);
    let mut ran = shelf.ran();
    ran.sort();
    assert_eq!(ran, ["__init__ one", "leaf one", "one one", "two one"]);
    // And from there they go over again.
    watch.wait(|event| event.is_live("killer"));
    shelf.entry("six", &entry);
    watch.wait(|event| event.is_live("a"));
    assert!(shelf.ran().is_empty());
}

#[test]
fn what_is_carried_is_one_and_the_same_while_two_generations_overlap() {
    let shelf = Shelf::new();
    shelf.scene.write("a/plugin.json", r#"{"id": "a", "carry": ["vendor/"], "reload": "overlap"}"#);
    let shutdown = "import mine, vendor.two\nassert mine.OWNER == TAG, mine.OWNER\n\
                    import sys\nassert sys.modules[vendor.two.__name__] is vendor.two\n\
                    log('seen ' + TAG + str(vendor.two.SEEN))";
    let entry = |tag: &str| {
        let body = format!("{ENTRY}\nimport mine\nmine.OWNER = TAG\nvendor.two.SEEN.append(TAG)");
        shelf.scene.plugin("a").tag(tag).body(&body).shutdown(shutdown).save("a/plugin.py");
    };
    entry("one");
    let mut watch = shelf.watching();
    entry("two");
    watch.expect_reloaded("a");
    watch.stop();
    let seen = |line: &String| line.starts_with("seen ") || line.starts_with("ran ");
    let log: Vec<String> = shelf.scene.log().into_iter().filter(seen).collect();
    assert_eq!(log, ["seen one['one', 'two']", "seen two['one', 'two']"]);
}

#[test]
fn carried_modules_are_no_leak_of_the_generation_that_made_them() {
    let shelf = Shelf::new();
    shelf.entry("one", &format!("{ENTRY}\nvendor.two.SEEN.append(vendor.two.late)"));
    // A generation of this one is known to stay: when that is told, all others were looked at.
    let leaky = |tag: &str| {
        let body = "import json\njson.__dict__.setdefault('leaky', lambda: None)";
        shelf.scene.plugin("leaky").tag(tag).body(body).save("leaky.py");
    };
    leaky("one");
    let mut watch = shelf.watching();
    for tag in ["two", "six"] {
        shelf.entry(tag, ENTRY);
        watch.expect_reloaded("a");
    }
    shelf.module("leaf", "two", "");
    watch.expect_failed("a");
    shelf.module("leaf", "one", "VALUE = 'leaf one'");
    watch.expect_reloaded("a");
    leaky("two");
    watch.warned("leaky", "leak");
    let of_a = watch
        .seen
        .iter()
        .find(|event| format!("{event:?}").contains("Warning(Warning { id: Some(\"a\")"));
    assert!(of_a.is_none(), "{of_a:?}");
}

#[test]
fn what_a_carried_module_holds_of_the_generation_before_is_a_leak_and_named() {
    let shelf = Shelf::new();
    shelf.entry("one", &format!("{ENTRY}\nvendor.two.SEEN.append(lambda: TAG)"));
    let mut watch = shelf.watching();
    shelf.entry("two", ENTRY);
    watch.expect_reloaded("a");
    let message = watch.warned("a", "leak").message;
    assert!(message.contains("the global `SEEN` of a.vendor.two"), "{message}");
}

#[test]
fn a_reload_of_a_large_carried_package_reads_none_of_it_again() {
    let shelf = Shelf::with(r#""vendor/""#);
    let mut all = String::new();
    for number in 0..300 {
        let imports =
            if number > 0 { format!("from vendor import m{}", number / 2) } else { String::new() };
        shelf.module(&format!("m{number}"), "one", &imports);
        writeln!(all, "from . import m{number}").unwrap();
    }
    shelf.module("__init__", "one", &all);
    let entry = "import vendor";
    shelf.entry("one", entry);
    let mut watch = shelf.scene.watching();
    assert_eq!(shelf.ran().len(), 301);
    shelf.entry("two", entry);
    watch.expect_reloaded("a");
    assert!(shelf.ran().is_empty());
    shelf.module("m299", "two", "from vendor import m149");
    watch.expect_reloaded("a");
    let mut ran = shelf.ran();
    ran.sort();
    assert_eq!(ran, ["__init__ one", "m299 two"]);
    // All of it is still followed.
    shelf.module("m5", "two", "from vendor import m2");
    watch.expect_reloaded("a");
    assert!(shelf.ran().contains(&"m5 two".to_owned()));
}
