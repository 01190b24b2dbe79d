//! `watch.toml` through the public API: what it sets, which layer wins, how each fault reads.

#![expect(clippy::unwrap_used, reason = "what tests share may fail like tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use replug::model::{Activation, Isolation, PluginId, ReloadMode};
use replug::settings::{CliLayer, Partial, Poll, Settings, SettingsError, load};
use serde_json::json;
use tempfile::TempDir;

/// A folder to be started in.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with this `watch.toml`.
    fn with(text: impl AsRef<[u8]>) -> Self {
        let project = Self::new();
        fs::write(project.path("watch.toml"), text).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn layer(&self) -> CliLayer {
        CliLayer::new(self.folder.path())
    }

    fn load(&self) -> Result<Settings, SettingsError> {
        load(&self.layer())
    }

    /// The roots if these are the PATHs of the command line.
    fn roots(&self, paths: &[&str]) -> Vec<PathBuf> {
        let mut layer = self.layer();
        layer.options.paths =
            Some(paths.iter().map(|path| layer.absolute(Path::new(path))).collect());
        load(&layer).unwrap().roots
    }
}

fn settings(text: &str) -> Settings {
    Project::with(text).load().unwrap()
}

fn error(text: impl AsRef<[u8]>) -> SettingsError {
    Project::with(text).load().unwrap_err()
}

#[track_caller]
fn refuses(text: &str, message: &str) {
    assert_eq!(error(text).to_string(), message, "for:\n{text}");
}

#[test]
fn nothing_said_means_the_defaults_of_the_contract() {
    let project = Project::new();
    let settings = project.load().unwrap();
    assert_eq!(
        settings,
        Settings {
            roots: vec![project.path("")],
            shared: Vec::new(),
            python: None,
            config_file: None,
            ignore: Vec::new(),
            gitignore: false,
            settle: Duration::from_millis(20),
            poll: Poll::Auto,
            timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(3),
            mode: ReloadMode::Exclusive,
            isolation: Isolation::Shared,
            preload: Vec::new(),
            plugins: Default::default(),
        }
    );
}

#[test]
fn an_empty_file_changes_nothing_but_is_in_force() {
    let project = Project::with("");
    let defaults = Project::load(&project).unwrap();
    assert_eq!(defaults.config_file, Some(project.path("watch.toml")));
    assert_eq!(defaults.roots, [project.path("")]);
    assert_eq!(defaults.settle, Duration::from_millis(20));
}

#[test]
fn every_available_key_arrives() {
    let project = Project::with(
        r#"
        paths = ["plugins", "/srv/more"]
        shared = ["lib/"]
        python = "./.venv/bin/python"
        [watch]
        ignore = ["*.generated.py", "!keep.generated.py"]
        gitignore = true
        settle_ms = 0x0A
        poll = "never"
        [reload]
        timeout = 2.5
        shutdown_timeout = 1
        mode = "overlap"
        isolation = "none"
        [plugins."com.example.clock"]
        enabled = false
        activation = "lazy"
        timeout = 30
        isolation = "none"
        [plugins.plain]
        "#,
    );
    let settings = project.load().unwrap();
    assert_eq!(settings.roots, [project.path("plugins"), PathBuf::from("/srv/more")]);
    assert_eq!(settings.shared, [project.path("lib")]);
    assert_eq!(settings.python, Some(project.path(".venv/bin/python")));
    assert_eq!(settings.ignore, ["*.generated.py", "!keep.generated.py"]);
    assert!(settings.gitignore);
    assert_eq!(settings.settle, Duration::from_millis(10));
    assert_eq!(settings.poll, Poll::Never);
    assert_eq!(settings.timeout, Duration::from_millis(2500));
    assert_eq!(settings.shutdown_timeout, Duration::from_secs(1));
    assert_eq!(settings.mode, ReloadMode::Overlap);
    assert_eq!(settings.isolation, Isolation::None);
    let clock = &settings.plugins[&PluginId::new("com.example.clock").unwrap()];
    assert!(!clock.enabled);
    assert_eq!(clock.activation, Some(Activation::Lazy));
    assert_eq!(clock.timeout, Some(Duration::from_secs(30)));
    assert_eq!(clock.isolation, Some(Isolation::None));
    let plain = &settings.plugins[&PluginId::new("plain").unwrap()];
    assert!(plain.enabled);
    assert_eq!((plain.activation, plain.timeout), (None, None));
}

#[test]
fn configuration_becomes_json_in_its_own_order() {
    let settings = settings(
        r#"
        [plugins.a.configuration]
        zeta = 1
        alpha = [1.5, true, "text", { deep = -7 }]
        since = 2024-02-29T12:00:00Z
        day = 2024-02-29
        [plugins.a.configuration.below]
        key = ""
        "#,
    );
    let configuration = &settings.plugins[&PluginId::new("a").unwrap()].configuration;
    assert_eq!(
        serde_json::Value::from(configuration.clone()),
        json!({
            "zeta": 1,
            "alpha": [1.5, true, "text", { "deep": -7 }],
            "since": "2024-02-29T12:00:00Z",
            "day": "2024-02-29",
            "below": { "key": "" },
        })
    );
    let keys: Vec<&String> = configuration.keys().collect();
    assert_eq!(keys, ["zeta", "alpha", "since", "day", "below"]);
}

#[test]
fn the_shipped_file_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings = load(&CliLayer::new(folder)).unwrap();
    assert_eq!(settings.roots, [folder.join("sample-plugins")]);
    let clock = &settings.plugins[&PluginId::new("com.example.clock").unwrap()];
    assert_eq!(serde_json::Value::from(clock.configuration.clone()), json!({ "tick": 2 }));
}

/// What stands commented out there claims to be the default, so saying it aloud changes nothing.
#[test]
fn the_shipped_file_shows_the_defaults() {
    let shipped = include_str!("../watch.toml");
    let mut shown = 0;
    let aloud: String = shipped
        .lines()
        .map(|line| {
            let said = line.strip_prefix("# ").filter(|said| {
                let key = said.split(" = ").next().unwrap_or_default();
                said.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            });
            shown += usize::from(said.is_some());
            format!("{}\n", said.unwrap_or(line))
        })
        .collect();
    assert_eq!(shown, 14, "in:\n{aloud}");
    let project = Project::with(shipped);
    let quiet = project.load().unwrap();
    fs::write(project.path("watch.toml"), aloud).unwrap();
    let mut loud = project.load().unwrap();
    // These show an example, or repeat what holds anyway; the rest must be equal as it is.
    assert_eq!(loud.python.take(), Some(project.path(".venv/bin/python")));
    let clock = loud.plugins.get_mut(&PluginId::new("com.example.clock").unwrap()).unwrap();
    assert_eq!(clock.activation.take(), Some(Activation::Eager));
    assert_eq!(clock.timeout.take(), Some(quiet.timeout));
    assert_eq!(clock.isolation.take(), Some(quiet.isolation));
    assert_eq!(loud, quiet);
}

#[test]
fn the_command_line_goes_before_the_file() {
    let project = Project::with(
        "paths = ['from-file']\npython = 'p'\nwatch.settle_ms = 1\nreload.timeout = 1\nreload.shutdown_timeout = 2",
    );
    let mut layer = project.layer();
    layer.options = Partial {
        paths: Some(vec![project.path("from-options")]),
        python: Some(project.path("q")),
        settle: Some(Duration::from_millis(7)),
        timeout: Some(Duration::from_secs(8)),
        ..Partial::default()
    };
    let settings = load(&layer).unwrap();
    assert_eq!(settings.roots, [project.path("from-options")]);
    assert_eq!(settings.python, Some(project.path("q")));
    assert_eq!(settings.settle, Duration::from_millis(7));
    assert_eq!(settings.timeout, Duration::from_secs(8));
    // Said by the file alone.
    assert_eq!(settings.shutdown_timeout, Duration::from_secs(2));
}

#[test]
fn a_named_file_counts_instead_of_the_default_one_and_from_its_own_folder() {
    let project = Project::with("paths = ['default']");
    fs::create_dir(project.path("conf")).unwrap();
    fs::write(project.path("conf/other.toml"), "paths = ['plugins', '../up']").unwrap();
    let mut layer = project.layer();
    layer.config = Some("conf/other.toml".into());
    let settings = load(&layer).unwrap();
    assert_eq!(settings.config_file, Some(project.path("conf/other.toml")));
    assert_eq!(settings.roots, [project.path("conf/plugins"), project.path("up")]);

    // Without `paths`, the folder of the file.
    fs::write(project.path("conf/other.toml"), "").unwrap();
    assert_eq!(load(&layer).unwrap().roots, [project.path("conf")]);
}

#[test]
fn a_named_file_must_be_there() {
    let project = Project::with("");
    let mut layer = project.layer();
    layer.config = Some("missing.toml".into());
    let error = load(&layer).unwrap_err();
    assert_eq!(error.place.file, project.path("missing.toml"));
    assert_eq!(error.place.line, None);
    assert_eq!(
        error.to_string(),
        "missing.toml: the file is not there, and `--config` (or REPLUG_CONFIG) asks for it"
    );
}

#[test]
fn a_folder_is_no_settings_file() {
    let project = Project::new();
    fs::create_dir(project.path("watch.toml")).unwrap();
    assert_eq!(project.load().unwrap_err().to_string(), "watch.toml: not a regular file");
}

#[test]
fn a_second_look_sees_what_was_edited() {
    let project = Project::with("watch.settle_ms = 1");
    let layer = project.layer();
    let before = load(&layer).unwrap();
    assert_eq!(load(&layer).unwrap(), before);
    fs::write(layer.config_path(), "watch.settle_ms = 2").unwrap();
    assert_eq!(load(&layer).unwrap().settle, Duration::from_millis(2));
    fs::remove_file(layer.config_path()).unwrap();
    assert_eq!(load(&layer).unwrap().config_file, None);
}

#[test]
fn overlapping_roots_are_one() {
    let project = Project::new();
    fs::create_dir_all(project.path("a/b")).unwrap();
    fs::create_dir(project.path("ab")).unwrap();
    let all = |names: &[&str]| names.iter().map(|name| project.path(name)).collect::<Vec<_>>();
    assert_eq!(project.roots(&["a", "./a/", "a/b/.."]), all(&["a"]), "the first spelling stays");
    assert_eq!(project.roots(&["a/b", "ab", "a"]), all(&["ab", "a"]), "whatever the order");
    assert_eq!(project.roots(&["a", "ab"]), all(&["a", "ab"]), "names that merely begin alike");
    assert_eq!(project.roots(&["a", "a/missing/x.py"]), all(&["a"]), "missing so far");
    assert_eq!(project.roots(&["a", "a/missing/../../c"]), all(&["a", "c"]));
    assert_eq!(project.roots(&["no/p", "no"]), all(&["no"]), "both missing so far");
}

#[cfg(unix)]
#[test]
fn roots_that_meet_behind_a_link_are_one() {
    let project = Project::new();
    fs::create_dir_all(project.path("real/sub")).unwrap();
    std::os::unix::fs::symlink(project.path("real"), project.path("link")).unwrap();
    assert_eq!(project.roots(&["link", "real"]), [project.path("link")]);
    assert_eq!(project.roots(&["link/sub", "real"]), [project.path("real")]);
    assert_eq!(project.roots(&["real", "link/later"]), [project.path("real")]);
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest() {
    let error = error("[watch]\n# comment\n\nsetle_ms = 5\n");
    assert_eq!(
        error.to_string(),
        "watch.toml:4:1: unknown key `setle_ms` in [watch]; did you mean `settle_ms`?"
    );
    assert_eq!(error.key.as_deref(), Some("setle_ms"));
    assert_eq!(error.nearest, Some("settle_ms"));
    assert_eq!(error.place.text.as_deref(), Some("setle_ms = 5"));
    assert_eq!((error.place.column, error.place.end_column), (Some(1), Some(9)));
}

#[test]
fn unknown_keys_are_told_wherever_they_are() {
    for (text, message) in [
        ("path = ['a']", "watch.toml:1:1: unknown key `path`; did you mean `paths`?"),
        ("[wacth]\npoll = 'auto'", "watch.toml:1:2: unknown key `wacth`; did you mean `watch`?"),
        (
            "[reload]\n\n  \"shutdown-timeout\" = 1",
            "watch.toml:3:3: unknown key `shutdown-timeout` in [reload]; did you mean `shutdown_timeout`?",
        ),
        (
            "reload.Mode = 'overlap'",
            "watch.toml:1:8: unknown key `Mode` in [reload]; did you mean `mode`?",
        ),
        (
            "[plugins.\"a.b\"]\nenable = true",
            "watch.toml:2:1: unknown key `enable` in [plugins.\"a.b\"]; did you mean `enabled`?",
        ),
        (
            "plugins = { a = { enabled = true, oops = 1 } }",
            "watch.toml:1:35: unknown key `oops` in [plugins.\"a\"]; known keys are `enabled`, \
             `activation`, `timeout`, `isolation`, `configuration`, `limits`, `sandbox`",
        ),
        (
            "[watch]\ntimeout = 3",
            "watch.toml:2:1: unknown key `timeout` in [watch]; it belongs in [reload]",
        ),
        ("settle_ms = 3", "watch.toml:1:1: unknown key `settle_ms`; it belongs in [watch]"),
        (
            "[reload]\npaths = ['a']",
            "watch.toml:2:1: unknown key `paths` in [reload]; it belongs at the top of the file, \
             before any [section]",
        ),
        (
            "[plugins.com.example.clock]\nenabled = true",
            "watch.toml:1:14: unknown key `example` in [plugins.\"com\"]; an id with dots needs \
             quotes: [plugins.\"com.example.clock\"]",
        ),
        (
            "[plugins.com.example.configuration]\ntick = 2",
            "watch.toml:1:14: unknown key `example` in [plugins.\"com\"]; an id with dots needs \
             quotes: [plugins.\"com.example\"]",
        ),
        // The first in the file, not the first by name.
        (
            "zz = 1\naa = 2",
            "watch.toml:1:1: unknown key `zz`; known keys are `paths`, `shared`, `python`, `watch`, `reload`, `plugins`",
        ),
    ] {
        refuses(text, message);
    }
}

#[test]
fn a_wrong_type_is_told_with_what_is_expected() {
    for (text, message) in [
        ("paths = 'a'", "1:9: `paths` must be a list of paths in quotes, not 'a'"),
        ("paths = ['a', 3]", "1:15: `paths` must be a list of paths in quotes, not 3"),
        ("paths = []", "1:9: `paths` must be a list of paths in quotes, not []: at least one"),
        ("paths = ['']", "1:10: `paths` must be a list of paths in quotes, not ''"),
        ("shared = true", "1:10: `shared` must be a list of paths in quotes, not true"),
        ("python = 3.11", "1:10: `python` must be a path in quotes, not 3.11"),
        ("watch = 1", "1:9: `watch` must be a table, not 1"),
        (
            "[watch]\nignore = '*.py'",
            "2:10: `ignore` in [watch] must be a list of gitignore patterns in quotes, not '*.py'",
        ),
        (
            "[watch]\ngitignore = 'yes'",
            "2:13: `gitignore` in [watch] must be true or false, not 'yes'",
        ),
        (
            "[watch]\nsettle_ms = 2.0",
            "2:13: `settle_ms` in [watch] must be a whole number of milliseconds from 0 to 60000, not 2.0",
        ),
        (
            "[watch]\npoll = 'often'",
            "2:8: `poll` in [watch] must be \"auto\", \"never\" or a whole number of milliseconds \
             from 1 to 3600000, not 'often'",
        ),
        (
            "[reload]\ntimeout = '10'",
            "2:11: `timeout` in [reload] must be a number of seconds from 0.001 to 86400, not '10'",
        ),
        (
            "[reload]\nmode = 'overlapp'",
            "2:8: `mode` in [reload] must be \"exclusive\" or \"overlap\", not 'overlapp'",
        ),
        (
            "[reload]\nisolation = 'None'",
            "2:13: `isolation` in [reload] must be \"none\", \"shared\" or \"process\", not 'None'",
        ),
        (
            "[plugins.a]\nactivation = false",
            "2:14: `activation` in [plugins.\"a\"] must be \"eager\" or \"lazy\", not false",
        ),
        (
            "[plugins.a]\nconfiguration = [1]",
            "2:17: `configuration` in [plugins.\"a\"] must be a table, not [1]",
        ),
        ("plugins.a = 1", "1:9: `a` in [plugins] must be a table, as in [plugins.\"a\"]"),
    ] {
        refuses(text, &format!("watch.toml:{message}"));
    }
}

#[test]
fn a_value_out_of_range_is_told_with_the_range() {
    let seconds = "must be a number of seconds from 0.001 to 86400";
    for number in ["-1", "0", "0.0", "1e-9", "86401", "inf", "nan", "-inf", "9999999999999999999"] {
        refuses(
            &format!("[reload]\ntimeout = {number}"),
            &format!("watch.toml:2:11: `timeout` in [reload] {seconds}, not {number}"),
        );
    }
    refuses(
        "[plugins.a]\ntimeout = -1",
        &format!("watch.toml:2:11: `timeout` in [plugins.\"a\"] {seconds}, not -1"),
    );
    for number in ["-1", "60001"] {
        refuses(
            &format!("watch = {{ settle_ms = {number} }}"),
            &format!(
                "watch.toml:1:23: `settle_ms` in [watch] must be a whole number of milliseconds \
                 from 0 to 60000, not {number}"
            ),
        );
    }
}

#[test]
fn a_pattern_that_cannot_be_compiled_is_told_with_the_reason() {
    let error = error("[watch]\nignore = [\n  'good',\n  'x[z-a]',\n]\n");
    let message = error.to_string();
    let start = "watch.toml:4:3: `ignore` in [watch] must be a list of gitignore patterns in \
                 quotes, not 'x[z-a]': ";
    assert!(message.starts_with(start) && message.contains("invalid range"), "{message}");
}

#[test]
fn configuration_that_json_has_no_word_for_is_refused() {
    for (number, column) in [("nan", 14), ("-inf", 14), ("1e999", 14), ("9223372036854775808", 14)]
    {
        refuses(
            &format!("[plugins.a.configuration]\ndeep = {{ x = {number} }}"),
            &format!(
                "watch.toml:2:{column}: `configuration.deep.x` in [plugins.\"a\"] must be a finite \
                 number of at most 64 bits, not {number}"
            ),
        );
    }
}

#[test]
fn a_plugin_id_must_be_one() {
    for id in ["-a", "a b", "", "ä", ".a"] {
        refuses(
            &format!("\n[plugins.\"{id}\"]"),
            &format!(
                "watch.toml:2:10: `{id}` is no plugin id; one has letters, digits, `_`, `.` and \
                 `-`, and begins with a letter, a digit or `_`"
            ),
        );
    }
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    let twice = error("[watch]\ngitignore = true\ngitignore = false\n");
    assert_eq!(twice.to_string(), "watch.toml:3:1: `gitignore` is there twice");
    assert_eq!(twice.key.as_deref(), Some("gitignore"));
    refuses("[watch]\n[reload]\n[watch]", "watch.toml:3:2: `watch` is there twice");

    for (text, place) in [
        ("paths = ['a'\n[watch]", "watch.toml:2:"),
        ("[watch]\npoll = auto", "watch.toml:2:8: "),
        ("= 3", "watch.toml:1:1: "),
        ("[watch", "watch.toml:1:7: "),
    ] {
        let message = error(text).to_string();
        assert!(message.starts_with(place), "{message}");
        assert!(message.contains(": this is not TOML: "), "{message}");
    }
}

#[test]
fn columns_count_characters() {
    let text = "watch = { ignore = ['größe', 'ß'], poll = 'x' }";
    let message = error(text).to_string();
    assert!(message.starts_with("watch.toml:1:43: `poll`"), "{message}");
    // A byte order mark is not seen, Windows line ends are.
    let message = error("\u{feff}[watch]\r\noops = 1\r\n").to_string();
    assert!(message.starts_with("watch.toml:2:1: unknown key `oops`"), "{message}");
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_its_place() {
    let error = error(b"# fine\npython = '\xff'");
    assert_eq!(error.to_string(), "watch.toml:2:11: the file is not UTF-8 from here on");
}

#[test]
fn what_this_version_lacks_is_refused_not_ignored() {
    let own = "all plugins share one child process, which is \"shared\"";
    for (text, message) in [
        (
            "[reload]\nisolation = \"process\"",
            format!("`isolation = \"process\"` is not available in this version; {own}"),
        ),
        (
            "[plugins.a]\nisolation = 'process'",
            format!("`isolation = 'process'` is not available in this version; {own}"),
        ),
        (
            "[reload]\npreload = ['json']",
            "`preload` is not available in this version; leave it out".to_owned(),
        ),
        (
            "[plugins.a]\nlimits = { memory_mb = 256 }",
            "`limits` is not available in this version; leave it out".to_owned(),
        ),
        (
            "[plugins.a]\nsandbox = { network = false }",
            "`sandbox` is not available in this version; leave it out".to_owned(),
        ),
    ] {
        refuses(text, &format!("watch.toml:2:1: {message}"));
    }
}
