//! Folder plugins: `plugin.json`, the entry, what lies below it.

use std::os::unix::fs::symlink;

use crate::support::event::{Because, Gone, Phase};
use crate::support::{Scene, text};

/// The source of an entry that is its own plugin and logs `name`.
fn entry(scene: &Scene, name: &str) -> String {
    format!(
        "{}\ndef initialize(context):\n    log('init {name}')\ndef shutdown():\n    log('shutdown {name}')\n",
        scene.log_function()
    )
}

/// Writes a folder plugin with these files and says which entry is loaded.
fn entry_of(manifest: &str, files: &[&str]) -> String {
    let scene = Scene::new();
    scene.write("folder/plugin.json", manifest);
    for file in files {
        scene.write(format!("folder/{file}"), entry(&scene, file));
    }
    let mut watch = scene.watch();
    let live = watch.expect_loaded("a");
    assert_eq!(watch.wait_ready().plugins, 1);
    let root = text(scene.path("folder")) + "/";
    let name = live.path.strip_prefix(&root).expect("the entry lies in the folder").to_owned();
    assert_eq!(scene.log(), [format!("init {name}")]);
    name
}

#[test]
fn the_entry_of_plugin_json() {
    let files = ["plugin.py", "__init__.py", "folder.py", "other.py"];
    assert_eq!(entry_of(r#"{"id": "a", "entry": "other.py"}"#, &files), "other.py");
}

#[test]
fn an_entry_in_a_subfolder() {
    let files = ["plugin.py", "src/main.py"];
    assert_eq!(entry_of(r#"{"id": "a", "entry": "src/main.py"}"#, &files), "src/main.py");
}

#[test]
fn else_plugin_py() {
    let files = ["plugin.py", "__init__.py", "folder.py", "other.py"];
    assert_eq!(entry_of(r#"{"id": "a"}"#, &files), "plugin.py");
}

#[test]
fn else_init_py() {
    assert_eq!(entry_of(r#"{"id": "a"}"#, &["__init__.py", "folder.py", "o.py"]), "__init__.py");
}

#[test]
fn else_the_name_of_the_folder() {
    assert_eq!(entry_of(r#"{"id": "a"}"#, &["folder.py", "other.py"]), "folder.py");
}

#[test]
fn else_the_only_one() {
    assert_eq!(entry_of(r#"{"id": "a"}"#, &["other.py"]), "other.py");
}

/// A folder plugin that fails at its metadata.
fn bad(manifest: &str, prepare: impl FnOnce(&Scene)) -> String {
    let scene = Scene::new();
    scene.write("folder/plugin.json", manifest);
    prepare(&scene);
    let failed = scene.watch().expect_failure();
    assert_eq!(failed.phase, Phase::Metadata, "{failed:?}");
    assert!(!failed.kept);
    assert_eq!(scene.log(), Vec::<String>::new());
    failed.error.message
}

#[test]
fn no_entry_among_several() {
    bad(r#"{"id": "a"}"#, |scene| {
        scene.write("folder/x.py", entry(scene, "x"));
        scene.write("folder/y.py", entry(scene, "y"));
    });
}

#[test]
fn an_entry_that_is_not_there() {
    let message = bad(r#"{"id": "a", "entry": "nowhere.py"}"#, |scene| {
        scene.write("folder/plugin.py", entry(scene, "plugin"));
    });
    assert!(message.contains("nowhere.py"), "{message}");
}

#[test]
fn an_entry_outside_the_folder() {
    for place in ["../outside.py", "sub/../../outside.py"] {
        bad(&format!(r#"{{"id": "a", "entry": "{place}"}}"#), |scene| {
            scene.write("outside.py", entry(scene, "outside"));
            scene.write("folder/sub/x.txt", "");
        });
    }
}

#[test]
fn an_absolute_entry_outside_the_folder() {
    let scene = Scene::new();
    let outside = text(scene.write_outside("outside.py", entry(&scene, "outside")));
    scene.write("folder/plugin.json", format!(r#"{{"id": "a", "entry": "{outside}"}}"#));
    assert_eq!(scene.watch().expect_failure().phase, Phase::Metadata);
    assert_eq!(scene.log(), Vec::<String>::new());
}

#[test]
fn an_entry_that_a_symlink_leads_outside() {
    bad(r#"{"id": "a"}"#, |scene| {
        let outside = scene.write_outside("outside.py", entry(scene, "outside"));
        symlink(outside, scene.path("folder/plugin.py")).unwrap();
    });
}

#[test]
fn no_id() {
    let message = bad(r#"{"name": "a"}"#, |scene| {
        scene.write("folder/plugin.py", entry(scene, "plugin"));
    });
    assert!(message.contains("id"), "{message}");
}

#[test]
fn a_wrong_type_names_its_field() {
    for (field, value) in [
        ("dependencies", "\"b\""),
        ("tags", "[1]"),
        ("version", "3"),
        ("timeout", "\"long\""),
        ("reload", "\"sideways\""),
        ("isolation", "7"),
        ("inputs", "\"yes\""),
        ("entry", "[]"),
        ("class", "1"),
    ] {
        let message = bad(&format!(r#"{{"id": "a", "{field}": {value}}}"#), |scene| {
            scene.write("folder/plugin.py", entry(scene, "plugin"));
        });
        assert!(message.contains(field), "{field}: {message}");
    }
}

#[test]
fn unknown_fields_are_no_fault() {
    assert_eq!(entry_of(r#"{"id": "a", "colour": [1, {"x": null}]}"#, &["plugin.py"]), "plugin.py");
}

#[test]
fn a_broken_plugin_json_heals() {
    let scene = Scene::new();
    scene.write("folder/plugin.json", r#"{"id": "a","#);
    scene.write("folder/plugin.py", entry(&scene, "plugin"));
    let mut watch = scene.watch();
    let failed = watch.expect_failure();
    assert!(matches!(failed.phase, Phase::Metadata | Phase::Parse), "{failed:?}");
    assert!(!failed.kept);
    watch.wait_ready();
    scene.write("folder/plugin.json", r#"{"id": "a"}"#);
    assert_eq!(watch.expect_loaded("a").generation, 1);
}

#[test]
fn a_plugin_json_that_is_no_object_fails() {
    for manifest in ["[]", "\"a\"", "null", ""] {
        let scene = Scene::new();
        scene.write("folder/plugin.json", manifest);
        scene.write("folder/plugin.py", entry(&scene, "plugin"));
        let failed = scene.watch().expect_failure();
        assert!(matches!(failed.phase, Phase::Metadata | Phase::Parse), "{failed:?}");
    }
}

#[test]
fn a_broken_edit_of_plugin_json_is_kept() {
    let scene = Scene::new();
    scene.probe();
    scene.write("folder/plugin.json", r#"{"id": "a"}"#);
    scene.write("folder/plugin.py", entry(&scene, "plugin"));
    let mut watch = scene.watching();
    scene.write("folder/plugin.json", "{");
    let failed = watch.expect_failed("a");
    assert!(failed.kept);
    watch.assert_quiet();
    assert_eq!(scene.log(), ["init plugin"]);
    scene.write("folder/plugin.json", r#"{"id": "a", "version": "2.0.0"}"#);
    let live = watch.expect_reloaded("a");
    assert_eq!((live.generation, live.version.as_str()), (2, "2.0.0"));
}

#[test]
fn an_edit_of_plugin_json_is_a_reload() {
    let scene = Scene::new();
    scene.write("folder/plugin.json", r#"{"id": "a", "version": "1.0.0"}"#);
    scene.write("folder/plugin.py", entry(&scene, "plugin"));
    let mut watch = scene.watching();
    let manifest = scene.write("folder/plugin.json", r#"{"id": "a", "version": "2.0.0"}"#);
    let live = watch.expect_reloaded("a");
    assert_eq!(live.version, "2.0.0");
    assert_eq!(live.changed, [text(manifest)]);
    assert!(matches!(live.because, Because::Edit | Because::Metadata), "{live:?}");
    assert_eq!(live.path, text(scene.path("folder/plugin.py")));
}

#[test]
fn plugin_json_is_trusted_more_than_the_source() {
    let scene = Scene::new();
    scene.write("folder/plugin.json", r#"{"id": "a", "version": "3.0.0"}"#);
    let metadata = "PLUGIN_METADATA = {'id': 'ghost', 'version': '1.0.0', 'name': 'n'}\n";
    scene.write("folder/plugin.py", format!("{metadata}{}", entry(&scene, "plugin")));
    let mut watch = scene.watch();
    assert_eq!(watch.expect_loaded("a").version, "3.0.0");
    assert_eq!(watch.wait_ready().plugins, 1);
}

#[test]
fn what_lies_below_is_no_plugin_of_its_own() {
    let scene = Scene::new();
    scene.write("folder/plugin.json", r#"{"id": "a"}"#);
    scene.write("folder/plugin.py", entry(&scene, "plugin"));
    scene.plugin("ghost").save("folder/ghost.py");
    scene.plugin("deep").save("folder/sub/deep.py");
    assert_eq!(scene.watch().wait_ready().plugins, 1);
    assert_eq!(scene.log(), ["init plugin"]);
}

#[test]
fn a_folder_plugin_that_appears_is_loaded_once() {
    let scene = Scene::new();
    scene.probe();
    scene.write_outside("made/plugin.json", r#"{"id": "a"}"#);
    scene.write_outside("made/plugin.py", entry(&scene, "plugin"));
    let mut watch = scene.watching();
    std::fs::rename(scene.outside("made"), scene.path("folder")).unwrap();
    watch.expect_loaded("a");
    watch.assert_quiet();
    assert_eq!(scene.log(), ["init plugin"]);
}

#[test]
fn a_deleted_folder_plugin_is_unloaded() {
    let scene = Scene::new();
    scene.write("folder/plugin.json", r#"{"id": "a"}"#);
    scene.write("folder/plugin.py", entry(&scene, "plugin"));
    let mut watch = scene.watching();
    std::fs::remove_dir_all(scene.path("folder")).unwrap();
    let gone = watch.expect_unloaded("a");
    assert_eq!(gone.because, Gone::Deleted);
    assert_eq!(gone.path, text(scene.path("folder/plugin.py")));
    assert_eq!(scene.told("shutdown plugin"), 1);
}

#[test]
fn a_folder_that_fails_at_its_start_is_told_under_its_entry() {
    for manifest in [
        r#"{"id": "a", "reload": "overlp"}"#,
        r#"{"id": "a", "timeout": -1, "entry": "plugin.py"}"#,
        r#"{"id": "no id"}"#,
        r#"{"id": 3, "entry": "plugin.py"}"#,
        "no json",
    ] {
        let scene = Scene::new();
        let manifest = scene.write("f/plugin.json", manifest);
        let path = scene.write("f/plugin.py", entry(&scene, "x"));
        let failed = scene.watch().expect_failure();
        assert_eq!(failed.phase, Phase::Metadata);
        assert_eq!((failed.path, failed.error.file), (text(path), Some(text(manifest))));
    }
    let scene = Scene::new();
    let manifest = scene.write("f/plugin.json", r#"{"id": "a"}"#);
    assert_eq!(scene.watch().expect_failure().path, text(manifest), "there is no entry");
}

#[test]
fn an_edit_while_the_entry_is_in_doubt_counts_once_it_is_not() {
    let scene = Scene::new();
    scene.probe();
    scene.write("f/plugin.json", r#"{"id": "f"}"#);
    scene.plugin("f").save("f/main.py");
    let mut watch = scene.watching();
    scene.write("f/other.py", "x = 1\n");
    assert_eq!(watch.expect_failed("f").error.kind, "NoEntry");
    scene.plugin("f").tag("two").save("f/main.py");
    watch.assert_quiet();
    scene.remove("f/other.py");
    let live = watch.expect_reloaded("f");
    assert_eq!(live.changed, [text(scene.path("f/other.py"))]);
    assert_eq!(scene.told("f init two"), 1);
}
