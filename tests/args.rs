//! The command line through the public API. Cases with environment variables run in a process of
//! their own, since variables belong to the whole process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share may fail like tests")]

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::error::ErrorKind;
use replug::cli::args::{Color, Command as Asked, Graph, Watch, parse};
use replug::model::Isolation;
use replug::settings::Poll;

fn watch(args: &[&str]) -> Watch {
    match asked(args) {
        Asked::Watch(watch) => watch,
        other => panic!("{args:?}: {other:?}"),
    }
}

fn asked(args: &[&str]) -> Asked {
    parse(with_name(args)).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

fn refused(args: &[&str]) -> clap::Error {
    match parse(with_name(args)) {
        Ok(watch) => panic!("{args:?}: {watch:?}"),
        Err(error) => error,
    }
}

fn with_name(args: &[&str]) -> Vec<OsString> {
    [&["replug"], args].concat().into_iter().map(OsString::from).collect()
}

/// Paths as the layer has them: absolute, or none.
fn paths(names: &[&str]) -> Option<Vec<PathBuf>> {
    let cwd = env::current_dir().unwrap();
    (!names.is_empty()).then(|| names.iter().map(|name| cwd.join(name)).collect())
}

#[test]
fn watch_is_the_default() {
    for (args, expected) in [
        (&[][..], &[][..]),
        (&["watch"], &[]),
        (&["foo/"], &["foo"]),
        (&["watch", "foo/"], &["foo"]),
        (&["--json", "foo/"], &["foo"]),
        (&["--json", "watch", "foo/"], &["foo"]),
        (&["--settle", "5", "watch", "foo"], &["foo"]),
        (&["foo", "bar", "--json"], &["foo", "bar"]),
        (&["--config", "list", "foo"], &["foo"]),
        (&["foo", "list"], &["foo", "list"]),
        (&["foo", "watch"], &["foo", "watch"]),
        (&["watch", "watch"], &["watch"]),
        (&["watch", "list"], &["list"]),
        (&["./list"], &["list"]),
        (&["./watch"], &["watch"]),
        (&["--", "watch"], &["watch"]),
        (&["--", "list"], &["list"]),
        (&["watch", "--", "--odd"], &["--odd"]),
    ] {
        assert_eq!(watch(args).common.layer.options.paths, paths(expected), "{args:?}");
    }
}

#[test]
fn each_command_has_its_options_and_the_common_ones() {
    for args in [
        &["list", "--graph=dot", "--json", "foo"][..],
        &["--json", "list", "--graph=dot", "foo"],
        &["--json", "--config", "c.toml", "list", "foo", "--graph=dot"],
    ] {
        let Asked::List(list) = asked(args) else { panic!("{args:?}") };
        assert!(list.common.json && list.graph == Some(Graph::Dot), "{list:?}");
        assert_eq!(list.common.layer.options.paths, paths(&["foo"]));
    }
    let Asked::List(list) = asked(&["list", "--graph", "foo"]) else { panic!() };
    assert_eq!((list.graph, list.common.layer.options.paths), (Some(Graph::Text), paths(&["foo"])));
    let Asked::Doctor(doctor) = asked(&["doctor", "--poll", "foo", "--python=/p"]) else {
        panic!()
    };
    let options = doctor.common.layer.options;
    assert_eq!(options.poll, Some(Poll::Every(Duration::from_millis(500))));
    assert_eq!((options.python, options.paths), (Some("/p".into()), paths(&["foo"])));
    let args = ["exec", "a.b", "-1", "foo", "--timeout", "2", "--isolation", "none", "-q"];
    let Asked::Exec(exec) = asked(&args) else { panic!() };
    assert_eq!((exec.id.as_str(), exec.code.as_str(), exec.common.quiet), ("a.b", "-1", true));
    assert_eq!(exec.common.layer.options.paths, paths(&["foo"]));
    assert_eq!(exec.common.layer.options.timeout, Some(Duration::from_secs(2)));
    assert_eq!(exec.common.layer.options.isolation, Some(Isolation::None));
    let Asked::New(new) = asked(&["new", "--folder", "foo/a"]) else { panic!() };
    assert_eq!((new.name, new.folder), (env::current_dir().unwrap().join("foo/a"), true));
    for (args, message) in [
        (&["--settle", "5", "list"][..], "unexpected argument '--settle'"),
        (&["list", "--once"], "unexpected argument '--once'"),
        (&["list", "--graph=tree"], "[possible values: text, dot]"),
        (&["exec", "a"], "<CODE>"),
        (&["exec", "no id", "1"], "expected letters, digits"),
        (&["exec", "--isolation", "process", "a", "1"], "is not available in this version"),
        (&["new"], "<NAME>"),
    ] {
        let error = refused(args);
        assert!(error.exit_code() == 2 && error.to_string().contains(message), "{error}");
    }
}

#[test]
fn nothing_asked_means_nothing_said() {
    let watch = watch(&[]);
    assert_eq!(watch.common.layer.cwd, env::current_dir().unwrap());
    assert_eq!(watch.common.layer.config, None);
    assert_eq!(watch.common.layer.options, Default::default());
    assert_eq!(
        (watch.common.json, watch.once, watch.common.verbose, watch.common.quiet),
        (false, false, 0, false)
    );
    assert_eq!(watch.common.color, Color::Auto);
}

#[test]
fn every_option_arrives() {
    let watch = watch(&[
        "--config",
        "c.toml",
        "--json",
        "--once",
        "--no-keys",
        "--print-config",
        "--settle",
        "5",
        "--timeout",
        "0.5",
        "--python",
        "venv/bin/python",
        "--isolation",
        "none",
        "--poll=never",
        "-vv",
        "--color",
        "never",
        "foo",
    ]);
    let cwd = env::current_dir().unwrap();
    assert_eq!(watch.common.layer.config, Some("c.toml".into()));
    assert!(watch.common.json && watch.once && watch.no_keys && watch.print_config);
    assert_eq!(watch.common.layer.options.settle, Some(Duration::from_millis(5)));
    assert_eq!(watch.common.layer.options.timeout, Some(Duration::from_millis(500)));
    assert_eq!(watch.common.layer.options.python, Some(cwd.join("venv/bin/python")));
    assert_eq!(watch.common.layer.options.isolation, Some(Isolation::None));
    assert_eq!(watch.common.layer.options.poll, Some(Poll::Never));
    assert_eq!(watch.common.verbose, 2);
    assert_eq!(watch.common.color, Color::Never);
}

#[test]
fn the_last_of_two_counts() {
    let watch =
        watch(&["--settle", "1", "--json", "--settle", "2", "--json", "-v", "a", "-v", "b"]);
    assert_eq!(watch.common.layer.options.settle, Some(Duration::from_millis(2)));
    assert_eq!(watch.common.verbose, 2);
    assert_eq!(watch.common.layer.options.paths, paths(&["a", "b"]));
}

#[test]
fn bad_usage_exits_with_2_and_says_why() {
    for (args, message) in [
        (&["--setle", "5"][..], "--settle"),
        (&["--settle", "-1"], "expected a whole number of milliseconds from 0 to 60000"),
        (&["--settle", "1.5"], "expected a whole number of milliseconds from 0 to 60000"),
        (&["--timeout", "0"], "expected a number of seconds from 0.001 to 86400"),
        (&["--timeout", "inf"], "expected a number of seconds from 0.001 to 86400"),
        (&["--timeout", "nan"], "expected a number of seconds from 0.001 to 86400"),
        (&["--timeout"], "a value is required"),
        (&["--isolation", "jail"], "expected \"none\", \"shared\" or \"process\""),
        (&["--poll=often"], "expected \"auto\", \"never\" or a whole number"),
        (&["--color", "blue"], "[possible values: auto, always, never]"),
        (&["-v", "-q"], "`--verbose` and `--quiet` cannot be used together"),
        (&[""], "a value is required"),
    ] {
        let error = refused(args);
        assert_eq!(error.exit_code(), 2, "{args:?}");
        let text = error.to_string();
        assert!(text.contains(message), "{args:?}: {text}");
    }
}

#[test]
fn what_this_version_lacks_is_refused_by_name() {
    let error = refused(&["--isolation", "process"]);
    assert_eq!(error.exit_code(), 2);
    let message = "`--isolation=process` is not available in this version; ";
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn help_teaches_and_shows_nothing_dead() {
    for args in [&["--help"][..], &["-h"], &["help"], &["watch", "--help"]] {
        let error = refused(args);
        assert_eq!((error.kind(), error.exit_code()), (ErrorKind::DisplayHelp, 0), "{args:?}");
        let text = error.to_string();
        for part in ["Usage: replug [watch] [OPTIONS] [PATH]...", "Examples:", "REPLUG_SETTLE"] {
            assert!(text.contains(part), "{args:?} lacks {part:?}:\n{text}");
        }
        if args.len() == 1 {
            for command in ["watch", "list", "check", "doctor", "exec", "new", "bridge"] {
                let row = format!("\n  {command:6} ");
                assert!(text.contains(&row), "{args:?} lacks {command}:\n{text}");
            }
        }
        assert!(!text.contains("process\""), "{args:?} shows what is not there:\n{text}");
    }
}

#[test]
fn long_help_teaches_keys_exit_codes_and_environment() {
    let (long, short) = (refused(&["--help"]).to_string(), refused(&["-h"]).to_string());
    for part in ["Keys on a terminal:", "Exit codes:", "Environment:", "Files:"] {
        assert!(long.contains(part) && !short.contains(part), "{part}\n{long}\n{short}");
    }
}

#[test]
fn version_is_the_package_s() {
    let error = refused(&["--version"]);
    assert_eq!(error.exit_code(), 0);
    assert_eq!(error.to_string(), format!("replug {}\n", env!("CARGO_PKG_VERSION")));
}

#[cfg(unix)]
#[test]
fn paths_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(b"odd\xff".to_vec());
    let args = ["replug".into(), "--config".into(), odd.clone(), odd.clone()];
    let Asked::Watch(watch) = parse::<[OsString; 4]>(args).unwrap() else { panic!() };
    assert_eq!(watch.common.layer.config, Some(odd.clone().into()));
    assert_eq!(watch.common.layer.options.paths, Some(vec![env::current_dir().unwrap().join(odd)]));
}

/// In the process that [`in_environment`] starts, this says what `parse` made of the arguments that
/// stand in a variable that the program does not know.
#[test]
fn unknown_variables_are_ignored() {
    let Some(args) = env::var_os("REPLUG_NO_SUCH_THING") else {
        let text = in_environment(&[("REPLUG_JASON", "1")], "");
        return assert_eq!(text.lines().next().unwrap(), format!("{:?}", asked(&[])));
    };
    let args: Vec<&str> = args.to_str().unwrap().split_whitespace().collect();
    match parse(with_name(&args)) {
        Ok(watch) => println!("\nresult: {watch:?}"),
        Err(error) => println!("\nresult: {}: {error}", error.exit_code()),
    }
}

/// What `parse` makes of `args` in a process with these variables, as text.
fn in_environment(variables: &[(&str, &str)], args: &str) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "unknown_variables_are_ignored", "--nocapture"])
        .env("REPLUG_NO_SUCH_THING", args)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_once("result: ").unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[track_caller]
fn environment_gives(variables: &[(&str, &str)], args: &str, expected: &str) {
    let text = in_environment(variables, args);
    assert!(text.contains(expected), "{variables:?} {args}: {text}");
}

#[test]
fn each_option_has_a_variable() {
    environment_gives(&[("REPLUG_CONFIG", "x.toml")], "", "config: Some(\"x.toml\")");
    environment_gives(&[("REPLUG_SETTLE", "7")], "", "settle: Some(7ms)");
    environment_gives(&[("REPLUG_TIMEOUT", "0.25")], "", "timeout: Some(250ms)");
    environment_gives(&[("REPLUG_PYTHON", "/py")], "", "python: Some(\"/py\")");
    environment_gives(&[("REPLUG_ISOLATION", "none")], "", "isolation: Some(None)");
    environment_gives(&[("REPLUG_POLL", "never")], "", "poll: Some(Never)");
    environment_gives(&[("REPLUG_VERBOSE", "2")], "", "verbose: 2");
    environment_gives(&[("REPLUG_VERBOSE", "yes")], "", "verbose: 1");
    environment_gives(&[("REPLUG_COLOR", "always")], "", "color: Always");
    for name in ["JSON", "ONCE", "QUIET", "NO_KEYS", "PRINT_CONFIG"] {
        let field = name.to_lowercase();
        let name = format!("REPLUG_{name}");
        environment_gives(&[(&name, "on")], "", &format!("{field}: true"));
    }
}

#[test]
fn switches_read_the_usual_words() {
    for (word, expected) in [
        ("1", true),
        ("true", true),
        ("yes", true),
        ("on", true),
        ("YES", true),
        ("0", false),
        ("false", false),
        ("no", false),
        ("off", false),
        ("", false),
    ] {
        environment_gives(&[("REPLUG_JSON", word)], "", &format!("json: {expected}"));
    }
}

#[test]
fn the_command_line_goes_before_the_environment() {
    environment_gives(&[("REPLUG_SETTLE", "7")], "--settle 8", "settle: Some(8ms)");
    environment_gives(&[("REPLUG_JSON", "no")], "--json", "json: true");
    environment_gives(&[("REPLUG_QUIET", "1")], "-v", "verbose: 1, quiet: false");
    environment_gives(&[("REPLUG_VERBOSE", "2")], "-q", "verbose: 0, quiet: true");
}

#[test]
fn an_empty_variable_is_not_set() {
    let all = [
        "CONFIG",
        "JSON",
        "ONCE",
        "NO_KEYS",
        "PRINT_CONFIG",
        "SETTLE",
        "TIMEOUT",
        "PYTHON",
        "ISOLATION",
        "POLL",
    ];
    let names: Vec<String> = all.iter().map(|name| format!("REPLUG_{name}")).collect();
    let empty: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let rest = [("REPLUG_VERBOSE", ""), ("REPLUG_QUIET", ""), ("REPLUG_COLOR", "")];
    let text = in_environment(&[&empty[..], &rest].concat(), "");
    assert_eq!(text.lines().next().unwrap(), format!("{:?}", asked(&[])));
}

#[test]
fn a_bad_variable_is_blamed_by_name() {
    environment_gives(&[("REPLUG_SETTLE", "soon")], "", "the environment variable REPLUG_SETTLE");
    environment_gives(&[("REPLUG_JSON", "maybe")], "", "the environment variable REPLUG_JSON");
    environment_gives(&[("REPLUG_SETTLE", "soon")], "", "2: ");
    environment_gives(&[("REPLUG_VERBOSE", "1"), ("REPLUG_QUIET", "1")], "", "2: ");
    environment_gives(
        &[("REPLUG_ISOLATION", "process")],
        "",
        "`REPLUG_ISOLATION=process` is not available in this version; ",
    );
    let text = in_environment(&[("REPLUG_SETTLE", "7")], "--settle soon");
    assert!(!text.contains("REPLUG_SETTLE"), "{text}");
}
