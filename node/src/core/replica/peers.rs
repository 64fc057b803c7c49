//! What peers send: decoded, bounded, handed to a verification, and then to whom it concerns.
//!
//! Invariant: bytes of a peer lead to an effect, an event or nothing, never to a panic; a peer has at most
//! [`VERIFYING_MAX`] verifications open at a time.
//! Source: `docs/spec/wire.md`, "Messages".

use falaj_consensus::engine::{self, VotesWanted};
use falaj_consensus::message::{CommitCertificate, Proposal, Vote};
use falaj_consensus::types::{Height, Now};
use std::sync::Arc;

use super::{Replica, Step};
use crate::core::effect::{Effect, Event, Recipients, VoteSeen};
use crate::core::input::Peer;
use crate::core::job::{HeightContext, VerifyJob, VerifyResult};
use crate::core::wire::{Class, Frame, Message, ProposalBundle};
use falaj_consensus::message::Batch;

/// Verifications that one peer may have open.
pub(super) const VERIFYING_MAX: u32 = 1024;

impl Replica {
    pub(super) fn on_peer_up(&mut self, peer: Peer, step: &mut Step) {
        self.sync.up(peer);
        if let Some(validator) = peer.validator() {
            self.batches.forget_acks(validator);
        }
        if self.is_full() {
            return;
        }
        let acks = self.batches.own_acks();
        self.send_frame(Recipients::Some(vec![peer]), acks, None, step);
    }

    pub(super) fn on_received(
        &mut self,
        now: Now,
        from: Peer,
        class: Class,
        bytes: &[u8],
        step: &mut Step,
    ) {
        let Ok(frame) = Frame::decode(class, bytes) else {
            Self::event(
                Event::PeerFault {
                    peer: from,
                    what: "frame",
                },
                step,
            );
            return;
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
            self.on_message(now, from, message, step);
        }
    }

    fn on_message(&mut self, now: Now, from: Peer, message: Message, step: &mut Step) {
        match message {
            Message::Proposal(bundle) => self.on_proposal(now, from, *bundle, step),
            Message::Votes(votes) => self.on_votes(from, votes, step),
            Message::Polka(polka) => {
                if let Some(context) = self.context(polka.height) {
                    let polka = Box::new(polka);
                    self.verify(
                        from,
                        VerifyJob::Polka {
                            from,
                            context,
                            polka,
                        },
                        step,
                    );
                } else {
                    self.remind(from, polka.height, step);
                }
            }
            Message::Certificate(certificate) => self.on_certificate(from, certificate, step),
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
            Message::Batch(encoded) => self.on_batch_bytes(from, encoded, step),
            Message::GetBatches { height, digests } => {
                self.serve_batches(from, height, digests, step)
            }
            Message::GetBlocks { from: first, count } => {
                self.serve_blocks(from, first, count, step)
            }
            Message::Blocks(blocks) => {
                let open = self.open_height();
                let parameters = self.parameters();
                self.sync.received(from, open, &parameters, blocks);
            }
        }
    }

    fn on_proposal(&mut self, now: Now, from: Peer, bundle: ProposalBundle, step: &mut Step) {
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
            self.remind(from, proposal.height(), step);
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
        self.verify(from, job, step);
    }

    fn on_votes(&mut self, from: Peer, votes: Vec<Vote>, step: &mut Step) {
        let Some(height) = votes.first().map(|vote| vote.height) else {
            return;
        };
        if votes.iter().any(|vote| vote.height != height) {
            Self::event(
                Event::PeerFault {
                    peer: from,
                    what: "votes of several heights",
                },
                step,
            );
            return;
        }
        match self.context(height) {
            Some(context) => self.verify(
                from,
                VerifyJob::Votes {
                    from,
                    context,
                    votes,
                },
                step,
            ),
            None => self.remind(from, height, step),
        }
    }

    fn on_certificate(&mut self, from: Peer, certificate: CommitCertificate, step: &mut Step) {
        if let Some(context) = self.context(certificate.height) {
            let certificate = Box::new(certificate);
            self.verify(
                from,
                VerifyJob::Certificate {
                    from,
                    context,
                    certificate,
                    block: None,
                },
                step,
            );
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

    fn on_batch_bytes(&mut self, from: Peer, encoded: Vec<u8>, step: &mut Step) {
        if self.stands_still() {
            return;
        }
        let digest = Batch::digest_of(&encoded);
        if self.batches.contains(&digest) {
            self.on_known_batch(from, &digest, step);
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
        self.verify(from, job, step);
    }

    /// Hands a verification out, within what a peer may have open.
    pub(super) fn verify(&mut self, from: Peer, job: VerifyJob, step: &mut Step) {
        let open = self.verifying.entry(from).or_insert(0);
        if *open >= VERIFYING_MAX {
            Self::event(
                Event::PeerLimited {
                    peer: from,
                    what: "verifications",
                },
                step,
            );
            return;
        }
        *open = open.saturating_add(1);
        if let VerifyJob::Batch { digest, .. } = &job {
            self.checking.insert(*digest);
        }
        step.start.push(Effect::Verify(Box::new(job)));
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
                self.verification_ended(from);
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
                self.verification_ended(from);
                votes
                    .iter()
                    .for_each(|vote| self.tell_vote(vote.get(), step));
                self.engine_inputs
                    .extend(votes.into_iter().map(engine::Input::Vote));
                if wrong > 0 {
                    Self::event(
                        Event::PeerFault {
                            peer: from,
                            what: "vote",
                        },
                        step,
                    );
                }
            }
            VerifyResult::Polka { from, polka } => {
                self.verification_ended(from);
                self.engine_inputs.push_back(engine::Input::Polka(*polka));
            }
            VerifyResult::Certificate {
                from,
                certificate,
                block,
            } => {
                self.verification_ended(from);
                self.on_checked_certificate(from, *certificate, block, step);
            }
            VerifyResult::Batch { from, batch } => {
                if let Some(from) = from {
                    self.verification_ended(from);
                }
                self.checking.remove(&batch.reference.digest);
                self.on_batch(from, batch, step);
            }
            VerifyResult::Inline { id, transactions } => {
                if let Some(candidate) = self.candidates.get_mut(&id) {
                    candidate.inline_checked(transactions);
                }
                self.complete_open();
            }
            VerifyResult::Submitted(checked) => self.on_submissions_checked(now, checked, step),
            VerifyResult::Wrong { from, batch, what } => {
                self.verification_ended(from);
                if let Some(digest) = batch {
                    self.checking.remove(&digest);
                }
                self.sync.lied(from);
                self.offered = None;
                Self::event(Event::PeerFault { peer: from, what }, step);
            }
        }
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

    fn verification_ended(&mut self, from: Peer) {
        if let Some(open) = self.verifying.get_mut(&from) {
            *open = open.saturating_sub(1);
        }
    }
}
