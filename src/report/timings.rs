//! Where the time of a reload went: as fields for a program, as a table for a person.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::json::milliseconds;
use super::text::escape;
use crate::model::{ModuleTiming, PluginId, Timings};

/// All in milliseconds.
#[derive(Serialize)]
pub(super) struct TimingsWire<'a> {
    wait: f64,
    check: f64,
    shutdown: f64,
    import: f64,
    create: f64,
    metadata: f64,
    initialize: f64,
    modules: Vec<ModuleWire<'a>>,
}

#[derive(Serialize)]
struct ModuleWire<'a> {
    name: &'a str,
    read: f64,
    compile: f64,
    execute: f64,
    total: f64,
}

impl<'a> TimingsWire<'a> {
    pub(super) fn new(timings: &'a Timings) -> Self {
        let Timings { wait, check, shutdown, import, create, metadata, initialize, modules } =
            timings;
        Self {
            wait: milliseconds(*wait),
            check: milliseconds(*check),
            shutdown: milliseconds(*shutdown),
            import: milliseconds(*import),
            create: milliseconds(*create),
            metadata: milliseconds(*metadata),
            initialize: milliseconds(*initialize),
            modules: modules.iter().map(ModuleWire::new).collect(),
        }
    }
}

impl<'a> ModuleWire<'a> {
    fn new(module: &'a ModuleTiming) -> Self {
        Self {
            name: &module.name,
            read: milliseconds(module.read),
            compile: milliseconds(module.compile),
            execute: milliseconds(module.execute),
            total: milliseconds(module.total),
        }
    }
}

/// A table for a person, in milliseconds: the steps, then each own module that ran, below what it
/// imported, as `python -X importtime` has it.
pub fn table(id: &PluginId, took: Duration, timings: &Timings) -> String {
    let Timings { wait, check, shutdown, import, create, metadata, initialize, modules } = timings;
    let steps = [
        ("wait", wait),
        ("check", check),
        ("shutdown", shutdown),
        ("import", import),
        ("create", create),
        ("metadata", metadata),
        ("initialize", initialize),
    ];
    let mut table = format!("timings of {id}: {:.2} ms", milliseconds(took));
    for (name, took) in steps {
        // Writing to a String cannot fail.
        let _ = write!(table, ", {name} {:.2}", milliseconds(*took));
    }
    table.push('\n');
    if !modules.is_empty() {
        table.push_str("      read   compile   execute     total  module\n");
    }
    for ModuleTiming { name, depth, read, compile, execute, total } in modules {
        let [read, compile, execute, total] =
            [read, compile, execute, total].map(|it| milliseconds(*it));
        let (indent, name) = ("  ".repeat(*depth), escape(name));
        let _ =
            writeln!(table, "{read:10.2}{compile:10.2}{execute:10.2}{total:10.2}  {indent}{name}");
    }
    table
}
