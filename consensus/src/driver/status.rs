//! What a height waits for, in the order in which the step turns on it.
//!
//! Source: `docs/spec/consensus.md`, "Why is it not moving".

use super::Driver;
use crate::engine::{BlockPart, Shortfall, Status, Wait};
use crate::round::{Judgement, Step};
use crate::types::{BlockId, ValidatorIndex};
use crate::validator_set::{Bitmap, ValidatorSet};

impl Driver {
    /// One structured answer.
    #[must_use]
    pub fn status(&self) -> Status {
        let round = self.state.round();
        Status {
            height: self.context.height,
            round,
            step: self.state.step(),
            proposer: self.context.proposer(round),
            locked: self.state.locked(),
            valid: self.state.valid(),
            decided: self
                .decided()
                .map(|certificate| (certificate.id, certificate.outcome)),
            waits: self.waits(),
        }
    }

    fn waits(&self) -> Vec<Wait> {
        if self.halted {
            return vec![Wait::Halted];
        }
        if let Some(certificate) = self.decided() {
            let is_known = self.blocks.outcome(certificate.id).is_some();
            return vec![if is_known {
                Wait::NextHeight
            } else {
                Wait::Execution(certificate.id)
            }];
        }
        let mut waits: Vec<_> = self
            .votes
            .certificate()
            .and_then(|cert| self.wait_for_block(cert.id))
            .into_iter()
            .collect();
        match self.state.step() {
            Step::Propose => waits.extend(self.wait_for_proposal()),
            Step::Prevote => waits.extend(self.wait_for_polka()),
            Step::Precommit => {}
        }
        waits.extend(self.wait_for_votes());
        waits
    }

    fn wait_for_proposal(&self) -> Option<Wait> {
        let round = self.state.round();
        let Some(proposed) = self.proposals.first(round) else {
            let from = self.context.proposer(round);
            return Some(match (self.state.has_begun(), self.state.is_proposer()) {
                (false, _) => Wait::Work,
                (true, true) => Wait::OwnProposal,
                (true, false) => Wait::Proposal { from },
            });
        };
        match proposed.proposal.valid_round {
            Some(valid) if self.votes.polka_for(valid, proposed.id).is_none() => {
                Some(Wait::Polka {
                    round: valid,
                    id: proposed.id,
                })
            }
            Some(_) | None => self.wait_for_block(proposed.id),
        }
    }

    /// In step prevote a polka may be there whose block or outcome is not.
    fn wait_for_polka(&self) -> Option<Wait> {
        let id = self.votes.polka(self.state.round())?.id;
        self.wait_for_block(id)
            .or_else(|| self.wait_for_execution(id))
    }

    fn wait_for_block(&self, id: BlockId) -> Option<Wait> {
        self.blocks.missing(id).map(|part| match part {
            BlockPart::Header => Wait::Header(id),
            BlockPart::Body => Wait::Body(id),
        })
    }

    fn wait_for_execution(&self, id: BlockId) -> Option<Wait> {
        let waits =
            self.blocks.judgement(id) == Judgement::Valid && self.blocks.outcome(id).is_none();
        waits.then_some(Wait::Execution(id))
    }

    /// A height that has begun and is not decided always lacks a quorum of equal precommits.
    fn wait_for_votes(&self) -> Vec<Wait> {
        let round = self.state.round();
        if !self.state.has_begun() && self.votes.count() == 0 {
            return Vec::new();
        }
        let (prevotes, precommits) = self.votes.bitmaps(round);
        let set = &self.context.set;
        let mut waits = Vec::new();
        if self.state.step() < Step::Precommit {
            waits.push(Wait::Prevotes(shortfall(
                set,
                self.votes.prevote_power(round),
                &prevotes,
            )));
        }
        waits.push(Wait::Precommits(shortfall(
            set,
            self.votes.precommit_power(round),
            &precommits,
        )));
        waits
    }
}

fn shortfall(
    set: &ValidatorSet,
    (power, power_of_leader): (u128, u128),
    seen: &Bitmap,
) -> Shortfall {
    let missing: Vec<ValidatorIndex> = set
        .indices()
        .filter(|index| !seen.contains(*index))
        .collect();
    Shortfall {
        power,
        power_of_leader,
        power_of_quorum: quorum_power(set),
        missing,
    }
}

/// The least p with 3p > 2N.
fn quorum_power(set: &ValidatorSet) -> u128 {
    let doubled = set.total_power().checked_mul(2).expect("N is at most 2^74");
    doubled
        .checked_div(3)
        .and_then(|third| third.checked_add(1))
        .expect("a third of 2^75 and one fit u128")
}
