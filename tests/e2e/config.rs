//! `watch.toml`, options and environment: what they do, and how their faults are told.

use crate::support::event::{Event, Phase};
use crate::support::{Scene, Watch, text};

/// Runs to the end, which must be exit code 2: what stderr said.
fn refused(mut watch: Watch) -> String {
    let (_, status) = watch.finish();
    if status.code() != Some(2) {
        watch.fail(&format!("expected exit code 2, got {status}"));
    }
    watch.stderr()
}

/// `watch.toml` with this text is refused; stderr says all of these.
fn bad_file(toml: &str, said: &[&str]) {
    let scene = Scene::with(&["a"]);
    scene.write_outside("watch.toml", toml);
    let stderr = refused(scene.watch());
    for word in said {
        assert!(stderr.contains(word), "{word:?} is not in:\n{stderr}");
    }
    assert_eq!(scene.log(), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest() {
    bad_file("[reload]\ntimeuot = 5\n", &["watch.toml:2:1", "timeuot", "timeout"]);
    bad_file("\n\npathes = ['x']\n", &["watch.toml:3:1", "pathes", "paths"]);
    bad_file(
        "[watch]\nignore = []\n  settle_sm = 5\n",
        &["watch.toml:3:3", "settle_sm", "settle_ms"],
    );
    bad_file("[plugins.a]\nenabeld = true\n", &["watch.toml:2:1", "enabeld", "enabled"]);
}

#[test]
fn an_unknown_table_is_told() {
    bad_file("[relaod]\ntimeout = 5\n", &["watch.toml:1:", "relaod", "reload"]);
}

#[test]
fn a_wrong_type_is_told_with_its_place() {
    bad_file("[reload]\ntimeout = 'long'\n", &["watch.toml:2:", "timeout"]);
    bad_file("paths = 5\n", &["watch.toml:1:", "paths"]);
    bad_file("[plugins.a]\nenabled = 'no'\n", &["watch.toml:2:", "enabled"]);
}

#[test]
fn a_wrong_word_is_told() {
    bad_file("[reload]\nmode = 'sideways'\n", &["watch.toml:2:", "sideways", "overlap"]);
    bad_file("[reload]\nisolation = 'much'\n", &["watch.toml:2:", "much", "process"]);
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    bad_file("[reload]\ntimeout = \n", &["watch.toml:2:"]);
}

#[test]
fn a_configuration_file_that_is_not_there() {
    let scene = Scene::with(&["a"]);
    let args = ["watch", "--json", "--config", "nowhere.toml", &text(scene.root())];
    assert!(refused(scene.start(args)).contains("nowhere.toml"));
}

#[test]
fn an_unknown_option() {
    let scene = Scene::with(&["a"]);
    let stderr = refused(scene.start(["watch", "--jsom", &text(scene.root())]));
    assert!(stderr.contains("--jsom"), "{stderr}");
}

#[test]
fn a_bad_value_of_an_option() {
    let scene = Scene::with(&["a"]);
    for args in [["--settle", "soon"], ["--isolation", "much"], ["--timeout", "-"]] {
        refused(scene.start(["watch", "--json", args[0], args[1], &text(scene.root())]));
    }
}

#[test]
fn the_paths_of_the_file_are_relative_to_it() {
    let scene = Scene::new();
    scene.write_outside("project/sub/plugins/a.py", scene.plugin("a").text());
    let file = scene.write_outside("project/watch.toml", "paths = [\"sub/plugins\"]\n");
    let mut watch = scene.start(["watch", "--json", "--config", &text(file)]);
    let live = watch.expect_loaded("a");
    assert_eq!(live.path, text(scene.outside("project/sub/plugins/a.py")));
    assert_eq!(watch.wait_ready().plugins, 1);
}

#[test]
fn the_file_of_the_current_folder_is_found() {
    let scene = Scene::with(&["a"]);
    scene.write_outside("watch.toml", "paths = [\"plugins\"]\n");
    // Beside the root, so that the current folder as a root would find one more.
    scene.write_outside("b.py", scene.plugin("b").text());
    let mut watch = scene.start(["watch", "--json"]);
    watch.expect_loaded("a");
    assert_eq!(watch.wait_ready().plugins, 1);
}

#[test]
fn a_path_on_the_command_line_takes_the_place_of_the_files() {
    let scene = Scene::with(&["a"]);
    scene.write_outside("other/b.py", scene.plugin("b").text());
    scene.write_outside("watch.toml", "paths = [\"other\"]\n");
    let mut watch = scene.watch();
    watch.expect_loaded("a");
    assert_eq!(watch.wait_ready().plugins, 1);
}

#[test]
fn an_option_has_an_environment_variable() {
    let scene = Scene::with(&["a"]);
    let elsewhere = scene.write_outside("elsewhere/w.toml", "paths = [\"../plugins\"]\n");
    let mut command = scene.command(["watch", "--json"]);
    command.env("REPLUG_CONFIG", &elsewhere).env("REPLUG_NOBODY_KNOWS", "1");
    let mut watch = Watch::start(command);
    watch.expect_loaded("a");
    watch.wait_ready();
}

#[test]
fn the_command_line_goes_before_the_environment() {
    let scene = Scene::with(&["a"]);
    let bad = scene.write_outside("bad.toml", "nonsense = 1\n");
    let good = scene.write_outside("good.toml", "paths = [\"plugins\"]\n");
    let mut command = scene.command(["watch", "--json", "--config", &text(good)]);
    command.env("REPLUG_CONFIG", bad);
    let mut watch = Watch::start(command);
    watch.expect_loaded("a");
    watch.wait_ready();
}

#[test]
fn a_plugin_that_is_not_enabled_is_not_loaded() {
    let scene = Scene::with(&["a", "com.example.b"]);
    scene.probe();
    scene.write_outside("watch.toml", "[plugins.\"com.example.b\"]\nenabled = false\n");
    let mut watch = scene.watch();
    assert_eq!(watch.wait_ready().plugins, 2);
    scene.plugin("com.example.b").tag("two").save("com.example.b.py");
    watch.assert_quiet();
    assert_eq!(scene.log(), ["a body one", "a init one"]);
}

#[test]
fn a_bad_edit_while_running_keeps_the_old_settings() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    scene.write_outside("watch.toml", "[plugins.a]\nenabled = true\n");
    let mut watch = scene.watching();
    scene.write_outside("watch.toml", "[plugins.a]\nenabeld = false\n");
    watch.wait_stderr("enabeld");
    watch.assert_quiet();
    scene.plugin("a").tag("two").save("a.py");
    watch.expect_reloaded("a");
    scene.write_outside("watch.toml", "[plugins.a]\nenabled = false\n");
    watch.expect_unloaded("a");
}

#[test]
fn each_isolation_carries_a_plugin() {
    for isolation in ["none", "shared"] {
        let scene = Scene::with(&["a"]);
        let mut watch = scene.watching_with(&["--isolation", isolation]);
        scene.plugin("a").tag("two").save("a.py");
        watch.expect_reloaded("a");
        watch.stop();
        let wanted = [
            "a body one",
            "a init one",
            "a shutdown one",
            "a body two",
            "a init two",
            "a shutdown two",
        ];
        assert_eq!(scene.log(), wanted, "{isolation}");
    }
}

#[test]
fn what_this_version_cannot_do_is_refused_at_its_place() {
    for (text, place) in [
        ("[reload]\nisolation = \"process\"", "2:1"),
        ("[reload]\n  preload = [\"json\"]", "2:3"),
        ("[plugins.a]\n\nisolation = 'process'", "3:1"),
        ("[plugins.\"a.b\"]\nlimits = { memory_mb = 256 }", "2:1"),
        ("[plugins.a.limits]\nmemory_mb = 256", "1:12"),
        ("[plugins.a]\nsandbox = { network = false }", "2:1"),
    ] {
        bad_file(text, &[&format!("watch.toml:{place}"), "is not available in this version"]);
    }
}

/// A folder plugin `a` whose `plugin.json` says where it wants to run.
fn wants(scene: &Scene, isolation: &str) {
    let manifest = format!("{{\n  \"id\": \"a\",\n  \"isolation\": \"{isolation}\"\n}}\n");
    scene.write("a/plugin.json", manifest);
}

fn isolation_warnings(events: &[Event]) -> Vec<String> {
    let warning = |event: &Event| match event {
        Event::Warning(warning) if warning.code == "isolation" => Some(warning.message.clone()),
        _ => None,
    };
    events.iter().filter_map(warning).collect()
}

#[test]
fn a_plugin_that_wants_a_process_of_its_own_is_told_that_there_is_none() {
    let scene = Scene::with(&["b"]);
    wants(&scene, "process");
    scene.plugin("a").save("a/plugin.py");
    let check = scene.command(["check", "plugins"]).output().unwrap();
    let checked = String::from_utf8(check.stdout).unwrap();
    let told = "`isolation` \"process\" is not available in this version; all plugins share one";
    assert_eq!(check.status.code(), Some(1));
    assert!(checked.contains(told) && checked.contains("plugin.json:3:3"), "{checked}");

    let mut watch = scene.watch();
    let failed = watch.expect_failed("a");
    assert_eq!((failed.phase, failed.error.line), (Phase::Metadata, Some(3)));
    assert!(failed.error.message.contains(told), "{failed:?}");
    assert_eq!(watch.wait_ready().plugins, 1);
    wants(&scene, "shared");
    watch.expect_loaded("a");
    let events = watch.stop();
    assert_eq!(isolation_warnings(&[watch.seen.clone(), events].concat()), [""; 0]);
}

#[test]
fn a_plugin_that_does_not_run_where_it_wants_is_told_of_once() {
    let scene = Scene::new();
    wants(&scene, "none");
    scene.plugin("a").save("a/plugin.py");
    let mut watch = scene.watching();
    let warning = watch.warned("a", "isolation");
    let told = "its isolation is \"none\", and it runs with \"shared\" as all do";
    assert!(warning.message.starts_with(told), "{warning:?}");
    scene.plugin("a").tag("two").save("a/plugin.py");
    watch.expect_reloaded("a");
    // The user has the last word.
    scene.write_outside("watch.toml", "[plugins.a]\nisolation = \"shared\"\n");
    scene.plugin("a").tag("six").save("a/plugin.py");
    watch.expect_reloaded("a");
    watch.stop();
    assert_eq!(isolation_warnings(&watch.seen).len(), 1, "{:?}", watch.seen);

    let mut watch = scene.watching_with(&["--isolation", "none"]);
    let warning = watch.warned("a", "isolation");
    assert!(warning.message.starts_with("its isolation is \"shared\""), "{warning:?}");
    watch.stop();
}

#[test]
fn what_takes_another_start_is_said() {
    let scene = Scene::with(&["a"]);
    scene.probe();
    let mut watch = scene.watching();
    scene.write_outside("watch.toml", "[reload]\nisolation = \"none\"\n");
    let warning = watch.settings_warning();
    assert_eq!(
        warning,
        "`isolation` is \"none\" now, and plugins go on running with \"shared\": start replug again \
         for that to take effect"
    );
    scene.write_outside(
        "watch.toml",
        "python = \"/nowhere/python\"\n[reload]\nisolation = \"none\"\n",
    );
    assert!(watch.settings_warning().starts_with("`python` is another one now"));
    // Back to what it was, and the rest of the file counts at once.
    scene.write_outside("watch.toml", "[plugins.a]\nenabled = false\n");
    watch.expect_unloaded("a");
    watch.assert_quiet();
    watch.stop();
    assert_eq!(watch.warnings("settings").len(), 2);
}
