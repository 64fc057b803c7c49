//! Whose turn a round is, as the specification says it, written a second time.
//!
//! Shape: all powers are one, so "below a third of the power" is "fewer than a third of the validators".
//! Source: `docs/spec/consensus.md`, "Proposer choice".

use std::collections::BTreeMap;

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
pub(super) struct Bench(BTreeMap<u16, Seat>);

impl Bench {
    fn holds(&self, validator: u16, height: u64) -> bool {
        let seat = self.0.get(&validator);
        seat.is_some_and(|seat| seat.sits && height <= seat.since + seat.stay)
    }

    /// The proposer of a round of the height after the one this bench belongs to.
    pub(super) fn proposer(&self, validators: u16, height: u64, round: u32) -> u16 {
        let (benched, active): (Vec<u16>, Vec<u16>) =
            (0..validators).partition(|validator| self.holds(*validator, height));
        let turn = u64::from(round) % u64::from(validators);
        let actives = active.len() as u64;
        let chosen = if turn < actives {
            active.get(position((height + turn) % actives))
        } else {
            benched.get(position(turn - actives))
        };
        *chosen.expect("a turn below the number of validators is somebody's")
    }

    /// The bench after a block of that height was decided.
    pub(super) fn after(&self, validators: u16, height: u64, round: u32, author: u16) -> Self {
        let mut next = self.clone();
        for missed in 0..round.min(u32::from(validators)) {
            let validator = self.proposer(validators, height, missed);
            if validator != author {
                next.seat(validator, height);
            }
        }
        next.0.remove(&author);
        next.keep_below_third(validators, height + 1);
        next
    }

    fn seat(&mut self, validator: u16, height: u64) {
        let before = self.0.get(&validator).map(|seat| seat.stay);
        let stay = before.map_or(FIRST_STAY, |stay| (2 * stay).min(LONGEST_STAY));
        let since = height;
        self.0.insert(
            validator,
            Seat {
                since,
                stay,
                sits: true,
            },
        );
    }

    fn keep_below_third(&mut self, validators: u16, height: u64) {
        loop {
            let sitting: Vec<u16> = (0..validators)
                .filter(|validator| self.holds(*validator, height))
                .collect();
            if 3 * sitting.len() < usize::from(validators) {
                return;
            }
            let longest = sitting
                .into_iter()
                .filter_map(|validator| Some((self.0.get(&validator)?.since, validator)))
                .min();
            let Some(seat) = longest.and_then(|(_, validator)| self.0.get_mut(&validator)) else {
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
    use super::*;

    /// Goal: turns go round by the height, and everybody has one in n rounds.
    #[test]
    fn turns_rotate_with_the_height() {
        let bench = Bench::default();
        let turns: Vec<u16> = (0..5).map(|round| bench.proposer(4, 6, round)).collect();
        assert_eq!(turns, [2, 3, 0, 1, 2]);
    }

    /// Goal: who let a turn pass comes last for sixteen heights; a decided block of its own forgives.
    #[test]
    fn a_missed_turn_costs_sixteen_heights() {
        let bench = Bench::default().after(4, 1, 1, 2);
        assert!(bench.holds(1, 2) && bench.holds(1, 17) && !bench.holds(1, 18));
        assert_eq!(bench.proposer(4, 2, 3), 1);
        assert_eq!(bench.after(4, 2, 0, 1), Bench::default());
    }

    /// Goal: of two missed turns at n = 4 one sits alone; the longer one left early and keeps its length.
    #[test]
    fn the_bench_stays_below_a_third() {
        let bench = Bench::default().after(4, 1, 1, 2).after(4, 2, 1, 0);
        let sitting: Vec<u16> = (0..4)
            .filter(|validator| bench.holds(*validator, 3))
            .collect();
        assert_eq!(sitting, [3]);
    }
}
