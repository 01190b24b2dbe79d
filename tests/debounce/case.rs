//! One case: read from its text (see `README` beside it), then played in simulated time.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use replug::debounce::{Batch, Debouncer, Settle, SettledKind};
use replug::model::{Change, ChangeKind};

/// What is fed in at `at`, counted from the start.
struct Input {
    at: Duration,
    seen: Duration,
    verb: String,
    word: String,
}

pub(crate) struct Case {
    settle: Settle,
    inputs: Vec<Input>,
    /// The batches, a line each.
    pub(crate) expected: Vec<String>,
}

impl Case {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // So that the times in the cases are easy to read.
        let settle = Settle { lone: Duration::from_millis(1), ..Settle::default() };
        let mut case = Self { settle, inputs: Vec::new(), expected: Vec::new() };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            case.line(line).ok_or_else(|| format!("cannot read `{line}`"))?;
        }
        case.inputs.sort_by_key(|input| input.at);
        Ok(case)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        if first == "settle" {
            return words.try_for_each(|word| self.setting(word));
        }
        let start = millis(first.strip_prefix('+')?)?;
        let verb = words.next()?;
        if verb == "->" {
            let paths: Vec<String> = words.flat_map(expand).collect();
            self.expected.push(format!("{start:?} -> {}", paths.join(" ")));
            return Some(());
        }
        let word = words.next().unwrap_or_default();
        let (mut every, mut times, mut seen) = (Duration::ZERO, 1, None);
        while let Some(option) = words.next() {
            match option {
                "every" => every = millis(words.next()?)?,
                "times" => times = words.next()?.parse().ok()?,
                "seen" => seen = Some(millis(words.next()?)?),
                _ => return None,
            }
        }
        let mut at = start;
        for word in (0..times).flat_map(|_| expand(word)) {
            let (seen, verb) = (seen.unwrap_or(at), verb.to_owned());
            self.inputs.push(Input { at, seen, verb, word });
            at += every;
        }
        Some(())
    }

    fn setting(&mut self, word: &str) -> Option<()> {
        let (key, value) = word.split_once('=')?;
        let place = match key {
            "lone" => &mut self.settle.lone,
            "burst" => &mut self.settle.burst,
            "cap" => &mut self.settle.cap,
            "open" => &mut self.settle.open,
            "empty" => &mut self.settle.empty,
            "gone" => &mut self.settle.gone,
            _ => return None,
        };
        *place = millis(value)?;
        Some(())
    }

    /// Plays the inputs, calls `take` at every deadline, and tells what came out.
    pub(crate) fn run(&self) -> Vec<String> {
        let start = Instant::now();
        let mut debouncer = Debouncer::new(self.settle);
        let mut inputs = self.inputs.iter().peekable();
        let mut now = start;
        let mut out = Vec::new();
        loop {
            let due = debouncer.deadline();
            let early = |input: &&Input| due.is_none_or(|due| start + input.at <= due.max(now));
            if let Some(input) = inputs.next_if(early) {
                now = start + input.at;
                input.feed(&mut debouncer, start);
            } else if let Some(due) = due {
                now = now.max(due);
                let batch = debouncer.take(now).unwrap_or_else(|| panic!("nothing was due"));
                out.push(format!("{:?} -> {}", now - start, describe(&batch)));
            } else {
                assert!(debouncer.is_idle());
                return out;
            }
        }
    }
}

impl Input {
    fn feed(&self, debouncer: &mut Debouncer, start: Instant) {
        match self.verb.as_str() {
            "defer" => debouncer.defer(PathBuf::from(&self.word), start + self.at),
            "forget" => assert!(debouncer.forget_gone(Path::new(&self.word))),
            "hold" => debouncer.hold(start + millis(&self.word).unwrap()),
            "release" => debouncer.release(),
            kind => push(debouncer, kind, &self.word, start + self.seen),
        }
    }
}

pub(crate) fn push(debouncer: &mut Debouncer, kind: &str, path: &str, seen: Instant) {
    let kind = match kind {
        "finished" => ChangeKind::Finished,
        "writing" => ChangeKind::Writing,
        "gone" => ChangeKind::Gone,
        other => panic!("no such input: {other}"),
    };
    debouncer.push(Change { path: PathBuf::from(path), kind }, seen);
}

/// A batch as a case writes it.
pub(crate) fn describe(batch: &Batch) -> String {
    let settled = batch.changes.iter().map(|settled| {
        let mark = match (settled.kind, settled.deferred) {
            (SettledKind::Present, false) => "",
            (SettledKind::Present, true) => "deferred:",
            (SettledKind::Gone, false) => "gone:",
            (SettledKind::Gone, true) => "gone:deferred:",
        };
        format!("{mark}{}", settled.path.display())
    });
    let vanishing = batch.vanishing.iter().map(|path| format!("vanishing:{}", path.display()));
    settled.chain(vanishing).collect::<Vec<_>>().join(" ")
}

/// `f[1..3].py` is `f1.py`, `f2.py`, `f3.py`, with as many digits as the last has.
fn expand(word: &str) -> Vec<String> {
    let parts = word.split_once('[').and_then(|(head, rest)| {
        let (range, tail) = rest.split_once(']')?;
        let (low, high) = range.split_once("..")?;
        Some((head, low.parse::<u32>().ok()?, high, high.parse::<u32>().ok()?, tail))
    });
    match parts {
        Some((head, low, high, last, tail)) => (low..=last)
            .map(|number| format!("{head}{number:0width$}{tail}", width = high.len()))
            .collect(),
        None => vec![word.to_owned()],
    }
}

/// Exact to the microsecond, so that times can be compared.
fn millis(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let micros: u64 = if part.is_empty() { 0 } else { format!("{part:0<3}").parse().ok()? };
    (part.len() <= 3).then_some(())?;
    Some(Duration::from_micros(whole.parse::<u64>().ok()?.checked_mul(1000)? + micros))
}
