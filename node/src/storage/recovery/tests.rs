//! What a scan makes of logs that a crash has left, one log further than the other.

use falaj_consensus::durable::{LogId, MemDisk, Position};
use falaj_consensus::hash;
use falaj_consensus::message::{Batch, Body, CommitCertificate, Header, Lane};
use falaj_consensus::types::{
    BlockId, Hash32, Height, OutcomeHash, Round, ValidatorId, ValidatorIndex,
};
use falaj_consensus::validator_set::Bitmap;

use super::{NodeLogs, RecoverError};
use crate::storage::BlockRecord;

fn logs() -> NodeLogs<MemDisk> {
    NodeLogs::create(MemDisk::new(), MemDisk::new(), Hash32::ZERO).unwrap()
}

fn batch(seq: u64) -> Batch {
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
fn block(height: u64, batch: Option<&Batch>) -> (Header, Body) {
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

fn certificate(header: &Header) -> CommitCertificate {
    CommitCertificate {
        height: header.height,
        round: Round::new(0),
        id: header.id(),
        outcome: OutcomeHash::default(),
        signers: Bitmap::none(1),
        signatures: Vec::new(),
    }
}

fn propose(logs: &mut NodeLogs<MemDisk>, block: &(Header, Body)) {
    let record = BlockRecord::proposed(&block.0, &block.1);
    logs.append(LogId::Block, &record).unwrap();
}

fn decide(logs: &mut NodeLogs<MemDisk>, block: &(Header, Body)) -> Position {
    let record = BlockRecord::decided(&certificate(&block.0));
    logs.append(LogId::Block, &record).unwrap()
}

// The certificate of a height was synced and a batch of its block was not: the height is open again, with its block, and so is
// the height decided on top of it.
#[test]
fn a_height_without_its_batches_is_open_again() {
    let mut logs = logs();
    let (lost, above) = (block(2, Some(&batch(1))), block(3, None));
    for block in [&block(1, None), &lost, &above] {
        propose(&mut logs, block);
        decide(&mut logs, block);
    }
    let found = logs.scan().unwrap();
    assert_eq!(found.height(), Height::new(1));
    let open: Vec<_> = found.open.iter().map(|block| block.header.id()).collect();
    assert_eq!(open, [lost.0.id()]);
}

// The batch came again and the heights were decided again: both certificates of a height say the same, and the chain goes on.
#[test]
fn a_height_that_was_decided_again_counts_once() {
    let mut logs = logs();
    let batch = batch(1);
    let (lost, above) = (block(1, Some(&batch)), block(2, None));
    for block in [&lost, &above] {
        propose(&mut logs, block);
        decide(&mut logs, block);
    }
    assert_eq!(logs.scan().unwrap().height(), Height::new(0));
    logs.append(LogId::Batch, &hash::encode(&batch)).unwrap();
    decide(&mut logs, &lost);
    decide(&mut logs, &above);
    let next = block(3, None);
    propose(&mut logs, &next);
    decide(&mut logs, &next);
    assert_eq!(logs.scan().unwrap().height(), Height::new(3));
}

// A second certificate of a height for another block is never passed over.
#[test]
fn another_block_for_a_decided_height_is_refused() {
    let mut logs = logs();
    let (first, mut second) = (block(1, None), block(1, None));
    second.0.time_us += 1;
    for block in [&first, &second] {
        propose(&mut logs, block);
        decide(&mut logs, block);
    }
    let error = logs.scan().unwrap_err();
    assert!(matches!(error, RecoverError::Heights { .. }), "{error}");
}

// A certificate that skips a height, with nothing lost before it, is damage.
#[test]
fn a_skipped_height_is_refused() {
    let mut logs = logs();
    let above = block(2, None);
    propose(&mut logs, &above);
    decide(&mut logs, &above);
    let error = logs.scan().unwrap_err();
    assert!(matches!(error, RecoverError::Heights { .. }), "{error}");
}
