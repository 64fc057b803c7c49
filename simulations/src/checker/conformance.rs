//! Rule conformance: a shadow of each node holds what it has received and said; what a correct node says next must be allowed by it.
//!
//! Invariant: the shadow never knows less than its node, so what it forbids is forbidden; it fires without any disagreement.
//! Numbers are the lines of the paper. A shadow outlives its node's restarts: whatever was said binds for ever.
//! Source: `docs/spec/consensus.md`, "Rules", "Lock, guard and restart", "Proposer choice".

mod nil;
mod shadow;

use std::collections::BTreeMap;

use falaj_consensus::message::{PrecommitValue, PrevoteValue, Statement};
use falaj_consensus::types::{BlockId, Height, Now, OutcomeHash, Round};

use super::chain::Chain;
use super::sets::{Members, Sets};
use super::{Facts, Finding, Observation};
use crate::types::NodeIndex;
use nil::Patience;
use shadow::{Proposed, Shadow, View};

/// Heights below the highest of a node that its shadow still remembers.
const HEIGHTS_KEPT: u64 = 4;

#[derive(Debug)]
pub(super) struct Conformance {
    patience: Patience,
    shadows: Vec<Shadow>,
    /// What correct nodes say that blocks give; execution is deterministic.
    outcomes: BTreeMap<(Height, BlockId), OutcomeHash>,
}

impl Conformance {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            patience: Patience::new(facts),
            shadows: vec![Shadow::new(); usize::from(facts.validators)],
            outcomes: BTreeMap::new(),
        }
    }

    pub(super) fn timers_may_be_early(&mut self, node: NodeIndex, early_ns: u64) {
        self.patience.timers_may_be_early(node, early_ns);
    }

    pub(super) fn observe(
        &mut self,
        (chain, sets): (&Chain, &Sets),
        clock: Now,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        match seen {
            Observation::Started { height, guard, .. } => {
                self.shadows[node.position()].started(sets, clock, node, *height, *guard);
                Ok(())
            }
            Observation::Received(frame) => {
                self.shadows[node.position()].received(sets, clock, frame);
                Ok(())
            }
            Observation::Sent(frame) => {
                self.shadows[node.position()].sent(sets, clock, node, frame)
            }
            Observation::Intended(statement) => self.shadows[node.position()].intended(statement),
            Observation::Released { statement, .. } => {
                let own = self.said((chain, sets), clock, node, statement)?;
                self.shadows[node.position()].said(sets, clock, own, statement);
                Ok(())
            }
            Observation::Committed(block) => {
                let below = block.header.height.get().saturating_sub(HEIGHTS_KEPT);
                self.shadows[node.position()].forget_below(Height::new(below));
                self.outcomes.retain(|(height, _), _| height.get() >= below);
                Ok(())
            }
            Observation::Replayed(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }

    /// The index that the node has at the height, if it may say this.
    fn said(
        &mut self,
        (chain, sets): (&Chain, &Sets),
        clock: Now,
        node: NodeIndex,
        statement: &Statement,
    ) -> Result<u16, String> {
        let members = sets.at(statement.height());
        let own = members.index_of(node).ok_or_else(|| {
            format!("{statement:?} is said by who is no validator of that height")
        })?;
        self.may_say((chain, sets), clock, (node, own), statement)?;
        Ok(own)
    }

    fn may_say(
        &mut self,
        (chain, sets): (&Chain, &Sets),
        clock: Now,
        (node, own): (NodeIndex, u16),
        statement: &Statement,
    ) -> Finding {
        // A slow token may answer when the height was left long ago: that must not be sent (`Shadow::sent`).
        let shadow = &mut self.shadows[node.position()];
        let was_intended = shadow.had_intended(statement);
        let Some(view) = shadow.view(statement.height()) else {
            return Ok(());
        };
        if view.has_said(statement) {
            return Ok(());
        }
        let rules = Rules {
            members: sets.at(statement.height()),
            sets,
            patience: &self.patience,
            chain,
            view,
        };
        if !view.has_intended(statement) {
            return Err(format!("{statement:?} left, and no guard recorded it"));
        }
        rules.round(statement.height(), statement.round())?;
        match statement {
            Statement::Proposal {
                height,
                round,
                id,
                valid_round,
            } => rules.proposal(own, *height, *round, *id, *valid_round),
            Statement::Prevote {
                height,
                round,
                value,
            } => match value {
                Some(value) => rules.prevote(*height, *round, *value),
                // What the guard had recorded when the process ended was judged by a clock that is gone.
                None if was_intended => Ok(()),
                None => rules.prevote_nil(node, clock, *height, *round),
            },
            Statement::Precommit {
                height,
                round,
                value,
            } => match value {
                Some(value) => {
                    rules.precommit(*round, *value)?;
                    self.outcome(*height, *value)
                }
                None => rules.precommit_nil(*round),
            },
        }
    }

    fn outcome(&mut self, height: Height, value: PrecommitValue) -> Finding {
        let first = *self
            .outcomes
            .entry((height, value.id))
            .or_insert(value.outcome);
        if first == value.outcome {
            Ok(())
        } else {
            Err(format!(
                "two correct nodes computed {first:?} and {:?} for {:?}",
                value.outcome, value.id
            ))
        }
    }
}

/// The rules, on what one node knows of one height.
struct Rules<'a> {
    members: &'a Members,
    sets: &'a Sets,
    patience: &'a Patience,
    chain: &'a Chain,
    view: &'a View,
}

impl Rules<'_> {
    /// 55 and 65: a round above 0 is entered on a quorum of precommits of the round before, or on a hint of votes in it.
    fn round(&self, height: Height, round: Round) -> Finding {
        let Some(before) = round.previous() else {
            return Ok(());
        };
        let timed_out = self.members.is_quorum(self.view.precommitters(before));
        let skipped = self.members.is_hint(self.view.voters(round));
        let was_here = self.view.has_been_in(round);
        if timed_out || skipped || was_here {
            Ok(())
        } else {
            Err(format!(
                "round {round} of height {height} was entered without a reason"
            ))
        }
    }

    /// 11 to 19: only in one's own turn; a locked node proposes its value again, with a polka.
    fn proposal(
        &self,
        own: u16,
        height: Height,
        round: Round,
        id: BlockId,
        valid_round: Option<Round>,
    ) -> Finding {
        if self
            .chain
            .proposer(self.sets, height, round.get())
            .is_some_and(|turn| turn != own)
        {
            return Err(format!(
                "a proposal in round {round} of height {height}, in another's turn"
            ));
        }
        match valid_round {
            None if self.view.lock_before(round).is_some() => Err(format!(
                "a fresh proposal in round {round} of height {height} by a locked node"
            )),
            None => Ok(()),
            Some(valid) => self.polka(valid, id),
        }
    }

    fn prevote(&self, height: Height, round: Round, value: PrevoteValue) -> Finding {
        let turn = self.chain.proposer(self.sets, height, round.get());
        let answered = |proposed: &&Proposed| {
            proposed.id == value.id
                && proposed.valid_round == value.valid_round
                && turn.is_none_or(|turn| proposed.by == turn)
        };
        // What a node has proposed itself it knows before it leaves.
        if self.view.has_proposed(round, value) {
            return self.lock_allows(round, value.valid_round);
        }
        let Some(proposed) = self.view.proposals(round).find(answered) else {
            return Err(format!(
                "a prevote in round {round} of height {height} for what nobody proposed"
            ));
        };
        if let Some(fault) = self.chain.fault(self.sets, &proposed.header) {
            return Err(format!("a prevote for an invalid block: {fault}"));
        }
        self.rounds(round, proposed)?;
        self.lock_allows(round, value.valid_round)
    }

    /// 22 and 28: a fresh block has the round's own header; a block again has an older one, and a polka of its valid round.
    fn rounds(&self, round: Round, proposed: &Proposed) -> Finding {
        let header = proposed.header.round;
        match proposed.valid_round {
            None if header == round => Ok(()),
            Some(valid) if valid < round && header <= valid => self.polka(valid, proposed.id),
            valid => Err(format!(
                "a proposal of round {round} with header round {header} and valid round {valid:?}"
            )),
        }
    }

    /// 22: who is locked accepts nothing fresh. 28: who is locked accepts a block again only from a polka no older than the lock.
    fn lock_allows(&self, round: Round, valid_round: Option<Round>) -> Finding {
        match (self.view.lock_before(round), valid_round) {
            (Some(locked), None) => Err(format!(
                "a prevote for a fresh block in round {round} under a lock of round {locked}"
            )),
            (Some(locked), Some(valid)) if locked > valid => Err(format!(
                "a prevote with valid round {valid} under a lock of round {locked}"
            )),
            _ => Ok(()),
        }
    }

    /// 36: a polka of the round, for a block that is here.
    fn precommit(&self, round: Round, value: PrecommitValue) -> Finding {
        self.polka(round, value.id)?;
        if self.view.has_block(value.id) {
            Ok(())
        } else {
            Err(format!(
                "a precommit in round {round} for a block that never came"
            ))
        }
    }

    /// 44 and 61: nil prevotes of a quorum, or a quorum of prevotes and then time.
    fn precommit_nil(&self, round: Round) -> Finding {
        if self.members.is_quorum(self.view.prevoters(round)) {
            Ok(())
        } else {
            Err(format!(
                "a nil precommit in round {round} without prevotes of a quorum"
            ))
        }
    }

    fn polka(&self, round: Round, id: BlockId) -> Finding {
        if self.view.has_polka(round, id, self.members) {
            Ok(())
        } else {
            Err(format!("{id:?} has no polka in round {round}"))
        }
    }
}
