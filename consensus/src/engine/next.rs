//! What came early for the next height: kept until it starts, small.
//!
//! Invariant: only verified messages are here, so unverified ones never crowd them out; each sender has a place of its own.
//! Bounds: of one sender its newest [`NEXT_ROUNDS_MAX`] rounds, in each two different votes a kind and two proposals;
//! one polka, of the highest round; one certificate.
//! Source: `docs/spec/consensus.md`, "Bounds".

use std::collections::{BTreeMap, BTreeSet};

use super::NextHoldings;
use crate::message::{CommitCertificate, Kind, Polka, Proposal, Vote};
use crate::types::{Round, ValidatorIndex};
use crate::verify::Verified;

/// Rounds of the next height in which one sender's messages are kept.
pub const NEXT_ROUNDS_MAX: usize = 4;
/// Different messages of one sender, round and kind: the first, and one more for the proof.
const DIFFERENT_MAX: usize = 2;

/// A proposal with the wall time at which it came.
pub(super) type Arrived = (Verified<Proposal>, u64);

type VotesOfSender = BTreeMap<(Round, Kind), Vec<Verified<Vote>>>;
type ProposalsOfSender = BTreeMap<Round, Vec<Arrived>>;

/// Messages of the next height.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct NextHeight {
    votes: BTreeMap<ValidatorIndex, VotesOfSender>,
    proposals: BTreeMap<ValidatorIndex, ProposalsOfSender>,
    polka: Option<Verified<Polka>>,
    certificate: Option<Verified<CommitCertificate>>,
}

impl NextHeight {
    pub(super) fn keep_vote(&mut self, vote: Verified<Vote>) {
        let (sender, round, kind) = (
            vote.get().validator,
            vote.get().round,
            vote.get().value.kind(),
        );
        let of_sender = self.votes.entry(sender).or_default();
        let same = of_sender.entry((round, kind)).or_default();
        let is_known = same
            .iter()
            .any(|known| known.get().statement() == vote.get().statement());
        if !is_known && same.len() < DIFFERENT_MAX {
            same.push(vote);
        }
        let rounds: BTreeSet<_> = of_sender.keys().map(|(round, _)| *round).collect();
        let newest = rounds.into_iter().rev().take(NEXT_ROUNDS_MAX).next_back();
        of_sender.retain(|(round, _), _| newest.is_none_or(|newest| *round >= newest));
    }

    pub(super) fn keep_proposal(&mut self, proposal: Verified<Proposal>, received_us: u64) {
        let (sender, round) = (proposal.get().proposer, proposal.get().round);
        let of_sender = self.proposals.entry(sender).or_default();
        let same = of_sender.entry(round).or_default();
        let statement = proposal.get().statement();
        let is_known = same
            .iter()
            .any(|(known, _)| known.get().statement() == statement);
        if !is_known && same.len() < DIFFERENT_MAX {
            same.push((proposal, received_us));
        }
        while of_sender.len() > NEXT_ROUNDS_MAX {
            of_sender.pop_first();
        }
    }

    pub(super) fn keep_polka(&mut self, polka: Verified<Polka>) {
        let is_newer = self
            .polka
            .as_ref()
            .is_none_or(|known| known.get().round < polka.get().round);
        if is_newer {
            self.polka = Some(polka);
        }
    }

    pub(super) fn keep_certificate(&mut self, certificate: Verified<CommitCertificate>) {
        self.certificate.get_or_insert(certificate);
    }

    /// Gives everything up, for the height that starts now.
    pub(super) fn take(&mut self) -> Kept {
        let kept = std::mem::take(self);
        Kept {
            votes: kept
                .votes
                .into_values()
                .flat_map(BTreeMap::into_values)
                .flatten()
                .collect(),
            proposals: kept
                .proposals
                .into_values()
                .flat_map(BTreeMap::into_values)
                .flatten()
                .collect(),
            polka: kept.polka,
            certificate: kept.certificate,
        }
    }

    /// What is kept, one entry a message.
    pub(super) fn holdings(&self) -> NextHoldings {
        let votes = self.votes.values().flat_map(BTreeMap::values).flatten();
        let proposals = self.proposals.values().flat_map(BTreeMap::values).flatten();
        NextHoldings {
            votes: votes
                .map(Verified::get)
                .map(|vote| (vote.round, vote.value.kind(), vote.validator))
                .collect(),
            proposals: proposals
                .map(|(proposal, _)| (proposal.get().round, proposal.get().proposer))
                .collect(),
            polkas: usize::from(self.polka.is_some()),
            certificates: usize::from(self.certificate.is_some()),
        }
    }

    /// How many messages are kept.
    pub(super) fn count(&self) -> usize {
        let votes: usize = self
            .votes
            .values()
            .flat_map(BTreeMap::values)
            .map(Vec::len)
            .sum();
        let proposals: usize = self
            .proposals
            .values()
            .flat_map(BTreeMap::values)
            .map(Vec::len)
            .sum();
        let certificates = usize::from(self.polka.is_some())
            .saturating_add(usize::from(self.certificate.is_some()));
        votes.saturating_add(proposals).saturating_add(certificates)
    }
}

/// What was kept, in order of sender, round and kind.
pub(super) struct Kept {
    pub(super) votes: Vec<Verified<Vote>>,
    pub(super) proposals: Vec<Arrived>,
    pub(super) polka: Option<Verified<Polka>>,
    pub(super) certificate: Option<Verified<CommitCertificate>>,
}
