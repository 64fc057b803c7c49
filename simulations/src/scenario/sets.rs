//! Who validates with which power, as a scenario plans it: at genesis, and after each step that its authority is to ask for.
//!
//! Invariant: a step that is larger than the ledger allows is refused, so it leads to the same set.
//! Who calls it: the fault budget, which is judged against every set that can be in force; the random scenario, which draws steps.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use std::collections::{BTreeMap, BTreeSet};

use super::Scenario;
use crate::fault::{Fault, Timed};
use crate::types::NodeIndex;

/// Powers of validators.
pub(super) type Powers = BTreeMap<NodeIndex, u64>;

impl Scenario {
    /// The voting power that a node has at genesis.
    #[must_use]
    pub fn power_of(&self, node: NodeIndex) -> u64 {
        self.powers.get(&node).copied().unwrap_or(1)
    }

    /// Whether its authority is to ask for other validators.
    #[must_use]
    pub fn governs(&self) -> bool {
        self.faults.iter().any(|timed| timed.fault.is_set_change())
    }

    /// Who is not in genesis: those that are to join, unless that is everybody.
    pub(crate) fn outsiders(&self) -> BTreeSet<NodeIndex> {
        let joining = self.faults.iter().filter_map(|timed| {
            if let Fault::Join { side } = &timed.fault {
                Some(side)
            } else {
                None
            }
        });
        let outsiders: BTreeSet<_> = joining.flatten().copied().collect();
        if outsiders.len() < usize::from(self.validators) {
            outsiders
        } else {
            BTreeSet::new()
        }
    }

    /// Whether a validator is to get another key.
    pub(crate) fn rotates(&self) -> bool {
        let rotates = |timed: &Timed| matches!(timed.fault, Fault::Rotate { .. });
        self.faults.iter().any(rotates)
    }

    /// The powers at genesis.
    pub(super) fn first_powers(&self) -> Powers {
        let outsiders = self.outsiders();
        let nodes = (0..self.validators).map(NodeIndex::new);
        let members = nodes.filter(|node| !outsiders.contains(node));
        members.map(|node| (node, self.power_of(node))).collect()
    }

    /// Every set that can come about: those of the plan, one after the other, and those of the plan in which nobody joins. Who finds no room
    /// for the guard of its key, or no power, is never proposed.
    pub(super) fn planned_powers(&self) -> Vec<Powers> {
        let joins = |timed: &Timed| matches!(timed.fault, Fault::Join { .. });
        let mut sets = self.powers_along(&self.faults);
        if self.faults.iter().any(joins) {
            let others = self.faults.iter().filter(|timed| !joins(timed));
            sets.extend(self.powers_along(others));
        }
        sets
    }

    fn powers_along<'a>(&self, steps: impl IntoIterator<Item = &'a Timed>) -> Vec<Powers> {
        let mut sets = vec![self.first_powers()];
        for timed in steps {
            let last = &sets[sets.len() - 1];
            let next = self.after(last, &timed.fault);
            sets.extend(next);
        }
        sets
    }

    /// The set that a step leads to, if it is one and the ledger takes it.
    pub(super) fn after(&self, powers: &Powers, step: &Fault) -> Option<Powers> {
        let mut next = powers.clone();
        if let Fault::Leave { side } = step {
            next.retain(|node, _| !side.contains(node));
        }
        if let Fault::Return { side } | Fault::Join { side } = step {
            let absent = side.iter().filter(|node| !powers.contains_key(node));
            next.extend(absent.map(|node| (*node, self.power_of(*node))));
        }
        if let Fault::Reweigh { side, power } = step {
            let members = next.iter_mut().filter(|(node, _)| side.contains(node));
            members.for_each(|(_, now)| *now = *power);
        }
        (next != *powers && !next.is_empty() && is_small(powers, &next)).then_some(next)
    }

    /// Whether no quorum of these powers can agree on a wrong time: those whose clocks leap and those who lie are none.
    pub(super) fn keeps_time(&self, powers: &Powers) -> bool {
        let leaps = self.faults.iter().filter_map(|timed| {
            if let Fault::ClockLeap { node, .. } = &timed.fault {
                Some(*node)
            } else {
                None
            }
        });
        let mut wrong: BTreeSet<_> = leaps.collect();
        if wrong.is_empty() {
            return true;
        }
        wrong.extend(self.byzantine.keys());
        let those = powers.iter().filter(|(node, _)| wrong.contains(node));
        let power: u128 = those.map(|(_, power)| u128::from(*power)).sum();
        3 * power <= 2 * total(powers)
    }

    /// How much of these powers the faulty have, at most.
    pub(super) fn faulty_power(&self, powers: &Powers) -> u128 {
        let mut faulty = self.judged_by_nobody();
        faulty.extend(&self.lost);
        let those = powers.iter().filter(|(node, _)| faulty.contains(node));
        those.map(|(_, power)| u128::from(*power)).sum()
    }
}

/// How much power of a set may be faulty.
pub(super) fn bearable(powers: &Powers) -> u128 {
    total(powers).saturating_sub(1) / 3
}

fn total(powers: &Powers) -> u128 {
    powers.values().map(|power| u128::from(*power)).sum()
}

/// At most f of the validators, or one, and less than a third of the power before and of that after.
fn is_small(before: &Powers, after: &Powers) -> bool {
    let power = |of: &Powers, node: &NodeIndex| of.get(node).copied().unwrap_or_default();
    let nodes = before.keys().chain(after.keys());
    let mut moved: Vec<_> = nodes
        .filter(|node| power(before, node) != power(after, node))
        .collect();
    moved.sort_unstable();
    moved.dedup();
    let sum = |less: &Powers, more: &Powers| -> u128 {
        let gains = moved
            .iter()
            .map(|node| power(more, node).saturating_sub(power(less, node)));
        gains.map(u128::from).sum()
    };
    moved.len() <= ((before.len() - 1) / 3).max(1)
        && 3 * sum(after, before) < total(before)
        && 3 * sum(before, after) < total(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SimTime;

    fn node(place: u16) -> NodeIndex {
        NodeIndex::new(place)
    }

    fn with(validators: u16, steps: &[Fault]) -> Scenario {
        let mut scenario = Scenario::calm(validators);
        for (at, fault) in (0..).zip(steps.iter().cloned()) {
            let at = SimTime::new(at);
            scenario.add(Timed { at, fault });
        }
        scenario
    }

    fn leave(side: &[u16]) -> Fault {
        let side = side.iter().copied().map(NodeIndex::new).collect();
        Fault::Leave { side }
    }

    /// Goal: one of four may leave and come back, two at once may not, and neither may who has a third of the power.
    #[test]
    fn steps_lead_where_the_ledger_lets_them() {
        let back = Fault::Return {
            side: vec![node(2)],
        };
        let sizes = |scenario: &Scenario| {
            let sets = scenario.planned_powers();
            sets.iter().map(BTreeMap::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&with(4, &[leave(&[2]), back])), [4, 3, 4]);
        assert_eq!(sizes(&with(4, &[leave(&[1, 2])])), [4]);
        let mut heavy = with(4, &[leave(&[2])]);
        heavy.powers.insert(node(2), 2);
        assert_eq!(sizes(&heavy), [4]);
    }

    /// Goal: one liar of four is within the budget, and beyond it as soon as another has left, or as soon as it weighs a third.
    #[test]
    fn the_budget_is_that_of_every_set() {
        let mut scenario = Scenario::calm(4);
        scenario.lost.insert(node(3));
        assert!(scenario.is_within_budget());
        let mut fewer = with(4, &[leave(&[1])]);
        fewer.lost.insert(node(3));
        assert!(!fewer.is_within_budget());
        scenario.powers.insert(node(3), 2);
        assert!(!scenario.is_within_budget());
    }

    /// Goal: a join may come to nothing, because the new guard has no room; who left in its stead is missed all the same.
    #[test]
    fn the_budget_is_that_of_the_sets_without_who_joins() {
        let join = Fault::Join {
            side: vec![node(4)],
        };
        let mut scenario = with(5, std::slice::from_ref(&join));
        scenario.lost.insert(node(1));
        assert!(scenario.is_within_budget());
        let mut fewer = with(5, &[join, leave(&[0])]);
        assert!(fewer.is_within_budget());
        fewer.lost.insert(node(1));
        assert!(!fewer.is_within_budget());
    }

    /// Goal: a validator whose clock leaps may not be a quorum, by itself or with liars, in any set: it would decide on a wrong time, and the
    /// chain would stand until that has come.
    #[test]
    fn no_quorum_agrees_on_a_wrong_time() {
        let leap = |place| Fault::ClockLeap {
            node: node(place),
            by_us: 60_000_000,
        };
        let mut scenario = with(4, &[leap(1)]);
        assert!(scenario.is_within_budget());
        scenario.powers.insert(node(1), 6);
        assert!(scenario.is_within_budget());
        scenario.powers.insert(node(1), 7);
        assert!(!scenario.is_within_budget());
        let mut fewer = with(4, &[leave(&[3]), leap(0), leap(1)]);
        assert!(fewer.is_within_budget());
        fewer.byzantine.insert(node(2), Vec::new());
        assert!(!fewer.is_within_budget());
    }
}
