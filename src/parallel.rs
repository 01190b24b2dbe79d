//! The same work on many things, on all processors.
//!
//! Threads live only as long as the work: a supervisor that waits for the next save holds none. A few
//! things are done by the caller alone, since to start a thread costs as much as to read some files.

use std::num::NonZero;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many things are not worth a thread.
const FEW: usize = 32;

/// What a thread takes at a time: enough that taking costs nothing, little enough that all end
/// together.
const CHUNK: usize = 16;

/// How many threads can run at once.
fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// `work` on each of `items`; the outcomes in the order of the items.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    filter_map(items, |item| Some(work(item)))
}

/// `work` on each of `items`; the outcomes that there are, in the order of the items.
pub(crate) fn filter_map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Option<R> + Sync,
) -> Vec<R> {
    let threads = processors().min(items.len() / FEW + 1);
    if threads < 2 {
        return items.iter().filter_map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            let Some(rest) = items.get(start..).filter(|rest| !rest.is_empty()) else {
                return done;
            };
            let chunk = rest.iter().take(CHUNK).enumerate();
            done.extend(chunk.filter_map(|(at, item)| Some((start + at, work(item)?))));
        }
    };
    let mut done = together(threads, take).into_iter().flatten().collect::<Vec<_>>();
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What `work` comes to in each of several threads, this one among them.
fn together<R: Send>(threads: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut outcomes = vec![work()];
        for other in others {
            match other.join() {
                Ok(theirs) => outcomes.push(theirs),
                Err(panic) => panic::resume_unwind(panic),
            }
        }
        outcomes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_in_the_order_of_the_items_however_many() {
        for count in [0, 1, FEW - 1, FEW, 2 * FEW, 1000, 1001] {
            let items: Vec<usize> = (0..count).collect();
            let twice: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map(&items, |item| item * 2), twice);
        }
    }
}
