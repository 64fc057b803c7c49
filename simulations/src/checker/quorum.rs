//! The oracles' own arithmetic of quorums, over equal powers of one.

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

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// More than two thirds.
    pub(super) const fn is_quorum(self, validators: u16) -> bool {
        3 * self.count() > 2 * validators as u32
    }

    /// More than one third: at least one of them is correct.
    pub(super) const fn is_hint(self, validators: u16) -> bool {
        3 * self.count() > validators as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voters(count: u16) -> Voters {
        let mut voters = Voters::default();
        (0..count).for_each(|validator| voters.add(validator));
        voters
    }

    /// Goal: the borders of both sums, at the sizes that simulations use.
    #[test]
    fn borders_are_those_of_thirds() {
        for (validators, quorum, hint) in [
            (1, 1, 1),
            (3, 3, 2),
            (4, 3, 2),
            (5, 4, 2),
            (6, 5, 3),
            (7, 5, 3),
        ] {
            assert!(voters(quorum).is_quorum(validators));
            assert!(!voters(quorum - 1).is_quorum(validators));
            assert!(voters(hint).is_hint(validators));
            assert!(!voters(hint - 1).is_hint(validators));
        }
    }

    /// Goal: nobody counts twice.
    #[test]
    fn a_voter_counts_once() {
        let mut once = voters(2);
        once.add(1);
        assert_eq!(once.count(), 2);
        assert_eq!(once.with(voters(3)).count(), 3);
    }
}
