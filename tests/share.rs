//! The man page and the shell completions in `share/`, made of the same command line that the
//! program reads. With REPLUG_UPDATE set they are written anew: `REPLUG_UPDATE=1 cargo test --test
//! share`.

#![expect(clippy::unwrap_used, reason = "what tests share may fail like tests")]

use std::path::Path;
use std::{env, fs};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use replug::cli::args;

/// Compares with the whole of a file in `share/`.
fn assert_holds(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("share").join(file);
    if env::var_os("REPLUG_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "share/{file} is behind: REPLUG_UPDATE=1 cargo test --test share");
}

fn command() -> Command {
    args::command()
}

#[test]
fn the_man_page_is_that_of_the_program() {
    let command = command();
    let teaching = command.get_after_long_help().unwrap().to_string();
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap() + &commands(&command) + &sections(&teaching);
    assert_holds("man/man1/replug.1", &page);
}

/// The commands, each with its own options.
fn commands(command: &Command) -> String {
    let mut page = ".SH COMMANDS\n".to_owned();
    for command in command.get_subcommands().filter(|command| command.get_name() != "watch") {
        let common = ["help", "config", "json", "verbose", "quiet", "color"];
        let own = command.clone().mut_args(|arg| {
            let hidden = common.contains(&arg.get_id().as_str());
            arg.hide(hidden)
        });
        let usage = own.clone().render_usage().to_string();
        let usage = usage.strip_prefix("Usage: ").unwrap().replace('-', "\\-");
        let (mut about, mut options) = (Vec::new(), Vec::new());
        let man = Man::new(own.disable_help_flag(true));
        man.render_description_section(&mut about).unwrap();
        man.render_options_section(&mut options).unwrap();
        page += &format!(".SS \"{usage}\"\n");
        for section in [about, options] {
            // Without the heading.
            let section = String::from_utf8(section).unwrap();
            page += section.split_once("\n.SH ").unwrap().1.split_once('\n').unwrap().1;
        }
    }
    page + ".PP\nEach command also has the common options \\-\\-config, \\-\\-json, \\-\\-verbose, \
            \\-\\-quiet and \\-\\-color.\n"
}

/// What stands below the options, as sections of a man page: a line that ends in a colon is a
/// heading, an indented one is a term and what it means, another one is a paragraph.
fn sections(text: &str) -> String {
    let mut page = String::new();
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        match (line.strip_suffix(':'), line.strip_prefix("  ")) {
            (Some(heading), None) => page += &format!(".SH {}\n", heading.to_uppercase()),
            (_, Some(entry)) => {
                let (term, meaning) = entry.split_once("  ").unwrap();
                page += &format!(".TP\n\\fB{term}\\fR\n{}\n", meaning.trim_start());
            }
            (None, None) if line.is_empty() => {}
            (None, None) => page += &format!(".PP\n{line}\n"),
        }
    }
    page
}

#[test]
fn the_completions_are_those_of_the_program() {
    for (shell, file) in [
        (Shell::Bash, "bash-completion/completions/replug"),
        (Shell::Zsh, "zsh/site-functions/_replug"),
        (Shell::Fish, "fish/vendor_completions.d/replug.fish"),
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(), "replug", &mut script);
        assert_holds(file, &String::from_utf8(script).unwrap());
    }
}
