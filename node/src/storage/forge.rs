//! Logs for tests: blocks that nobody signed, recorded and decided.

use falaj_consensus::durable::{LogId, MemDisk, Position};
use falaj_consensus::message::{Batch, Body, CommitCertificate, Header, Lane};
use falaj_consensus::types::{
    BlockId, Hash32, Height, OutcomeHash, Round, ValidatorId, ValidatorIndex,
};
use falaj_consensus::validator_set::Bitmap;

use super::{BlockRecord, NodeLogs};

pub(crate) mod chain;

pub(super) fn logs() -> NodeLogs<MemDisk> {
    NodeLogs::create(MemDisk::new(), MemDisk::new(), Hash32::ZERO).unwrap()
}

pub(super) fn batch(seq: u64) -> Batch {
    let author = ValidatorId::new(1);
    let transactions = vec![vec![7; 10]];
    Batch {
        author,
        seq,
        lane: Lane::Retail,
        transactions,
    }
}

/// A block of one batch, or of none.
pub(crate) fn block(height: u64, batch: Option<&Batch>) -> (Header, Body) {
    let batches = batch.map(Batch::reference).into_iter().collect();
    let body = Body {
        batches,
        ..Body::default()
    };
    let (transactions, transaction_bytes) = body.totals();
    let header = Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: Hash32::ZERO,
        height: Height::new(height),
        round: Round::new(0),
        proposer: ValidatorIndex::new(0),
        parent_id: BlockId::default(),
        parent_outcome: OutcomeHash::default(),
        time_us: height,
        set_hash: Hash32::ZERO,
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions: u32::try_from(transactions).unwrap(),
        transaction_bytes,
    };
    (header, body)
}

pub(crate) fn certificate(header: &Header) -> CommitCertificate {
    CommitCertificate {
        height: header.height,
        round: Round::new(0),
        id: header.id(),
        outcome: OutcomeHash::default(),
        signers: Bitmap::none(1),
        signatures: Vec::new(),
    }
}

/// Records header and body.
pub(crate) fn propose(logs: &mut NodeLogs<MemDisk>, block: &(Header, Body)) -> Position {
    let record = BlockRecord::proposed(&block.0, &block.1);
    logs.append(LogId::Block, &record).unwrap()
}

/// Records that a block was decided whose record stands at `body`.
pub(super) fn decide(
    logs: &mut NodeLogs<MemDisk>,
    block: &(Header, Body),
    body: Position,
    batches: &[Position],
) -> Position {
    let record = BlockRecord::decided(&certificate(&block.0), body, batches);
    logs.append(LogId::Block, &record).unwrap()
}

/// Both.
pub(super) fn add(logs: &mut NodeLogs<MemDisk>, block: &(Header, Body), batches: &[Position]) {
    let body = propose(logs, block);
    decide(logs, block, body, batches);
}
