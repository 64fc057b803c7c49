//! How values are spread: their median, 99th percentile and greatest.

use serde::{Deserialize, Serialize};

/// Three numbers for many, in the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// What half of them do not exceed.
    pub p50: u64,
    /// What 99 of 100 do not exceed.
    pub p99: u64,
    /// The greatest.
    pub most: u64,
}

impl Spread {
    /// The spread of values in any order; none of no values.
    #[must_use]
    pub fn of(values: &[u64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        Some(Self {
            p50: at(&sorted, 50)?,
            p99: at(&sorted, 99)?,
            most: *sorted.last()?,
        })
    }
}

/// The value that so many in a hundred do not exceed.
fn at(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a percentile is a value that was there, the least that so many do not exceed.
    #[test]
    fn percentiles_are_values_that_were_there() {
        let spread = |p50, p99, most| Some(Spread { p50, p99, most });
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[7]), spread(7, 7, 7));
        assert_eq!(Spread::of(&[9, 1]), spread(1, 9, 9));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(Spread::of(&hundred), spread(50, 99, 100));
    }
}
