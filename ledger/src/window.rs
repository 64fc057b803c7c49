//! Rolling sums over block time: what was moved within the last day.
//!
//! Invariant: buckets ascend, none is older than the window; the sum never counts less than the last [`WINDOW_US`].
//! Shapes and units: [`BUCKETS`] buckets of one hour beside the current one, the oldest counted whole; minor units; microseconds.
//! Source: `docs/spec/ledger.md`, "Rolling caps".

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::amount::Units;

/// Length of the window.
pub const WINDOW_US: u64 = 24 * 3_600 * 1_000_000;
/// Buckets of a window, beside the one that is being filled.
pub const BUCKETS: u64 = 24;
const BUCKET_US: u64 = WINDOW_US / BUCKETS;
const _: () = assert!(BUCKET_US * BUCKETS == WINDOW_US);

/// Sums by hour, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Window {
    buckets: Vec<Bucket>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
struct Bucket {
    hour: u64,
    sum: Units,
}

impl Window {
    /// What counts at a time: the current bucket and the [`BUCKETS`] before it, whole.
    #[must_use]
    pub fn sum_at(&self, time_us: u64) -> Option<Units> {
        self.counted(time_us)
            .try_fold(Units::ZERO, |sum, bucket| sum.checked_add(bucket.sum))
    }

    /// The window after something was moved at a time; buckets that no longer count are dropped.
    #[must_use]
    pub fn with(&self, time_us: u64, moved: Units) -> Option<Self> {
        let hour = hour_of(time_us);
        let mut buckets: Vec<Bucket> = self.counted(time_us).copied().collect();
        match buckets.last_mut() {
            Some(last) if last.hour == hour => last.sum = last.sum.checked_add(moved)?,
            Some(_) | None => buckets.push(Bucket { hour, sum: moved }),
        }
        Some(Self { buckets })
    }

    fn counted(&self, time_us: u64) -> impl Iterator<Item = &Bucket> {
        let oldest = hour_of(time_us).saturating_sub(BUCKETS);
        self.buckets
            .iter()
            .filter(move |bucket| bucket.hour >= oldest)
    }
}

const fn hour_of(time_us: u64) -> u64 {
    time_us / BUCKET_US
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_790_000_000_000_000;

    fn units(value: u128) -> Units {
        Units::new(value)
    }

    // The window never forgets anything younger than a day.
    #[test]
    fn a_day_is_never_cut_short() {
        for offset in (0..BUCKET_US).step_by(600_000_000) {
            let window = Window::default().with(T + offset, units(5)).unwrap();
            assert_eq!(window.sum_at(T + offset + WINDOW_US), Some(units(5)));
            assert_eq!(
                window.sum_at(T + offset + WINDOW_US + BUCKET_US),
                Some(Units::ZERO)
            );
        }
    }

    // The sum is the recomputation over all movements of the counted hours (I11).
    #[test]
    fn the_sum_is_what_recomputation_gives() {
        let mut window = Window::default();
        let mut moves = Vec::new();
        for step in 0..400_u64 {
            let time = T + step * 1_234_567_890;
            window = window.with(time, units(u128::from(step))).unwrap();
            moves.push((time, u128::from(step)));
            let oldest = hour_of(time) - BUCKETS;
            let expected = moves
                .iter()
                .filter(|(at, _)| hour_of(*at) >= oldest)
                .map(|(_, sum)| sum)
                .sum();
            assert_eq!(window.sum_at(time), Some(units(expected)));
            assert!(window.buckets.len() <= usize::try_from(BUCKETS).unwrap() + 1);
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_refused() {
        let window = Window::default().with(T, units(u128::MAX)).unwrap();
        assert_eq!(window.with(T, units(1)), None);
        assert_eq!(
            window
                .with(T + BUCKET_US, units(1))
                .unwrap()
                .sum_at(T + BUCKET_US),
            None
        );
    }
}
