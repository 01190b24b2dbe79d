//! Which files are plugins, under which id, and which are left alone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::{fs, path::Path};

use crate::support::event::{Because, Event, Gone, Phase};
use crate::support::files::run;
use crate::support::{Scene, text};

/// A module that is its own plugin, with this metadata statement.
fn module(metadata: &str) -> String {
    format!("{metadata}\ndef initialize(context):\n    return True\n")
}

/// The id under which a file with this text is loaded.
fn id_of(source: &str) -> String {
    let scene = Scene::new();
    scene.write("stem.py", source);
    let mut watch = scene.watch();
    match watch.outcome() {
        Event::Loaded(live) => live.id,
        other => watch.fail(&format!("expected `loaded`, got {other:?}")),
    }
}

/// A file with this text is no plugin, and nothing is said of it.
fn is_left_alone(source: &str) {
    let scene = Scene::new();
    scene.write("stem.py", source);
    let (mut watch, events) = scene.first_pass();
    assert!(!events.iter().any(Event::is_outcome), "{events:?}");
    watch.wait_stderr("no plugins");
    watch.stop();
}

/// A file with this text fails at its metadata; the message names this.
fn has_bad_metadata(source: &str, named: &str) {
    let scene = Scene::new();
    let path = scene.write("stem.py", source);
    let failed = scene.watch().expect_failure();
    assert_eq!(failed.phase, Phase::Metadata, "{failed:?}");
    assert!(failed.error.message.contains(named), "{failed:?}");
    assert_eq!(failed.path, text(path));
    assert!(!failed.kept);
}

#[test]
fn any_quotes() {
    assert_eq!(id_of(&module("PLUGIN_METADATA = {'id': 'com.example.a'}")), "com.example.a");
    assert_eq!(id_of(&module("PLUGIN_METADATA = {\"id\": \"\"\"b-2\"\"\"}")), "b-2");
}

#[test]
fn nested_values_before_the_id() {
    let source = "PLUGIN_METADATA = {\n    'author': {'id': 'ghost', 'x': [{'id': 'g2'}]},\n    \
                  'configuration': {'deep': {}},\n    'id': 'a',\n}";
    // `author` is a text by the contract, so the nesting stands in a field that is free.
    let source = source.replace("'author'", "'custom'");
    assert_eq!(id_of(&module(&source)), "a");
}

#[test]
fn an_annotated_assignment() {
    let source = "import typing\nPLUGIN_METADATA: typing.Dict[str, object] = {'id': 'a'}";
    assert_eq!(id_of(&module(source)), "a");
}

#[test]
fn values_that_are_no_literals_do_not_hide_the_id() {
    let source = "VERSION = '1.2'\nPLUGIN_METADATA = {'version': VERSION, 'id': 'a'}";
    assert_eq!(id_of(&module(source)), "a");
}

#[test]
fn the_version_of_the_metadata_is_told() {
    let scene = Scene::new();
    scene.write("a.py", module("PLUGIN_METADATA = {'id': 'a', 'version': '9.8.7'}"));
    assert_eq!(scene.watch().expect_loaded("a").version, "9.8.7");
}

#[test]
fn the_version_is_zero_if_nobody_said() {
    let scene = Scene::new();
    scene.write("a.py", module("PLUGIN_METADATA = {'id': 'a'}"));
    assert_eq!(scene.watch().expect_loaded("a").version, "0.0.0");
}

#[test]
fn an_id_in_comments_or_texts_is_no_plugin() {
    is_left_alone("# PLUGIN_METADATA = {\"id\": \"ghost\"}\n# from qtforge import x\n");
    is_left_alone(
        "\"\"\"\nPLUGIN_METADATA = {\"id\": \"ghost\"}\nclass A(PluginInterface)\n\"\"\"\n",
    );
    is_left_alone("x = 'PLUGIN_METADATA'\ny = \"import qtforge\"\n");
}

#[test]
fn a_mark_without_an_id_is_no_plugin() {
    is_left_alone("import qtforge.core\nfrom qtforge.core import PluginMetadata\nx = 1\n");
}

#[test]
fn a_ghost_id_in_a_comment_does_not_hide_the_true_one() {
    let source = "# PLUGIN_METADATA = {\"id\": \"ghost\"}\nPLUGIN_METADATA = {\"id\": \"a\"}";
    assert_eq!(id_of(&module(source)), "a");
}

const CLASS: &str = "from qtforge.core import PluginInterface, PluginMetadata
class Mine(PluginInterface):
    def get_metadata(self):
        return PluginMetadata(id=ID, name='n', version='4.5.6')
    def initialize(self, context):
        return True
    def shutdown(self):
        pass
";

#[test]
fn the_literal_id_of_get_metadata() {
    assert_eq!(id_of(&CLASS.replace("ID", "'lit.id'")), "lit.id");
}

#[test]
fn the_run_time_id_takes_the_place_of_the_stem() {
    let scene = Scene::new();
    let source = CLASS.replace("id=ID", "id='.'.join(['run', 'time'])");
    scene.write("stem.py", &source);
    let mut watch = scene.watch();
    let live = watch.expect_loaded("run.time");
    assert_eq!((live.generation, live.version.as_str()), (1, "4.5.6"));
    watch.wait_ready();
    scene.write("stem.py", format!("{source}# edited\n"));
    assert_eq!(watch.expect_reloaded("run.time").generation, 2);
    scene.remove("stem.py");
    watch.expect_unloaded("run.time");
}

#[test]
fn the_stem_stands_if_get_metadata_gives_no_id() {
    let source = CLASS.replace("PluginMetadata(id=ID, name='n', version='4.5.6')", "None");
    assert_eq!(id_of(&source), "python.stem");
}

#[test]
fn metadata_without_a_usable_id_is_a_failure() {
    has_bad_metadata(&module("PLUGIN_METADATA = {'name': 'x'}"), "id");
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': 5}"), "id");
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': ''}"), "id");
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': 'a b/c'}"), "id");
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': '.a'}"), "id");
}

#[test]
fn a_wrong_type_names_its_field() {
    for field in ["dependencies", "requirements", "tags", "capabilities"] {
        has_bad_metadata(&module(&format!("PLUGIN_METADATA = {{'id': 'a', '{field}': 5}}")), field);
    }
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': 'a', 'version': 1.5}"), "version");
    has_bad_metadata(
        &module("PLUGIN_METADATA = {'id': 'a', 'configuration': []}"),
        "configuration",
    );
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': 'a', 'dependencies': 'b'}"), "dependencies");
    has_bad_metadata(&module("PLUGIN_METADATA = {'id': 'a', 'activation': 'often'}"), "activation");
}

#[test]
fn ignored_folders_are_not_entered() {
    let scene = Scene::with(&["a"]);
    let folders = ["__pycache__", ".hidden", ".git", ".venv", "venv", "node_modules"];
    for (number, folder) in folders.iter().enumerate() {
        scene.plugin(&format!("ghost{number}")).save(&format!("{folder}/p.py"));
    }
    scene.probe();
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    for (number, folder) in folders.iter().enumerate() {
        scene.plugin(&format!("ghost{number}")).tag("two").save(&format!("{folder}/p.py"));
        scene.plugin("more").save(&format!("sub/{folder}/more.py"));
    }
    watch.assert_quiet();
}

#[test]
fn an_ignore_pattern_of_watch_toml() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    scene.plugin("g").save("g.generated.py");
    scene.write_outside("watch.toml", "[watch]\nignore = [\"*.generated.py\"]\n");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.plugin("g").tag("two").save("g.generated.py");
    watch.assert_quiet();
}

#[test]
fn a_pipe_and_a_folder_with_the_name_of_a_source() {
    let scene = Scene::with(&["a"]);
    run("mkfifo", [scene.path("pipe.py")]);
    fs::create_dir(scene.path("folder.py")).unwrap();
    scene.plugin("b").save("folder.py/b.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    run("mkfifo", [scene.path("later.py")]);
    scene.plugin("a").tag("two").save("a.py");
    watch.wait(|event| event.is_live("a"));
    watch.stop();
}

#[test]
fn a_name_that_is_not_utf_8() {
    let scene = Scene::new();
    let path = scene.path(Path::new(OsStr::from_bytes(b"caf\xe9.py")));
    scene.write(&path, scene.plugin("a").text());
    let mut watch = scene.watch();
    let live = watch.expect_loaded("a");
    assert!(live.path.ends_with("/caf\u{fffd}.py"), "{live:?}");
    let hex: String =
        path.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(live.path_bytes.map(|bytes| bytes.to_lowercase()), Some(hex));
    watch.wait_ready();
    scene.write(&path, scene.plugin("a").tag("two").text());
    watch.expect_reloaded("a");
}

#[test]
fn names_with_spaces_and_line_breaks() {
    let scene = Scene::new();
    let names = ["with space.py", "line\nbreak.py", "quote\"'.py", "ünï/cödé.py", "-dash.py"];
    for (number, name) in names.iter().enumerate() {
        scene.plugin(&format!("p{number}")).save(name);
    }
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, names.len() as u64);
    for (number, name) in names.iter().enumerate() {
        let id = format!("p{number}");
        let path = scene.plugin(&id).tag("two").save(name);
        assert_eq!(watch.expect_reloaded(&id).path, text(path));
    }
}

#[test]
fn edited_to_be_a_plugin() {
    let scene = Scene::new();
    scene.write("a.py", "x = 1\n");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 0);
    scene.plugin("a").save("a.py");
    watch.expect_loaded("a");
}

#[test]
fn edited_to_be_no_plugin_while_others_live() {
    let scene = Scene::with(&["a", "b"]);
    let mut watch = scene.watching();
    scene.write("a.py", "x = 1\n");
    let failed = watch.expect_failed("a");
    assert!(failed.kept);
    assert_eq!(failed.phase, Phase::Metadata);
    scene.plugin("b").tag("two").save("b.py");
    assert_eq!(watch.expect_reloaded("b").because, Because::Edit);
    scene.remove("a.py");
    assert_eq!(watch.expect_unloaded("a").because, Gone::Deleted);
}

#[test]
fn a_file_over_the_place_of_a_folder() {
    let scene = Scene::new();
    scene.plugin("a").save("x.py/a.py");
    let mut watch = scene.watching();
    fs::remove_dir_all(scene.path("x.py")).unwrap();
    scene.plugin("b").save("x.py");
    let mut ids: Vec<_> =
        watch.outcomes(2).iter().map(|event| event.id().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn a_file_whose_name_begins_with_a_dot_is_a_file_like_any_other() {
    let scene = Scene::new();
    scene.probe();
    scene.plugin("hidden").save(".hid.py");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.plugin("hidden").tag("two").save(".hid.py");
    watch.expect_reloaded("hidden");
    // What editors put beside a file is not.
    for litter in [".#a.py", "._a.py", ".~a.py", ".tmp-a.py", ".a.py.swp", ".a.py.kate-swp"] {
        scene.plugin("ghost").save(litter);
    }
    watch.assert_quiet();
    watch.stop();
}
