//! Voting powers that differ, steps of the validator set, other keys and other parameters: never a set in which the faulty have more power than consensus bears.

use std::collections::BTreeMap;

use falaj_consensus::params::GROWTH_MS_MIN;

use super::{MS_NS, SECOND_NS, Swarm};
use crate::chance::{Chance, Draw, Site};
use crate::fault::{Fault, Timed, Tuning};
use crate::types::{NodeIndex, SimTime};

const POWERS: Site = Site::new("scenario/powers");
const JOIN: Site = Site::new("scenario/joining");
const ROTATE: Site = Site::new("scenario/rotations");
const TUNE: Site = Site::new("scenario/tunings");
const GOVERN: Site = Site::new("scenario/set-changes");
/// One run in so many has powers that differ, and one in so many changes its validators.
const POWERS_EVERY: u64 = 6;
const CHANGES_EVERY: u64 = 4;
const STEPS_MAX: u64 = 6;
/// The shortest timers that every drawn tick leaves room for, in hundredths, and the fewest transactions of a block.
const PERCENT_MIN: u64 = 70;
const TRANSACTIONS_MIN: u64 = 64;
/// Places of draws beyond those of steps.
const AFTER_STEPS: u64 = 64;

/// Powers within one order of magnitude, or within six.
pub(super) fn powers(chance: &Chance, validators: u16) -> BTreeMap<NodeIndex, u64> {
    let shape = chance.draws(POWERS, u64::MAX).next();
    if shape.word(0).below(POWERS_EVERY) != 0 {
        return BTreeMap::new();
    }
    let most = if shape.word(1).below(4) == 0 {
        1_000_000
    } else {
        8
    };
    let power = |node: NodeIndex| {
        let draw = chance.draws(POWERS, u64::from(node.get())).next();
        draw.word(0).log_uniform(1, most)
    };
    let nodes = (0..validators).map(NodeIndex::new);
    let powers = nodes.map(|node| (node, power(node)));
    powers.filter(|(_, power)| *power != 1).collect()
}

impl Swarm<'_> {
    /// Validators leave and come back, and are weighed anew; some of it is more than a step may do.
    pub(super) fn set_changes(&mut self) {
        let shape = self.draw(GOVERN, u64::MAX);
        if self.is_scheduled() || shape.word(0).below(CHANGES_EVERY) != 0 {
            return;
        }
        for number in 0..shape.word(1).within(1, STEPS_MAX) {
            let draw = self.draw(GOVERN, number);
            let before = self.scenario.faults.clone();
            for (at, step) in self.steps(&draw) {
                self.add(at, step);
                self.trouble_at(at, &draw);
            }
            if !self.scenario.is_within_budget() {
                self.scenario.faults = before;
            }
        }
    }

    /// Validators get other keys, and some of them the old ones again; now and then one joins that is not in genesis.
    pub(super) fn rotations(&mut self) {
        let shape = self.draw(ROTATE, u64::MAX);
        if self.is_scheduled() || shape.word(0).below(CHANGES_EVERY) != 0 {
            return;
        }
        self.somebody_joins(&shape);
        for number in 0..shape.word(1).within(1, STEPS_MAX) {
            let draw = self.draw(ROTATE, number);
            let (side, at) = (vec![self.node(draw.word(0))], self.time(draw.word(3)));
            self.add(at, Fault::Rotate { side });
            self.trouble_at(at, &draw);
        }
    }

    /// Now and then one of five or more is not in genesis, if the others bear what goes wrong without it.
    fn somebody_joins(&mut self, shape: &Draw) {
        let draw = self.draw(JOIN, 0);
        let (node, at) = (self.node(draw.word(0)), self.time(draw.word(1)));
        let is_judged = !self.scenario.judged_by_nobody().contains(&node);
        let fits = self.scenario.validators > 4 && is_judged && !self.scenario.lost.contains(&node);
        if !fits || shape.word(2).below(2) == 0 {
            return;
        }
        let before = self.scenario.faults.clone();
        let side = vec![node];
        self.add(at, Fault::Join { side });
        if !self.scenario.is_within_budget() {
            self.scenario.faults = before;
        }
    }

    /// Parameters change and change back; never to fewer transactions a block than clients make.
    pub(super) fn tunings(&mut self) {
        let shape = self.draw(TUNE, u64::MAX);
        if self.is_scheduled() || shape.word(0).below(CHANGES_EVERY) != 0 {
            return;
        }
        // The ledger takes no parameters whose timers stop growing too early.
        let waits = &mut self.scenario.parameters.timeouts;
        let rounds = GROWTH_MS_MIN.div_ceil(waits.growth_ms);
        waits.growth_rounds_max = waits.growth_rounds_max.max(rounds);
        for number in 0..shape.word(1).within(1, STEPS_MAX) {
            let draw = self.draw(TUNE, number);
            let at = self.time(draw.word(3));
            let most = draw.word(2).log_uniform(TRANSACTIONS_MIN, 10_000);
            let fault = Fault::Tune(Tuning {
                timers_percent: draw.word(0).within(PERCENT_MIN, 300),
                block_transactions: (draw.word(1).below(2) == 0).then_some(most),
            });
            self.add(at, fault);
            self.trouble_at(at, &draw);
        }
    }

    /// Whether somebody chooses when messages arrive.
    fn is_scheduled(&self) -> bool {
        let is_scheduled = |timed: &Timed| matches!(timed.fault, Fault::WorstSchedule(_));
        self.scenario.faults.iter().any(is_scheduled)
    }

    /// Around some steps everybody falls, or somebody is cut off: the set changes two heights after it was decided.
    fn trouble_at(&mut self, at: SimTime, draw: &Draw) {
        match draw.word(4).below(3) {
            0 => {
                let at = at.after_ns(draw.word(5).log_uniform(50 * MS_NS, 2 * SECOND_NS));
                for node in (0..self.scenario.validators).map(NodeIndex::new) {
                    let down = self.draw(GOVERN, AFTER_STEPS + u64::from(node.get()));
                    let down_ns = down.word(0).log_uniform(10 * MS_NS, SECOND_NS);
                    if !self.scenario.lost.contains(&node) {
                        self.crash_and_back(node, at, down_ns, None);
                    }
                }
            }
            1 => {
                let (side, noticed) = (vec![self.node(draw.word(6))], false);
                let lasts_ns = draw.word(5).log_uniform(SECOND_NS, 8 * SECOND_NS);
                self.add(at, Fault::Partition { side, noticed });
                self.add(at.after_ns(lasts_ns), Fault::Heal);
            }
            _ => {}
        }
    }

    fn steps(&self, draw: &Draw) -> Vec<(SimTime, Fault)> {
        let side = vec![self.node(draw.word(0))];
        let at = self.time(draw.word(3));
        match draw.word(1).below(8) {
            // Some are away for a few heights, some for good.
            0..5 => {
                let lasts_ns = draw.word(2).log_uniform(50 * MS_NS, 20 * SECOND_NS);
                let ends = at.after_ns(lasts_ns);
                let back = Fault::Return { side: side.clone() };
                let back = (ends.get() < self.chaos_ns).then_some((ends, back));
                let leaves = (at, Fault::Leave { side });
                std::iter::once(leaves).chain(back).collect()
            }
            5 => {
                let first_two = [0, 1].map(NodeIndex::new).to_vec();
                vec![(at, Fault::Leave { side: first_two })]
            }
            _ => {
                let power = draw.word(2).log_uniform(1, 8);
                vec![(at, Fault::Reweigh { side, power })]
            }
        }
    }
}
