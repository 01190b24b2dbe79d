//! Metadata that is no literal: what it is shows when the plugin runs, and no value is lost.

use serde_json::{Value, json};

use crate::list::said;
use crate::support::event::{Because, Event, Phase};
use crate::support::{Scene, text};

/// A module that is its own plugin and logs its configuration, after these lines.
fn module(scene: &Scene, lines: &str) -> String {
    format!(
        "{}{lines}\ndef initialize(context):\n    import json\n    \
         log(json.dumps(context.get_configuration_manager().get_plugin_config()))\n",
        scene.log_function()
    )
}

/// The configuration that a plugin with these lines gets.
fn configuration(lines: &str) -> Value {
    let scene = Scene::new();
    scene.write("a.py", module(&scene, lines));
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    serde_json::from_str(&scene.log().join("\n")).unwrap()
}

/// How the start of a plugin with these lines fails.
fn refusal(lines: &str) -> String {
    let scene = Scene::new();
    let path = scene.write("a.py", module(&scene, lines));
    let failed = scene.watch().expect_failed("a");
    assert_eq!((failed.phase, &failed.path), (Phase::Metadata, &text(&path)));
    assert_eq!(failed.error.kind, "InvalidMetadata");
    assert_eq!(failed.error.file.as_deref(), Some(text(path).as_str()));
    let line = failed.error.line.expect("the line of the field");
    let said = module(&scene, lines);
    let field = failed.error.message.split('`').nth(1).unwrap();
    assert!(said.lines().nth(line as usize - 1).unwrap().contains(field), "{failed:?}");
    assert!(scene.log().is_empty(), "it was initialized");
    failed.error.message
}

#[test]
fn one_value_that_is_computed_takes_no_other_along() {
    for (said, meant) in [
        ("{'a': PORT, 'b': 1}", json!({"a": 5, "b": 1})),
        ("{'a': 60*60}", json!({"a": 3600})),
        ("{'a': f'x{PORT}'}", json!({"a": "x5"})),
        ("dict(a=1)", json!({"a": 1})),
        ("{'a': {'b': (PORT, {7})}}", json!({"a": {"b": [5, [7]]}})),
        ("{'a': 18446744073709551615 + 0}", json!({"a": 18446744073709551615_u64})),
    ] {
        let lines = format!("PORT = 5\nPLUGIN_METADATA = {{'id': 'a', 'configuration': {said}}}");
        assert_eq!(configuration(&lines), meant, "{said}");
    }
}

#[test]
fn what_the_settings_say_is_merged_over_what_is_computed() {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "[plugins.a]\nconfiguration = { b = 2 }\n");
    let lines = "PORT = 5\nPLUGIN_METADATA = {'id': 'a', 'configuration': {'a': PORT, 'b': 1}}";
    scene.write("a.py", module(&scene, lines));
    scene.watch().expect_loaded("a");
    assert_eq!(scene.log(), [r#"{"a": 5, "b": 2}"#]);
}

#[test]
fn plugin_metadata_counts_for_more_than_get_metadata_when_it_is_computed_too() {
    let lines = "from qtforge.core import PluginMetadata\nPORT = 5
PLUGIN_METADATA = {'id': 'a', 'configuration': {'a': PORT}}
def get_metadata():
    return PluginMetadata(id='a', configuration={'a': 1}, version='2.0')";
    assert_eq!(configuration(lines), json!({"a": 5}));
    let spread = "from qtforge.core import PluginMetadata\nCOMMON = {'configuration': {'a': 5}}
PLUGIN_METADATA = {'id': 'a', 'configuration': {'a': 0}, **COMMON}
def get_metadata():
    return PluginMetadata(id='a', configuration={'a': 1})";
    assert_eq!(configuration(spread), json!({"a": 5}));
}

#[test]
fn plugin_json_counts_for_more_than_what_is_computed() {
    let scene = Scene::new();
    scene.write("f/plugin.json", r#"{"id": "a", "configuration": {"a": 1}}"#);
    let lines = "PORT = 5\nPLUGIN_METADATA = {'configuration': {'a': PORT}, 'version': str(PORT)}";
    scene.write("f/plugin.py", module(&scene, lines));
    assert_eq!(scene.watch().expect_loaded("a").version, "5");
    assert_eq!(scene.log(), [r#"{"a": 1}"#]);
}

#[test]
fn what_json_cannot_hold_is_told_with_its_field() {
    for (said, told) in [
        ("{1: 2, 'a': 1}", "`configuration` has the key 1, and JSON has only strings for keys"),
        (
            "{'a': 1, 'b': b'x'}",
            "`configuration` has at `b` a value of type bytes, which JSON cannot hold",
        ),
        ("{'a': [1e999]}", "`configuration` has at `a[0]` inf, which JSON has no number for"),
        ("{'a': 10**30}", "`configuration` has at `a` an integer of more than 64 bits"),
        (
            "{'a': ...}",
            "`configuration` has at `a` a value of type ellipsis, which JSON cannot hold",
        ),
        (
            "{'a': '\\ud800'}",
            "`configuration` has at `a` a string that is no text: half of a surrogate pair",
        ),
    ] {
        let lines = format!("PLUGIN_METADATA = {{'id': 'a', 'configuration': {said}}}");
        assert_eq!(refusal(&lines), told, "{said}");
    }
    let endless =
        "LOOP = []\nLOOP.append(LOOP)\nPLUGIN_METADATA = {'id': 'a', 'configuration': {'a': LOOP}}";
    assert!(refusal(endless).contains("maybe it holds itself"));
}

#[test]
fn a_wrong_type_that_is_computed_names_its_field() {
    let lines = "N = 3\nPLUGIN_METADATA = {'id': 'a', 'version': N}";
    assert_eq!(refusal(lines), "`version` must be a string, not a number");
    let lines = "N = 'b'\nPLUGIN_METADATA = {'id': 'a', 'dependencies': N}";
    assert_eq!(refusal(lines), "`dependencies` must be a list of strings, not a string");
}

#[test]
fn what_nobody_reads_may_be_anything() {
    let lines =
        "from pathlib import Path\nPLUGIN_METADATA = {'id': 'a', 'icon': Path('a.png'), 1: 2}";
    assert_eq!(configuration(lines), json!({}));
}

#[test]
fn a_computed_version_is_told_with_the_outcome() {
    let scene = Scene::new();
    let lines = "VERSION = '4.5'\nPLUGIN_METADATA = {'id': 'a', 'version': VERSION}";
    scene.write("a.py", module(&scene, lines));
    assert_eq!(scene.watch().expect_loaded("a").version, "4.5");
}

/// A plugin `id` that depends, by a computed value, on `needs`.
fn needy(scene: &Scene, id: &str, needs: &str) {
    scene.plugin(id).body("").save(&format!("{id}.py"));
    let source = scene.plugin(id).metadata("\"dependencies\": NEEDS,").text();
    let source = format!("NEEDS = {needs}\n{source}");
    scene.write(format!("{id}.py"), source);
}

#[test]
fn computed_dependencies_are_started_before() {
    let scene = Scene::with(&["z"]);
    needy(&scene, "a", "['m']");
    needy(&scene, "m", "['z']");
    let (mut watch, events) = scene.first_pass();
    let told: Vec<String> = events
        .iter()
        .filter(|event| event.is_outcome())
        .map(|event| match event {
            Event::Loaded(live) => live.id.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["z", "m", "a"]);
    let inits: Vec<String> = scene.log().into_iter().filter(|line| line.contains("init")).collect();
    assert_eq!(inits, ["z init one", "m init one", "a init one"]);
    // From here on they are dependents like any other.
    scene.take_log();
    scene.plugin("z").tag("two").save("z.py");
    watch.expect_reloaded("z");
    assert_eq!(watch.expect_reloaded("m").because, Because::Dependency);
    assert_eq!(watch.expect_reloaded("a").because, Because::Dependency);
    let ends: Vec<String> = scene.log().into_iter().filter(|l| l.contains("shutdown")).collect();
    assert_eq!(ends, ["a shutdown one", "m shutdown one", "z shutdown one"]);
    scene.remove("z.py");
    watch.expect_unloaded("z");
    for id in ["m", "a"] {
        let failed = watch.expect_failed(id);
        assert_eq!((failed.phase, failed.kept), (Phase::Dependency, false));
    }
}

#[test]
fn a_computed_dependency_that_is_missing_is_waited_for() {
    let scene = Scene::new();
    needy(&scene, "a", "['b']");
    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!(failed.phase, Phase::Dependency);
    assert!(failed.error.message.contains("the plugin b, which is not there"), "{failed:?}");
    assert_eq!(failed.error.line, Some(3));
    watch.wait_ready();
    scene.plugin("b").save("b.py");
    watch.expect_loaded("b");
    watch.expect_loaded("a");
    // An edit that asks for what is not there leaves what runs alone.
    needy(&scene, "a", "['b', 'c']");
    let failed = watch.expect_failed("a");
    assert!(failed.kept && failed.error.message.contains("plugin c"), "{failed:?}");
    needy(&scene, "a", "[]");
    assert_eq!(watch.expect_reloaded("a").generation, 2);
    watch.stop();
}

#[test]
fn check_and_list_say_what_they_cannot_know() {
    let scene = Scene::new();
    scene.write(
        "a.py",
        "V = '1'\nPLUGIN_METADATA = {\n    'id': 'a',\n    'version': V,\n    'dependencies': [V],\n    \
         'icon': V,\n}\n",
    );
    let (code, stdout, _) = said(&scene.command(["check", "plugins"]).output().unwrap());
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.starts_with(
        "warning[ComputedField]: `version` is no literal, so what it is shows only when the plugin \
         runs\n --> plugins/a.py:4:5\n"
    ), "{stdout}");
    assert!(
        stdout.contains("`dependencies` is no literal") && !stdout.contains("icon"),
        "{stdout}"
    );
    let (_, stdout, _) = said(&scene.command(["list", "plugins"]).output().unwrap());
    assert_eq!(stdout.lines().nth(1).unwrap(), "a   ?        file  plugins/a.py  ?");
    let (_, stdout, _) = said(&scene.command(["list", "--json", "plugins"]).output().unwrap());
    let line: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(line["computed"], json!(["dependencies", "version"]));
}
