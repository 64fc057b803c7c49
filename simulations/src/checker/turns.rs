//! Whose turn a round is, as the specification says it, written a second time.
//!
//! Shape: turns are equal whatever the powers; of a height's validators the index tells, on the bench sits the node.
//! Source: `docs/spec/consensus.md`, "Proposer choice".

use std::collections::BTreeMap;

use super::sets::Members;
use crate::types::NodeIndex;

const FIRST_STAY: u64 = 16;
const LONGEST_STAY: u64 = 1_024;

/// A validator that let a turn pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    since: u64,
    stay: u64,
    sits: bool,
}

/// The bench after some height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bench(BTreeMap<NodeIndex, Seat>);

impl Bench {
    fn holds(&self, node: NodeIndex, height: u64) -> bool {
        let seat = self.0.get(&node);
        seat.is_some_and(|seat| seat.sits && height <= seat.since + seat.stay)
    }

    /// The proposer of a round of the height after the one this bench belongs to, by its index in that height's set.
    pub(super) fn proposer(&self, members: &Members, height: u64, round: u32) -> u16 {
        let places = (0..).zip(members.nodes());
        let (benched, active): (Vec<_>, Vec<(u16, _)>) =
            places.partition(|(_, node)| self.holds(*node, height));
        let turn = u64::from(round) % u64::from(members.count());
        let actives = active.len() as u64;
        let chosen = if turn < actives {
            active.get(position((height + turn) % actives))
        } else {
            benched.get(position(turn - actives))
        };
        let (index, _) = chosen.expect("a turn below the number of validators is somebody's");
        *index
    }

    /// The bench after a block of that height was decided; it forgets who is not in the next set, and is held against that.
    pub(super) fn after(
        &self,
        (members, next_members): (&Members, &Members),
        height: u64,
        round: u32,
        author: u16,
    ) -> Self {
        let mut next = self.clone();
        for missed in 0..round.min(u32::from(members.count())) {
            let index = self.proposer(members, height, missed);
            if let Some(node) = members.node(index).filter(|_| index != author) {
                next.seat(node, height);
            }
        }
        let author = members.node(author);
        next.0
            .retain(|node, _| Some(*node) != author && next_members.index_of(*node).is_some());
        next.keep_below_third(next_members, height + 1);
        next
    }

    fn seat(&mut self, node: NodeIndex, height: u64) {
        let before = self.0.get(&node).map(|seat| seat.stay);
        let stay = before.map_or(FIRST_STAY, |stay| (2 * stay).min(LONGEST_STAY));
        let since = height;
        self.0.insert(
            node,
            Seat {
                since,
                stay,
                sits: true,
            },
        );
    }

    fn keep_below_third(&mut self, members: &Members, height: u64) {
        while 3 * members.power_of(|node| self.holds(node, height)) >= members.total_power() {
            let sitting = members.nodes().filter(|node| self.holds(*node, height));
            let longest = sitting
                .filter_map(|node| Some((self.0.get(&node)?.since, node)))
                .min();
            let Some(seat) = longest.and_then(|(_, node)| self.0.get_mut(&node)) else {
                return;
            };
            seat.sits = false;
        }
    }
}

fn position(below: u64) -> usize {
    usize::try_from(below).expect("it is below the number of validators")
}

#[cfg(test)]
mod tests {
    use falaj_consensus::types::VotingPower;
    use falaj_consensus::validator_set::{Validator, ValidatorSet};

    use super::*;
    use crate::chance::Chance;
    use crate::economy::Economy;
    use crate::scenario::Scenario;

    fn node(place: u16) -> NodeIndex {
        NodeIndex::new(place)
    }

    /// Validators of these powers; who has none is left out.
    fn members(powers: &[u64]) -> Members {
        let count = u16::try_from(powers.len()).unwrap();
        let economy = Economy::new(&Chance::new(1), &Scenario::calm(count));
        let all = economy.genesis.validators.members().iter().zip(powers);
        let weighed = all.map(|(member, power)| Validator {
            power: VotingPower::new(*power),
            ..member.clone()
        });
        let weighed = weighed.filter(|member| member.power.get() > 0).collect();
        Members::of(&ValidatorSet::new(weighed).unwrap())
    }

    /// The bench after a block of four equal validators, who stay.
    fn after(bench: &Bench, height: u64, round: u32, author: u16) -> Bench {
        let four = members(&[1; 4]);
        bench.after((&four, &four), height, round, author)
    }

    /// Goal: turns go round by the height, and everybody has one in n rounds.
    #[test]
    fn turns_rotate_with_the_height() {
        let (bench, four) = (Bench::default(), members(&[1; 4]));
        let turns: Vec<u16> = (0..5)
            .map(|round| bench.proposer(&four, 6, round))
            .collect();
        assert_eq!(turns, [2, 3, 0, 1, 2]);
    }

    /// Goal: who let a turn pass comes last for sixteen heights; a decided block of its own forgives.
    #[test]
    fn a_missed_turn_costs_sixteen_heights() {
        let bench = after(&Bench::default(), 1, 1, 2);
        let holds = |height| bench.holds(node(1), height);
        assert!(holds(2) && holds(17) && !holds(18));
        assert_eq!(bench.proposer(&members(&[1; 4]), 2, 3), 1);
        assert_eq!(after(&bench, 2, 0, 1), Bench::default());
    }

    /// Goal: of two missed turns at n = 4 one sits alone; the longer one left early and keeps its length.
    #[test]
    fn the_bench_stays_below_a_third() {
        let bench = after(&after(&Bench::default(), 1, 1, 2), 2, 1, 0);
        let sitting: Vec<u16> = (0..4)
            .filter(|validator| bench.holds(node(*validator), 3))
            .collect();
        assert_eq!(sitting, [3]);
    }

    /// Goal: who is not in the next set is forgotten, and a third is a third of the next set's power.
    #[test]
    fn the_bench_is_that_of_the_next_set() {
        let (four, three) = (members(&[1; 4]), members(&[1, 0, 1, 1]));
        let bench = Bench::default();
        assert_eq!(bench.after((&four, &three), 1, 1, 2), bench);
        let heavy = members(&[1, 4, 1, 1]);
        let bench = bench.after((&four, &heavy), 1, 1, 2);
        assert!(!bench.holds(node(1), 2));
    }
}
