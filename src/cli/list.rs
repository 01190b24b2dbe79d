//! `replug list`: the plugins that discovery finds, who depends on whom, and who imports what.

use std::io::{self, Write};

use super::args::{Graph, List};
use super::problem::{Problem, written};
use super::{Exit, screen, stdio, survey};
use crate::check::{Broken, Imports, Survey};
use crate::model::{Candidate, PluginKind, is_python};
use crate::report::{Person, broken_line, dot, plugin_line};

pub(super) fn run(arguments: &List) -> Result<Exit, Problem> {
    let common = &arguments.common;
    let settings = survey::settings(common)?;
    let (files, unusable) = survey::look(&common.layer, &settings);
    let survey = Survey::of(files);
    let (plugins, broken) = (survey.plugins(), survey.broken());
    let mut stdout = stdio::private_stdout(false).map_err(|error| Problem::fault(&error))?;
    for (path, error) in &unusable {
        let _ = writeln!(io::stderr(), "replug: error: {}: {error}", path.display());
    }
    if plugins.is_empty() && broken.is_empty() && unusable.is_empty() {
        survey::say_no_plugins();
    }
    written(if common.json {
        stdout.write_all(lines(&plugins, &broken).as_bytes())
    } else if arguments.graph == Some(Graph::Dot) {
        let imports = Imports::of(&plugins, &settings.shared).all();
        stdout.write_all(dot(&plugins, &imports, &common.layer.cwd).as_bytes())
    } else {
        let options = screen::options(common, &stdout);
        let mut person = Person::new(stdout, options);
        if arguments.graph.is_some() {
            person.tree(&plugins, &Imports::of(&plugins, &settings.shared).all())
        } else {
            let broken: Vec<_> =
                broken.iter().map(|broken| (place_of(broken), broken.fault)).collect();
            person.listing(&plugins, &broken)
        }
    })?;
    Ok(if unusable.is_empty() { Exit::Clean } else { Exit::Fault })
}

fn lines(plugins: &[&Candidate], broken: &[Broken<'_>]) -> String {
    let plugins = plugins.iter().map(|plugin| plugin_line(plugin));
    let broken = broken.iter().map(|broken| {
        let kind = if is_python(broken.unit) { PluginKind::File } else { PluginKind::Folder };
        broken_line(broken.id, kind, place_of(broken), broken.fault)
    });
    plugins.chain(broken).collect()
}

/// The file that is to blame, if one is.
fn place_of<'a>(broken: &Broken<'a>) -> &'a std::path::Path {
    broken.fault.place.as_ref().map_or(broken.unit, |place| &place.file)
}
