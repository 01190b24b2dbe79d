//! The clock on the wall, for messages.

use std::mem::MaybeUninit;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::report::Moment;

/// What a clock shows at `at` where the program was started: the zone is looked up at the first
/// call, and what a plugin does to `TZ` later does not matter.
#[expect(unsafe_code, reason = "the time zone is known to the C library only")]
pub(super) fn local(at: SystemTime) -> Moment {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = libc::time_t::try_from(seconds).unwrap_or(0);
    let mut fields = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to values that are alive for the call, which fills the second one;
    // where it cannot, the zeros stay, which are a whole value as well.
    let fields = unsafe {
        libc::localtime_r(&raw const seconds, fields.as_mut_ptr());
        fields.assume_init()
    };
    Moment {
        date: format!(
            "{:04}-{:02}-{:02}",
            fields.tm_year + 1900,
            fields.tm_mon + 1,
            fields.tm_mday
        ),
        time: format!("{:02}:{:02}:{:02}", fields.tm_hour, fields.tm_min, fields.tm_sec),
    }
}
