//! What holds whatever the watch sees: a model that knows only the promises (not how they are
//! kept) checks each batch of random histories, some with clocks that are out of order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestCaseResult;
use proptest::{prop_assert, prop_assert_eq, proptest};
use replug::debounce::{Batch, Debouncer, Settle, SettledKind};
use replug::model::{Change, ChangeKind};

#[derive(Clone, Debug)]
enum Step {
    /// A path, what happens to it, and by how many microseconds `seen` is off.
    Push(u8, ChangeKind, i64),
    Defer(u8),
    Forget(u8),
    Hold(u64),
    Release,
}

/// A step and the microseconds that pass before it.
fn steps(skew: i64) -> impl Strategy<Value = Vec<(u64, Step)>> {
    let kind = prop_oneof![
        3 => Just(ChangeKind::Finished),
        2 => Just(ChangeKind::Writing),
        1 => Just(ChangeKind::Gone),
    ];
    let step = prop_oneof![
        20 => (0..5_u8, kind, -skew..=skew).prop_map(|(path, kind, off)| Step::Push(path, kind, off)),
        1 => (0..5_u8).prop_map(Step::Defer),
        1 => (0..5_u8).prop_map(Step::Forget),
        1 => (0..800_000_u64).prop_map(Step::Hold),
        1 => Just(Step::Release),
    ];
    let pause = prop_oneof![0..1_000_u64, 0..30_000_u64, 0..400_000_u64];
    vec((pause, step), 1..120)
}

/// What the model knows of a path that has not come out.
#[derive(Clone, Copy, Debug)]
struct Pending {
    kind: ChangeKind,
    /// When it was first and last seen in this state, without a break.
    first: Instant,
    last: Instant,
    /// When it was last pushed: it cannot come out before.
    pushed: Instant,
    deferred: bool,
}

struct World {
    settle: Settle,
    debouncer: Debouncer,
    pending: BTreeMap<PathBuf, Pending>,
    now: Instant,
    held: Option<Instant>,
    /// When the last hold ended.
    free: Instant,
}

impl World {
    fn new() -> Self {
        // Time enough before the start for a `seen` that is hours off.
        let now = Instant::now() + Duration::from_secs(100_000);
        let settle = Settle::default();
        let (debouncer, pending) = (Debouncer::new(settle), BTreeMap::new());
        Self { settle, debouncer, pending, now, held: None, free: now }
    }

    fn play(&mut self, steps: Vec<(u64, Step)>) -> TestCaseResult {
        for (pause, step) in steps {
            let next = self.now + Duration::from_micros(pause);
            self.take_until(next)?;
            self.now = self.now.max(next);
            self.feed(step);
            self.check_rest()?;
        }
        self.take_until(self.now + Duration::from_secs(100_000))?;
        prop_assert!(self.pending.is_empty(), "lost: {:?}", self.pending);
        prop_assert!(self.debouncer.is_idle());
        Ok(())
    }

    fn feed(&mut self, step: Step) {
        match step {
            Step::Push(path, kind, off) => {
                let away = Duration::from_micros(off.unsigned_abs());
                let seen = if off < 0 { self.now - away } else { self.now + away };
                self.note(name(path), kind, seen, false);
                self.debouncer.push(Change { path: name(path), kind }, seen);
            }
            Step::Defer(path) => {
                let path = name(path);
                if !self.pending.contains_key(&path) {
                    self.note(path.clone(), ChangeKind::Writing, self.now, true);
                }
                self.debouncer.defer(path, self.now);
            }
            Step::Forget(path) => {
                let path = name(path);
                if self.debouncer.forget_gone(&path) {
                    self.pending.remove(&path);
                }
            }
            Step::Hold(micros) => {
                let until = self.now + Duration::from_micros(micros);
                self.held = Some(until);
                self.debouncer.hold(until);
            }
            Step::Release => {
                self.end_hold(self.now);
                self.debouncer.release();
            }
        }
    }

    fn end_hold(&mut self, at: Instant) {
        if let Some(until) = self.held.take() {
            self.free = until.min(at);
        }
    }

    fn note(&mut self, path: PathBuf, kind: ChangeKind, seen: Instant, deferred: bool) {
        let fresh = Pending { kind, first: seen, last: seen, pushed: self.now, deferred };
        let pending = self.pending.entry(path).or_insert(fresh);
        if pending.kind != kind {
            *pending = fresh;
        }
        pending.first = pending.first.min(seen);
        pending.last = pending.last.max(seen);
        pending.pushed = self.now;
        pending.deferred = deferred;
    }

    /// Calls `take` at each deadline up to `end`.
    fn take_until(&mut self, end: Instant) -> TestCaseResult {
        while let Some(due) = self.debouncer.deadline().filter(|due| *due <= end) {
            let early = due - Duration::from_micros(1);
            if early >= self.now {
                prop_assert_eq!(self.debouncer.take(early), None, "before its time");
            }
            self.now = self.now.max(due);
            // Each turn gives something out, so this loop ends and no wake-up is idle.
            let Some(batch) = self.debouncer.take(self.now) else {
                prop_assert!(false, "nothing was due at the deadline");
                return Ok(());
            };
            self.check(batch)?;
            self.check_rest()?;
        }
        Ok(())
    }

    fn check(&mut self, batch: Batch) -> TestCaseResult {
        prop_assert!(!batch.changes.is_empty());
        prop_assert!(batch.changes.is_sorted_by(|one, two| one.path < two.path));
        prop_assert!(self.held.is_none_or(|until| until <= self.now), "held");
        self.end_hold(self.now);
        let Settle { cap, open, empty, gone, .. } = self.settle;
        for settled in batch.changes {
            let Some(pending) = self.pending.remove(&settled.path) else {
                prop_assert!(false, "{:?} came out of nothing", settled);
                return Ok(());
            };
            let (kind, at_least, at_most) = match pending.kind {
                ChangeKind::Finished => (SettledKind::Present, None, pending.first + cap),
                ChangeKind::Writing => {
                    let due = pending.last + if pending.deferred { empty } else { open };
                    (SettledKind::Present, Some(due), due)
                }
                ChangeKind::Gone => {
                    // Deletions that follow one another closely go together.
                    let due = pending.first + gone;
                    (SettledKind::Gone, Some(due), due + cap)
                }
            };
            prop_assert_eq!(settled.kind, kind);
            prop_assert_eq!(settled.deferred, pending.deferred);
            prop_assert!(at_least.is_none_or(|due| due <= self.now), "{:?} early", settled);
            let latest = at_most.max(self.free).max(pending.pushed);
            prop_assert!(self.now <= latest, "{:?} late", settled);
        }
        let vanishing: Vec<_> = self.gone();
        prop_assert_eq!(batch.vanishing, vanishing);
        Ok(())
    }

    fn check_rest(&self) -> TestCaseResult {
        prop_assert_eq!(self.debouncer.is_idle(), self.pending.is_empty());
        prop_assert_eq!(self.debouncer.deadline().is_none(), self.pending.is_empty());
        let mut finished =
            self.pending.iter().filter(|(_, pending)| pending.kind == ChangeKind::Finished);
        if let Some(path) = self.debouncer.peek_lone() {
            prop_assert_eq!(finished.next().map(|(path, _)| path.as_path()), Some(path));
            prop_assert!(finished.next().is_none(), "not alone");
        }
        Ok(())
    }

    fn gone(&self) -> Vec<PathBuf> {
        let gone = self.pending.iter().filter(|(_, pending)| pending.kind == ChangeKind::Gone);
        gone.map(|(path, _)| path.clone()).collect()
    }
}

fn name(path: u8) -> PathBuf {
    PathBuf::from(format!("/p/{path}.py"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds(steps in steps(0)) {
        World::new().play(steps)?;
    }

    #[test]
    fn every_promise_holds_with_clocks_slightly_out_of_order(steps in steps(3_000)) {
        World::new().play(steps)?;
    }

    #[test]
    fn every_promise_holds_with_clocks_hours_apart(steps in steps(20_000_000_000)) {
        World::new().play(steps)?;
    }

    /// Saves further apart than the quiet time of a burst are acted on after that of a lone path,
    /// however many there are.
    #[test]
    fn a_lone_path_saved_at_leisure_never_waits_for_a_burst(
        pauses in vec(21_000..400_000_u64, 1..40),
        open in any::<bool>(),
    ) {
        let mut debouncer = Debouncer::new(Settle::default());
        let mut now = Instant::now();
        for pause in pauses {
            now += Duration::from_micros(pause);
            if open {
                debouncer.push(Change { path: name(0), kind: ChangeKind::Writing }, now);
            }
            debouncer.push(Change { path: name(0), kind: ChangeKind::Finished }, now);
            prop_assert_eq!(debouncer.deadline(), Some(now + Settle::default().lone));
            prop_assert!(debouncer.take(now + Settle::default().lone).is_some());
            prop_assert!(debouncer.is_idle());
        }
    }
}
