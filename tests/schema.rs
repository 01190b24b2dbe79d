//! The JSON Schemas in `schema/`: made by the code, and of one mind with it. With REPLUG_UPDATE set
//! the files are written anew: `REPLUG_UPDATE=1 cargo test --test schema`.

#![expect(clippy::unwrap_used, reason = "what tests share may fail like tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use replug::discovery;
use replug::model::PluginId;
use replug::model::check_fields;
use replug::settings::{self, CliLayer, SettingsError};
use serde_json::{Value, json};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_files_are_what_the_code_says() {
    for (file, schema) in [
        ("schema/watch.schema.json", settings::schema()),
        ("schema/plugin.schema.json", discovery::schema()),
    ] {
        let text = format!("{schema:#}\n");
        if env::var_os("REPLUG_UPDATE").is_some() {
            fs::write(project(file), &text).unwrap();
        }
        let written = fs::read_to_string(project(file)).unwrap();
        assert!(written == text, "{file} is behind: REPLUG_UPDATE=1 cargo test --test schema");
    }
}

/// Says whether a value is as the schema wants it, and why not.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new(schema: Value) -> Self {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.set_default_draft(Draft::V2020_12);
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| error.to_string())
    }
}

/// What the program says of a `watch.toml`.
fn load(text: &str) -> Result<(), SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("watch.toml"), text).unwrap();
    settings::load(&CliLayer::new(folder.path())).map(|_| ())
}

fn toml_as_json(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

#[test]
fn the_samples_are_valid() {
    let watch = Validator::new(settings::schema());
    let text = fs::read_to_string(project("watch.toml")).unwrap();
    watch.check(&toml_as_json(&text)).unwrap();
    let plugin = Validator::new(discovery::schema());
    let mut seen = 0;
    for entry in fs::read_dir(project("sample-plugins")).unwrap() {
        let Ok(text) = fs::read_to_string(entry.unwrap().path().join("plugin.json")) else {
            continue;
        };
        plugin.check(&serde_json::from_str(&text).unwrap()).unwrap();
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_schema_of_watch_toml_has_the_keys_that_the_program_knows() {
    let schema = settings::schema();
    for (header, pointer) in [
        ("", ""),
        ("[watch]\n", "/properties/watch"),
        ("[reload]\n", "/properties/reload"),
        ("[plugins.p]\n", "/properties/plugins/additionalProperties"),
    ] {
        // The program lists its keys when it is asked for one that is like none of them.
        let error = load(&format!("{header}'?' = 1\n")).unwrap_err().to_string();
        let (_, list) = error.split_once("known keys are ").unwrap_or_else(|| panic!("{error}"));
        let known: BTreeSet<&str> = list.split(", ").map(|key| key.trim_matches('`')).collect();
        let table = schema.pointer(pointer).unwrap();
        let properties = table["properties"].as_object().unwrap();
        let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(described, known, "{header}");
        assert_eq!(table["additionalProperties"], json!(false), "{header}");
    }
}

/// Values to try at each key: some good, some bad, some at the edge.
const VALUES: &[&str] = &[
    "true",
    "false",
    "-1",
    "0",
    "1",
    "20",
    "60000",
    "60001",
    "86400",
    "86401",
    "3600000",
    "3600001",
    "0.0001",
    "0.001",
    "2.5",
    "nan",
    "\"\"",
    "\"auto\"",
    "\"never\"",
    "\"exclusive\"",
    "\"overlap\"",
    "\"none\"",
    "\"shared\"",
    "\"process\"",
    "\"eager\"",
    "\"lazy\"",
    "\"x y\"",
    "[]",
    "[\"a\"]",
    "[\"\"]",
    "[1]",
    "[\"a\", 1]",
    "{}",
    "{ a = 1 }",
    "{ p = {} }",
    "{ 'no id' = {} }",
    "{ p = { enabled = 1 } }",
];

#[test]
fn the_schema_of_watch_toml_allows_what_the_program_accepts() {
    let validator = Validator::new(settings::schema());
    let schema = settings::schema();
    let mut agreed = [0, 0];
    for (header, pointer) in [
        ("", ""),
        ("[watch]\n", "/properties/watch"),
        ("[reload]\n", "/properties/reload"),
        ("[plugins.\"a.b\"]\n", "/properties/plugins/additionalProperties"),
    ] {
        let table = schema.pointer(pointer).unwrap();
        for key in table["properties"].as_object().unwrap().keys() {
            for value in VALUES {
                let text = format!("{header}{key} = {value}\n");
                let accepts = load(&text);
                let allows = validator.check(&toml_as_json(&text));
                assert_eq!(accepts.is_ok(), allows.is_ok(), "{text}{accepts:?}\n{allows:?}");
                agreed[usize::from(accepts.is_ok())] += 1;
            }
        }
    }
    assert!(agreed.iter().all(|count| *count > 30), "{agreed:?}");
}

#[test]
fn the_schema_of_plugin_json_allows_what_the_program_accepts() {
    let schema = discovery::schema();
    let validator = Validator::new(schema.clone());
    let id = PluginId::new("a").unwrap();
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("eager"),
        json!("lazy"),
        json!("exclusive"),
        json!("overlap"),
        json!("none"),
        json!("shared"),
        json!("process"),
        json!([]),
        json!(["a.b"]),
        json!(["no id"]),
        json!([1]),
        json!({}),
        json!({"name": "x"}),
    ];
    let mut agreed = [0, 0];
    let fields = schema["properties"].as_object().unwrap().keys();
    for field in fields.filter(|field| *field != "id").chain([&"homepage".to_owned()]) {
        for value in &values {
            let manifest = json!({"id": "a", field: value});
            let accepts = check_fields(manifest.as_object().unwrap(), &id);
            let allows = validator.check(&manifest);
            assert_eq!(accepts.is_ok(), allows.is_ok(), "{manifest}{accepts:?}\n{allows:?}");
            agreed[usize::from(accepts.is_ok())] += 1;
        }
    }
    assert!(agreed.iter().all(|count| *count > 30), "{agreed:?}");
}

#[test]
fn an_id_is_asked_for_and_is_one() {
    let validator = Validator::new(discovery::schema());
    for text in ["a", "com.example.a", "_x-1", "1", "", "-a", ".a", "a b", "a\n", "é", "a/b"] {
        let allows = validator.check(&json!({"id": text}));
        assert_eq!(PluginId::new(text).is_some(), allows.is_ok(), "{text:?} {allows:?}");
    }
    validator.check(&json!({"name": "without"})).unwrap_err();
    validator.check(&json!([])).unwrap_err();
}
