//! Reading the logs at start: which heights are decided, which blocks and batches are here, and what the state must be.
//!
//! Invariant: every decided height has its header, body and certificate in the block log and every batch its body names in the batch log,
//! and only such a height counts as decided;
//! the state that comes out was loaded at, or executed up to, the last decided height, and its outcome is the certified one.
//! Errors: [`RecoverError`] names the height or record; nothing is skipped, and a height whose outcome differs is never built upon:
//! [`NodeLogs::stop_before`] gives what the replica starts from below it.
//! Source: `docs/spec/durable.md`, "Recovery"; `docs/spec/consensus.md`, "Restart loads, it does not replay".

use falaj_consensus::durable::{Disk, Durable, FramedLog, LogError, LogId, LogIdentity, Position};
use falaj_consensus::message::{
    BATCH_BYTES_MAX, Batch, BatchRef, Body, CommitCertificate, Header, Outcome, decode,
};
use falaj_consensus::types::{BatchDigest, BlockId, Hash32, Height};
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::state::State;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::BlockRecord;
use crate::core::{
    CheckedBatch, Committed, Divergence, JobTools, RecoveredBatch, RecoveredBlock, VerifyJob,
    VerifyResult,
};

/// The two logs of a node beside the guard's.
pub struct NodeLogs<D: Disk> {
    /// Headers, bodies, certificates.
    pub block: FramedLog<D>,
    /// Batches.
    pub batch: FramedLog<D>,
}

/// Why a node cannot start from its files.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// A log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record that is whole on disk but is not one of this version.
    #[error("record {position} of the {log} log is not one of this version")]
    Record {
        /// Which log.
        log: &'static str,
        /// Which record.
        position: u64,
    },
    /// Certificates are not one a height, from 1 on.
    #[error("the block log has the certificate of height {found} where that of {expected} must be")]
    Heights {
        /// Height that must come.
        expected: Height,
        /// Height that came.
        found: Height,
    },
    /// A certificate whose header and body are not in the log.
    #[error("the block log has no header and body for height {0}")]
    NoBody(Height),
    /// A batch that a decided block names is not in the log.
    #[error("the batch log has no batch {digest} of height {height}")]
    NoBatch {
        /// Height of the block.
        height: Height,
        /// The batch.
        digest: BatchDigest,
    },
    /// A stored batch that does not verify.
    #[error("a batch of height {0} does not verify")]
    Batch(Height),
    /// The store is ahead of the block log, so its last blocks have no certificate here.
    #[error("the store is at height {store}, the block log ends at {log}")]
    StoreAhead {
        /// Height of the store.
        store: Height,
        /// Last decided height.
        log: Height,
    },
    /// Execution gave something else than a quorum certified.
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

/// A decided height as the block log holds it.
#[derive(Clone, Debug)]
pub struct DecidedRecord {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Arc<Body>,
    /// Its certificate.
    pub certificate: CommitCertificate,
    /// Where header and body stand.
    pub body_at: Position,
    /// Where the certificate stands.
    pub certificate_at: Position,
}

/// What the logs hold.
#[derive(Clone, Debug, Default)]
pub struct RecoveredLogs {
    decided: Vec<(Position, Position)>,
    last: Option<(Header, CommitCertificate)>,
    open: Vec<RecoveredBlock>,
    diverged: Option<Divergence>,
    batches: BTreeMap<BatchDigest, (BatchRef, Position)>,
    ordered: BTreeSet<BatchDigest>,
    /// Whether the height after the last decided one has a certificate here, and lacks a batch.
    open_again: bool,
    last_block_record: Position,
    last_batch_record: Position,
}

impl<D: Disk> NodeLogs<D> {
    /// Refuses folders that hold logs, without touching them.
    ///
    /// # Errors
    /// [`LogError::Exists`].
    pub fn expect_none(block: &D, batch: &D) -> Result<(), LogError> {
        FramedLog::expect_none(block, LogId::Block)?;
        FramedLog::expect_none(batch, LogId::Batch)
    }

    /// Makes empty logs for a new node.
    ///
    /// # Errors
    /// [`LogError`] when the folders hold logs already or the disk fails.
    pub fn create(block: D, batch: D, genesis_hash: Hash32) -> Result<Self, LogError> {
        Ok(Self {
            block: FramedLog::create(
                block,
                LogIdentity {
                    log: LogId::Block,
                    genesis_hash,
                },
            )?,
            batch: FramedLog::create(
                batch,
                LogIdentity {
                    log: LogId::Batch,
                    genesis_hash,
                },
            )?,
        })
    }

    /// Opens the logs of a node; a torn tail is cut.
    ///
    /// # Errors
    /// [`LogError`] when a log is missing, damaged or of another chain.
    pub fn open(block: D, batch: D, genesis_hash: Hash32) -> Result<Self, LogError> {
        Ok(Self {
            block: FramedLog::open(
                block,
                LogIdentity {
                    log: LogId::Block,
                    genesis_hash,
                },
            )?,
            batch: FramedLog::open(
                batch,
                LogIdentity {
                    log: LogId::Batch,
                    genesis_hash,
                },
            )?,
        })
    }

    /// Appends a record of the replica.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn append(&mut self, log: LogId, record: &[u8]) -> Result<Position, LogError> {
        self.log_mut(log).append(record)
    }

    /// Syncs a log and proves it.
    ///
    /// # Errors
    /// [`LogError`]; the process must end after a failed sync.
    pub fn sync(&mut self, log: LogId) -> Result<Durable, LogError> {
        self.log_mut(log).sync()
    }

    /// Records that are there, in the order asked for.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails or a record is damaged; one that is gone is left out.
    pub fn read(
        &self,
        log: LogId,
        positions: &[Position],
    ) -> Result<Vec<(Position, Vec<u8>)>, LogError> {
        let log = if log == LogId::Batch {
            &self.batch
        } else {
            &self.block
        };
        log.read_present(positions)
    }

    fn log_mut(&mut self, log: LogId) -> &mut FramedLog<D> {
        if log == LogId::Batch {
            &mut self.batch
        } else {
            &mut self.block
        }
    }

    /// Reads both logs once, from front to back.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn scan(&self) -> Result<RecoveredLogs, RecoverError> {
        let mut found = RecoveredLogs {
            last_block_record: self.block.last(),
            last_batch_record: self.batch.last(),
            ..RecoveredLogs::default()
        };
        self.scan_batches(&mut found)?;
        self.scan_blocks(&mut found)?;
        Ok(found)
    }

    fn scan_blocks(&self, found: &mut RecoveredLogs) -> Result<(), RecoverError> {
        let mut undecided: BTreeMap<BlockId, RecoveredBlock> = BTreeMap::new();
        for record in records(&self.block) {
            let (position, bytes) = record?;
            match BlockRecord::decode(&bytes).ok_or_else(|| not_a_record("block", position))? {
                BlockRecord::Proposed { header, body } => {
                    let block = RecoveredBlock {
                        header,
                        body: Arc::new(body),
                        position,
                    };
                    undecided.entry(block.header.id()).or_insert(block);
                }
                BlockRecord::Decided(certificate) if certificate.height <= found.height() => {
                    self.check_repeated(found, &certificate)?;
                }
                BlockRecord::Decided(certificate) => {
                    found.decide(certificate, position, &undecided)?;
                    undecided.retain(|_, block| block.header.height > found.height());
                }
            }
        }
        let open = found.height().next();
        found.open = undecided
            .into_values()
            .filter(|block| block.header.height == open)
            .collect();
        Ok(())
    }

    /// A certificate may come again after a crash took the batches of its height, but only for the block that is decided.
    fn check_repeated(
        &self,
        found: &RecoveredLogs,
        again: &CommitCertificate,
    ) -> Result<(), RecoverError> {
        let DecidedRecord { certificate, .. } = self.decided(found, again.height)?;
        if (certificate.id, certificate.outcome) == (again.id, again.outcome) {
            Ok(())
        } else {
            Err(RecoverError::Heights {
                expected: found.height().next(),
                found: again.height,
            })
        }
    }

    fn scan_batches(&self, found: &mut RecoveredLogs) -> Result<(), RecoverError> {
        for record in records(&self.batch) {
            let (position, bytes) = record?;
            let reference =
                batch_reference(&bytes).ok_or_else(|| not_a_record("batch", position))?;
            found
                .batches
                .entry(reference.digest)
                .or_insert((reference, position));
        }
        Ok(())
    }

    /// A decided height, read back.
    ///
    /// # Errors
    /// [`RecoverError`] when its records are damaged or not what they must be.
    pub fn decided(
        &self,
        found: &RecoveredLogs,
        height: Height,
    ) -> Result<DecidedRecord, RecoverError> {
        let index = height
            .get()
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok());
        let (body_at, certificate_at) = index
            .and_then(|index| found.decided.get(index))
            .copied()
            .ok_or(RecoverError::NoBody(height))?;
        let (Some(BlockRecord::Proposed { header, body }), Some(BlockRecord::Decided(certificate))) = (
            BlockRecord::decode(&self.block.read(body_at)?),
            BlockRecord::decode(&self.block.read(certificate_at)?),
        ) else {
            return Err(RecoverError::NoBody(height));
        };
        Ok(DecidedRecord {
            header,
            body: Arc::new(body),
            certificate,
            body_at,
            certificate_at,
        })
    }

    /// Executes a decided height on the state before it, its signatures checked again.
    ///
    /// # Errors
    /// [`RecoverError`] when a batch is missing or wrong, or the outcome is not the certified one.
    pub fn replay(
        &self,
        found: &RecoveredLogs,
        state: &State,
        tools: JobTools<'_>,
    ) -> Result<Committed, RecoverError> {
        let height = state.height().next();
        let DecidedRecord {
            header,
            body,
            certificate,
            ..
        } = self.decided(found, height)?;
        let mut transactions = Vec::new();
        for reference in &body.batches {
            let digest = reference.digest;
            let (_, position) = found
                .batches
                .get(&digest)
                .ok_or(RecoverError::NoBatch { height, digest })?;
            transactions.extend(
                self.batch(digest, *position, tools)
                    .ok_or(RecoverError::Batch(height))?
                    .transactions
                    .iter()
                    .cloned(),
            );
        }
        transactions.extend(inline(&body, tools).ok_or(RecoverError::Batch(height))?);
        let executed = execute(state, &BlockInput::new(&header, transactions.clone()));
        let (own, certified) = (executed.outcome.hash(), certificate.outcome);
        if own != certified {
            let id = header.id();
            return Err(RecoverError::Diverged(Divergence {
                height,
                id,
                own,
                certified,
            }));
        }
        Ok(Committed {
            id: header.id(),
            header,
            body,
            certificate,
            transactions,
            executed: Arc::new(executed),
        })
    }

    /// What is left to start from when the replay parted from a quorum: the heights before. The logs keep all of it.
    ///
    /// # Errors
    /// [`RecoverError`] when the height before cannot be read.
    pub fn stop_before(
        &self,
        mut found: RecoveredLogs,
        divergence: Divergence,
    ) -> Result<RecoveredLogs, RecoverError> {
        let last = divergence.height.get().saturating_sub(1);
        found.last = match last {
            0 => None,
            _ => {
                let record = self.decided(&found, Height::new(last))?;
                Some((record.header, record.certificate))
            }
        };
        found
            .decided
            .truncate(usize::try_from(last).unwrap_or(usize::MAX));
        found.open.clear();
        found.diverged = Some(divergence);
        Ok(found)
    }

    fn batch(
        &self,
        digest: BatchDigest,
        position: Position,
        tools: JobTools<'_>,
    ) -> Option<Arc<CheckedBatch>> {
        let encoded = self.batch.read(position).ok()?.into();
        let job = VerifyJob::Batch {
            from: None,
            digest,
            encoded,
        };
        let VerifyResult::Batch { batch, .. } = job.run(tools) else {
            return None;
        };
        Some(batch)
    }

    /// The batches for the replica: ordered ones by their place alone, the others checked again.
    ///
    /// # Errors
    /// [`RecoverError`] when the log cannot be read.
    pub fn batches(
        &self,
        found: &RecoveredLogs,
        tools: JobTools<'_>,
    ) -> Result<Vec<RecoveredBatch>, RecoverError> {
        let mut batches = Vec::with_capacity(found.batches.len());
        for (digest, (reference, position)) in &found.batches {
            if found.ordered.contains(digest) {
                batches.push(RecoveredBatch::Ordered(*reference, *position));
            } else {
                let batch = self
                    .batch(*digest, *position, tools)
                    .ok_or_else(|| not_a_record("batch", *position))?;
                batches.push(RecoveredBatch::Unordered(batch, *position));
            }
        }
        Ok(batches)
    }
}

impl RecoveredLogs {
    /// The last decided height.
    #[must_use]
    pub fn height(&self) -> Height {
        Height::new(u64::try_from(self.decided.len()).unwrap_or(u64::MAX))
    }

    /// A batch of the batch log as a body must name it, if it is there.
    #[must_use]
    pub fn reference(&self, digest: &BatchDigest) -> Option<&BatchRef> {
        self.batches.get(digest).map(|(reference, _)| reference)
    }

    /// Header and certificate of the last decided height.
    #[must_use]
    pub const fn last(&self) -> Option<&(Header, CommitCertificate)> {
        self.last.as_ref()
    }

    /// Where the replay parted from a quorum, if it did.
    #[must_use]
    pub const fn diverged(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    /// Refuses a state that no certificate here covers.
    ///
    /// # Errors
    /// [`RecoverError::StoreAhead`].
    pub fn check_store(&self, store: Height) -> Result<(), RecoverError> {
        let log = self.height();
        if store <= log {
            Ok(())
        } else {
            Err(RecoverError::StoreAhead { store, log })
        }
    }

    /// Everything the replica starts from, once the state stands at the last decided height.
    #[must_use]
    pub fn into_recovered(
        self,
        state: State,
        outcome: Outcome,
        batches: Vec<RecoveredBatch>,
        guard: Option<falaj_hsm::Recovered>,
    ) -> crate::core::Recovered {
        crate::core::Recovered {
            state,
            outcome,
            block: self.last,
            decided: self.decided,
            open: self.open,
            batches,
            last_block_record: self.last_block_record,
            last_batch_record: self.last_batch_record,
            guard,
            diverged: self.diverged,
        }
    }

    /// Books a decided height, in order.
    ///
    /// The two logs sync beside one another, so a crash may leave a certificate without batches of its block. Nothing was said
    /// that stands on such a height; it is open again, and so is what was decided on top of it.
    fn decide(
        &mut self,
        certificate: CommitCertificate,
        position: Position,
        undecided: &BTreeMap<BlockId, RecoveredBlock>,
    ) -> Result<(), RecoverError> {
        let expected = self.height().next();
        if certificate.height != expected {
            let found = certificate.height;
            return if self.open_again {
                Ok(())
            } else {
                Err(RecoverError::Heights { expected, found })
            };
        }
        let block = undecided
            .get(&certificate.id)
            .ok_or(RecoverError::NoBody(expected))?;
        let mut batches = block.body.batches.iter();
        self.open_again = !batches.all(|batch| self.batches.contains_key(&batch.digest));
        if self.open_again {
            return Ok(());
        }
        self.ordered
            .extend(block.body.batches.iter().map(|reference| reference.digest));
        self.decided.push((block.position, position));
        self.last = Some((block.header.clone(), certificate));
        Ok(())
    }
}

fn records<D: Disk>(
    log: &FramedLog<D>,
) -> impl Iterator<Item = Result<(Position, Vec<u8>), RecoverError>> + '_ {
    log.iter_from(log.first())
        .map(|record| record.map_err(RecoverError::from))
}

/// How a body names a stored batch; `None` if the bytes are none.
fn batch_reference(bytes: &[u8]) -> Option<BatchRef> {
    let batch: Batch = decode("batch", bytes, BATCH_BYTES_MAX).ok()?;
    Some(BatchRef {
        digest: Batch::digest_of(bytes),
        ..batch.reference()
    })
}

const fn not_a_record(log: &'static str, position: Position) -> RecoverError {
    RecoverError::Record {
        log,
        position: position.get(),
    }
}

fn inline(
    body: &Arc<Body>,
    tools: JobTools<'_>,
) -> Option<Vec<Arc<falaj_ledger::validate::CheckedTx>>> {
    let job = VerifyJob::Inline {
        id: BlockId::default(),
        body: Arc::clone(body),
    };
    let VerifyResult::Inline { transactions, .. } = job.run(tools) else {
        return None;
    };
    transactions
}

#[cfg(test)]
mod tests;
