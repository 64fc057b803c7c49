//! The chain as the block log and the batch log record it.
//!
//! Invariant: the block log is read first, and a batch is on disk before any block that names it, so every batch that a decided block names
//! is found here, even while a node writes.
//! Shape: per height, the places of all proposals and certificates; what they say is read again where it is shown.

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::message::{
    BATCH_BYTES_MAX, Batch, Body, CommitCertificate, Header, Polka, decode,
};
use falaj_consensus::types::{BatchDigest, BlockId, Height};
use falaj_ledger::transaction::SignedTx;
use std::collections::BTreeMap;

use super::look::{Look, View};
use crate::shell::cli::{Failure, print};
use crate::storage::BlockRecord;

/// What the logs hold.
pub(in crate::shell::cli) struct Chain<'a> {
    pub(in crate::shell::cli) look: &'a Look,
    blocks: View,
    batches: View,
    heights: BTreeMap<Height, Recorded>,
    /// Height of the snapshot that the log begins with; 0 if it begins with genesis.
    floor: Height,
    digests: BTreeMap<BatchDigest, Position>,
}

/// What is recorded of a height.
#[derive(Clone, Debug, Default)]
pub(in crate::shell::cli) struct Recorded {
    /// Header and body of each block that was judged valid or decided.
    pub(in crate::shell::cli) proposed: Vec<(Position, BlockId)>,
    /// The certificates.
    pub(in crate::shell::cli) certificates: Vec<Position>,
    /// The polkas that the node acted on.
    pub(in crate::shell::cli) polkas: Vec<Position>,
    /// Certificates that contradict each other.
    pub(in crate::shell::cli) conflicting: Vec<Position>,
}

impl Recorded {
    pub(in crate::shell::cli) fn is_empty(&self) -> bool {
        let Self {
            proposed,
            certificates,
            polkas,
            conflicting,
        } = self;
        let places = [certificates, polkas, conflicting];
        proposed.is_empty() && places.iter().all(|places| places.is_empty())
    }
}

/// A height with everything a decided one has.
pub(in crate::shell::cli) struct Decided {
    pub(in crate::shell::cli) header: Header,
    pub(in crate::shell::cli) body: Body,
    pub(in crate::shell::cli) certificate: CommitCertificate,
    pub(in crate::shell::cli) body_at: Position,
    pub(in crate::shell::cli) certificate_at: Position,
}

impl<'a> Chain<'a> {
    pub(in crate::shell::cli) fn read(look: &'a Look) -> Result<Self, Failure> {
        let open = |log| look.log(log).map_err(|error| look.failed(log, error));
        let (blocks, batches) = (open(LogId::Block)?, open(LogId::Batch)?);
        let mut chain = Self {
            look,
            blocks,
            batches,
            heights: BTreeMap::new(),
            floor: Height::new(0),
            digests: BTreeMap::new(),
        };
        chain.scan_blocks()?;
        chain.scan_batches()?;
        Ok(chain)
    }

    fn scan_blocks(&mut self) -> Result<(), Failure> {
        for record in self.blocks.iter_from(Position::START) {
            let (position, bytes) =
                record.map_err(|error| self.look.failed(LogId::Block, error))?;
            match BlockRecord::decode(&bytes) {
                Some(BlockRecord::Proposed { header, .. }) => {
                    let recorded = self.heights.entry(header.height).or_default();
                    recorded.proposed.push((position, header.id()));
                }
                Some(BlockRecord::Decided(decided)) => {
                    let height = decided.certificate.height;
                    let recorded = self.heights.entry(height).or_default();
                    recorded.certificates.push(position);
                }
                Some(BlockRecord::Polka(polka)) => {
                    let recorded = self.heights.entry(polka.height).or_default();
                    recorded.polkas.push(position);
                }
                Some(BlockRecord::Conflicting(certificate)) => {
                    let recorded = self.heights.entry(certificate.height).or_default();
                    recorded.conflicting.push(position);
                }
                Some(BlockRecord::Restored(proof)) => self.floor = proof.header().height,
                None => return Err(self.look.not_a_record(&self.blocks, LogId::Block, position)),
            }
        }
        Ok(())
    }

    fn scan_batches(&mut self) -> Result<(), Failure> {
        for record in self.batches.iter_from(Position::START) {
            let (position, bytes) =
                record.map_err(|error| self.look.failed(LogId::Batch, error))?;
            self.digests
                .entry(Batch::digest_of(&bytes))
                .or_insert(position);
        }
        Ok(())
    }

    /// The last height that was decided before this home began; 0 if it began with genesis.
    pub(super) const fn floor(&self) -> Height {
        self.floor
    }

    /// Says to people that earlier blocks were never here, if somebody asks for all from a height on.
    pub(super) fn warn_of_floor(&self, from: Height) {
        if from <= self.floor {
            print::beside(&format!(
                "this home began with the snapshot of height {}: what came up to it is not here",
                self.floor
            ));
        }
    }

    /// What is recorded of a height.
    pub(in crate::shell::cli) fn recorded(&self, height: Height) -> Recorded {
        self.heights.get(&height).cloned().unwrap_or_default()
    }

    /// The heights of which anything is recorded, in order.
    pub(in crate::shell::cli) fn heights(&self) -> impl Iterator<Item = Height> + '_ {
        self.heights.keys().copied()
    }

    /// Header and body of a record.
    pub(in crate::shell::cli) fn proposed(
        &self,
        position: Position,
    ) -> Result<(Header, Body), Failure> {
        match self.block_record(position)? {
            BlockRecord::Proposed { header, body } => Ok((header, body)),
            BlockRecord::Decided(_)
            | BlockRecord::Polka(_)
            | BlockRecord::Conflicting(_)
            | BlockRecord::Restored(_) => Err(self.changed(position)),
        }
    }

    /// The certificate of a record.
    pub(in crate::shell::cli) fn certificate(
        &self,
        position: Position,
    ) -> Result<CommitCertificate, Failure> {
        match self.block_record(position)? {
            BlockRecord::Decided(decided) => Ok(decided.certificate),
            BlockRecord::Conflicting(certificate) => Ok(certificate),
            BlockRecord::Proposed { .. } | BlockRecord::Polka(_) | BlockRecord::Restored(_) => {
                Err(self.changed(position))
            }
        }
    }

    /// The polka of a record.
    pub(in crate::shell::cli) fn polka(&self, position: Position) -> Result<Polka, Failure> {
        match self.block_record(position)? {
            BlockRecord::Polka(polka) => Ok(polka),
            BlockRecord::Proposed { .. }
            | BlockRecord::Decided(_)
            | BlockRecord::Conflicting(_)
            | BlockRecord::Restored(_) => Err(self.changed(position)),
        }
    }

    fn block_record(&self, position: Position) -> Result<BlockRecord, Failure> {
        let bytes = self.blocks.read(position);
        let bytes = bytes.map_err(|error| self.look.failed(LogId::Block, error))?;
        BlockRecord::decode(&bytes).ok_or_else(|| self.changed(position))
    }

    /// A record that was one thing a moment ago.
    fn changed(&self, position: Position) -> Failure {
        self.look.not_a_record(&self.blocks, LogId::Block, position)
    }

    /// A decided height; none if its certificate or its block is not here.
    pub(in crate::shell::cli) fn decided(
        &self,
        height: Height,
    ) -> Result<Option<Decided>, Failure> {
        let recorded = self.recorded(height);
        let Some(certificate_at) = recorded.certificates.first().copied() else {
            return Ok(None);
        };
        let certificate = self.certificate(certificate_at)?;
        let mut proposed = recorded.proposed.iter();
        let Some((body_at, _)) = proposed.find(|(_, id)| *id == certificate.id) else {
            return Ok(None);
        };
        let (header, body) = self.proposed(*body_at)?;
        Ok(Some(Decided {
            header,
            body,
            certificate,
            body_at: *body_at,
            certificate_at,
        }))
    }

    /// Whether a batch is here.
    pub(in crate::shell::cli) fn has(&self, digest: BatchDigest) -> bool {
        self.digests.contains_key(&digest)
    }

    /// A batch; none if it is not here.
    pub(in crate::shell::cli) fn batch(
        &self,
        digest: BatchDigest,
    ) -> Result<Option<Batch>, Failure> {
        let Some(position) = self.digests.get(&digest) else {
            return Ok(None);
        };
        self.batch_at(*position).map(Some)
    }

    /// All batches, in order of the log.
    pub(in crate::shell::cli) fn batches(
        &self,
    ) -> impl Iterator<Item = Result<(BatchDigest, Batch), Failure>> + '_ {
        let mut places: Vec<_> = self
            .digests
            .iter()
            .map(|(digest, at)| (*at, *digest))
            .collect();
        places.sort_unstable();
        places
            .into_iter()
            .map(|(position, digest)| Ok((digest, self.batch_at(position)?)))
    }

    fn batch_at(&self, position: Position) -> Result<Batch, Failure> {
        let bytes = self.batches.read(position);
        let bytes = bytes.map_err(|error| self.look.failed(LogId::Batch, error))?;
        decode("batch", &bytes, BATCH_BYTES_MAX).map_err(|_| {
            self.look
                .not_a_record(&self.batches, LogId::Batch, position)
        })
    }

    /// The encoded transactions of a block, in order; none where a batch is not here.
    pub(in crate::shell::cli) fn transactions(
        &self,
        body: &Body,
    ) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let mut transactions = Vec::new();
        for reference in &body.batches {
            let Some(batch) = self.batch(reference.digest)? else {
                return Ok(None);
            };
            transactions.extend(batch.transactions);
        }
        transactions.extend(body.inline.iter().cloned());
        Ok(Some(transactions))
    }
}

/// Reads a transaction without judging it.
pub(in crate::shell::cli) fn read_transaction(bytes: &[u8]) -> Option<SignedTx> {
    decode("transaction", bytes, BATCH_BYTES_MAX).ok()
}
