//! The polkas of the open height that this node acted on: the block log keeps them, so that after a fork the stores of correct nodes name
//! who made it.
//!
//! Invariant: a prevote that answers a proposal made again leaves only after the polka that justifies it is on disk. The polka of a lock is
//! in the guard's record before the precommit leaves, and in the block log when the height goes on to another polka or is decided; so a
//! height that is decided at once costs no sync more.
//! A crash can take the polka of a prevote whose record the guard kept; that prevote is said all the same.
//! Source: `docs/spec/durable.md`, "What a fork leaves"; `docs/spec/consensus.md`, "Accountability".

use std::collections::BTreeMap;

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine::GuardPosition;
use falaj_consensus::message::{CommitCertificate, Kind, Polka, Vote, VoteValue};
use falaj_consensus::mutated;
use falaj_consensus::types::{BlockId, Round};

use super::{Replica, Step};
use crate::storage::BlockRecord;

/// Polkas of the open height whose places are remembered, the newest: as many rounds as the engine keeps behind, twice.
const REMEMBERED_MAX: usize = 64;

/// What was acted on in the open height.
#[derive(Debug, Default)]
pub(super) struct ActedOn {
    polkas: BTreeMap<(Round, BlockId), Kept>,
}

#[derive(Debug)]
enum Kept {
    Here(Box<Polka>),
    Recorded(Position),
}

impl ActedOn {
    /// The lock that a restart found, whose polka only the guard may have.
    pub(super) fn resume(guard: &GuardPosition) -> Self {
        let mut acted_on = Self::default();
        if let GuardPosition::Here(resume) = guard
            && let Some(lock) = &resume.lock
        {
            acted_on.keep(lock.polka.clone());
        }
        acted_on
    }

    fn keep(&mut self, polka: Polka) {
        let kept = Kept::Here(Box::new(polka.clone()));
        self.polkas.entry((polka.round, polka.id)).or_insert(kept);
        while self.polkas.len() > REMEMBERED_MAX {
            self.polkas.pop_first();
        }
    }

    /// What an own prevote waits for besides its block.
    pub(super) fn wait_of(&self, vote: &Vote) -> Option<(LogId, Position)> {
        let VoteValue::Prevote(Some(value)) = vote.value else {
            return None;
        };
        match self.polkas.get(&(value.valid_round?, value.id))? {
            Kept::Recorded(position) => Some((LogId::Block, *position)),
            Kept::Here(_) => None,
        }
    }
}

impl Replica {
    /// A statement is about to be signed that this polka justifies.
    pub(super) fn act_on(&mut self, kind: Kind, polka: &Polka, step: &mut Step) {
        if kind == Kind::Precommit {
            // Those of rounds before it are written now, so that one at most waits for the decision.
            self.record_polkas(step);
            self.acted_on.keep(polka.clone());
        } else {
            self.acted_on.keep(polka.clone());
            if !mutated!(PolkaNotRecorded) {
                self.record_polkas(step);
            }
        }
    }

    /// Has every polka written that is not yet.
    pub(super) fn record_polkas(&mut self, step: &mut Step) {
        let mut polkas = std::mem::take(&mut self.acted_on.polkas);
        for kept in polkas.values_mut() {
            if let Kept::Here(polka) = kept {
                *kept = Kept::Recorded(self.append_block(BlockRecord::polka(polka), step));
            }
        }
        self.acted_on.polkas = polkas;
    }

    /// The height is halted by two certificates: what proves it is kept.
    pub(super) fn record_conflict(
        &mut self,
        certificates: [&CommitCertificate; 2],
        step: &mut Step,
    ) {
        self.record_polkas(step);
        for certificate in certificates {
            self.append_block(BlockRecord::conflicting(certificate), step);
        }
    }
}
