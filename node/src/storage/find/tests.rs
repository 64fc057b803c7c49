//! Heights are found wherever they stand in a long log.

use falaj_consensus::durable::{MemDisk, Position};
use falaj_consensus::types::Height;

use super::{DecidedRecord, find_decided};
use crate::storage::forge::{add, block, decide, logs, propose};
use crate::storage::{BlockRecord, NodeLogs};

fn heights(records: &[DecidedRecord]) -> Vec<u64> {
    let heights = records.iter().map(|record| {
        assert_eq!(record.header.id(), record.certificate.id);
        record.certificate.height.get()
    });
    heights.collect()
}

fn found(logs: &NodeLogs<MemDisk>, from: u64, count: u16) -> Vec<u64> {
    heights(&find_decided(&logs.block, Height::new(from), count).unwrap())
}

/// A log over several marks, each block a frame of its own.
fn long(count: u64) -> NodeLogs<MemDisk> {
    let mut logs = logs();
    for height in 1..=count {
        let mut block = block(height, None);
        // Some blocks are long, so that halves of the log are not halves of the chain.
        block.1.inline = vec![vec![1; if height % 3 == 0 { 10 } else { 3_000 }]];
        block.0.body_root = block.1.root();
        add(&mut logs, &block, &[]);
        let _ = logs.block.sync().unwrap();
    }
    logs
}

// Goal: every height of a long chain is found at once, and a range ends with the chain.
#[test]
fn heights_are_found_in_a_long_log() {
    let logs = long(2_500);
    for from in (1..=2_500).step_by(37).chain([2, 2_499, 2_500]) {
        assert_eq!(found(&logs, from, 1), [from]);
    }
    assert_eq!(found(&logs, 1_990, 32), (1_990..2_022).collect::<Vec<_>>());
    assert_eq!(found(&logs, 2_498, 32), [2_498, 2_499, 2_500]);
    for absent in [0, 2_501, u64::MAX] {
        assert!(found(&logs, absent, 32).is_empty());
    }
}

// A crash had heights decided again: each is found, from either of its records.
#[test]
fn heights_that_were_decided_again_are_found() {
    let mut logs = logs();
    let blocks: Vec<_> = (1..=6).map(|height| block(height, None)).collect();
    let mut bodies = Vec::new();
    for block in &blocks[..4] {
        let body = propose(&mut logs, block);
        decide(&mut logs, block, body, &[]);
        bodies.push(body);
    }
    for (block, body) in blocks[1..4].iter().zip(&bodies[1..]) {
        decide(&mut logs, block, *body, &[]);
    }
    for block in &blocks[4..] {
        add(&mut logs, block, &[]);
    }
    for from in 1..=6 {
        assert_eq!(found(&logs, from, 32), (from..=6).collect::<Vec<_>>());
    }
}

// An empty log has no heights.
#[test]
fn an_empty_log_has_none() {
    assert!(found(&logs(), 1, 32).is_empty());
}

// The height at which a find looks first is the one that the whole record has.
#[test]
fn the_height_of_a_record_is_read_without_the_rest_of_it() {
    let mut logs = logs();
    for height in [1, 2, 300] {
        add(&mut logs, &block(height, None), &[]);
    }
    for record in logs.block.iter_from(Position::START) {
        let (_, bytes) = record.unwrap();
        let height = match BlockRecord::decode(&bytes).unwrap() {
            BlockRecord::Decided(decided) => Some(decided.certificate.height),
            BlockRecord::Proposed { .. }
            | BlockRecord::Polka(_)
            | BlockRecord::Conflicting(_)
            | BlockRecord::Restored(_) => None,
        };
        assert_eq!(BlockRecord::height_decided(&bytes), height);
    }
    assert_eq!(BlockRecord::height_decided(&[]), None);
    assert_eq!(BlockRecord::height_decided(&[2, 1, 0]), None);
}
