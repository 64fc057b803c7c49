//! Which blocks the height turns on: what of them to fetch, and which to execute.
//!
//! Invariant: a block is wanted for a quorum, a lock, the valid value, the answered proposal of the round, or an honest hint of its prevotes;
//! so a second proposal of a round costs nothing before somebody correct voted for it.
//! Source: `docs/spec/consensus.md` §1, "Execution"; §4, "Batches".

use std::collections::BTreeSet;

use super::Driver;
use super::blocks::{Execution, Start};
use crate::engine::Output;
use crate::types::{BlockId, Round, ValidatorIndex};

/// A block that is wanted, and who must have it.
struct Want {
    id: BlockId,
    from: Vec<ValidatorIndex>,
    rank: u8,
}

const RANK_DECIDED: u8 = 5;
const RANK_POLKA: u8 = 4;
const RANK_PROPOSED: u8 = 3;
const RANK_VALID: u8 = 2;
const RANK_LOCKED: u8 = 1;

impl Driver {
    /// Asks for the missing parts of wanted blocks; a tick asks `again` for all of them.
    pub(super) fn ask_for_blocks(&mut self, again: bool, out: &mut Vec<Output>) {
        for want in self.wants() {
            if let Some(part) = self.blocks.ask(want.id, again) {
                out.push(Output::Fetch {
                    id: want.id,
                    part,
                    from: want.from,
                });
            }
        }
    }

    /// Executes wanted blocks in order of rank, two at a time; a block of higher rank takes the place of the lowest.
    pub(super) fn start_executions(&mut self, out: &mut Vec<Output>) {
        let wants = self.wants();
        let rank = |id| {
            wants
                .iter()
                .filter(|want| want.id == id)
                .map(|want| want.rank)
                .max()
                .unwrap_or_default()
        };
        for want in &wants {
            let id = want.id;
            match self.blocks.start(id, rank) {
                Start::No => {}
                Start::Free => out.push(Output::Execute { id }),
                Start::InPlaceOf(held) => {
                    out.extend([Output::Discard { id: held }, Output::Execute { id }])
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

    /// A block whose execution a rule waits for.
    pub(super) fn awaits_execution(&self, id: BlockId) -> bool {
        matches!(
            self.blocks.execution(id),
            Execution::Idle | Execution::Running | Execution::Failed
        )
    }

    /// Wanted blocks, highest rank first.
    fn wants(&self) -> Vec<Want> {
        let certified = self.votes.certificate().map(|certificate| Want {
            id: certificate.id,
            from: certificate.signers.iter().collect(),
            rank: RANK_DECIDED,
        });
        if self.state.is_decided() {
            return certified.into_iter().collect();
        }
        let round = self.state.round();
        let mut wants: Vec<_> = certified.into_iter().collect();
        wants.extend(self.want_of_polka(round, None, RANK_POLKA));
        wants.extend(self.proposals.first(round).map(|proposed| Want {
            id: proposed.id,
            from: self.proposer_and_voters(round, proposed.id),
            rank: RANK_PROPOSED,
        }));
        wants.extend(self.votes.hinted_blocks(round).map(|id| Want {
            id,
            from: self.votes.prevoters_of(round, id),
            rank: RANK_PROPOSED,
        }));
        let (valid, locked) = (self.state.valid(), self.state.locked());
        wants.extend(
            valid.and_then(|valid| self.want_of_polka(valid.round, Some(valid.id), RANK_VALID)),
        );
        wants.extend(
            locked.and_then(|lock| self.want_of_polka(lock.round, Some(lock.id), RANK_LOCKED)),
        );
        wants
    }

    fn want_of_polka(&self, round: Round, id: Option<BlockId>, rank: u8) -> Option<Want> {
        let polka = self
            .votes
            .polka(round)
            .filter(|polka| id.is_none_or(|id| id == polka.id))?;
        Some(Want {
            id: polka.id,
            from: polka.signers.iter().collect(),
            rank,
        })
    }

    fn proposer_and_voters(&self, round: Round, id: BlockId) -> Vec<ValidatorIndex> {
        let proposer = self.context.proposer(round);
        let mut from = vec![proposer];
        from.extend(
            self.votes
                .prevoters_of(round, id)
                .into_iter()
                .filter(|voter| *voter != proposer),
        );
        from
    }
}
