//! Whether a program sleeps: what its threads, and those of its children, did so far.
//!
//! The watcher's own thread is left out: it wakes up for whatever anybody opens in the folders above a
//! root, and goes to sleep again.

use std::fs;

/// How often any thread was woken or put off, and how long all of them ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// By process and thread.
    switches: Vec<(u32, String, u64)>,
    /// In ticks of the clock, by process and thread.
    ticks: Vec<(u32, String, u64)>,
}

/// What the process and its children did since they began.
pub(crate) fn work(pid: u32) -> Work {
    let mut work = Work { switches: Vec::new(), ticks: Vec::new() };
    let mut processes = vec![pid];
    while let Some(pid) = processes.pop() {
        for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(Result::unwrap) {
            let thread = thread.path().to_str().unwrap().to_owned();
            let status = read(&format!("{thread}/status"));
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                line.trim().to_owned()
            };
            if field("Name:").starts_with("notify") {
                continue;
            }
            let count = |name: &str| field(name).parse::<u64>().unwrap();
            let switches = count("voluntary_ctxt_switches:") + count("nonvoluntary_ctxt_switches:");
            work.switches.push((pid, field("Name:"), switches));
            let stat = read(&format!("{thread}/stat"));
            // The name of the thread, in brackets, may hold blanks.
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
            let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
            work.ticks.push((pid, field("Name:"), ticks(11) + ticks(12)));
            let children = read(&format!("{thread}/children"));
            processes.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        }
    }
    work.switches.sort();
    work.ticks.sort();
    work
}

/// Holds that the program sleeps while `meanwhile` happens, which has nothing to do with it. It may
/// have something to finish first, but not for ever.
pub(crate) fn assert_asleep(pid: u32, mut meanwhile: impl FnMut()) {
    let (mut before, mut woken) = (work(pid), Vec::new());
    for _ in 0..5 {
        meanwhile();
        let after = work(pid);
        if after == before {
            return;
        }
        let old = &before;
        woken = after.switches.iter().filter(|one| !old.switches.contains(one)).cloned().collect();
        before = after;
    }
    panic!("it never sleeps; threads that woke up last: {woken:?}");
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}
