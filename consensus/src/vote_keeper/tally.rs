//! The first vote of each sender in one round and kind, with the power behind each statement.
//!
//! Invariant: `power_by_value` sums the power of exactly the votes that are kept; its total is `power`.
//! Units: power as `u128` sums of at most 1,024 members.

use std::collections::BTreeMap;

use super::OutcomeSigners;
use crate::message::{PrecommitValue, PrevoteValue, Vote, VoteValue};
use crate::types::{BlockId, OutcomeHash, ValidatorIndex};
use crate::validator_set::ValidatorSet;

/// Votes of one round and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    first: BTreeMap<ValidatorIndex, Vote>,
    power_by_value: BTreeMap<VoteValue, u128>,
    power: u128,
}

impl Tally {
    /// Keeps a sender's first vote.
    ///
    /// # Panics
    /// If a vote of that sender is kept already.
    pub(super) fn insert(&mut self, vote: Vote, set: &ValidatorSet) {
        let power = set.power(vote.validator);
        let for_value = self.power_by_value.entry(vote.value).or_default();
        *for_value = add(*for_value, power);
        self.power = add(self.power, power);
        let before = self.first.insert(vote.validator, vote);
        let is_first = before.is_none() || mutated!(SecondVoteCounts);
        assert!(is_first, "a sender counts once");
    }

    /// Drops a sender's vote.
    pub(super) fn forget(&mut self, sender: ValidatorIndex, set: &ValidatorSet) {
        let Some(vote) = self.first.remove(&sender) else {
            return;
        };
        let power = set.power(sender);
        self.power = subtract(self.power, power);
        let left = subtract(self.power_for(&vote.value), power);
        if left == 0 {
            self.power_by_value.remove(&vote.value);
        } else {
            self.power_by_value.insert(vote.value, left);
        }
    }

    /// The vote of a sender.
    #[must_use]
    pub fn vote_of(&self, sender: ValidatorIndex) -> Option<&Vote> {
        self.first.get(&sender)
    }

    /// All votes, in order of sender.
    pub fn votes(&self) -> impl Iterator<Item = &Vote> {
        self.first.values()
    }

    /// All senders, in order.
    pub fn senders(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.first.keys().copied()
    }

    /// How many votes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Power of all senders.
    #[must_use]
    pub const fn power(&self) -> u128 {
        self.power
    }

    /// Power behind one whole statement.
    #[must_use]
    pub fn power_for(&self, value: &VoteValue) -> u128 {
        self.power_by_value.get(value).copied().unwrap_or_default()
    }

    /// Power of all senders, and the most behind one statement.
    #[must_use]
    pub fn powers(&self) -> (u128, u128) {
        (
            self.power,
            self.power_by_value
                .values()
                .copied()
                .max()
                .unwrap_or_default(),
        )
    }

    /// Power behind each block, whatever valid round or outcome the votes name.
    #[must_use]
    pub fn power_by_block(&self) -> BTreeMap<BlockId, u128> {
        let mut powers: BTreeMap<BlockId, u128> = BTreeMap::new();
        for (value, power) in &self.power_by_value {
            if let Some(id) = block_of(value) {
                let sum = powers.entry(id).or_default();
                *sum = add(*sum, *power);
            }
        }
        powers
    }

    /// Who voted for a block.
    #[must_use]
    pub fn voters_of(&self, id: BlockId) -> Vec<ValidatorIndex> {
        self.votes()
            .filter(|vote| block_of(&vote.value) == Some(id))
            .map(|vote| vote.validator)
            .collect()
    }

    /// Who precommitted which outcome of a block.
    #[must_use]
    pub fn signers_by_outcome(&self, id: BlockId) -> OutcomeSigners {
        let mut signers: BTreeMap<OutcomeHash, Vec<ValidatorIndex>> = BTreeMap::new();
        for vote in self.votes() {
            if let VoteValue::Precommit(Some(PrecommitValue { id: voted, outcome })) = vote.value
                && voted == id
            {
                signers.entry(outcome).or_default().push(vote.validator);
            }
        }
        signers.into_iter().collect()
    }
}

const fn block_of(value: &VoteValue) -> Option<BlockId> {
    match value {
        VoteValue::Prevote(Some(PrevoteValue { id, .. }))
        | VoteValue::Precommit(Some(PrecommitValue { id, .. })) => Some(*id),
        VoteValue::Prevote(None) | VoteValue::Precommit(None) => None,
    }
}

fn add(a: u128, b: u128) -> u128 {
    a.checked_add(b).expect("1,024 powers of u64 fit u128")
}

fn subtract(a: u128, b: u128) -> u128 {
    a.checked_sub(b).expect("a kept vote's power is in the sum")
}
