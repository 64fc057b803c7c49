//! What one correct node has received reaches all: polka pushes, pulls of missing votes, and answers to pulls.
//!
//! Invariant: a certificate is sent whole and never split into votes; an idle height sends nothing.
//! Source: `docs/spec/consensus.md`, "Relaying".

use super::Driver;
use crate::engine::{Output, TimerKind, VotesWanted};
use crate::message::{Polka, Vote, VoteValue};
use crate::round::Step;
use crate::types::{Round, ValidatorIndex};
use crate::validator_set::Bitmap;

impl Driver {
    /// The retransmit tick: pushes the polka, pulls votes, asks again for blocks.
    pub(super) fn tick(&mut self, out: &mut Vec<Output>) {
        self.ticking = false;
        self.behind = false;
        self.push_polka(out);
        self.pull_votes(out);
        self.ask_for_blocks(true, out);
    }

    /// Keeps the tick running while the height is active: not idle, not decided, not halted.
    pub(super) fn keep_ticking(&mut self, out: &mut Vec<Output>) {
        if !self.ticking && self.is_active() {
            self.ticking = true;
            self.start_timer(TimerKind::Tick, self.context.parameters.tick_ns(), out);
        }
    }

    /// A locked, undecided node pushes its polka.
    pub(super) fn push_polka(&self, out: &mut Vec<Output>) {
        if self.context.own.is_some()
            && let Some(polka) = self.lock_polka()
        {
            out.push(Output::PushPolka(Box::new(polka.clone())));
        }
    }

    /// Asks for the votes of the current round that are missing.
    pub fn pull_votes(&self, out: &mut Vec<Output>) {
        let (height, round) = (self.context.height, self.state.round());
        let (prevotes, precommits) = self.votes.bitmaps(round);
        let proposal = self.proposals.first(round).is_some();
        let members = self.context.set.len();
        let has_all = proposal && prevotes.count() == members && precommits.count() == members;
        if self.context.own.is_some() && !has_all {
            out.push(Output::PullVotes(VotesWanted {
                height,
                round,
                proposal,
                prevotes,
                precommits,
            }));
        }
    }

    /// Answers a pull of this height: what the asker lacks of its round, and of ours if it is behind.
    pub fn answer(&mut self, to: ValidatorIndex, wanted: &VotesWanted, out: &mut Vec<Output>) {
        if self.state.is_decided() {
            return out.push(Output::SendCertificate {
                to,
                height: self.context.height,
            });
        }
        self.behind |= self.lacks_of(wanted);
        let round = self.state.round();
        let members = self.context.set.len();
        let nothing = VotesWanted {
            height: wanted.height,
            round,
            proposal: false,
            prevotes: Bitmap::none(members),
            precommits: Bitmap::none(members),
        };
        self.answer_round(to, wanted, out);
        if wanted.round < round {
            self.answer_round(to, &nothing, out);
        }
    }

    /// Somebody is above this height: the next tick pulls its certificate, also when the height is idle.
    pub fn hear_from_above(&mut self) {
        self.behind = true;
    }

    /// Whether who asks is in a later round, or holds what we lack. An idle asker holds nothing, so idle nodes do not keep each other awake.
    fn lacks_of(&self, wanted: &VotesWanted) -> bool {
        let round = self.state.round();
        let (prevotes, precommits) = self.votes.bitmaps(round);
        let has_more = wanted
            .prevotes
            .iter()
            .any(|voter| !prevotes.contains(voter))
            || wanted
                .precommits
                .iter()
                .any(|voter| !precommits.contains(voter))
            || wanted.proposal && self.proposals.first(round).is_none();
        wanted.round > round || wanted.round == round && has_more
    }

    fn answer_round(&self, to: ValidatorIndex, wanted: &VotesWanted, out: &mut Vec<Output>) {
        let polka = self.votes.polka(wanted.round);
        // Its own votes too: to whom they are news is a signer whose guard is an old copy.
        let votes = self.votes.votes(wanted.round);
        let votes = votes.filter(|vote| !has(wanted, vote) && !is_in(polka, vote));
        let votes: Vec<_> = votes.cloned().collect();
        let proposal = self
            .proposals
            .first(wanted.round)
            .filter(|_| !wanted.proposal);
        let proposal =
            proposal.map(|proposed| Box::new(self.proposal_with_polka(&proposed.proposal)));
        let polkas: Vec<_> = polka
            .filter(|polka| lacks(wanted, polka))
            .cloned()
            .into_iter()
            .collect();
        if !votes.is_empty() || !polkas.is_empty() || proposal.is_some() {
            out.push(Output::Answer {
                to,
                proposal,
                votes,
                polkas,
            });
        }
    }

    fn is_active(&self) -> bool {
        let moved = self.state.has_begun()
            || self.state.step() > Step::Propose
            || self.state.round() > Round::new(0);
        let heard = self.votes.count() > 0 || self.votes.certificate().is_some();
        !self.halted && !self.state.is_decided() && (moved || heard || self.behind)
    }
}

fn has(wanted: &VotesWanted, vote: &Vote) -> bool {
    match vote.value {
        VoteValue::Prevote(_) => wanted.prevotes.contains(vote.validator),
        VoteValue::Precommit(_) => wanted.precommits.contains(vote.validator),
    }
}

fn lacks(wanted: &VotesWanted, polka: &Polka) -> bool {
    polka
        .signers
        .iter()
        .any(|signer| !wanted.prevotes.contains(signer))
}

/// Whether a vote travels inside the polka that is sent, or that the asker has.
fn is_in(polka: Option<&Polka>, vote: &Vote) -> bool {
    polka.is_some_and(|polka| {
        polka.signers.contains(vote.validator) && polka.statement() == vote.statement()
    })
}
