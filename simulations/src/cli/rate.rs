//! How many of something a second.

use std::time::Duration;

const NS_PER_SECOND: u128 = 1_000_000_000;

/// So many in that time, a second; rounded down.
pub(crate) fn per_second(count: u64, wall: Duration) -> u64 {
    let rate = u128::from(count) * NS_PER_SECOND / wall.as_nanos().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
