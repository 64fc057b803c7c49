//! When a correct node may prevote nil: it was shown something that it must not accept, or it has waited as long as it must.
//!
//! Invariant: nil is never too early. What may have been accepted otherwise counts as seen in the node's favour: a polka of an earlier round
//! as a lock, a proposal of a liar as wrong in its body.
//! Units: nanoseconds on the monotonic clock of the node's process, microseconds on its wall clock.
//! Source: `docs/spec/consensus.md`, "Rules" (22, 28, 57), "Timers" and "Block time".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::params::Parameters;
use falaj_consensus::types::{Height, Now, Round};

use super::Rules;
use super::shadow::Proposed;
use crate::checker::waits::Waits;
use crate::checker::{Facts, Finding};
use crate::types::NodeIndex;

/// What is lost when a time is taken from one clock to another and back.
const ROUNDING_NS: u64 = 1_000;

/// How long a node has to wait, and on whom it need not.
#[derive(Debug)]
pub(super) struct Patience {
    precision_us: u64,
    delay_us: u64,
    delay_growth_us: u64,
    liars: BTreeSet<NodeIndex>,
    /// How much before their time the timers of some nodes may run out.
    early_ns: BTreeMap<NodeIndex, u64>,
}

impl Patience {
    pub(super) fn new(facts: &Facts) -> Self {
        let Parameters {
            precision_us,
            delay_us,
            delay_growth_us,
            ..
        } = facts.economy.genesis.parameters;
        Self {
            precision_us,
            delay_us,
            delay_growth_us,
            liars: facts.byzantine.clone(),
            early_ns: BTreeMap::new(),
        }
    }

    /// A timer that was started while its service was wrong may run out when that is right again, so the worst that was said stays.
    pub(super) fn timers_may_be_early(&mut self, node: NodeIndex, early_ns: u64) {
        let known = self.early_ns.entry(node).or_default();
        *known = early_ns.max(*known);
    }

    /// How long a node waits for a proposal, if its timers are as early as they may be: never less than half.
    fn proposal_ns(&self, node: NodeIndex, waits: Waits, round: Round) -> u64 {
        let right_ns = waits.propose_ns(round);
        let early_ns = self.early_ns.get(&node).copied().unwrap_or_default();
        right_ns - early_ns.min(right_ns / 2)
    }

    /// time − precision ≤ time of receipt ≤ time + precision + delay + growth · round.
    fn is_timely(&self, round: Round, time_us: u64, came_us: u64) -> bool {
        let delay_us = self.delay_us + self.delay_growth_us * u64::from(round.get());
        let earliest = time_us.saturating_sub(self.precision_us);
        let latest = time_us.saturating_add(self.precision_us + delay_us);
        earliest <= came_us && came_us <= latest
    }
}

impl Rules<'_> {
    /// 22 and 28: what was proposed must not be accepted; 57: nothing came in time.
    pub(super) fn prevote_nil(
        &self,
        node: NodeIndex,
        clock: Now,
        height: Height,
        round: Round,
    ) -> Finding {
        let waited_ns = clock.mono_ns.saturating_sub(self.view.entered_ns(round));
        let waits = Waits::new(self.sets.parameters_at(height).timeouts);
        let owed_ns = self.patience.proposal_ns(node, waits, round);
        let is_refused = |proposed: &Proposed| self.may_refuse(round, proposed);
        let has_reason =
            self.view.proposals(round).any(is_refused) || self.view.own_is_unseen(round);
        if waited_ns + ROUNDING_NS >= owed_ns || has_reason {
            Ok(())
        } else {
            Err(format!(
                "a nil prevote in round {round} of height {height} after {waited_ns} ns at most, of {owed_ns}"
            ))
        }
    }

    fn may_refuse(&self, round: Round, proposed: &Proposed) -> bool {
        let author = self.members.node(proposed.by);
        let by_liar = author.is_some_and(|author| self.patience.liars.contains(&author));
        let is_wrong = self.chain.fault(self.sets, &proposed.header).is_some();
        let is_late = proposed.valid_round.is_none() && !self.was_timely(round, proposed);
        by_liar || is_wrong || is_late || self.lock_may_forbid(round, proposed)
    }

    fn lock_may_forbid(&self, round: Round, proposed: &Proposed) -> bool {
        let lock = self
            .view
            .lock_before(round)
            .max(self.view.may_be_locked(round, self.members));
        match (lock, proposed.valid_round) {
            (Some(locked), Some(valid)) => locked > valid,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn was_timely(&self, round: Round, proposed: &Proposed) -> bool {
        let time_us = proposed.header.time_us;
        self.patience.is_timely(round, time_us, proposed.came_us)
    }
}
