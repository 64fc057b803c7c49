//! Which blocks the height turns on: what of them to fetch, and which to execute.
//!
//! Invariant: a block is wanted for a quorum, the valid value, the answered proposal of the round, or an honest hint of its prevotes;
//! so a second proposal of a round costs nothing before somebody correct voted for it.
//! Source: `docs/spec/consensus.md`, "Execution" and "Batches".

use std::collections::BTreeSet;

use super::Driver;
use super::blocks::Start;
use crate::engine::Output;
use crate::types::{BlockId, Round, ValidatorIndex};

/// Why a block is wanted, which also says who must have it; the last is the most urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// It is the valid value by the polka of that round; a lock on another is older and was here when it was set.
    Kept(Round),
    /// It is proposed in the current round, or an honest hint prevoted it.
    Proposed,
    /// It has a polka in the current round.
    Prevoted,
    /// It has a commit certificate.
    Certified,
}

impl Driver {
    /// Asks for the missing parts of wanted blocks; a tick asks `again` for all of them.
    pub(super) fn ask_for_blocks(&mut self, again: bool, out: &mut Vec<Output>) {
        for (id, reason) in self.wants() {
            if let Some(part) = self.blocks.ask(id, again) {
                let from = self.holders(id, reason);
                out.push(Output::Fetch { id, part, from });
            }
        }
    }

    /// Executes wanted blocks, two at a time; a more urgent block takes the place of the least urgent.
    pub(super) fn start_executions(&mut self, out: &mut Vec<Output>) {
        let wants = self.wants();
        let reason = |id| wants.iter().find(|want| want.0 == id).map(|want| want.1);
        for (id, _) in &wants {
            match self.blocks.start(*id, reason) {
                Start::No => {}
                Start::Free => out.push(Output::Execute { id: *id }),
                Start::InPlaceOf(held) => {
                    out.extend([Output::Discard { id: held }, Output::Execute { id: *id }]);
                }
            }
        }
    }

    /// Forgets blocks that no rule can use any more.
    pub(super) fn forget_useless_blocks(&mut self) {
        let (proposals, votes, state) = (&self.proposals, &self.votes, &self.state);
        self.blocks.prune(|| {
            let mut usable: BTreeSet<BlockId> = proposals.blocks().collect();
            usable.extend(votes.polkas().map(|polka| polka.id));
            usable.extend(votes.certificate().map(|certificate| certificate.id));
            usable.extend(state.locked().map(|lock| lock.id));
            usable.extend(state.valid().map(|valid| valid.id));
            usable.extend(votes.hinted_blocks(state.round()));
            usable
        });
    }

    /// Wanted blocks, each once, the most urgent first.
    fn wants(&self) -> Vec<(BlockId, Reason)> {
        let certified = self.votes.certificate().map(|certificate| certificate.id);
        let mut wants: Vec<_> = certified
            .map(|id| (id, Reason::Certified))
            .into_iter()
            .collect();
        if self.state.is_decided() {
            return wants;
        }
        let round = self.state.round();
        let mut want = |id: BlockId, reason: Reason| {
            if wants.iter().all(|known| known.0 != id) {
                wants.push((id, reason));
            }
        };
        if let Some(polka) = self.votes.polka(round) {
            want(polka.id, Reason::Prevoted);
        }
        if let Some(proposed) = self.proposals.first(round) {
            want(proposed.id, Reason::Proposed);
        }
        self.votes
            .hinted_blocks(round)
            .into_iter()
            .for_each(|id| want(id, Reason::Proposed));
        if let Some(valid) = self.state.valid() {
            want(valid.id, Reason::Kept(valid.round));
        }
        wants
    }

    /// Who must have a wanted block.
    fn holders(&self, id: BlockId, reason: Reason) -> Vec<ValidatorIndex> {
        let round = self.state.round();
        let signers_at = |round| {
            self.votes
                .polka_for(round, id)
                .map(|polka| polka.signers.iter().collect())
        };
        match reason {
            Reason::Certified => self
                .votes
                .certificate()
                .map(|found| found.signers.iter().collect())
                .unwrap_or_default(),
            Reason::Prevoted => signers_at(round).unwrap_or_default(),
            Reason::Kept(round) => signers_at(round).unwrap_or_default(),
            Reason::Proposed => {
                let proposer = self
                    .proposals
                    .first(round)
                    .filter(|proposed| proposed.id == id);
                let proposer = proposer.map(|proposed| proposed.proposal.proposer);
                let voters = self.votes.prevoters_of(round, id).into_iter();
                proposer
                    .into_iter()
                    .chain(voters.filter(|voter| Some(*voter) != proposer))
                    .collect()
            }
        }
    }
}
