//! Files that a plugin reads while it starts, and files that `watch` names: their edits reload it, and
//! what a plugin writes itself never does.

use std::fs;

use crate::support::event::{Because, Phase};
use crate::support::{Scene, Watch, text};

/// A live plugin `a` in `a/`, whose body runs `body`; with `data.txt` saying `one`.
fn reading(body: &str) -> (Scene, Watch) {
    let scene = Scene::new();
    scene.probe();
    scene.write("a/plugin.json", r#"{"id": "a"}"#);
    scene.write("a/data.txt", "one");
    scene
        .plugin("a")
        .body(&format!("import os\nHERE = os.path.dirname(__file__)\n{body}"))
        .save("a/plugin.py");
    let watch = scene.watching();
    (scene, watch)
}

/// An edit of `data.txt` reloads the plugin, which then has told `told two`.
fn is_input(body: &str) {
    let (scene, mut watch) = reading(body);
    assert_eq!(scene.told("told one"), 1, "{body}: {:?}", scene.log());
    let data = scene.write("a/data.txt", "two");
    let live = watch.expect_reloaded("a");
    assert_eq!((live.because, live.changed), (Because::Edit, vec![text(data)]));
    assert_eq!(scene.told("told two"), 1);
    // Saved unchanged is nothing.
    scene.write("a/data.txt", "two");
    watch.assert_quiet();
}

#[test]
fn a_file_that_was_opened_is_an_input() {
    is_input("log('told ' + open(HERE + '/data.txt').read())");
}

#[test]
fn a_file_that_pathlib_read_is_an_input() {
    is_input("import pathlib\nlog('told ' + (pathlib.Path(HERE) / '../a/data.txt').read_text())");
}

#[test]
fn a_file_that_os_open_opened_is_an_input() {
    is_input(
        "fd = os.open(os.fsencode(HERE + '/data.txt'), os.O_RDONLY)\nlog('told ' + os.read(fd, 9).decode())\nos.close(fd)",
    );
}

#[test]
fn a_file_that_a_library_read_for_it_is_an_input() {
    is_input(
        "import configparser, string\nfrom importlib import resources\nlog('told ' + resources.files(__name__).joinpath('data.txt').read_text())",
    );
}

#[test]
fn a_file_that_a_thread_or_a_helper_read_is_an_input() {
    is_input(
        "import threading
def work():
    log('told ' + open(HERE + '/data.txt').read())
thread = threading.Thread(target=work)
thread.start()
thread.join()",
    );
}

#[test]
fn an_input_saved_by_renaming_and_deleted_is_followed() {
    let (scene, mut watch) = reading(
        "try:\n    log('told ' + open(HERE + '/data.txt').read())\nexcept OSError:\n    log('told none')",
    );
    crate::support::save::atomic(&scene.path("a/data.txt"), "two");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("told two"), 1);
    scene.remove("a/data.txt");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("told none"), 1);
    scene.write("a/data.txt", "six");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("told six"), 1);
}

#[test]
fn a_missing_input_heals_the_plugin_when_it_appears() {
    let scene = Scene::new();
    let init = "import os\nlog('told ' + open(os.path.dirname(__file__) + '/late.json').read())";
    scene.plugin("a").init(init).save("a/a.py");
    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!(
        (failed.phase, failed.error.kind.as_str()),
        (Phase::Initialize, "FileNotFoundError")
    );
    watch.wait_ready();
    scene.write("a/late.json", "{}");
    watch.expect_loaded("a");
    assert_eq!(scene.told("told {}"), 1);
}

#[test]
fn an_input_in_a_hidden_place_is_followed() {
    let scene = Scene::new();
    let body = "import os\nlog('told ' + open(os.path.dirname(__file__) + '/.cache/.env').read())";
    scene.plugin("a").body(body).save("a/a.py");
    scene.write("a/.cache/.env", "one");
    let mut watch = scene.watching();
    scene.write("a/.cache/.env", "two");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("told two"), 1);
}

#[test]
fn an_edit_between_reading_and_watching_is_not_lost() {
    // The plugin has somebody else write the file after it was read: no audit hook sees that.
    let (scene, mut watch) = reading(
        "word = open(HERE + '/data.txt').read()
log('told ' + word)
if word == 'one':
    import subprocess
    subprocess.run(['cp', HERE + '/next.txt', HERE + '/data.txt'], check=False)",
    );
    scene.write("a/next.txt", "two");
    assert_eq!(scene.told("told one"), 1);
    // Nothing was there to copy at the first time; now it starts with that race.
    scene.write("a/data.txt", "one ");
    watch.expect_reloaded("a");
    scene.write("a/data.txt", "one");
    watch.expect_reloaded("a");
    while scene.told("told two") == 0 {
        watch.expect_reloaded("a");
    }
    watch.assert_quiet();
}

#[test]
fn what_a_plugin_writes_is_no_input() {
    for write in [
        "open(path, 'w').write(str(count + 1))",
        "open(path + '.new', 'w').write(str(count + 1))\nos.replace(path + '.new', path)",
    ] {
        let (scene, mut watch) = reading(&format!(
            "path = HERE + '/count.json'
count = int(open(path).read()) if os.path.exists(path) else 0
log(f'count {{count}}')
def save(_=None):
    {}",
            write.replace('\n', "\n    ")
        ));
        // It writes when it starts, when it ends, and in between, asked by another plugin.
        let body = fs::read_to_string(scene.path("a/plugin.py")).unwrap();
        let body = body
            .replace(
                "log(\"a init \" + TAG)",
                "log('a init ' + TAG); save(); context.get_event_bus().subscribe('go', save)",
            )
            .replace("log(\"a shutdown \" + TAG)", "log('a shutdown ' + TAG); save()");
        scene.write("a/plugin.py", body);
        watch.expect_reloaded("a");
        watch.assert_quiet();
        scene.write(
            "a/plugin.py",
            fs::read_to_string(scene.path("a/plugin.py")).unwrap() + "# more\n",
        );
        watch.expect_reloaded("a");
        watch.assert_quiet();
        for tag in ["two", "six"] {
            scene
                .plugin("asker")
                .tag(tag)
                .init("context.get_event_bus().publish('go')")
                .save("asker.py");
            watch.wait(|event| event.is_live("asker"));
            watch.assert_quiet();
        }
        assert_eq!(scene.told("a init one"), 3);
    }
}

#[test]
fn inputs_can_be_turned_off() {
    let (scene, mut watch) = reading("log('told ' + open(HERE + '/data.txt').read())");
    scene.write("a/plugin.json", r#"{"id": "a", "inputs": false}"#);
    watch.expect_reloaded("a");
    scene.write("a/data.txt", "two");
    watch.assert_quiet();
    assert_eq!(scene.told("told two"), 0);
}

#[test]
fn what_is_read_after_the_start_or_elsewhere_is_no_input() {
    let scene = Scene::new();
    scene.probe();
    let outside = scene.write_outside("elsewhere.txt", "one");
    let init = format!(
        "import os\nopen({outside:?}).read()\n\
         context.get_event_bus().subscribe('go', lambda _: log('told ' + open(os.path.dirname(__file__) + '/data.txt').read()))"
    );
    scene.plugin("a").init(&init).save("a/a.py");
    scene.write("a/data.txt", "one");
    let mut watch = scene.watching();
    scene.plugin("asker").init("context.get_event_bus().publish('go')").save("asker.py");
    watch.expect_loaded("asker");
    assert_eq!(scene.told("told one"), 1);
    scene.write("a/data.txt", "two");
    scene.write_outside("elsewhere.txt", "two");
    watch.assert_quiet();
}

#[test]
fn watch_names_further_files() {
    watch_names_further_files_with(&[]);
}

#[test]
fn watch_names_further_files_that_are_polled() {
    watch_names_further_files_with(&["--poll=20"]);
}

fn watch_names_further_files_with(options: &[&str]) {
    let scene = Scene::new();
    scene.probe();
    scene.write(
        "a/plugin.json",
        r#"{"id": "a", "watch": ["templates/**/*.html", "*.sql", "!not.sql"]}"#,
    );
    scene.plugin("a").save("a/plugin.py");
    scene.write("a/templates/deep/page.html", "one");
    scene.write("a/schema.sql", "one");
    let mut watch = scene.watching_with(options);
    for name in ["a/templates/deep/page.html", "a/schema.sql", "a/fresh.sql"] {
        let file = scene.write(name, "two");
        let live = watch.expect_reloaded("a");
        assert_eq!((live.because, live.changed), (Because::Edit, vec![text(file)]));
    }
    scene.write("a/schema.sql", "two");
    scene.write("a/not.sql", "x");
    scene.write("a/templates/notes.txt", "x");
    scene.write("b.sql", "x");
    watch.assert_quiet();
    scene.remove("a/fresh.sql");
    watch.expect_reloaded("a");
    // Other patterns hold from the next generation on.
    scene.write("a/plugin.json", r#"{"id": "a", "watch": ["*.txt"]}"#);
    watch.expect_reloaded("a");
    scene.write("a/schema.sql", "six");
    watch.assert_quiet();
    scene.write("a/new.txt", "x");
    watch.expect_reloaded("a");
}

#[test]
fn modules_beside_a_root_that_is_a_file_are_followed() {
    let scene = Scene::new();
    let entry = scene.plugin("a").body("import helpers\nlog('told ' + helpers.NAME)").save("a.py");
    scene.write("helpers.py", "NAME = 'one'\n");
    let mut watch = scene.start(["watch", "--json", entry.to_str().unwrap()]);
    watch.wait_ready();
    scene.write("helpers.py", "NAME = 'two'\n");
    watch.expect_reloaded("a");
    assert_eq!(scene.told("told two"), 1);
}

#[test]
fn a_plugin_that_changes_its_own_source_is_no_loop() {
    let scene = Scene::new();
    scene.probe();
    let mut watch = scene.watching();
    let append = "with open(__file__, 'a') as file: file.write('# started\\n')";
    scene.plugin("a").init(append).save("a.py");
    watch.expect_loaded("a");
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    let warning = watch.warned("a", "writes_itself");
    assert!(warning.message.contains("a.py"), "{warning:?}");
    watch.assert_quiet();
    // What a person saves counts as ever.
    scene.plugin("a").tag("two").save("a.py");
    assert_eq!(watch.expect_reloaded("a").generation, 3);
    assert_eq!(scene.told("a init two"), 1);
}

#[test]
fn a_plugin_that_writes_a_module_once_runs_what_it_wrote() {
    let scene = Scene::new();
    scene.probe();
    scene.write("made.py", "TEXT = 'one'\n");
    let make = "import made, pathlib
log('made ' + made.TEXT)
path = pathlib.Path(__file__).with_name('made.py')
if 'two' not in path.read_text(): path.write_text('TEXT = \"two\"\\n')";
    let mut watch = scene.watching();
    scene.plugin("a").init(make).save("a.py");
    watch.expect_loaded("a");
    watch.expect_reloaded("a");
    watch.assert_quiet();
    assert_eq!((scene.told("made one"), scene.told("made two")), (1, 1));
}
