//! Distinct voters of a height, as the oracles count them; what they weigh is said by the height's set (`sets.rs`).

use falaj_consensus::validator_set::Bitmap;

/// Distinct validators, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Voters(u128);

impl Voters {
    /// The members of a bitmap; `None` if one is beyond the set.
    pub(super) fn of(bitmap: &Bitmap, validators: u16) -> Option<Self> {
        let mut voters = Self::default();
        for member in bitmap.iter() {
            if member.get() >= validators {
                return None;
            }
            voters.add(member.get());
        }
        Some(voters)
    }

    pub(super) const fn add(&mut self, validator: u16) {
        if validator < 128 {
            self.0 |= 1 << validator;
        }
    }

    pub(super) const fn has(self, validator: u16) -> bool {
        validator < 128 && self.0 & (1 << validator) != 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: nobody counts twice.
    #[test]
    fn a_voter_counts_once() {
        let voters = |count: u16| {
            let mut voters = Voters::default();
            (0..count).for_each(|validator| voters.add(validator));
            voters
        };
        let mut once = voters(2);
        once.add(1);
        assert_eq!(once.count(), 2);
        assert_eq!(once.with(voters(3)).count(), 3);
        assert!(once.has(1) && !once.has(2));
    }
}
