//! Giving peers what they ask for: batches, decided blocks, certificates, the body of a block under way, snapshots.
//!
//! Invariant: whatever a peer asks, and however often, what is read and sent for it stays within [`Serving`](crate::core::serving::Serving);
//! what is beyond is told and left, and the peer asks again.
//! Source: `docs/spec/dissemination.md`, "Serving".

use falaj_consensus::durable::Position;
use falaj_consensus::hash;
use falaj_consensus::mutated;
use falaj_consensus::types::{BatchDigest, BlockId, Height};
use std::sync::Arc;

use super::{Replica, Step};
use crate::core::effect::{Dropped, Effect};
use crate::core::input::{FindFor, Peer, ReadFor};
use crate::core::serving::Sought;
use crate::core::snapshots::{SnapshotAnswer, SnapshotPart};
use crate::core::wire::{BLOCKS_REQUESTED_MAX, Class, DecidedBlock, Message};
use crate::storage::DecidedRecord;

impl Replica {
    /// Batches that a peer asked for: those in memory go at once, the last ordered ones are read, and where older ones stand is in
    /// the block log, with the height that the peer says.
    pub(super) fn serve_batches(
        &mut self,
        to: Peer,
        height: Height,
        mut digests: Vec<BatchDigest>,
        step: &mut Step,
    ) {
        digests.sort_unstable();
        digests.dedup();
        let mut all_taken = true;
        for digest in digests {
            let taken = match self.batches.unordered(&digest).cloned() {
                Some(batch) => {
                    self.send_from_memory(to, || Message::Batch(batch.encoded.to_vec()), step)
                }
                None => self.serving.wait(to, height, digest),
            };
            all_taken &= taken;
        }
        if !all_taken {
            Self::limited(to, Dropped::BatchesAsked, step);
        }
        self.read_next_batches(to, step);
    }

    /// Reads what a peer waits for, a height at a time.
    fn read_next_batches(&mut self, to: Peer, step: &mut Step) {
        while let Some((height, digests)) = self.serving.next_batches(to) {
            let (mut positions, mut older) = (Vec::new(), Vec::new());
            for digest in digests {
                match self.batches.position(&digest) {
                    Some(position) => positions.push(position),
                    None => older.push(digest),
                }
            }
            self.read_batches_for(to, positions, step);
            if !older.is_empty() && height <= self.height() {
                self.serving.reading_begun(to);
                step.start.push(Effect::Find {
                    from: height,
                    count: 1,
                    purpose: FindFor::ServeBatches { to, digests: older },
                });
            }
        }
    }

    /// In the order of the log, so that it is read in one pass.
    fn read_batches_for(&mut self, to: Peer, mut positions: Vec<Position>, step: &mut Step) {
        if !positions.is_empty() {
            positions.sort_unstable();
            positions.dedup();
            self.serving.reading_begun(to);
            let purpose = ReadFor::ServeBatches { to };
            step.start.push(Effect::Read { positions, purpose });
        }
    }

    pub(super) fn on_batches_read(
        &mut self,
        to: Peer,
        records: Vec<(Position, Vec<u8>)>,
        step: &mut Step,
    ) {
        for (_, bytes) in records {
            self.send_to(to, Message::Batch(bytes), step);
        }
        self.serving.reading_ended(to);
        self.read_next_batches(to, step);
    }

    /// Looks for decided blocks for a peer that is behind.
    pub(super) fn serve_blocks(&mut self, to: Peer, from: Height, count: u16, step: &mut Step) {
        let here = self
            .height()
            .get()
            .saturating_sub(from.get())
            .saturating_add(1);
        let count = u16::try_from(here)
            .unwrap_or(u16::MAX)
            .min(count)
            .min(BLOCKS_REQUESTED_MAX);
        if from > self.height() || count == 0 {
            self.send_to(to, Message::Blocks(Vec::new()), step);
            return;
        }
        let purpose = FindFor::ServeBlocks { to };
        self.seek(to, Sought::Blocks, from, count, purpose, step);
    }

    pub(super) fn serve_certificate(&mut self, to: Peer, height: Height, step: &mut Step) {
        if mutated!(BlocksNeverFetched) {
            return;
        }
        let recent = self
            .tip
            .block
            .as_ref()
            .filter(|(header, _)| header.height == height)
            .map(|(_, certificate)| certificate.clone());
        if let Some(mut certificate) = recent {
            if mutated!(CertificateRelabelled) {
                certificate.round = certificate.round.next();
            }
            if !self.send_from_memory(to, || Message::Certificate(certificate), step) {
                Self::limited(to, Dropped::MemoryAsked, step);
            }
        } else if height <= self.height() {
            let purpose = FindFor::ServeCertificate { to };
            self.seek(to, Sought::Certificate, height, 1, purpose, step);
        }
    }

    fn seek(
        &mut self,
        to: Peer,
        sought: Sought,
        from: Height,
        count: u16,
        purpose: FindFor,
        step: &mut Step,
    ) {
        if !self.serving.begin(to, sought) {
            Self::limited(to, Dropped::HeightsAsked, step);
            return;
        }
        step.start.push(Effect::Find {
            from,
            count,
            purpose,
        });
    }

    /// Header and body of a block of the open height.
    pub(super) fn serve_block(&mut self, to: Peer, height: Height, id: &BlockId, step: &mut Step) {
        if height != self.open_height() {
            return;
        }
        let Some(candidate) = self.candidates.get(id) else {
            return;
        };
        let (header, body) = (candidate.header.clone(), Arc::clone(&candidate.body));
        let message = || Message::Block {
            header: Box::new(header),
            body: Arc::unwrap_or_clone(body),
        };
        if !self.send_from_memory(to, message, step) {
            Self::limited(to, Dropped::MemoryAsked, step);
        }
    }

    /// A part of a snapshot, for a node that begins.
    pub(super) fn serve_snapshot(&mut self, to: Peer, part: SnapshotPart, step: &mut Step) {
        if self.serving.begin(to, Sought::Snapshot) {
            step.start.push(Effect::ReadSnapshot { to, part });
        } else {
            Self::limited(to, Dropped::SnapshotAsked, step);
        }
    }

    pub(super) fn on_snapshot_read(
        &mut self,
        to: Peer,
        answer: Box<SnapshotAnswer>,
        step: &mut Step,
    ) {
        self.serving.end(to, Sought::Snapshot);
        self.send_to(to, Message::Snapshot(answer), step);
    }

    pub(super) fn on_found(
        &mut self,
        purpose: FindFor,
        heights: Vec<DecidedRecord>,
        step: &mut Step,
    ) {
        match purpose {
            FindFor::ServeBlocks { to } => {
                self.serving.end(to, Sought::Blocks);
                self.send_blocks(to, heights, step);
            }
            FindFor::ServeCertificate { to } => {
                self.serving.end(to, Sought::Certificate);
                for record in heights {
                    self.send_to(to, Message::Certificate(record.certificate), step);
                }
            }
            FindFor::ServeBatches { to, digests } => {
                let named = heights.iter().flat_map(|record| {
                    let batches = record.body.batches.iter();
                    batches.zip(&record.batches_at)
                });
                let wanted = named.filter(|(reference, _)| digests.contains(&reference.digest));
                let positions = wanted.map(|(_, position)| *position).collect();
                self.read_batches_for(to, positions, step);
                self.serving.reading_ended(to);
                self.read_next_batches(to, step);
            }
        }
    }

    /// As many as fit into a message, and one at least.
    fn send_blocks(&self, to: Peer, heights: Vec<DecidedRecord>, step: &mut Step) {
        let limit = Class::Sync.frame_bytes_max() / 2;
        let (mut blocks, mut bytes) = (Vec::new(), 0_usize);
        for record in heights {
            let block = decided_block(record);
            bytes = bytes.saturating_add(hash::encode(&block).len());
            if !blocks.is_empty() && bytes > limit {
                break;
            }
            blocks.push(block);
        }
        self.send_to(to, Message::Blocks(blocks), step);
    }

    /// Sends what costs no reading, within what a peer may get before the next tick; false if that is used up.
    fn send_from_memory(
        &mut self,
        to: Peer,
        message: impl FnOnce() -> Message,
        step: &mut Step,
    ) -> bool {
        if !self.serving.may_send(to) {
            return false;
        }
        let bytes = self.send_to(to, message(), step);
        self.serving.sent(to, bytes);
        true
    }
}

fn decided_block(record: DecidedRecord) -> DecidedBlock {
    let DecidedRecord {
        header,
        body,
        certificate,
        ..
    } = record;
    DecidedBlock {
        header,
        body: Arc::unwrap_or_clone(body),
        certificate,
    }
}
