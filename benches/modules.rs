//! Plugins of many modules, in ratios: an edit of one of them against a fresh import of all, modules
//! that are carried, a helper's edit against the floor, and what an import statement costs.
//!
//! The sides take turns, so that whatever else the machine does meets all of them.
//!
//! `cargo bench --bench modules -- rounds=60 modules=50 large=1500`

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use support::{Outcome, PLUGIN, Program, Times, argument, pause};

/// Saves that are not counted.
const WARM_UP: usize = 5;

/// One side of a comparison: a program, and what is saved for it in each round.
struct Side {
    program: Program,
    file: PathBuf,
    text: Box<dyn Fn(usize) -> String>,
    times: Times,
}

impl Side {
    fn new(program: Program, file: PathBuf, text: impl Fn(usize) -> String + 'static) -> Self {
        Self { program, file, text: Box::new(text), times: Times::default() }
    }

    fn p50(&self) -> f64 {
        self.times.percentile(50)
    }
}

/// A module with a class, a few functions and some data, about as long as people write them.
fn module(number: usize, imports: &str, round: usize) -> String {
    let mut text =
        format!("\"\"\"Module {number}, round {round}.\"\"\"\n\n{imports}\nROUND = {round}\n");
    let _ = writeln!(text, "TABLE = {{\"a{number}\": [1, 2, 3], \"b\": (4, 5), \"c\": None}}\n");
    for function in 0..6 {
        let _ = writeln!(
            text,
            "\ndef work{function}(first, second=None, *rest):\n    \"\"\"Works on what it is given.\"\"\"\n    \
             total = 0\n    for index, value in enumerate(rest):\n        if value is None:\n            \
             continue\n        total += index * value\n    if second:\n        return f\"{{first}}: {{total}}\"\n    \
             return {{\"first\": first, \"total\": total, \"number\": {number}}}\n"
        );
    }
    let _ = writeln!(
        text,
        "\nclass Thing{number}:\n    \"\"\"Holds a name and a size.\"\"\"\n\n    def __init__(self, name, size=1):\n        \
         self.name = name\n        self.size = size\n\n    def grown(self, by):\n        \
         return type(self)(self.name, self.size + by)\n\n    def __repr__(self):\n        \
         return f\"Thing{number}({{self.name!r}}, {{self.size}})\"\n"
    );
    text
}

/// A folder plugin whose package `parts` has so many modules, which import one another as a tree.
fn plugin_of(folder: &Path, modules: usize, carry: bool) -> Outcome<()> {
    fs::create_dir_all(folder.join("parts"))?;
    let carried = if carry { r#", "carry": ["parts/"]"# } else { "" };
    fs::write(folder.join("plugin.json"), format!(r#"{{"id": "many"{carried}}}"#))?;
    fs::write(folder.join("plugin.py"), entry(modules, 0))?;
    fs::write(folder.join("parts/__init__.py"), "")?;
    for number in 0..modules {
        fs::write(folder.join(format!("parts/m{number}.py")), part(number, modules, 0))?;
    }
    Ok(())
}

fn part(number: usize, modules: usize, round: usize) -> String {
    let below = [2 * number + 1, 2 * number + 2].into_iter().filter(|below| *below < modules);
    let imports: String = below.map(|it| format!("from parts.m{it} import Thing{it}\n")).collect();
    module(number, &imports, round)
}

fn entry(modules: usize, round: usize) -> String {
    format!(
        "import parts.m0\nMODULES = {modules}\nROUND = {round}\n\n\ndef initialize():\n    \
         parts.m0.work0(ROUND)\n\n\ndef shutdown():\n    pass\n"
    )
}

/// Saves in turns, so many counted times.
fn measure(sides: &mut [Side], rounds: usize) -> Outcome<()> {
    for round in 1..=WARM_UP + rounds {
        for side in &mut *sides {
            pause(Duration::from_millis(15), Duration::from_millis(30));
            let time = side.program.save(&side.file, &(side.text)(round), "reloaded")?;
            if round > WARM_UP {
                side.times.add(time);
            }
        }
    }
    Ok(())
}

fn watching(folder: &Path) -> Outcome<Program> {
    let program = Program::replug(folder, &[])?;
    program.wait("ready")?;
    Ok(program)
}

fn main() -> Outcome<()> {
    let rounds = argument("rounds", 60)?;
    let modules = argument("modules", 50)?;
    let large = argument("large", 1500)?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let mut out = io::stdout().lock();

    let many = folder.join("many");
    plugin_of(&many, modules, false)?;
    let fresh = folder.join("fresh");
    plugin_of(&fresh, modules, false)?;
    let last = modules - 1;
    let floor = Program::floor("package", &fresh)?;
    floor.wait("ready")?;
    let mut sides = [
        Side::new(watching(&many)?, many.join(format!("parts/m{last}.py")), move |round| {
            part(last, modules, round)
        }),
        Side::new(floor, fresh.join("plugin.py"), move |round| entry(modules, round)),
    ];
    measure(&mut sides, rounds)?;
    let [reload, import] = &sides;
    writeln!(
        out,
        "{modules} modules, one edited: p50 {:.2} ms   fresh import of all {:.2} ms   ratio {:.2}",
        reload.p50(),
        import.p50(),
        reload.p50() / import.p50()
    )?;

    let helped =
        |text: &str| text.replace("\nROUND =", "\nimport helper\n\nHELP = helper.ROUND\nROUND =");
    let plugin = helped(&PLUGIN.replace("{round}", "0"));
    let mut sides = Vec::new();
    for name in ["helped", "floor"] {
        let folder = folder.join(name);
        fs::create_dir(&folder)?;
        fs::write(folder.join("helper.py"), module(0, "", 0))?;
        fs::write(folder.join("plugin.py"), &plugin)?;
        let program = match name {
            "floor" => Program::floor("pair", &folder)?,
            _ => Program::replug(&folder, &[])?,
        };
        program.wait("ready")?;
        sides.push(Side::new(program, folder.join("helper.py"), |round| module(0, "", round)));
    }
    measure(&mut sides, rounds * 2)?;
    writeln!(
        out,
        "a helper's edit live: p50 {:.2} ms   floor {:.2} ms   ratio {:.2}",
        sides[0].p50(),
        sides[1].p50(),
        sides[0].p50() / sides[1].p50()
    )?;

    let small = folder.join("small");
    plugin_of(&small, 1, true)?;
    let whole = folder.join("whole");
    plugin_of(&whole, large, true)?;
    let leaf = folder.join("leaf");
    plugin_of(&leaf, large, true)?;
    let last = large - 1;
    let mut sides = [
        Side::new(watching(&whole)?, whole.join("plugin.py"), move |round| entry(large, round)),
        Side::new(watching(&leaf)?, leaf.join(format!("parts/m{last}.py")), move |round| {
            part(last, large, round)
        }),
        Side::new(watching(&small)?, small.join("plugin.py"), move |round| entry(1, round)),
    ];
    measure(&mut sides, rounds)?;
    let [entry, leaf, small] = &sides;
    writeln!(
        out,
        "{large} modules carried: entry edited p50 {:.2} ms   a leaf edited {:.2} ms   against one module \
         {:.2} ms   ratios {:.2} {:.2}",
        entry.p50(),
        leaf.p50(),
        small.p50(),
        entry.p50() / small.p50(),
        leaf.p50() / small.p50()
    )?;
    statements(&mut out, folder)
}

/// What an import statement costs in a plugin, and in plain Python.
fn statements(out: &mut impl io::Write, folder: &Path) -> Outcome<()> {
    let place = folder.join("statements");
    fs::create_dir(&place)?;
    fs::write(place.join("own_helper.py"), "NAME = 1\n")?;
    let timed = include_str!("python/statements.py");
    fs::write(place.join("plugin.py"), timed)?;
    for _ in 0..2 {
        Program::replug(&place, &["--once"])?.wait("stopped")?;
        Program::floor("once", &place)?.wait("ready")?;
    }
    let mut sides: [Vec<Times>; 2] = Default::default();
    for _ in 0..7 {
        for (number, times) in sides.iter_mut().enumerate() {
            match number {
                0 => _ = Program::replug(&place, &["--once"])?.wait("stopped")?,
                _ => _ = Program::floor("once", &place)?.wait("ready")?,
            }
            let figures = fs::read_to_string(place.join("figures.txt"))?;
            for (position, figure) in figures.split_whitespace().enumerate() {
                if times.len() <= position {
                    times.push(Times::default());
                }
                times[position].add(Duration::from_secs_f64(figure.parse()?));
            }
        }
    }
    let [ours, theirs] = &sides;
    let kinds = ["import os", "import own", "from own import NAME"];
    for (kind, (ours, theirs)) in kinds.iter().zip(ours.iter().zip(theirs)) {
        // Each figure is the time of a thousand of them, so milliseconds are microseconds.
        let [ours, theirs] = [ours, theirs].map(|times| times.percentile(50));
        writeln!(
            out,
            "{kind:<21} in a plugin {ours:.2} us   in plain Python {theirs:.2} us   adds {:.2} us",
            ours - theirs
        )?;
    }
    Ok(())
}
