//! Work that may meet a bug of a library: a panic there is an answer, and nobody sees its message.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// On this thread a panic is expected.
    static CALM: Cell<bool> = const { Cell::new(false) };
}

/// What `work` gives; `None` if it panics. Whatever it was about to change must not be used then.
pub(crate) fn calmly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if CALM.get() {
                tracing::debug!("a library gave up: {about}");
            } else {
                before(about);
            }
        }));
    });
    let outer = CALM.replace(true);
    let answer = panic::catch_unwind(AssertUnwindSafe(work));
    CALM.set(outer);
    answer.ok()
}
