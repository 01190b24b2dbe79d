//! What README says of commands, options, exit codes, warnings and limits.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use regex::Regex;

use crate::markdown::{blocks, quoted, rows, section};
use crate::project::{project, put};
use crate::{files_below, project_folder, replug, text_of};

const NOT_YET: &str = "is not available in this version";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn words(text: &str, pattern: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// `--once` in a folder with this `watch.toml` and this plugin.
fn once(settings: &str, plugin: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("watch.toml"), settings);
    put(&folder.path().join("lib/common.py"), "");
    put(&folder.path().join("plugins/it.py"), plugin);
    replug(folder.path()).arg("--once").output().unwrap()
}

const SETTINGS: &str = "paths = [\"plugins\"]\n";
const PLUGIN: &str = "PLUGIN_METADATA = {\"id\": \"it\"}\ndef initialize(): pass\n";

// --- commands and options -----------------------------------------------------------------------

#[test]
fn every_command_that_it_shows_exists() {
    let readme = text_of("README.md");
    let consoles = blocks(&readme);
    let consoles = consoles.iter().filter(|block| block.info.starts_with("console"));
    let mut count = 0;
    for line in consoles.flat_map(|block| block.text.lines()) {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        count += 1;
        let words: Vec<&str> =
            command.split(' ').skip_while(|word| word.starts_with(char::is_uppercase)).collect();
        match words.as_slice() {
            ["replug", arguments @ ..] => {
                let all = ["replug"].iter().chain(arguments);
                replug::cli::args::parse(all).unwrap_or_else(|error| panic!("{command}: {error}"));
            }
            ["cargo", name, ..] => {
                let help = Command::new(env!("CARGO")).args([*name, "--help"]).output().unwrap();
                assert!(help.status.success(), "{command}");
            }
            ["pip", "install", "."] => assert!(project_folder().join("pyproject.toml").exists()),
            [program, ..] if program.starts_with("./") => {
                let mode =
                    fs::metadata(project_folder().join(program)).unwrap().permissions().mode();
                assert!(mode & 0o111 != 0, "{program} cannot be run");
            }
            other => panic!("nothing is known of {other:?}"),
        }
    }
    assert!(count >= 5, "{count} commands");
}

#[test]
fn the_steps_of_ci_have_the_same_names_in_the_justfile() {
    let steps = text_of(".ci/run");
    let steps = steps.split("set -- ").nth(1).unwrap().lines().next().unwrap();
    let recipes = words(&text_of("justfile"), r"(?m)^(\w+)(?: \*ARGS)?:$");
    for step in steps.split(' ') {
        assert!(recipes.contains(step), "{step} is not in {recipes:?}");
    }
    assert!(text_of(".ci/run").contains("test) ./test ;;"), "CI runs the test command of README");
}

#[test]
fn its_options_are_those_of_the_program() {
    let readme = text_of("README.md");
    let table = section(&readme, "## Options");
    let help = said(&replug(project_folder()).arg("--help").output().unwrap());
    let mut real = words(&help, r"(?m)^ {2,6}(?:-\w, )?(--[a-z-]+)");
    assert!(real.remove("--help") && real.remove("--version"), "{real:?}");
    assert_eq!(words(table, r"`(--[a-z-]+)"), real);
    assert_eq!(words(table, r"`(REPLUG_[A-Z_]+)`"), words(&help, r"\[env: (REPLUG_[A-Z_]+)"));
    let long = Regex::new(r"--([a-z-]+)").unwrap();
    for row in rows(table).iter().filter(|row| row.len() == 3) {
        let name = long.captures(&row[0]).unwrap()[1].to_uppercase().replace('-', "_");
        assert_eq!(row[1], format!("`REPLUG_{name}`"));
    }
}

#[test]
fn its_keys_are_those_of_the_help() {
    let readme = text_of("README.md");
    let listed: BTreeSet<String> =
        rows(section(&readme, "### Keys")).iter().map(|row| row[0].replace('`', "")).collect();
    let help = said(&replug(project_folder()).arg("--help").output().unwrap());
    let keys = help.split("Keys on a terminal:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(listed, words(keys, r"(?m)^ +(\S) "));
}

// --- settings, exit codes, warnings -------------------------------------------------------------

#[test]
fn its_settings_are_accepted_with_every_key_of_the_shipped_file() {
    let folder = project();
    let shown = fs::read_to_string(folder.path().join("watch.toml")).unwrap();
    let keys = |text: &str| words(text, r"(?m)^(?:# )?(\w+) = ");
    let missing: Vec<_> = keys(&text_of("watch.toml")).difference(&keys(&shown)).cloned().collect();
    assert!(missing.is_empty(), "README does not show {missing:?}");
    let output = replug(folder.path()).arg("--once").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn its_exit_codes_are_the_real_ones() {
    let readme = text_of("README.md");
    let codes: Vec<String> =
        rows(section(&readme, "## Exit codes")).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(codes, ["0", "1", "2"]);
    let folder = tempfile::tempdir().unwrap();
    let python = replug(folder.path()).args(["--python", "./none"]).output().unwrap();
    for (output, code) in [
        (once(SETTINGS, PLUGIN), 0),
        (once(SETTINGS, "PLUGIN_METADATA = {\"id\": \"it\"}\nraise ValueError\n"), 1),
        (once("colour = true\n", PLUGIN), 2),
        (replug(folder.path()).arg("--nonsense").output().unwrap(), 2),
        (python, 2),
    ] {
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    }
}

#[test]
fn its_warnings_are_those_that_the_code_gives() {
    let readme = text_of("README.md");
    let stream = section(&readme, "## The event stream");
    let list = &stream[stream.find("- `code` of `warning`:").unwrap()..];
    let lines = list.lines().skip(1).take_while(|line| line.starts_with("  - "));
    let listed: BTreeSet<String> =
        lines.flat_map(|line| quoted(line.split(": ").next().unwrap())).collect();
    let mut given = BTreeSet::new();
    for file in files_below(&project_folder().join("src"), ".rs") {
        let code = fs::read_to_string(file).unwrap();
        given.extend(words(&code, r#"Warning::new\(\s*"(\w+)""#));
    }
    assert_eq!(listed, given);
}

// --- limits -------------------------------------------------------------------------------------

/// What README says under "Known limits", without line breaks.
fn limits() -> String {
    let readme = text_of("README.md");
    section(&readme, "## Known limits").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_command_is_a_limit_as_long_as_it_is_refused() {
    let limits = limits();
    let list = limits.split("- The command").nth(1).unwrap_or_default();
    let listed = quoted(list.split(". -").next().unwrap());
    for command in ["list", "check", "exec", "new", "doctor", "bridge"] {
        let output = replug(Path::new("/")).args([command, "--help"]).output().unwrap();
        let refused = output.status.code() == Some(2) && said(&output).contains(NOT_YET);
        let listed = listed.iter().any(|word| word == command);
        assert_eq!(refused, listed, "left: {command} is refused, right: it is among the limits");
    }
}

#[test]
fn a_setting_is_a_limit_as_long_as_it_is_refused() {
    let limits = limits();
    for (setting, limit) in [
        ("[reload]\nisolation = \"process\"", "`isolation = \"process\"`"),
        ("[reload]\npreload = [\"json\"]", "`preload`"),
        ("[plugins.it]\nlimits = { memory_mb = 256 }", "`limits`"),
        ("[plugins.it]\nsandbox = { network = false }", "`sandbox`"),
    ] {
        let output = once(&format!("{SETTINGS}{setting}\n"), PLUGIN);
        let refused = output.status.code() == Some(2) && said(&output).contains(NOT_YET);
        let listed = limits.contains(limit);
        assert_eq!(refused, listed, "left: refused, right: a limit: {setting}\n{}", said(&output));
    }
}

#[test]
fn what_has_no_effect_is_a_limit_as_long_as_it_has_none() {
    let limits = limits();
    let asks = PLUGIN.replace("\"it\"", "\"it\", \"requirements\": [\"no-such-package>=1\"]");
    let loaded = once(SETTINGS, &asks).status.code() == Some(0);
    assert_eq!(loaded, limits.contains("- `requirements` are not checked"));
}
