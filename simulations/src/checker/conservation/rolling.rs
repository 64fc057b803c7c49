//! Rolling sums: what was moved in the current hour of block time and the 24 before it, each whole.
//!
//! Source: `docs/spec/ledger.md`, "Rolling caps".

use std::collections::BTreeMap;

const HOUR_US: u64 = 3_600_000_000;
const HOURS: u64 = 24;

/// Whose sum it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    Authority(u32),
    Currency([u8; 3]),
}

/// All sums, by hour.
#[derive(Debug, Default)]
pub(super) struct Rolling(BTreeMap<Whose, BTreeMap<u64, u128>>);

impl Rolling {
    /// Whether the sum stays within its cap with so much more.
    pub(super) fn has_room(&self, whose: Whose, time_us: u64, amount: u128, cap: u128) -> bool {
        let oldest = (time_us / HOUR_US).saturating_sub(HOURS);
        let moved: u128 = self
            .0
            .get(&whose)
            .map_or(0, |hours| hours.range(oldest..).map(|(_, sum)| sum).sum());
        moved + amount <= cap
    }

    pub(super) fn add(&mut self, whose: Whose, time_us: u64, amount: u128) {
        let hours = self.0.entry(whose).or_default();
        *hours.entry(time_us / HOUR_US).or_default() += amount;
    }
}
