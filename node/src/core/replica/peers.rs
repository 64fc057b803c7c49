//! What peers send: decoded, bounded, handed to a verification, and then to whom it concerns.
//!
//! Invariant: bytes of a peer lead to an effect, an event or nothing, never to a panic; what a peer has being checked stays within
//! [`Checks`](crate::core::checks::Checks), and whoever sends what no correct node sends is heard no more for a while.
//! Source: `docs/spec/wire.md`, "Messages"; `docs/spec/dissemination.md`, "Jobs" and "Faults".

use falaj_consensus::engine::{self, VotesWanted};
use falaj_consensus::message::{Batch, CommitCertificate, Polka, Proposal, Vote};
use falaj_consensus::types::{Height, Now};
use std::sync::Arc;

use super::{Replica, Step};
use crate::core::checks::Work;
use crate::core::effect::{Dropped, Effect, Event, PeerFault, Recipients, VoteSeen};
use crate::core::input::{Peer, Sent};
use crate::core::job::{HeightContext, VerifyJob, VerifyResult};
use crate::core::wire::{Class, Frame, Message, ProposalBundle};

impl Replica {
    pub(super) fn on_peer_up(&mut self, peer: Peer, step: &mut Step) {
        if self.faults.is_shunned(peer) {
            return;
        }
        self.sync.up(peer);
        if let Some(validator) = peer.validator() {
            self.batches.forget_acks(validator);
        }
        if self.is_full() {
            return;
        }
        let acks = self.batches.own_acks();
        self.send_frame(Recipients::Some(vec![peer]), acks, None, step);
        self.tell_evidence(peer, step);
    }

    pub(super) fn on_received(
        &mut self,
        now: Now,
        from: Peer,
        class: Class,
        bytes: &[u8],
        step: &mut Step,
    ) {
        if self.faults.is_shunned(from) {
            return;
        }
        let Ok(frame) = Frame::decode(class, bytes) else {
            return self.at_fault(now, from, PeerFault::Frame, step);
        };
        self.sync.heard(from, frame.height);
        if let Some(validator) = from.validator() {
            let set = self.open_set();
            for ack in frame
                .acks
                .into_iter()
                .filter(|ack| set.index_of(ack.author).is_some())
            {
                self.batches.acknowledged(validator, ack);
            }
        }
        if let Some(message) = frame.message {
            let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.on_message(now, Sent { by: from, bytes }, message, step);
        }
    }

    fn on_message(&mut self, now: Now, sent: Sent, message: Message, step: &mut Step) {
        let from = sent.by;
        match message {
            Message::Proposal(bundle) => self.on_proposal(now, sent, *bundle, step),
            Message::Votes(votes) => self.on_votes(now, sent, votes, step),
            Message::Polka(polka) => self.on_polka(sent, polka, step),
            Message::Certificate(certificate) => self.on_certificate(sent, certificate, step),
            Message::PullVotes {
                height,
                round,
                proposal,
                prevotes,
                precommits,
            } => {
                let wanted = VotesWanted {
                    height,
                    round,
                    proposal,
                    prevotes,
                    precommits,
                };
                self.on_pull(from, wanted, step);
            }
            Message::GetBlock { height, id } => self.serve_block(from, height, &id, step),
            Message::Block { header, body } => {
                if self.asked.contains(&header.id()) {
                    self.offer_block(*header, Arc::new(body), Some(from), step);
                }
            }
            Message::Batch(encoded) => self.on_batch_bytes(sent, encoded, step),
            Message::GetBatches { height, digests } => {
                self.serve_batches(from, height, digests, step)
            }
            Message::GetBlocks { from: first, count } => {
                self.serve_blocks(from, first, count, step)
            }
            Message::Blocks(blocks) => {
                let open = self.open_height();
                let state = &self.tip.state;
                let known = |height| {
                    (open..=open.next())
                        .contains(&height)
                        .then(|| state.parameters_at(height))
                };
                self.sync.received(from, open, known, blocks);
            }
            Message::Evidence(evidence) => self.on_evidence(sent, *evidence, step),
            Message::GetSnapshot(part) => self.serve_snapshot(from, part, step),
            // A replica has a state, and asks nobody for one.
            Message::Snapshot(_) => {}
        }
    }

    fn on_proposal(&mut self, now: Now, from: Sent, bundle: ProposalBundle, step: &mut Step) {
        let ProposalBundle {
            proposal,
            body,
            polka,
            parent,
        } = bundle;
        if let Some(parent) = parent.filter(|parent| parent.height == self.open_height()) {
            self.on_certificate(from, parent, step);
        }
        let Some(context) = self.context(proposal.height()) else {
            self.remind(from.by, proposal.height(), step);
            return;
        };
        let job = VerifyJob::Proposal {
            from,
            received_us: now.wall_us,
            context,
            proposal: Box::new(proposal),
            polka: polka.map(Box::new),
            body: Arc::new(body),
        };
        self.verify(Work::Consensus, from, job, step);
    }

    fn on_votes(&mut self, now: Now, from: Sent, votes: Vec<Vote>, step: &mut Step) {
        let Some(height) = votes.first().map(|vote| vote.height) else {
            return;
        };
        if votes.iter().any(|vote| vote.height != height) {
            return self.at_fault(now, from.by, PeerFault::Heights, step);
        }
        let Some(context) = self.context(height) else {
            return self.remind(from.by, height, step);
        };
        let job = VerifyJob::Votes {
            from,
            context,
            votes,
        };
        self.verify(Work::Consensus, from, job, step);
    }

    fn on_polka(&mut self, from: Sent, polka: Polka, step: &mut Step) {
        let Some(context) = self.context(polka.height) else {
            return self.remind(from.by, polka.height, step);
        };
        let polka = Box::new(polka);
        let job = VerifyJob::Polka {
            from,
            context,
            polka,
        };
        self.verify(Work::Consensus, from, job, step);
    }

    fn on_certificate(&mut self, from: Sent, certificate: CommitCertificate, step: &mut Step) {
        if let Some(context) = self.context(certificate.height) {
            let certificate = Box::new(certificate);
            let job = VerifyJob::Certificate {
                from,
                context,
                certificate,
                block: None,
            };
            self.verify(Work::Consensus, from, job, step);
        }
    }

    /// A message about a decided height is answered with its certificate, so that its sender gets on.
    fn remind(&mut self, to: Peer, height: Height, step: &mut Step) {
        if height <= self.height() {
            self.serve_certificate(to, height, step);
        }
    }

    fn on_pull(&mut self, from: Peer, wanted: VotesWanted, step: &mut Step) {
        if wanted.height <= self.height() {
            self.remind(from, wanted.height, step);
            return;
        }
        let set = self.open_set();
        let fits =
            wanted.prevotes.is_canonical(set.len()) && wanted.precommits.is_canonical(set.len());
        let index = from
            .validator()
            .and_then(|validator| set.index_of(validator));
        if let (true, Some(from)) = (fits, index) {
            self.engine_inputs
                .push_back(engine::Input::VotesWanted { from, wanted });
        }
    }

    fn on_batch_bytes(&mut self, from: Sent, encoded: Vec<u8>, step: &mut Step) {
        if self.stands_still() {
            return;
        }
        let digest = Batch::digest_of(&encoded);
        if self.batches.contains(&digest) {
            self.on_known_batch(from.by, &digest, step);
            return;
        }
        if self.checking.contains(&digest) {
            return;
        }
        let job = VerifyJob::Batch {
            from: Some(from),
            digest,
            encoded: encoded.into(),
        };
        if self.verify(Work::Batches, from, job, step) {
            self.checking.insert(digest);
        }
    }

    /// Hands a check out, within what its sender may have open; whether there was room.
    pub(super) fn verify(
        &mut self,
        work: Work,
        from: Sent,
        job: VerifyJob,
        step: &mut Step,
    ) -> bool {
        let fits = self.checks.begin(work, from);
        if fits {
            step.start.push(Effect::Verify(Box::new(job)));
        } else {
            let dropped = match work {
                Work::Consensus => Dropped::MessageChecks,
                Work::Batches => Dropped::BatchChecks,
            };
            Self::limited(from.by, dropped, step);
        }
        fits
    }

    pub(super) fn on_verified(&mut self, now: Now, result: VerifyResult, step: &mut Step) {
        match result {
            VerifyResult::Proposal {
                from,
                received_us,
                proposal,
                polka,
                body,
            } => {
                let from = self.checks.end(Work::Consensus, from);
                let header = proposal.get().header.clone();
                let is_taken = self.takes_block_of(proposal.get());
                if let Some(polka) = polka {
                    self.engine_inputs.push_back(engine::Input::Polka(*polka));
                }
                self.engine_inputs.push_back(engine::Input::Proposal {
                    proposal,
                    received_us,
                });
                if is_taken {
                    self.offer_block(header, body, Some(from), step);
                }
            }
            VerifyResult::Votes { from, votes, wrong } => {
                let from = self.checks.end(Work::Consensus, from);
                votes
                    .iter()
                    .for_each(|vote| self.tell_vote(vote.get(), step));
                self.engine_inputs
                    .extend(votes.into_iter().map(engine::Input::Vote));
                if wrong > 0 {
                    self.at_fault(now, from, PeerFault::Vote, step);
                }
            }
            VerifyResult::Polka { from, polka } => {
                self.checks.end(Work::Consensus, from);
                self.engine_inputs.push_back(engine::Input::Polka(*polka));
            }
            VerifyResult::Certificate {
                from,
                certificate,
                block,
            } => {
                let from = self.checks.end(Work::Consensus, from);
                self.on_checked_certificate(now, from, *certificate, block, step);
            }
            VerifyResult::Batch { from, batch } => {
                let from = from.map(|from| self.checks.end(Work::Batches, from));
                self.checking.remove(&batch.reference.digest);
                self.on_batch(from, batch, step);
            }
            VerifyResult::Inline { id, transactions } => {
                if let Some(candidate) = self.candidates.get_mut(&id) {
                    candidate.inline_checked(transactions);
                }
                self.complete_open();
            }
            VerifyResult::BlockEvidence { id, is_right } => {
                if let Some(candidate) = self.candidates.get_mut(&id) {
                    candidate.evidence_checked(is_right);
                }
                self.complete_open();
            }
            VerifyResult::Evidence { from, evidence } => {
                let from = self.checks.end(Work::Consensus, from);
                self.on_checked_evidence(from, *evidence, step);
            }
            VerifyResult::Submitted(checked) => self.on_submissions_checked(now, checked, step),
            VerifyResult::Wrong { from, batch, fault } => {
                let work = batch.map_or(Work::Consensus, |_| Work::Batches);
                let from = from.map(|from| self.checks.end(work, from));
                if let Some(digest) = batch {
                    self.checking.remove(&digest);
                }
                if let Some(from) = from {
                    self.lied(now, from, fault, step);
                }
            }
        }
    }

    /// Tells what was not taken of a peer.
    pub(super) fn limited(peer: Peer, dropped: Dropped, step: &mut Step) {
        Self::event(Event::PeerLimited { peer, dropped }, step);
    }

    /// Says whose vote this is, of the open height or the next.
    pub(super) fn tell_vote(&self, vote: &Vote, step: &mut Step) {
        let Some(HeightContext { set, .. }) = self.context(vote.height) else {
            return;
        };
        let statement = vote.statement();
        if let Some(member) = set.get(vote.validator) {
            let seen = VoteSeen {
                height: vote.height,
                round: vote.round,
                validator: member.id,
                kind: statement.kind(),
                is_nil: statement.block().is_none(),
            };
            Self::event(Event::Voted(seen), step);
        }
    }

    /// Whether the block of a proposal comes in with it: consensus keeps two proposals a round, of whose turn it is.
    /// Of the next height that is not known yet.
    fn takes_block_of(&self, proposal: &Proposal) -> bool {
        proposal.height() != self.open_height() || self.engine.takes(proposal)
    }
}
