//! `replug why` and the import edges of `list --graph`: what an edit would reload, told without running
//! anything.

use serde_json::Value;

use crate::support::{Scene, text};

fn ask(scene: &Scene, args: &[&str]) -> String {
    let output = scene.command(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// `a` imports a shared module by way of an own one, `b` another shared one by way of that, `c` needs `b`.
fn desk() -> Scene {
    let scene = Scene::new();
    scene.write_outside("watch.toml", "paths = ['plugins']\nshared = ['lib']\n");
    scene.write_outside("lib/money.py", "import json\n");
    scene.write_outside("lib/tax/__init__.py", "from .rates import VAT\n");
    scene.write_outside("lib/tax/rates.py", "def vat():\n    import money\nVAT = 1\n");
    scene.plugin("a").body("from helpers import more").save("a/plugin.py");
    scene.write("a/plugin.json", "{\"id\": \"a\", \"watch\": [\"*.sql\"]}");
    scene.write("a/helpers/more.py", "import money, json\n");
    scene.write("a/json.py", "raise SystemExit\n");
    scene.plugin("b").body("import tax").save("b.py");
    scene
        .plugin("c")
        .needs(&["b"])
        .body("try:\n    import later\nexcept ImportError: pass")
        .save("c.py");
    scene
}

#[test]
fn it_tells_the_plugins_in_order_and_the_imports() {
    let scene = desk();
    assert_eq!(
        ask(&scene, &["why", "lib/money.py"]),
        "\
An edit of lib/money.py reloads 3 plugins, as far as the import statements tell:
1. a imports it
     plugins/a/plugin.py:9 imports plugins/a/helpers/more.py
     plugins/a/helpers/more.py:1 imports lib/money.py
2. b imports it
     plugins/b.py:9 imports lib/tax/__init__.py
     lib/tax/__init__.py:1 imports lib/tax/rates.py
     lib/tax/rates.py:2 imports lib/money.py
3. c depends on b
"
    );
    assert!(scene.log().is_empty(), "{:?}", scene.log());
    let told = ask(&scene, &["why", "plugins/a/json.py"]);
    assert!(told.contains("reloads no plugin"), "{told}");
    let told = ask(&scene, &["why", "plugins/a/query.sql"]);
    assert!(told.ends_with("1. a names it in `watch`\n"), "{told}");
    let told = ask(&scene, &["why", "lib/later.py"]);
    assert!(
        told.contains("1. c looks for it\n     plugins/c.py:10 imports lib/later.py\n"),
        "{told}"
    );
    let told = ask(&scene, &["why", "plugins/b.py", "plugins/b.py"]);
    assert!(told.ends_with("1. b has it as its entry\n"), "{told}");
}

#[test]
fn a_program_reads_one_object_a_line() {
    let scene = desk();
    let told = ask(&scene, &["why", "--json", "lib/tax/rates.py"]);
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert_eq!((&lines[0]["order"], &lines[0]["id"]), (&1.into(), &"b".into()));
    assert_eq!(lines[0]["because"], "shared");
    assert_eq!(lines[0]["way"][1]["imports"], text(scene.outside("lib/tax/rates.py")));
    assert_eq!(lines[0]["way"][1]["line"], 1);
    assert_eq!((&lines[1]["because"], &lines[1]["needs"]), (&"dependency".into(), &"b".into()));
    assert_eq!(ask(&scene, &["why", "--json", "nowhere.py"]), "");
}

#[test]
fn what_it_tells_is_what_happens() {
    let scene = desk();
    scene.probe();
    for (file, ids) in [("lib/money.py", &["a", "b", "c"][..]), ("lib/tax/rates.py", &["b", "c"])] {
        let told = ask(&scene, &["why", "--json", file]);
        let told: Vec<Value> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(told.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    }
    // The import in a function of `rates` never happens, so `money` is no business of `b`.
    let mut watch = scene.start(["watch", "--json"]);
    watch.wait_ready();
    scene.write_outside("lib/tax/rates.py", "VAT = 2\n");
    for id in ["b", "c"] {
        watch.expect_reloaded(id);
    }
    watch.assert_quiet();
}

#[test]
fn the_graph_has_the_imports_beside_the_dependencies() {
    let scene = desk();
    assert_eq!(
        ask(&scene, &["list", "--graph"]),
        "\
a
└── plugins/a/helpers/more.py
    └── lib/money.py
c
└── b
    └── lib/tax/__init__.py
        └── lib/tax/rates.py
            └── lib/money.py
"
    );
    let dot = ask(&scene, &["list", "--graph=dot"]);
    assert!(dot.contains("    \"c\" -> \"b\";\n"), "{dot}");
    assert!(dot.contains("    \"lib/money.py\" [shape=oval];\n"), "{dot}");
    assert!(dot.contains("    \"b\" -> \"lib/tax/__init__.py\" [style=dotted];\n"), "{dot}");
}
