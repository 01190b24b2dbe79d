//! README's conversation with `replug bridge`, held again.

use std::io::Write;
use std::process::Stdio;

use regex::Regex;

use crate::markdown::block;
use crate::project::project;
use crate::{replug, text_of};

#[test]
fn the_conversation_goes_as_it_is_shown() {
    let folder = project();
    let shown = block(&text_of("README.md"), "console bridge");
    let mut lines = shown.lines();
    assert_eq!(lines.next(), Some("$ replug bridge"));
    let mut command = replug(folder.path());
    command.arg("bridge").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (mut answers, mut prints) = (Vec::new(), Vec::new());
    for line in lines {
        if let Some(request) = line.strip_prefix("> ") {
            writeln!(stdin, "{request}").unwrap();
        } else if line.starts_with('{') {
            answers.push(line);
        } else {
            prints.push(line);
        }
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), prints.join("\n") + "\n");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().count(), answers.len(), "{told}");
    for (told, shown) in told.lines().zip(answers) {
        let pattern = regex::escape(shown).replace('…', ".*");
        assert!(Regex::new(&format!("^{pattern}$")).unwrap().is_match(told), "{shown}\n{told}");
    }
}
