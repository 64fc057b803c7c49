//! A small chain under true certificates, and snapshots of it.

use falaj_consensus::message::{PrecommitValue, Statement, Vote};
use falaj_consensus::types::ValidatorIndex;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::testing::{Ledger, Who, genesis_governed};
use std::sync::Arc;

use super::*;
use crate::core::Committed;
use crate::storage::forge;

/// The last block of a ledger, certified by all validators of its height.
pub(in crate::shell) fn committed(ledger: &Ledger) -> Arc<Committed> {
    let state = &ledger.state;
    let executed = ledger.last.clone().unwrap();
    let set = state.validators_at(state.height());
    let (mut header, body) = forge::block(state.height().get(), None);
    header.genesis_hash = ledger.chain().genesis_hash;
    header.time_us = state.time_us();
    header.set_hash = set.hash();
    let value = PrecommitValue {
        id: header.id(),
        outcome: executed.outcome.hash(),
    };
    let statement = Statement::Precommit {
        height: header.height,
        round: header.round,
        value: Some(value),
    };
    let message = statement.sign_bytes(ledger.chain());
    let votes: Vec<Vote> = (0..)
        .zip(set.members())
        .map(|(index, member)| {
            let key = Who::Validator(u64::from(member.id.get())).key();
            let signature = key.sign(message.as_slice());
            Vote::new(ValidatorIndex::new(index), statement, signature).unwrap()
        })
        .collect();
    let votes: Vec<&Vote> = votes.iter().collect();
    Arc::new(Committed {
        id: header.id(),
        certificate: CommitCertificate::from_votes(set.len(), &votes).unwrap(),
        header,
        body: Arc::new(body),
        transactions: Vec::new(),
        executed: Arc::new(executed),
    })
}

/// The snapshot of a chain of empty blocks.
pub(in crate::shell) fn sample(height: u64) -> (Manifest, Vec<Vec<u8>>) {
    let mut ledger = Ledger::new(&genesis_governed());
    (0..height).for_each(|_| drop(ledger.block(Vec::new())));
    let block = committed(&ledger);
    let certified = Certified {
        header: &block.header,
        outcome: &block.executed.outcome,
        certificate: &block.certificate,
        changes: Vec::new(),
    };
    let trust = Trust::of_genesis(&genesis_governed());
    let (manifest, cut) = certified.of(&ledger.state, &trust, &RealChecker).unwrap();
    let chunks = (0..manifest.parts().len()).map(|index| cut.chunk(index).unwrap());
    let chunks = chunks.collect();
    (manifest, chunks)
}

// docs/spec/snapshots.md, "Files": of one that could not be written nothing is left, and what was there is as it was.
#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, chunks) = sample(2);
    let place = folder.path().join("2");
    // Something else stands where the second chunk goes.
    let endless = chunks.iter().cycle().take(3).cloned();
    let stuck = endless.inspect(|_| {
        let taken = place.with_file_name("2.draft").join(chunk_file(1));
        drop(std::fs::create_dir(taken));
    });
    let error = write(&place, &manifest, stuck).unwrap_err();
    assert!(matches!(error, SnapshotFault::Write { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    write(&place, &manifest, chunks.into_iter()).unwrap();
    let trust = Trust::of_genesis(&genesis_governed());
    let proven = read(&place, &trust, &[], &RealChecker).unwrap();
    assert_eq!(proven.state.height().get(), 2);
}
