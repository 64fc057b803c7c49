//! Answers checked from a certificate alone, and every way in which a wrong one is told.

use super::*;
use crate::account::Account;
use crate::receipt::Verdict;
use crate::rejection::Rejection;
use crate::testing::{BANK_A, BANK_B, GENESIS_MS, Ledger, Who, account, transfer};
use crate::transaction::Op;
use crate::validate::CheckedTx;
use falaj_consensus::message::{Body, CommitCertificate, Kind, PrecommitValue, Statement, Vote};
use falaj_consensus::types::{BlockId, OutcomeHash, Round, ValidatorIndex};
use falaj_consensus::verify::{Context, RealChecker};
use std::sync::Arc;

const BANK: [Who; 1] = [Who::Participant(BANK_A)];

/// Executes a block and has three of the four validators certify it.
fn certified(ledger: &mut Ledger, time_us: u64, transactions: Vec<Arc<CheckedTx>>) -> Certified {
    let count = u32::try_from(transactions.len()).unwrap();
    ledger.block_at(time_us, transactions);
    let outcome = ledger.last.clone().unwrap().outcome;
    let header = header(ledger, time_us, count);
    let certificate = certificate(ledger, &header, &outcome);
    let set = ledger.state.validators_at(header.height);
    let context = Context {
        chain: ledger.chain(),
        set: &set,
        checker: &RealChecker,
    };
    let certificate = context.certificate(certificate).unwrap();
    Certified::new(&certificate, header, outcome).unwrap()
}

fn header(ledger: &Ledger, time_us: u64, transactions: u32) -> Header {
    let body = Body::default();
    Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: ledger.chain().genesis_hash,
        height: ledger.state.height(),
        round: Round::new(0),
        proposer: ValidatorIndex::new(0),
        parent_id: BlockId::default(),
        parent_outcome: OutcomeHash::default(),
        time_us,
        set_hash: ledger.state.validators_at(ledger.state.height()).hash(),
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions,
        transaction_bytes: 0,
    }
}

fn certificate(ledger: &Ledger, header: &Header, outcome: &Outcome) -> CommitCertificate {
    let value = PrecommitValue {
        id: header.id(),
        outcome: outcome.hash(),
    };
    let statement = Statement::Precommit {
        height: header.height,
        round: Round::new(0),
        value: Some(value),
    };
    assert_eq!(statement.kind(), Kind::Precommit);
    let message = statement.sign_bytes(ledger.chain());
    let vote = |index: u16| {
        let key = Who::Validator(u64::from(index) + 1).key();
        Vote::new(
            ValidatorIndex::new(index),
            statement,
            key.sign(message.as_slice()),
        )
        .unwrap()
    };
    let votes: Vec<_> = (0..3).map(vote).collect();
    CommitCertificate::from_votes(4, &votes.iter().collect::<Vec<_>>()).unwrap()
}

fn pay(ledger: &mut Ledger, units: u64) -> Arc<CheckedTx> {
    ledger.tx(
        BANK_A,
        Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), units)),
        &BANK,
    )
}

fn answer(ledger: &Ledger, index: u32) -> ReceiptProof {
    ReceiptProof::new(&ledger.last.as_ref().unwrap().receipts, index).unwrap()
}

#[test]
fn a_receipt_is_an_answer() {
    let mut ledger = Ledger::default();
    let txs: Vec<_> = [1, 2, 200_000, 4]
        .map(|units| pay(&mut ledger, units))
        .to_vec();
    let time_us = ledger.state.time_us() + 1;
    let certified = certified(&mut ledger, time_us, txs.clone());
    for (index, tx) in (0..).zip(&txs) {
        let answer = answer(&ledger, index);
        assert_eq!(certified.check_receipt(tx.body(), &answer), Ok(()));
        let bytes = falaj_consensus::hash::encode(&answer);
        assert_eq!(borsh::from_slice::<ReceiptProof>(&bytes).unwrap(), answer);
    }
    let poor = Verdict::Failed {
        code: Rejection::InsufficientFunds,
        pinned: true,
    };
    assert_eq!(answer(&ledger, 2).receipt.verdict, poor);
    assert_eq!(ReceiptProof::new(&ledger.last.unwrap().receipts, 4), None);
}

#[test]
fn a_receipt_of_another_transaction_place_or_verdict_is_none() {
    let mut ledger = Ledger::default();
    let txs: Vec<_> = [1, 2, 200_000]
        .map(|units| pay(&mut ledger, units))
        .to_vec();
    let time_us = ledger.state.time_us() + 1;
    let certified = certified(&mut ledger, time_us, txs.clone());
    let right = answer(&ledger, 2);
    let check = |answer: &ReceiptProof| certified.check_receipt(txs[2].body(), answer);
    assert_eq!(
        certified.check_receipt(txs[1].body(), &right),
        Err(AnswerError::OtherTransaction)
    );
    let mut forged = right.clone();
    forged.receipt.verdict = Verdict::Executed;
    assert!(matches!(check(&forged), Err(AnswerError::Receipt(_))));
    let mut moved = right.clone();
    moved.receipt.place.index = 1;
    assert_eq!(check(&moved), Err(AnswerError::OtherPlace));
    let mut late = right.clone();
    late.receipt.time_us += 1;
    assert_eq!(check(&late), Err(AnswerError::OtherPlace));
    let mut other = right;
    other.inclusion = answer(&ledger, 1).inclusion;
    other.receipt.place.index = 1;
    assert!(matches!(check(&other), Err(AnswerError::Receipt(_))));
}

#[test]
fn header_and_outcome_are_those_of_the_certificate() {
    let mut ledger = Ledger::default();
    ledger.block(vec![]);
    let outcome = ledger.last.clone().unwrap().outcome;
    let header = header(&ledger, ledger.state.time_us(), 0);
    let set = ledger.state.validators_at(header.height);
    let context = Context {
        chain: ledger.chain(),
        set: &set,
        checker: &RealChecker,
    };
    let certificate = context
        .certificate(certificate(&ledger, &header, &outcome))
        .unwrap();
    let mut other_header = header.clone();
    other_header.time_us += 1;
    let mut other_outcome = outcome.clone();
    other_outcome.events += 1;
    let new = |header, outcome| Certified::new(&certificate, header, outcome).err();
    assert_eq!(
        new(other_header, outcome.clone()),
        Some(AnswerError::OtherBlock)
    );
    assert_eq!(
        new(header.clone(), other_outcome),
        Some(AnswerError::OtherOutcome)
    );
    assert_eq!(new(header, outcome), None);
}

#[test]
fn records_are_proven_with_their_bytes() {
    let mut ledger = Ledger::default();
    let time_us = ledger.state.time_us() + 1;
    let tx = pay(&mut ledger, 7);
    let certified = certified(&mut ledger, time_us, vec![tx]);
    let (there, nowhere) = (account(BANK_A, 1), account(BANK_A, 77));
    let proof = |id| ledger.state.prove(&Account::state_key(&id));
    let record = ledger.state.account(there).unwrap();
    assert_eq!(
        certified.check_record(&there, Some(&record), &proof(there)),
        Ok(())
    );
    assert_eq!(
        certified.check_record::<Account>(&nowhere, None, &proof(nowhere)),
        Ok(())
    );
    let rich = Account {
        credits: crate::amount::Units::new(u128::MAX >> 1),
        ..record.clone()
    };
    assert!(
        certified
            .check_record(&there, Some(&rich), &proof(there))
            .is_err()
    );
    assert!(
        certified
            .check_record::<Account>(&there, None, &proof(there))
            .is_err()
    );
    assert!(
        certified
            .check_record(&nowhere, Some(&record), &proof(nowhere))
            .is_err()
    );
}

// Time in (valid_until, id time + ID_LIFE], and the key is not in the dedup map.
#[test]
fn no_execution() {
    let window_ms = 3_600_000;
    let boundaries = [
        (window_ms * 1_000, Some("early")),
        (window_ms * 1_000 + 1, None),
        (2 * window_ms * 1_000, None),
        (2 * window_ms * 1_000 + 1, Some("late")),
    ];
    for (offset_us, expected) in boundaries {
        let mut ledger = Ledger::default();
        let constants = ledger.state.chain().constants;
        let body = pay(&mut ledger, 7).body().clone();
        let time_us = GENESIS_MS * 1_000 + offset_us;
        let certified = certified(&mut ledger, time_us, vec![]);
        let proof = ledger.state.prove_dedup(body.key());
        let verdict =
            certified.check_no_execution(&constants, body.key(), body.valid_until_ms, &proof);
        let found = match verdict {
            Ok(()) => None,
            Err(AnswerError::TooEarly { .. }) => Some("early"),
            Err(AnswerError::TooLate { .. }) => Some("late"),
            Err(_) => Some("other"),
        };
        assert_eq!(found, expected, "{offset_us}");
    }
}

// Executed or pinned, the key is there for the id's whole life, and nobody can show that it is not.
#[test]
fn no_execution_is_not_shown_of_what_was_executed_or_pinned() {
    for units in [7, 200_000] {
        let mut ledger = Ledger::default();
        let constants = ledger.state.chain().constants;
        let tx = pay(&mut ledger, units);
        ledger.block(vec![tx.clone()]);
        let time_us = (GENESIS_MS + 2 * 3_600_000) * 1_000;
        let certified = certified(&mut ledger, time_us, vec![]);
        let (key, until) = (tx.key(), tx.body().valid_until_ms);
        let own = ledger.state.prove_dedup(key);
        let refused = certified.check_no_execution(&constants, key, until, &own);
        assert!(matches!(refused, Err(AnswerError::State(_))));
        let mut other = key;
        other.participant = BANK_B;
        let foreign = ledger.state.prove_dedup(other);
        let refused = certified.check_no_execution(&constants, key, until, &foreign);
        assert!(matches!(refused, Err(AnswerError::State(_))));
    }
}
