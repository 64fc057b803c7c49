//! Getting decided blocks from peers, and repeating what was not answered.
//!
//! Invariant: a fetched block reaches the engine only as a verified certificate of the open height, with its header and body;
//! from there it takes the same path as a block that was voted on here.
//! Source: `docs/spec/consensus.md`, "There is no sync mode".

use falaj_consensus::durable::Position;
use falaj_consensus::engine;
use falaj_consensus::message::{Body, CommitCertificate, Header};
use falaj_consensus::mutated;
use falaj_consensus::types::{BatchDigest, Now};
use falaj_consensus::verify::Verified;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Replica, Step};
use crate::core::checks::Work;
use crate::core::effect::{Effect, PeerFault, Recipients};
use crate::core::input::{Peer, ReadFor, Sent, Timer};
use crate::core::job::VerifyJob;
use crate::core::wire::{DecidedBlock, Message};

impl Replica {
    pub(super) fn on_tick(&mut self, now: Now, step: &mut Step) {
        step.start.push(Effect::Timer {
            id: Timer::Tick,
            after_ns: self.parameters().tick_ns(),
        });
        self.sync.tick();
        self.serving.tick();
        self.state_height(step);
        self.note_lag();
        self.offered = None;
        let named = self.candidates.named_batches();
        self.expire_batches(&named, step);
        if !self.batches.nothing_unordered() {
            // An acknowledgement that was lost is repeated; what it speaks of is on disk.
            step.acks.extend(self.batches.own_acks());
        }
        self.admit_peers(now, step);
        self.ask_signer_again(now, step);
        self.forget_unanswered(&named);
        self.resend_batches(step);
        self.retell_evidence(step);
        self.fetch_missing(step);
    }

    /// Who has nothing to say states its last height all the same, once: others would take it for one that is behind.
    fn state_height(&mut self, step: &mut Step) {
        let has_stood = self.height_at_tick == self.open_height();
        if has_stood && self.height_stated < self.height() {
            self.height_stated = self.height();
            self.send_frame(Recipients::All, Vec::new(), None, step);
        }
    }

    fn expire_batches(&mut self, named: &BTreeSet<BatchDigest>, step: &mut Step) {
        let (life_ms, time_ms) = self.id_life_and_time_ms();
        step.acks
            .extend(self.batches.expire(life_ms, time_ms, named));
    }

    fn forget_unanswered(&mut self, named: &BTreeSet<BatchDigest>) {
        let ahead = self.sync.batches_ahead().map(|(_, _, batch)| batch.digest);
        let ahead: BTreeSet<_> = ahead.collect();
        self.fetching
            .tick(|digest| named.contains(digest) || ahead.contains(digest));
    }

    /// Asks for batches that blocks here still lack.
    fn fetch_missing(&mut self, step: &mut Step) {
        if self.sync.reachable().next().is_none() || self.stands_still() {
            return;
        }
        self.ticks = self.ticks.wrapping_add(1);
        for id in self.candidates.open() {
            self.fetch_batches_of(&id, None, step);
        }
    }

    /// One height behind is the rule while votes are under way; a whole tick there, or two heights, is a lag.
    fn is_behind(&self) -> bool {
        let (open, best) = (self.open_height(), self.sync.best_height());
        best > open || (best == open && self.lagging)
    }

    fn note_lag(&mut self) {
        let open = self.open_height();
        self.lagging = self.sync.best_height() >= open && self.height_at_tick == open;
        self.height_at_tick = open;
    }

    /// Asks for what peers have decided beyond us, and decides the open height if its block is here.
    pub(super) fn catch_up(&mut self, step: &mut Step) {
        let never = mutated!(BlocksNeverFetched);
        if self.stands_still() || self.is_store_busy() || !self.is_behind() || never {
            return;
        }
        let open = self.open_height();
        let first = if self.offered == Some(open) || self.deciding.is_some() {
            open.next()
        } else {
            open
        };
        for ask in self.sync.next_requests(first, open) {
            self.send_to(
                ask.peer,
                Message::GetBlocks {
                    from: ask.from,
                    count: ask.count,
                },
                step,
            );
        }
        self.fetch_ahead(step);
        if self.deciding.is_none() {
            self.offer_ahead(step);
        }
    }

    /// Batches of blocks that are still ahead are fetched beside the deciding of the ones before. Nothing of such a block is verified,
    /// so only as many as are harmless are asked for, and they come under the rules of batches that nobody asked for.
    fn fetch_ahead(&mut self, step: &mut Step) {
        let lacking: Vec<_> = self
            .sync
            .batches_ahead()
            .filter(|(_, _, batch)| {
                !self.batches.contains(&batch.digest)
                    && !self.fetching.is_under_way(&batch.digest)
                    && !self.is_foreign(batch.author)
            })
            .map(|(peer, height, batch)| (peer, height, batch.digest))
            .collect();
        for (giver, height, digest) in lacking {
            self.fetch_batches(height, &[digest], Some(giver), step);
        }
    }

    fn offer_ahead(&mut self, step: &mut Step) {
        let open = self.open_height();
        let Some((from, block)) = self.sync.take(open) else {
            return;
        };
        let DecidedBlock {
            header,
            body,
            certificate,
        } = block;
        let Some(context) = self.context(open) else {
            return;
        };
        self.offered = Some(open);
        // What is kept ahead has bounds of its own.
        let from = Sent { by: from, bytes: 0 };
        let block = Some(Box::new((header, Arc::new(body))));
        let certificate = Box::new(certificate);
        let job = VerifyJob::Certificate {
            from,
            context,
            certificate,
            block,
        };
        self.verify(Work::Consensus, from, job, step);
    }

    pub(super) fn on_checked_certificate(
        &mut self,
        now: Now,
        from: Peer,
        certificate: Verified<CommitCertificate>,
        block: Option<Box<(Header, Arc<Body>)>>,
        step: &mut Step,
    ) {
        let id = certificate.get().id;
        self.engine_inputs
            .push_back(engine::Input::Certificate(certificate));
        if let Some(block) = block {
            let (header, body) = *block;
            if header.id() == id && header.names(&body) {
                self.offer_block(header, body, Some(from), step);
            } else {
                self.lied(now, from, PeerFault::Block, step);
            }
        }
    }

    pub(super) fn on_read(
        &mut self,
        purpose: ReadFor,
        records: Vec<(Position, Vec<u8>)>,
        step: &mut Step,
    ) {
        match purpose {
            ReadFor::ServeBatches { to } => self.on_batches_read(to, records, step),
            ReadFor::NamedAgain => {
                // What was gone or damaged is asked for again when its block is looked at next.
                self.rereading.clear();
                for (_, bytes) in records {
                    let digest = falaj_consensus::message::Batch::digest_of(&bytes);
                    let job = VerifyJob::Batch {
                        from: None,
                        digest,
                        encoded: bytes.into(),
                    };
                    step.start.push(Effect::Verify(Box::new(job)));
                }
            }
        }
    }
}
