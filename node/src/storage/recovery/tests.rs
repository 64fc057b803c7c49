//! What a scan makes of logs that a crash has left, one log further than the other.

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::hash;
use falaj_consensus::message::{Batch, Header, Lane};
use falaj_consensus::types::{Height, ValidatorId};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::state::State;
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, genesis, transfer};
use falaj_ledger::transaction::{Op, TxId};
use falaj_ledger::validate::Rules;

use super::RecoverError;
use crate::core::{JobTools, RecoveredBatches};
use crate::storage::forge::{add, batch, block, decide, logs, propose};

mod gates;

const FIRST: Position = Position::new(1);

// The certificate of a height was synced and a batch of its block was not: the height is open again, with its block, and so is
// the height decided on top of it.
#[test]
fn a_height_without_its_batches_is_open_again() {
    let mut logs = logs();
    let (lost, above) = (block(2, Some(&batch(1))), block(3, None));
    add(&mut logs, &block(1, None), &[]);
    add(&mut logs, &lost, &[FIRST]);
    add(&mut logs, &above, &[]);
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
    let body = propose(&mut logs, &lost);
    decide(&mut logs, &lost, body, &[FIRST]);
    add(&mut logs, &above, &[]);
    assert_eq!(logs.scan().unwrap().height(), Height::new(0));
    let other = crate::storage::forge::batch(7);
    // Another batch has taken the place of the one that was lost.
    for batch in [other, batch] {
        logs.append(LogId::Batch, &hash::encode(&batch)).unwrap();
    }
    decide(&mut logs, &lost, body, &[FIRST.next()]);
    add(&mut logs, &above, &[]);
    add(&mut logs, &block(3, None), &[]);
    let found = logs.scan().unwrap();
    assert_eq!(found.height(), Height::new(3));
    let record = logs.decided(&found, Height::new(1)).unwrap();
    assert_eq!(record.batches_at, [FIRST.next()]);
    assert_eq!(found.unordered.keys().collect::<Vec<_>>(), [&FIRST]);
}

// A second certificate of a height for another block is never passed over.
#[test]
fn another_block_for_a_decided_height_is_refused() {
    let mut logs = logs();
    let (first, mut second) = (block(1, None), block(1, None));
    second.0.time_us += 1;
    for block in [&first, &second] {
        add(&mut logs, block, &[]);
    }
    let error = logs.scan().unwrap_err();
    assert!(matches!(error, RecoverError::Heights { .. }), "{error}");
}

// A certificate that skips a height, with nothing lost before it, is damage.
#[test]
fn a_skipped_height_is_refused() {
    let mut logs = logs();
    let above = block(2, None);
    add(&mut logs, &above, &[]);
    let error = logs.scan().unwrap_err();
    assert!(matches!(error, RecoverError::Heights { .. }), "{error}");
}

// docs/spec/durable.md, "Recovery": of a long chain a start keeps the last batches, what no block named, and a number an author.
#[test]
fn what_a_scan_keeps_does_not_grow_with_the_chain() {
    let mut logs = logs();
    for height in 1..=3_000 {
        let batch = batch(height);
        let at = logs.append(LogId::Batch, &hash::encode(&batch)).unwrap();
        add(&mut logs, &block(height, Some(&batch)), &[at]);
    }
    let waiting = batch(3_001);
    let at = logs.append(LogId::Batch, &hash::encode(&waiting)).unwrap();
    let found = logs.scan().unwrap();
    assert_eq!(found.height(), Height::new(3_000));
    assert_eq!(found.unordered.keys().collect::<Vec<_>>(), [&at]);
    assert_eq!(found.ordered.len(), 3_000);
    assert!(found.open.is_empty());
    let numbers = found.numbers.get(&ValidatorId::new(1)).unwrap();
    assert_eq!(numbers.contiguous(), 3_000);
    for height in [1, 1_234, 3_000] {
        let record = logs.decided(&found, Height::new(height)).unwrap();
        assert_eq!(record.header.height, Height::new(height));
        assert_eq!(record.batches_at, [Position::new(height)]);
    }
    assert!(matches!(
        logs.decided(&found, Height::new(3_001)),
        Err(RecoverError::NoBody(_))
    ));
}

// A certificate does not vouch for the signatures in a batch: a replay checks them again, and refuses the height by its number.
#[test]
fn a_replay_refuses_a_decided_batch_that_is_wrongly_signed() {
    let genesis = genesis();
    let (state, rules) = (
        State::open(&genesis).unwrap().state,
        Rules::of_genesis(&genesis),
    );
    let replayed = |is_signed| {
        let (mut logs, batch) = (logs(), payment(1, 0, is_signed));
        let at = logs.append(LogId::Batch, &hash::encode(&batch)).unwrap();
        let mut block = block(1, Some(&batch));
        block.0.time_us = state.time_us() + 1;
        add(&mut logs, &block, &[at]);
        let tools = JobTools {
            checker: &RealChecker,
            rules: &rules,
        };
        let found = logs.scan().unwrap();
        logs.replay(&found, &state, Header::FEATURES_KNOWN, tools)
            .err()
            .unwrap()
    };
    let (wrong, right) = (replayed(false), replayed(true));
    assert!(
        matches!(wrong, RecoverError::Batch(height) if height == Height::new(1)),
        "{wrong}"
    );
    // With the right signature it comes to execution, which gives something else than the forged certificate says.
    assert!(matches!(right, RecoverError::Diverged(_)), "{right}");
}

/// A batch of validator 1 with one payment whose id is that old, signed or not.
fn payment(seq: u64, age_ms: u64, is_signed: bool) -> Batch {
    let ledger = Ledger::new(&genesis());
    let mut body = Ledger::new(&genesis()).body(
        BANK_A,
        Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5)),
    );
    let time_ms = ledger.time_ms() - age_ms;
    body.id = TxId::new(time_ms, [9; 10]).unwrap();
    (body.valid_from_ms, body.valid_until_ms) = (time_ms, time_ms);
    let mut signed = ledger.sign(body, &[Who::Participant(BANK_A)]);
    if !is_signed {
        signed.approvals[0].signature = Signature::new(vec![1; 64]).unwrap();
    }
    Batch {
        author: ValidatorId::new(1),
        seq,
        lane: Lane::Retail,
        transactions: vec![signed.to_bytes()],
    }
}

/// What a start takes up of batches that no block named, if so many of them have room.
fn taken_up(batches: &[Batch], room: usize) -> Result<RecoveredBatches, RecoverError> {
    let mut logs = logs();
    for batch in batches {
        logs.append(LogId::Batch, &hash::encode(batch)).unwrap();
    }
    let state = State::open(&genesis()).unwrap().state;
    let tools = JobTools {
        checker: &RealChecker,
        rules: &Rules::of_genesis(&genesis()),
    };
    let longest = batches.iter().map(|batch| hash::encode(batch).len()).max();
    let room_bytes = u64::try_from(room * longest.unwrap()).unwrap();
    logs.batches_within(&logs.scan()?, &state, tools, room_bytes)
}

fn numbers(batches: &RecoveredBatches) -> (Vec<u64>, Vec<u64>) {
    let taken = batches.unordered.iter().map(|one| one.batch.reference.seq);
    let left = batches.left.iter().map(|(reference, _)| reference.seq);
    (taken.collect(), left.collect())
}

// docs/spec/dissemination.md, "Batches": what was not ordered is held within the quotas over a restart, the first that came.
#[test]
fn a_restart_keeps_the_quota() {
    let batches = [1, 2, 3].map(|seq| payment(seq, 0, true));
    let taken = taken_up(&batches, 2).unwrap();
    assert_eq!(numbers(&taken), (vec![1, 2], vec![3]));
    assert_eq!(taken.left[0].1, Position::new(3));
}

// docs/spec/dissemination.md, "Batches": a start spends no time on what can never be posted: its signatures are not even looked at.
#[test]
fn a_restart_checks_no_dead_batch() {
    let life_ms = genesis().constants.id_life_ms();
    let dead = payment(1, life_ms + 1, false);
    let alive = payment(2, life_ms, true);
    let taken = taken_up(&[dead, alive], 2).unwrap();
    assert_eq!(numbers(&taken), (vec![2], vec![1]));
    let wrong = payment(1, life_ms, false);
    assert!(matches!(
        taken_up(&[wrong], 1),
        Err(RecoverError::Record { .. })
    ));
}

// A batch whose author is no member is never named by a correct proposer: its place is enough.
#[test]
fn a_restart_takes_up_members_batches_alone() {
    let mut stranger = payment(1, 0, true);
    stranger.author = ValidatorId::new(77);
    let taken = taken_up(&[stranger], 1).unwrap();
    assert_eq!(numbers(&taken), (vec![], vec![1]));
}
