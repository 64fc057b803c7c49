//! Tallies the votes of one height, by round and kind, and forms polkas and the commit certificate.
//!
//! Invariant: a validator's power counts at most once per (round, kind), with the first vote that came; a second, different one becomes
//! [`Evidence`]. A polka is one (round, id, valid round), a commit certificate one (round, id, outcome): votes are tallied by whole statement.
//! Mixed counts (34, 47, 55) count senders. A certificate counts as a whole, also where it contains the second vote of a sender.
//! Bounds: votes are kept one by one for the round, [`ROUNDS_BEHIND_MAX`] rounds before it, and the newest [`ROUNDS_AHEAD_MAX`] rounds
//! that each sender is ahead; a vote is at most a few hundred bytes, so bytes are bounded with the count. One polka a round.
//! Errors: none. A vote that could be wrong never gets here, see [`crate::verify`].
//! Source: Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus" (2018), algorithm 1, lines 28 to 55; `docs/spec/consensus.md`, "Tally" and "Bounds".

mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::evidence::{self, Offences};
use crate::message::{CommitCertificate, Evidence, Polka, Proposal, Vote, VoteValue};
use crate::types::{BlockId, OutcomeHash, Round, ValidatorIndex};
use crate::validator_set::{Bitmap, ValidatorSet};
use crate::verify::Verified;

pub use tally::Tally;

/// Rounds behind the current one whose votes are still kept one by one.
pub const ROUNDS_BEHIND_MAX: u32 = 32;
/// Rounds ahead of the current one in which votes of one sender are kept: its newest.
pub const ROUNDS_AHEAD_MAX: usize = 8;

/// Why a vote was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unkept {
    /// More rounds behind than [`ROUNDS_BEHIND_MAX`].
    TooFarBehind,
    /// Below the newest [`ROUNDS_AHEAD_MAX`] rounds that its sender is ahead.
    TooFarAhead,
}

/// The votes of one round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct RoundVotes {
    prevotes: Tally,
    precommits: Tally,
    polka: Option<Polka>,
}

impl RoundVotes {
    fn tally(&self, value: &VoteValue) -> &Tally {
        match value {
            VoteValue::Prevote(_) => &self.prevotes,
            VoteValue::Precommit(_) => &self.precommits,
        }
    }

    fn tally_mut(&mut self, value: &VoteValue) -> &mut Tally {
        match value {
            VoteValue::Prevote(_) => &mut self.prevotes,
            VoteValue::Precommit(_) => &mut self.precommits,
        }
    }

    fn has_vote_of(&self, sender: ValidatorIndex) -> bool {
        self.prevotes.vote_of(sender).is_some() || self.precommits.vote_of(sender).is_some()
    }

    /// Power of everybody who prevoted or precommitted, each once.
    fn senders_power(&self, set: &ValidatorSet) -> u128 {
        let senders: BTreeSet<_> = self
            .prevotes
            .senders()
            .chain(self.precommits.senders())
            .collect();
        senders.into_iter().map(|sender| set.power(sender)).sum()
    }
}

/// The votes and certificates of one height.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VoteKeeper {
    set: Arc<ValidatorSet>,
    current: Round,
    rounds: BTreeMap<Round, RoundVotes>,
    certificate: Option<CommitCertificate>,
    conflict: Option<CommitCertificate>,
    offences: Offences,
}

impl VoteKeeper {
    /// Keeps no vote yet.
    #[must_use]
    pub fn new(set: Arc<ValidatorSet>) -> Self {
        Self {
            set,
            current: Round::new(0),
            rounds: BTreeMap::new(),
            certificate: None,
            conflict: None,
            offences: Offences::default(),
        }
    }

    /// Counts a vote; returns what it proves against its sender.
    ///
    /// # Errors
    /// [`Unkept`] when the vote's round is outside what is kept. That is no fault of the sender.
    pub fn add_vote(&mut self, vote: Verified<Vote>) -> Result<Vec<Evidence>, Unkept> {
        let vote = vote.into_inner();
        self.make_room(vote.validator, vote.round)?;
        Ok(self.record(vote))
    }

    /// Counts a polka as a whole, and its members as senders.
    pub fn add_polka(&mut self, polka: Verified<Polka>) -> Vec<Evidence> {
        self.load_polka(polka.into_inner())
    }

    /// Counts a polka that an own synced record holds.
    pub fn load_polka(&mut self, polka: Polka) -> Vec<Evidence> {
        let votes = split(&polka.signers, &polka.signatures, &polka.statement());
        let round = polka.round;
        self.rounds
            .entry(round)
            .or_default()
            .polka
            .get_or_insert(polka);
        self.record_members(votes)
    }

    /// Counts a commit certificate as a whole, and its members as senders. A second one that contradicts the first is kept as a conflict.
    pub fn add_certificate(&mut self, certificate: Verified<CommitCertificate>) -> Vec<Evidence> {
        let certificate = certificate.into_inner();
        let votes = split(
            &certificate.signers,
            &certificate.signatures,
            &certificate.statement(),
        );
        self.keep_certificate(certificate);
        self.record_members(votes)
    }

    /// Admits a second proposal of a round as evidence, once a proposer and height.
    pub fn double_proposal(&mut self, first: &Proposal, second: &Proposal) -> Option<Evidence> {
        evidence::double_proposal(first, second).and_then(|evidence| self.offences.admit(evidence))
    }

    /// Moves the window of rounds; `pinned` rounds keep their polka for ever.
    pub fn advance(&mut self, round: Round, pinned: &[Round]) {
        self.current = round;
        let oldest = self.oldest();
        for (_, votes) in self.rounds.range_mut(..oldest) {
            votes.prevotes = Tally::default();
            votes.precommits = Tally::default();
        }
        self.rounds.retain(|round, votes| {
            *round >= oldest || (pinned.contains(round) && votes.polka.is_some())
        });
    }

    /// 34: prevotes of a quorum, whatever for.
    #[must_use]
    pub fn has_prevotes_any(&self, round: Round) -> bool {
        self.rounds
            .get(&round)
            .is_some_and(|votes| self.set.is_quorum(votes.prevotes.power()))
    }

    /// 44: nil prevotes of a quorum.
    #[must_use]
    pub fn has_prevotes_nil(&self, round: Round) -> bool {
        let nil = VoteValue::Prevote(None);
        let power = |votes: &RoundVotes| votes.prevotes.power_for(&nil);
        if mutated!(NilPrecommitOnHint) {
            let votes = self.rounds.get(&round);
            return votes.is_some_and(|votes| self.set.is_honest_hint(power(votes)));
        }
        self.rounds
            .get(&round)
            .is_some_and(|votes| self.set.is_quorum(power(votes)))
    }

    /// 47: precommits of a quorum, whatever for.
    #[must_use]
    pub fn has_precommits_any(&self, round: Round) -> bool {
        self.rounds
            .get(&round)
            .is_some_and(|votes| self.set.is_quorum(votes.precommits.power()))
    }

    /// 28, 36: the polka of a round.
    #[must_use]
    pub fn polka(&self, round: Round) -> Option<&Polka> {
        self.rounds.get(&round)?.polka.as_ref()
    }

    /// 28: the polka of a round, if it is for that block.
    #[must_use]
    pub fn polka_for(&self, round: Round, id: BlockId) -> Option<&Polka> {
        self.polka(round).filter(|polka| polka.id == id)
    }

    /// 49: the commit certificate of the height.
    #[must_use]
    pub const fn certificate(&self) -> Option<&CommitCertificate> {
        self.certificate.as_ref()
    }

    /// A commit certificate that contradicts [`VoteKeeper::certificate`].
    #[must_use]
    pub const fn conflict(&self) -> Option<&CommitCertificate> {
        self.conflict.as_ref()
    }

    /// 55: the highest round above the current one in which an honest hint of distinct senders voted; a polka is one too.
    #[must_use]
    pub fn higher_round(&self) -> Option<Round> {
        let mut above = self.rounds.range(self.current.next()..).rev();
        above
            .find(|(_, votes)| votes.polka.is_some() || self.is_hinted(votes))
            .map(|(round, _)| *round)
    }

    /// Whether an honest hint of distinct senders voted in a round.
    #[must_use]
    pub fn has_hint(&self, round: Round) -> bool {
        self.rounds
            .get(&round)
            .is_some_and(|votes| self.is_hinted(votes))
    }

    /// The blocks that an honest hint of prevotes names in a round.
    #[must_use]
    pub fn hinted_blocks(&self, round: Round) -> Vec<BlockId> {
        let votes = self.rounds.get(&round).map(|votes| &votes.prevotes);
        let Some(prevotes) = votes.filter(|votes| self.set.is_honest_hint(votes.power())) else {
            return Vec::new();
        };
        let powers = prevotes.power_by_block().into_iter();
        powers
            .filter(|(_, power)| self.set.is_honest_hint(*power))
            .map(|(id, _)| id)
            .collect()
    }

    /// Blocks that have a polka in a round that is kept.
    pub fn polkas(&self) -> impl Iterator<Item = &Polka> {
        self.rounds
            .values()
            .filter_map(|votes| votes.polka.as_ref())
    }

    /// Who prevoted a block in a round.
    #[must_use]
    pub fn prevoters_of(&self, round: Round, id: BlockId) -> Vec<ValidatorIndex> {
        self.rounds
            .get(&round)
            .map(|votes| votes.prevotes.voters_of(id))
            .unwrap_or_default()
    }

    /// A block that a quorum precommitted in a round without a quorum for any one outcome, and who signed which.
    #[must_use]
    pub fn outcome_split(&self, round: Round) -> Option<(BlockId, OutcomeSigners)> {
        let precommits = &self.rounds.get(&round)?.precommits;
        let split = precommits
            .power_by_block()
            .into_iter()
            .find(|(_, power)| self.set.is_quorum(*power));
        let (id, _) = split.filter(|_| self.certificate.is_none())?;
        Some((id, precommits.signers_by_outcome(id)))
    }

    /// Prevotes and precommits of a round, in order of kind and sender.
    pub fn votes(&self, round: Round) -> impl Iterator<Item = &Vote> {
        let votes = self.rounds.get(&round);
        votes
            .into_iter()
            .flat_map(|votes| votes.prevotes.votes().chain(votes.precommits.votes()))
    }

    /// Every vote that is kept, in order of round, kind and sender.
    pub fn all_votes(&self) -> impl Iterator<Item = &Vote> {
        self.rounds.keys().flat_map(|round| self.votes(*round))
    }

    /// Whose prevotes and precommits of a round are held.
    #[must_use]
    pub fn bitmaps(&self, round: Round) -> (Bitmap, Bitmap) {
        let members = self.set.len();
        let votes = self.rounds.get(&round);
        let of = |tally: Option<&Tally>| {
            let mut bitmap = Bitmap::none(members);
            tally
                .into_iter()
                .flat_map(Tally::senders)
                .for_each(|sender| bitmap.insert(sender));
            bitmap
        };
        (
            of(votes.map(|votes| &votes.prevotes)),
            of(votes.map(|votes| &votes.precommits)),
        )
    }

    /// Power that prevoted in a round, and the most for one statement.
    #[must_use]
    pub fn prevote_power(&self, round: Round) -> (u128, u128) {
        self.rounds
            .get(&round)
            .map_or((0, 0), |votes| votes.prevotes.powers())
    }

    /// Power that precommitted in a round, and the most for one statement.
    #[must_use]
    pub fn precommit_power(&self, round: Round) -> (u128, u128) {
        self.rounds
            .get(&round)
            .map_or((0, 0), |votes| votes.precommits.powers())
    }

    /// How many commit certificates are kept.
    #[must_use]
    pub fn certificates(&self) -> usize {
        usize::from(self.certificate.is_some()).saturating_add(usize::from(self.conflict.is_some()))
    }

    /// How many offences were proven.
    #[must_use]
    pub fn offences(&self) -> usize {
        self.offences.count()
    }

    /// How many votes are kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rounds
            .values()
            .map(|votes| votes.prevotes.len().saturating_add(votes.precommits.len()))
            .sum()
    }

    fn is_hinted(&self, votes: &RoundVotes) -> bool {
        let power = votes.senders_power(&self.set);
        self.set.is_honest_hint(power) || mutated!(JumpOnOneVote) && power > 0
    }

    fn oldest(&self) -> Round {
        Round::new(self.current.get().saturating_sub(ROUNDS_BEHIND_MAX))
    }

    /// Refuses a vote outside the window, or drops the sender's oldest round ahead for a newer one.
    fn make_room(&mut self, sender: ValidatorIndex, round: Round) -> Result<(), Unkept> {
        if round < self.oldest() {
            return Err(Unkept::TooFarBehind);
        }
        if round <= self.current {
            return Ok(());
        }
        let ahead = self
            .rounds
            .range(self.current.next()..)
            .filter(|(_, votes)| votes.has_vote_of(sender));
        let ahead: Vec<_> = ahead.map(|(round, _)| *round).collect();
        match ahead.first() {
            Some(_) if mutated!(RoundsAheadUnbounded) => Ok(()),
            Some(_) if ahead.contains(&round) || ahead.len() < ROUNDS_AHEAD_MAX => Ok(()),
            Some(oldest) if *oldest > round => Err(Unkept::TooFarAhead),
            Some(oldest) => {
                self.forget(sender, *oldest);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn forget(&mut self, sender: ValidatorIndex, round: Round) {
        if let Some(votes) = self.rounds.get_mut(&round) {
            votes.prevotes.forget(sender, &self.set);
            votes.precommits.forget(sender, &self.set);
            if votes.prevotes.is_empty() && votes.precommits.is_empty() && votes.polka.is_none() {
                self.rounds.remove(&round);
            }
        }
    }

    /// Members of a certificate count as senders, wherever single votes of theirs would be kept.
    fn record_members(&mut self, votes: Vec<Vote>) -> Vec<Evidence> {
        let mut proven = Vec::new();
        for vote in votes {
            if self.make_room(vote.validator, vote.round).is_ok() {
                proven.extend(self.record(vote));
            }
        }
        proven
    }

    fn record(&mut self, vote: Vote) -> Vec<Evidence> {
        let mut proven = self.amnesia(&vote);
        let round = self.rounds.entry(vote.round).or_default();
        match round.tally(&vote.value).vote_of(vote.validator) {
            Some(_) if mutated!(SecondVoteProvesNothing) => {}
            Some(first) if !mutated!(SecondVoteCounts) => {
                proven.extend(evidence::double_vote(first, &vote));
            }
            Some(_) | None => {
                let value = vote.value;
                let number = vote.round;
                round.tally_mut(&value).insert(vote, &self.set);
                self.certify(number, &value);
            }
        }
        proven
            .into_iter()
            .filter_map(|evidence| self.offences.admit(evidence))
            .collect()
    }

    /// Forms the polka or certificate of a statement as soon as it has its quorum.
    fn certify(&mut self, round: Round, value: &VoteValue) {
        let Some(votes) = self.rounds.get_mut(&round) else {
            return;
        };
        let tally = votes.tally(value);
        let mut power = tally.power_for(value);
        if mutated!(CertificateOfMixedVotes) && matches!(value, VoteValue::Precommit(_)) {
            power = tally.power();
        }
        if !self.set.is_quorum(power) {
            return;
        }
        let equal: Vec<_> = tally.votes().filter(|vote| &vote.value == value).collect();
        match value {
            VoteValue::Prevote(_) => {
                let polka = Polka::from_votes(self.set.len(), &equal);
                votes.polka = votes.polka.take().or(polka);
            }
            VoteValue::Precommit(_) => {
                if let Some(certificate) = CommitCertificate::from_votes(self.set.len(), &equal) {
                    self.keep_certificate(certificate);
                }
            }
        }
    }

    fn keep_certificate(&mut self, certificate: CommitCertificate) {
        match &self.certificate {
            None => self.certificate = Some(certificate),
            Some(first) if (first.id, first.outcome) == (certificate.id, certificate.outcome) => {}
            Some(_) => {
                self.conflict.get_or_insert(certificate);
            }
        }
    }

    /// What a vote proves together with the sender's votes of other rounds.
    fn amnesia(&self, vote: &Vote) -> Vec<Evidence> {
        let of_sender = |votes: &Tally| votes.vote_of(vote.validator).cloned();
        match vote.value {
            VoteValue::Prevote(None) | VoteValue::Precommit(None) => Vec::new(),
            VoteValue::Prevote(Some(_)) => {
                let before = self
                    .rounds
                    .range(..vote.round)
                    .filter_map(|(_, votes)| of_sender(&votes.precommits));
                before
                    .filter_map(|precommit| evidence::amnesia(&precommit, vote))
                    .take(1)
                    .collect()
            }
            VoteValue::Precommit(Some(_)) => {
                let after = self
                    .rounds
                    .range(vote.round.next()..)
                    .filter_map(|(_, votes)| of_sender(&votes.prevotes));
                after
                    .filter_map(|prevote| evidence::amnesia(vote, &prevote))
                    .take(1)
                    .collect()
            }
        }
    }
}

/// Outcomes of one block and who signed each, in order of outcome.
pub type OutcomeSigners = Vec<(OutcomeHash, Vec<ValidatorIndex>)>;

/// The votes inside a certificate, for counting senders and for evidence; they are never sent on one by one.
fn split(
    signers: &Bitmap,
    signatures: &[crate::crypto::Signature],
    statement: &crate::message::Statement,
) -> Vec<Vote> {
    let pairs = signers.iter().zip(signatures);
    pairs
        .filter_map(|(signer, signature)| Vote::new(signer, *statement, signature.clone()))
        .collect()
}
