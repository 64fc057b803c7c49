//! Reading the logs at start: which heights are decided, which blocks and batches are here, and what the state must be.
//!
//! Invariant: every decided height has its header, body and certificate in the block log and every batch its body names in the batch log,
//! and only such a height counts as decided.
//! What is kept of the logs is bounded: which numbers of each author are here, the last [`ORDERED_MAX`] ordered batches, and the last
//! [`UNORDERED_MAX`] that no block named; older heights are found in the block log itself.
//! The state that comes out was loaded at, or executed up to, the last decided height, and its outcome is the certified one.
//! Errors: [`RecoverError`] names the height or record; nothing is skipped, and a height whose outcome differs is never built upon:
//! [`NodeLogs::stop_before`] gives what the replica starts from below it.
//! Source: `docs/spec/durable.md`, "Recovery"; `docs/spec/consensus.md`, "Restart loads, it does not replay".

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{
    Disk, Durable, FramedLog, LogError, LogId, LogIdentity, Position, Records,
};
use falaj_consensus::message::{
    BATCH_BYTES_MAX, Batch, BatchRef, Body, CommitCertificate, Header, Outcome, decode,
};
use falaj_consensus::mutated;
use falaj_consensus::types::{BatchDigest, BlockId, Hash32, Height, ValidatorId};
use falaj_ledger::block::BlockInput;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::execute::execute;
use falaj_ledger::state::State;
use falaj_ledger::transaction::SignedTx;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::BlockRecord;
use super::find::{Certificates, DecidedRecord};
use super::record::Decided;
use super::start_point::{Floor, StartPoint};
use crate::core::{
    CheckedBatch, Committed, Divergence, GatesLacking, JobTools, Numbers, ORDERED_MAX,
    RecoveredBatches, RecoveredBlock, UNORDERED_BYTES_MAX, UnorderedBatch, VerifyJob, VerifyResult,
    are_dead,
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
    /// Certificates are not one a height, from the first after the start on.
    #[error("the block log has the certificate of height {found} where that of {expected} must be")]
    Heights {
        /// Height that must come.
        expected: Height,
        /// Height that came.
        found: Height,
    },
    /// A record of a snapshot behind others: a log has one start.
    #[error(
        "record {position} of the block log says that the node began with a snapshot, and is not the first"
    )]
    SecondStart {
        /// Which record.
        position: u64,
    },
    /// A height at which this node had not begun.
    #[error("this node began with the snapshot of height {floor} and has no block {height}")]
    BelowSnapshot {
        /// The height.
        height: Height,
        /// Height of the snapshot.
        floor: Height,
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
    /// The program lacks a feature gate of a height that was decided.
    #[error("{0}")]
    GatesLacking(GatesLacking),
    /// Execution gave something else than a quorum certified.
    #[error(transparent)]
    Diverged(#[from] Divergence),
}

/// Most batches that no block named and that are taken up again; older ones are left to the other validators.
const UNORDERED_MAX: usize = 1 << 18;

/// What the logs hold.
#[derive(Clone, Debug, Default)]
pub struct RecoveredLogs {
    start: StartPoint,
    height: Height,
    last: Option<(Header, CommitCertificate)>,
    open: Vec<RecoveredBlock>,
    diverged: Option<Divergence>,
    /// Which numbers of which authors blocks ordered.
    numbers: BTreeMap<ValidatorId, Numbers>,
    /// The last batches that decided blocks named, in the order of those blocks.
    ordered: VecDeque<(BatchRef, Position)>,
    /// The last batches that no decided block named.
    unordered: BTreeMap<Position, BatchRef>,
    /// Whether the height after the last decided one has a certificate here, and lacks a batch.
    open_again: bool,
    last_block_record: Position,
    last_batch_record: Position,
}

impl<D: Disk> NodeLogs<D> {
    /// Makes empty logs for a new node; logs without any record, which a stop in the middle of this leaves, are taken over.
    ///
    /// # Errors
    /// [`LogError`] when the folders hold logs with records or the disk fails.
    pub fn create(block: D, batch: D, genesis_hash: Hash32) -> Result<Self, LogError>
    where
        D: Clone,
    {
        let identity = |log| LogIdentity { log, genesis_hash };
        Ok(Self {
            block: FramedLog::create_or_empty(block, identity(LogId::Block))?,
            batch: FramedLog::create_or_empty(batch, identity(LogId::Batch))?,
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

    fn log_mut(&mut self, log: LogId) -> &mut FramedLog<D> {
        if log == LogId::Batch {
            &mut self.batch
        } else {
            &mut self.block
        }
    }

    /// Reads both logs once, from front to back, side by side: a batch stands in its log before the block that names it is decided.
    /// What is kept meanwhile is bounded, however long the logs are.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn scan(&self) -> Result<RecoveredLogs, RecoverError> {
        let mut found = RecoveredLogs {
            last_block_record: self.block.last(),
            last_batch_record: self.batch.last(),
            ..RecoveredLogs::default()
        };
        let mut batches = self.batch.iter_from(self.batch.first());
        self.scan_blocks(&mut found, &mut batches)?;
        found.take_batches(&mut batches, self.batch.last())?;
        Ok(found)
    }

    fn scan_blocks(
        &self,
        found: &mut RecoveredLogs,
        batches: &mut Records<'_, D>,
    ) -> Result<(), RecoverError> {
        let mut undecided: BTreeMap<BlockId, RecoveredBlock> = BTreeMap::new();
        for record in self.block.iter_from(self.block.first()) {
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
                BlockRecord::Restored(proof) => found.begin_behind(*proof, position)?,
                BlockRecord::Decided(decided) if decided.certificate.height <= found.height() => {
                    self.check_repeated(found, &decided.certificate)?;
                }
                BlockRecord::Decided(_)
                    if mutated!(LastCertificateForgotten) && position == self.block.last() => {}
                BlockRecord::Decided(decided) => {
                    self.decide(found, decided, &undecided, batches)?;
                    undecided.retain(|_, block| block.header.height > found.height());
                }
                // Kept for whoever looks into a fork; nothing begins with them.
                BlockRecord::Polka(_) | BlockRecord::Conflicting(_) => {}
            }
        }
        let open = found.height().next();
        found.open = undecided
            .into_values()
            .filter(|block| block.header.height == open)
            .collect();
        Ok(())
    }

    /// Books a decided height, in order.
    ///
    /// The two logs sync beside one another, so a crash may leave a certificate without batches of its block. Nothing was said
    /// that stands on such a height; it is open again, and so is what was decided on top of it.
    fn decide(
        &self,
        found: &mut RecoveredLogs,
        decided: Decided,
        undecided: &BTreeMap<BlockId, RecoveredBlock>,
        batches: &mut Records<'_, D>,
    ) -> Result<(), RecoverError> {
        let certificate = decided.certificate;
        let expected = found.height().next();
        if certificate.height != expected {
            let found_height = certificate.height;
            return if found.open_again {
                Ok(())
            } else {
                Err(RecoverError::Heights {
                    expected,
                    found: found_height,
                })
            };
        }
        let block = undecided
            .get(&certificate.id)
            .ok_or(RecoverError::NoBody(expected))?;
        let references = &block.body.batches;
        let places: Vec<_> = decided.batches.into_iter().map(Position::new).collect();
        if places.len() != references.len() {
            return Err(RecoverError::NoBody(expected));
        }
        found.open_again = false;
        for (reference, at) in references.iter().zip(&places) {
            found.take_batches(batches, *at)?;
            found.open_again |= !self.is_at(found, reference, *at)?;
        }
        if !found.open_again {
            found.book(&block.header, certificate, references, &places);
        }
        Ok(())
    }

    /// Whether a batch stands where a certificate's record says.
    fn is_at(
        &self,
        found: &RecoveredLogs,
        reference: &BatchRef,
        at: Position,
    ) -> Result<bool, RecoverError> {
        if let Some(unnamed) = found.unordered.get(&at) {
            return Ok(unnamed.digest == reference.digest);
        }
        let records = self.batch.read_present(&[at], usize::MAX)?;
        let mut digests = records.iter().map(|(_, bytes)| Batch::digest_of(bytes));
        Ok(digests.any(|digest| digest == reference.digest))
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

    /// A decided height, read back: of several records, because a crash had it decided again, one whose batches are where it says.
    ///
    /// # Errors
    /// [`RecoverError`] when its records are damaged or not what they must be.
    pub fn decided(
        &self,
        found: &RecoveredLogs,
        height: Height,
    ) -> Result<DecidedRecord, RecoverError> {
        if height == Height::new(0) || height > found.height() {
            return Err(RecoverError::NoBody(height));
        }
        let floor = found.floor().height;
        if height <= floor {
            return Err(RecoverError::BelowSnapshot { height, floor });
        }
        let mut certificates = Certificates::before(&self.block, height)?;
        let mut missing = RecoverError::NoBody(height);
        while let Some(record) = certificates.next_of(height)? {
            match self.missing_batch(found, &record)? {
                None => return Ok(record),
                Some(digest) => missing = RecoverError::NoBatch { height, digest },
            }
        }
        Err(missing)
    }

    fn missing_batch(
        &self,
        found: &RecoveredLogs,
        record: &DecidedRecord,
    ) -> Result<Option<BatchDigest>, RecoverError> {
        for (reference, at) in record.body.batches.iter().zip(&record.batches_at) {
            if !self.is_at(found, reference, *at)? {
                return Ok(Some(reference.digest));
            }
        }
        Ok(None)
    }

    /// How a body must name the batch at a place of the batch log; none if there is none.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails or the record is damaged.
    pub fn reference_at(&self, at: Position) -> Result<Option<BatchRef>, LogError> {
        let records = self.batch.read_present(&[at], usize::MAX)?;
        Ok(records
            .first()
            .and_then(|(_, bytes)| batch_reference(bytes)))
    }

    /// Executes a decided height on the state before it, its signatures checked again.
    ///
    /// # Errors
    /// [`RecoverError`] when the program lacks a feature gate of the height, a batch is missing or wrong, or the outcome is not the certified one.
    pub fn replay(
        &self,
        found: &RecoveredLogs,
        state: &State,
        supported: u64,
        tools: JobTools<'_>,
    ) -> Result<Committed, RecoverError> {
        let height = state.height().next();
        check_gates(state, height, supported)?;
        let DecidedRecord {
            header,
            body,
            certificate,
            batches_at,
            ..
        } = self.decided(found, height)?;
        let mut transactions = Vec::new();
        for (reference, position) in body.batches.iter().zip(&batches_at) {
            transactions.extend(
                self.batch(reference.digest, *position, tools)
                    .ok_or(RecoverError::Batch(height))?
                    .transactions
                    .iter()
                    .cloned(),
            );
        }
        transactions.extend(inline(&body, tools).ok_or(RecoverError::Batch(height))?);
        let executed = execute(
            state,
            &BlockInput::new(&header, &body, transactions.clone()),
        );
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
        let last = Height::new(divergence.height.get().saturating_sub(1));
        found.last = if last == found.floor().height {
            found.start.block()
        } else {
            let record = self.decided(&found, last)?;
            Some((record.header, record.certificate))
        };
        found.height = last;
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
        check(digest, self.batch.read(position).ok()?, tools)
    }

    /// The batches for the replica: ordered ones and those that died by their place alone, the others checked again.
    ///
    /// Of those only members' are taken up, and no more than their quotas hold together: what a node has in memory at its start is
    /// bounded as it is while it runs.
    ///
    /// # Errors
    /// [`RecoverError`] when the log cannot be read.
    pub fn batches(
        &self,
        found: &RecoveredLogs,
        state: &State,
        tools: JobTools<'_>,
    ) -> Result<RecoveredBatches, RecoverError> {
        let set = state.validators_at(state.height().next());
        let members = u64::try_from(set.len()).unwrap_or(u64::MAX);
        self.batches_within(
            found,
            state,
            tools,
            members.saturating_mul(UNORDERED_BYTES_MAX),
        )
    }

    fn batches_within(
        &self,
        found: &RecoveredLogs,
        state: &State,
        tools: JobTools<'_>,
        mut room_bytes: u64,
    ) -> Result<RecoveredBatches, RecoverError> {
        let (life_ms, time_ms) = (
            state.chain().constants.id_life_ms(),
            state.time_us() / 1_000,
        );
        let named: BTreeSet<_> = found
            .ordered
            .iter()
            .map(|(batch, _)| batch.digest)
            .collect();
        let (mut unordered, mut left, mut reader) = (Vec::new(), Vec::new(), self.batch.reader());
        for (position, reference) in &found.unordered {
            if named.contains(&reference.digest) {
                continue;
            }
            let encoded = reader.read(*position)?;
            let bytes = u64::try_from(encoded.len()).unwrap_or(u64::MAX);
            // Who has left may come back, and then the others wait for what it has not sent to all.
            if !state.has_had(reference.author)
                || bytes > room_bytes
                || is_dead(&encoded, life_ms, time_ms)
            {
                left.push((*reference, *position));
                continue;
            }
            room_bytes = room_bytes.saturating_sub(bytes);
            let batch = check(reference.digest, encoded, tools)
                .ok_or_else(|| not_a_record("batch", *position))?;
            unordered.push(UnorderedBatch {
                batch,
                position: *position,
            });
        }
        Ok(RecoveredBatches {
            began_late: found.start.snapshot().is_some(),
            numbers: found.numbers.clone(),
            ordered: found.ordered.iter().copied().collect(),
            unordered,
            left,
        })
    }
}

/// Whether a program supports every feature gate of a height that is decided.
///
/// # Errors
/// [`RecoverError::GatesLacking`].
pub fn check_gates(state: &State, height: Height, supported: u64) -> Result<(), RecoverError> {
    let features = state.features_at(height);
    let lacking = features & !supported;
    if lacking == 0 {
        return Ok(());
    }
    Err(RecoverError::GatesLacking(GatesLacking {
        height,
        features,
        lacking,
    }))
}

impl RecoveredLogs {
    /// The last decided height.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// What the node began with.
    #[must_use]
    pub const fn start(&self) -> &StartPoint {
        &self.start
    }

    /// Up to where no block is here.
    #[must_use]
    pub fn floor(&self) -> Floor {
        self.start.floor()
    }

    /// Which numbers of an author are here.
    #[cfg(test)]
    pub(super) fn numbers_of(&self, author: ValidatorId) -> Option<&Numbers> {
        self.numbers.get(&author)
    }

    /// Begins behind the block of a snapshot, which the log's first record names.
    fn begin_behind(
        &mut self,
        proof: CertifiedOutcome,
        position: Position,
    ) -> Result<(), RecoverError> {
        if position != Position::START.next() {
            let position = position.get();
            return Err(RecoverError::SecondStart { position });
        }
        self.start = StartPoint::Snapshot(Arc::new(proof));
        self.last = self.start.block();
        self.height = self.start.floor().height;
        Ok(())
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
        batches: RecoveredBatches,
        guards: BTreeMap<PublicKey, falaj_hsm::Recovered>,
    ) -> crate::core::Recovered {
        crate::core::Recovered {
            state,
            outcome,
            block: self.last,
            open: self.open,
            batches,
            last_block_record: self.last_block_record,
            last_batch_record: self.last_batch_record,
            guards,
            decided_sets: Vec::new(),
            diverged: self.diverged,
        }
    }

    /// Takes the records of the batch log up to a place, as far as they were not taken before.
    fn take_batches<D: Disk>(
        &mut self,
        records: &mut Records<'_, D>,
        upto: Position,
    ) -> Result<(), RecoverError> {
        while records.next_position() <= upto {
            let Some(record) = records.next() else {
                break;
            };
            let (position, bytes) = record?;
            let reference =
                batch_reference(&bytes).ok_or_else(|| not_a_record("batch", position))?;
            self.take_batch(position, reference);
        }
        Ok(())
    }

    fn take_batch(&mut self, position: Position, reference: BatchRef) {
        self.unordered.insert(position, reference);
        if self.unordered.len() > UNORDERED_MAX {
            self.unordered.pop_first();
        }
    }

    /// Takes a height for decided whose block and batches are here.
    fn book(
        &mut self,
        header: &Header,
        certificate: CommitCertificate,
        references: &[BatchRef],
        places: &[Position],
    ) {
        for (reference, at) in references.iter().zip(places) {
            self.unordered.remove(at);
            self.ordered.push_back((*reference, *at));
            let numbers = self.numbers.entry(reference.author).or_default();
            numbers.book(*reference);
            numbers.settle(*reference);
            if self.start.snapshot().is_some() {
                numbers.begin_at(reference.seq);
            }
            numbers.ordered(reference.seq);
        }
        let surplus = self.ordered.len().saturating_sub(ORDERED_MAX);
        self.ordered.drain(..surplus);
        self.height = header.height;
        self.last = Some((header.clone(), certificate));
    }
}

/// How a body names a stored batch; `None` if the bytes are none.
fn batch_reference(bytes: &[u8]) -> Option<BatchRef> {
    let batch: Batch = decode("batch", bytes, BATCH_BYTES_MAX).ok()?;
    Some(batch.named(Batch::digest_of(bytes)))
}

/// A stored batch, its signatures checked again; `None` if it does not verify.
fn check(digest: BatchDigest, encoded: Vec<u8>, tools: JobTools<'_>) -> Option<Arc<CheckedBatch>> {
    let job = VerifyJob::Batch {
        from: None,
        digest,
        encoded: encoded.into(),
    };
    let VerifyResult::Batch { batch, .. } = job.run(tools) else {
        return None;
    };
    Some(batch)
}

/// Whether no transaction of a stored batch can ever be posted; one that does not decode is not said to be dead.
fn is_dead(encoded: &[u8], life_ms: u64, time_ms: u64) -> bool {
    let Ok(batch) = decode::<Batch>("batch", encoded, BATCH_BYTES_MAX) else {
        return false;
    };
    let transactions = batch.transactions.iter();
    let ids: Result<Vec<_>, _> = transactions
        .map(|bytes| borsh::from_slice::<SignedTx>(bytes).map(|tx| tx.body.id))
        .collect();
    ids.is_ok_and(|ids| are_dead(ids.into_iter(), life_ms, time_ms))
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
