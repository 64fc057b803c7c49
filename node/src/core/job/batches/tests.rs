//! Batches together get what each gets alone.

use super::*;
use crate::core::input::Peer;
use falaj_consensus::hash::encode;
use falaj_consensus::types::ValidatorId;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::testing::{BANK_A, Ledger, Who, account, transfer};
use falaj_ledger::transaction::Op;

const COUNT: u64 = 5;

fn peer(number: u32) -> Option<Sent> {
    let by = Peer::of(ValidatorId::new(number))?;
    Some(Sent { by, bytes: 0 })
}

/// Bytes of a transfer.
fn payment(ledger: &mut Ledger) -> Vec<u8> {
    let op = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_A, 2), 1));
    let body = ledger.body(BANK_A, op);
    ledger.sign(body, &[Who::Participant(BANK_A)]).to_bytes()
}

fn job(from: Option<Sent>, seq: u64, transactions: Vec<Vec<u8>>) -> VerifyJob {
    let batch = Batch {
        author: ValidatorId::new(1),
        seq,
        lane: Lane::Retail,
        transactions,
    };
    VerifyJob::Batch {
        from,
        digest: batch.reference().digest,
        encoded: encode(&batch).into(),
    }
}

/// Batches of one sender; what is done to the last transaction of the third is up to the test.
fn jobs(change: impl Fn(&mut Vec<u8>)) -> (Rules, Vec<VerifyJob>) {
    let mut ledger = Ledger::default();
    let mut jobs = Vec::new();
    for seq in 1..=COUNT {
        let mut transactions: Vec<_> = (0..seq).map(|_| payment(&mut ledger)).collect();
        if seq == 3 {
            change(transactions.last_mut().unwrap());
        }
        jobs.push(job(peer(1), seq, transactions));
    }
    (ledger.rules(), jobs)
}

/// How many are right, together; and that each is what it is alone.
fn right_ones(change: impl Fn(&mut Vec<u8>)) -> usize {
    let (rules, jobs) = jobs(change);
    let tools = JobTools {
        checker: &RealChecker,
        rules: &rules,
    };
    let together = VerifyJob::run_together(jobs.clone(), tools);
    let alone: Vec<_> = jobs.into_iter().map(|job| job.run(tools)).collect();
    assert_eq!(together, alone);
    let is_right = |result: &&VerifyResult| matches!(result, VerifyResult::Batch { .. });
    together.iter().filter(is_right).count()
}

#[test]
fn right_batches_are_right_together() {
    assert_eq!(right_ones(|_| {}), 5);
}

// Goal: a wrong signature makes its own batch invalid and no other.
#[test]
fn a_wrong_signature_is_its_own_batchs_alone() {
    assert_eq!(right_ones(|bytes| *bytes.last_mut().unwrap() ^= 1), 4);
}

#[test]
fn a_malformed_transaction_is_its_own_batchs_alone() {
    assert_eq!(right_ones(|bytes| bytes.truncate(7)), 4);
}

// Goal: who lies keeps nobody else's batches waiting.
#[test]
fn only_batches_of_one_sender_keep_company() {
    let of = |from| job(from, 1, vec![vec![0; 300]]);
    let queue = [of(peer(1)), of(peer(1)), of(peer(2)), of(peer(1))];
    assert_eq!(VerifyJob::company(queue.iter()), 2);
    assert_eq!(VerifyJob::company(queue[2..].iter()), 1);
    assert_eq!(VerifyJob::company([].into_iter()), 0);
    let submitted = [VerifyJob::Submitted(Vec::new()), of(peer(1))];
    assert_eq!(VerifyJob::company(submitted.iter()), 1);
}

#[test]
fn company_ends_where_it_gains_nothing() {
    let large = |seq| job(peer(1), seq, vec![vec![0; TOGETHER_BYTES_MAX / 2 - 100]]);
    let queue = [large(1), large(2), large(3)];
    assert_eq!(VerifyJob::company(queue.iter()), 2);
}
