//! Whose turn it is, and the bench that keeps dead proposers from costing a timeout each turn.
//!
//! Invariant: in any n consecutive rounds of a height every validator has exactly one turn; benched power stays below a third.
//! Inputs: the set of the height and the bench of the state before it, both agreed, so the answer is too; no certificate is read.
//! Source: `docs/spec/consensus.md`, "Proposer choice".

use borsh::{BorshDeserialize, BorshSerialize};
use std::io;

use crate::bounded;
use crate::types::{Height, Round, ValidatorId, ValidatorIndex};
use crate::validator_set::{VALIDATORS_MAX, ValidatorSet};

/// Heights on the bench after the first missed turn.
pub const BENCH_HEIGHTS_FIRST: u64 = 16;
/// The longest stay on the bench, in heights.
pub const BENCH_HEIGHTS_MAX: u64 = 1024;

/// What the ledger remembers of a validator that let a turn pass.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct BenchEntry {
    /// Who.
    pub validator: ValidatorId,
    /// Height of the block that benched it last.
    pub since: Height,
    /// Length of that stay in heights; doubled at the next miss, forgotten with a decided block of its own.
    pub heights: u64,
    /// Whether it sits now; an entry that left early for the power limit keeps its length alone.
    pub sitting: bool,
}

impl BenchEntry {
    fn is_benched_at(&self, height: Height) -> bool {
        self.sitting && height.get() <= self.since.get().saturating_add(self.heights)
    }
}

/// The bench: ledger state, in order of validator.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Bench {
    entries: Vec<BenchEntry>,
}

impl Bench {
    /// What is remembered, in order of validator.
    #[must_use]
    pub fn entries(&self) -> &[BenchEntry] {
        &self.entries
    }

    /// Whether a validator sits on the bench at a height.
    #[must_use]
    pub fn is_benched(&self, validator: ValidatorId, height: Height) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.validator == validator && entry.is_benched_at(height))
    }

    /// The bench after a block was decided: `self` is the bench before it, `header_round` and `author` are its header's.
    ///
    /// The proposers of the rounds before the header's let their turns pass; the author is forgiven. Who is not in `next_set`, the set
    /// of the next height, is forgotten, and its power is what the bench is measured against.
    #[must_use]
    pub fn after_block(
        &self,
        set: &ValidatorSet,
        next_set: &ValidatorSet,
        height: Height,
        header_round: Round,
        author: ValidatorIndex,
    ) -> Self {
        let mut next = self.clone();
        if mutated!(NobodyIsBenched) {
            return next;
        }
        let author = set.get(author).map(|member| member.id);
        for index in missed(set, self, height, header_round) {
            if let Some(member) = set.get(index)
                && Some(member.id) != author
            {
                next.seat(member.id, height);
            }
        }
        next.entries.retain(|entry| {
            Some(entry.validator) != author && next_set.index_of(entry.validator).is_some()
        });
        if !mutated!(BenchWithoutLimit) {
            next.keep_below_third(next_set, height.next());
        }
        next
    }

    fn seat(&mut self, validator: ValidatorId, height: Height) {
        match self
            .entries
            .binary_search_by_key(&validator, |entry| entry.validator)
        {
            Ok(position) => {
                let entry = &mut self.entries[position];
                entry.heights = entry.heights.saturating_mul(2).min(BENCH_HEIGHTS_MAX);
                entry.since = height;
                entry.sitting = true;
            }
            Err(position) => self.entries.insert(
                position,
                BenchEntry {
                    validator,
                    since: height,
                    heights: BENCH_HEIGHTS_FIRST,
                    sitting: true,
                },
            ),
        }
    }

    /// Lets the longest benched leave, in order of (height, id), until the rest has less than a third of the power.
    fn keep_below_third(&mut self, set: &ValidatorSet, height: Height) {
        while set.total_power() <= self.benched_power(set, height).saturating_mul(3) {
            let longest = self
                .entries
                .iter_mut()
                .filter(|entry| entry.is_benched_at(height))
                .min_by_key(|entry| (entry.since, entry.validator));
            let Some(entry) = longest else { return };
            entry.sitting = false;
        }
    }

    fn benched_power(&self, set: &ValidatorSet, height: Height) -> u128 {
        set.indices()
            .filter(|index| {
                set.get(*index)
                    .is_some_and(|member| self.is_benched(member.id, height))
            })
            .map(|index| set.power(index))
            .sum()
    }
}

impl BorshDeserialize for Bench {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let entries: Vec<BenchEntry> = bounded::list(reader, VALIDATORS_MAX)?;
        if entries.is_sorted_by(|a, b| a.validator < b.validator) {
            Ok(Self { entries })
        } else {
            Err(bounded::invalid("a bench is out of order"))
        }
    }
}

/// The order of turns at a height: the unbenched, rotated by the height, then the benched in order of id.
#[must_use]
pub fn turns(set: &ValidatorSet, bench: &Bench, height: Height) -> Vec<ValidatorIndex> {
    let (mut benched, mut active) = (Vec::new(), Vec::new());
    for index in set.indices() {
        let sits = set
            .get(index)
            .is_some_and(|member| bench.is_benched(member.id, height));
        if sits {
            benched.push(index)
        } else {
            active.push(index)
        }
    }
    if let Ok(count) = u64::try_from(active.len())
        && !mutated!(TurnsStandStill)
        && let Some(shift) = height
            .get()
            .checked_rem(count)
            .and_then(|shift| usize::try_from(shift).ok())
    {
        active.rotate_left(shift);
    }
    active.append(&mut benched);
    active
}

/// Whose turn a round is.
///
/// # Panics
/// Never: a set has at least one member.
#[must_use]
pub fn proposer(set: &ValidatorSet, bench: &Bench, height: Height, round: Round) -> ValidatorIndex {
    let order = turns(set, bench, height);
    let position = usize::try_from(round.get())
        .unwrap_or(usize::MAX)
        .checked_rem(order.len())
        .expect("a set has at least one member");
    order[position]
}

/// The proposers of the rounds before `header_round`, each once.
fn missed(
    set: &ValidatorSet,
    bench: &Bench,
    height: Height,
    header_round: Round,
) -> Vec<ValidatorIndex> {
    let order = turns(set, bench, height);
    let rounds = usize::try_from(header_round.get()).unwrap_or(usize::MAX);
    order.into_iter().take(rounds).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Algorithm, PublicKey};
    use crate::types::VotingPower;
    use crate::validator_set::{Declared, Validator};

    fn set(powers: &[u64]) -> ValidatorSet {
        let members = powers.iter().zip(1_u8..).map(|(power, id)| {
            let mut bytes = vec![id; 65];
            bytes[0] = 4;
            Validator {
                id: ValidatorId::new(u32::from(id)),
                power: VotingPower::new(*power),
                key: PublicKey::new(Algorithm::EcdsaP256, bytes).unwrap(),
                declared: Declared::default(),
            }
        });
        ValidatorSet::new(members.collect()).unwrap()
    }

    // One bench has one encoding: entries in strictly increasing order of validator.
    #[test]
    fn a_bench_out_of_order_is_refused() {
        let entry = |id| BenchEntry {
            validator: ValidatorId::new(id),
            since: Height::new(1),
            heights: BENCH_HEIGHTS_FIRST,
            sitting: true,
        };
        let read = |ids: &[u32]| {
            let entries: Vec<_> = ids.iter().copied().map(entry).collect();
            borsh::from_slice::<Bench>(&crate::hash::encode(&entries))
        };
        assert_eq!(read(&[1, 2, 9]).unwrap().entries().len(), 3);
        assert!(read(&[2, 1]).is_err());
        assert!(read(&[1, 1]).is_err());
    }

    fn turn(set: &ValidatorSet, bench: &Bench, height: u64, round: u32) -> u16 {
        proposer(set, bench, Height::new(height), Round::new(round)).get()
    }

    // Equal turns: any n consecutive rounds of a height name each validator once, bench or not.
    #[test]
    fn every_validator_has_one_turn_in_n_rounds() {
        let set = set(&[1, 1, 1, 1, 1]);
        let bench = Bench::default().after_block(
            &set,
            &set,
            Height::new(7),
            Round::new(1),
            ValidatorIndex::new(3),
        );
        assert_eq!(bench.entries().len(), 1);
        for height in 1..30 {
            for start in 0..12 {
                let mut seen: Vec<_> = (start..start + 5)
                    .map(|round| turn(&set, &bench, height, round))
                    .collect();
                seen.sort_unstable();
                assert_eq!(seen, [0, 1, 2, 3, 4]);
            }
        }
    }

    #[test]
    fn unbenched_turns_rotate_with_height_and_round() {
        let set = set(&[1, 1, 1, 1]);
        let none = Bench::default();
        assert_eq!(
            (0..5)
                .map(|round| turn(&set, &none, 6, round))
                .collect::<Vec<_>>(),
            [2, 3, 0, 1, 2]
        );
    }

    // Sixteen heights, then thirty-two, up to the cap; a decided block of one's own forgets it all.
    #[test]
    fn stays_double_to_the_cap_and_a_decided_block_forgives() {
        let set = set(&[1, 1, 1, 1]);
        let mut bench = Bench::default();
        let mut height = 1;
        for expected in [16, 32, 64, 128, 256, 512, 1024, 1024] {
            let missing = proposer(&set, &bench, Height::new(height), Round::new(0));
            assert_eq!(missing, ValidatorIndex::new(1), "height {height}");
            bench = bench.after_block(
                &set,
                &set,
                Height::new(height),
                Round::new(1),
                ValidatorIndex::new(2),
            );
            assert_eq!(bench.entries()[0].heights, expected);
            assert!(bench.is_benched(ValidatorId::new(2), Height::new(height + expected)));
            height += expected + 1;
            while turn(&set, &bench, height, 0) != 1 {
                height += 1;
            }
        }
        let forgiven = bench.after_block(
            &set,
            &set,
            Height::new(height),
            Round::new(0),
            ValidatorIndex::new(1),
        );
        assert!(forgiven.entries().is_empty());
    }

    // With four equal validators one may sit; the one that sat longest leaves for the next.
    #[test]
    fn benched_power_stays_below_a_third() {
        let set = set(&[1, 1, 1, 1]);
        let bench = Bench::default().after_block(
            &set,
            &set,
            Height::new(4),
            Round::new(2),
            ValidatorIndex::new(2),
        );
        let sitting: Vec<_> = set
            .indices()
            .filter(|i| bench.is_benched(set.get(*i).unwrap().id, Height::new(5)))
            .collect();
        assert_eq!(sitting.len(), 1);
        for powers in [[3, 3, 3, 1], [1, 1, 1, 1], [10, 1, 1, 1]] {
            let set = self::set(&powers);
            let mut bench = Bench::default();
            for height in 1..200_u64 {
                let round = Round::new(u32::try_from(height % 4).unwrap());
                let author = proposer(&set, &bench, Height::new(height), round);
                bench = bench.after_block(&set, &set, Height::new(height), round, author);
                let power = bench.benched_power(&set, Height::new(height + 1));
                assert!(3 * power < set.total_power());
            }
        }
    }
}
