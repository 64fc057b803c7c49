//! Bundles made, kept as text, checked under a genesis, and every way in which a changed one is told.

use super::*;
use crate::event::Event;
use crate::log_tree::{InclusionProof, prove_consistency, prove_inclusion};
use crate::proof::ReceiptProof;
use crate::receipt::Verdict;
use crate::testing::{BANK_A, BANK_B, Ledger, Who, account, genesis, transfer};
use crate::transaction::{Op, TxKey};
use crate::validate::CheckedTx;
use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{
    Body, CommitCertificate, Header, Outcome, PrecommitValue, Statement, Vote,
};
use falaj_consensus::types::{BlockId, OutcomeHash, Round, ValidatorIndex};
use falaj_consensus::verify::RealChecker;
use std::sync::Arc;

fn trust() -> Trust {
    Trust::of_genesis(&genesis())
}

const BANK: [Who; 1] = [Who::Participant(BANK_A)];

/// A block of payments of which the last one fails, certified by three of four validators.
struct World {
    ledger: Ledger,
    txs: Vec<Arc<CheckedTx>>,
    certified: CertifiedOutcome,
}

impl World {
    fn new(payments: u32) -> Self {
        let mut ledger = Ledger::default();
        let mut txs: Vec<_> = (1..payments).map(|_| pay(&mut ledger, 1)).collect();
        txs.push(pay(&mut ledger, 999_999));
        let time_us = ledger.state.time_us() + 1;
        let certified = certified(&mut ledger, time_us, txs.clone());
        Self {
            ledger,
            txs,
            certified,
        }
    }

    fn receipt(&self, index: u32) -> ReceiptBundle {
        let receipts = &self.ledger.last.as_ref().unwrap().receipts;
        ReceiptBundle {
            certified: self.certified.clone(),
            answer: ReceiptProof::new(receipts, index).unwrap(),
        }
    }
}

fn pay(ledger: &mut Ledger, units: u64) -> Arc<CheckedTx> {
    let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), units);
    ledger.tx(BANK_A, Op::Transfer(payment), &BANK)
}

fn certified(ledger: &mut Ledger, time_us: u64, txs: Vec<Arc<CheckedTx>>) -> CertifiedOutcome {
    let transactions = u32::try_from(txs.len()).unwrap();
    ledger.block_at(time_us, txs);
    let outcome = ledger.last.clone().unwrap().outcome;
    let body = Body::default();
    let header = Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: ledger.chain().genesis_hash,
        height: ledger.state.height(),
        round: Round::new(0),
        proposer: ValidatorIndex::new(0),
        parent_id: BlockId::default(),
        parent_outcome: OutcomeHash::default(),
        time_us,
        set_hash: genesis().validators.hash(),
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions,
        transaction_bytes: 0,
    };
    let certificate = certificate(&header, &outcome);
    CertifiedOutcome::new(header, outcome, &certificate).unwrap()
}

fn certificate(header: &Header, outcome: &Outcome) -> CommitCertificate {
    let value = PrecommitValue {
        id: header.id(),
        outcome: outcome.hash(),
    };
    let (height, round) = (header.height, Round::new(0));
    let statement = Statement::Precommit {
        height,
        round,
        value: Some(value),
    };
    let message = statement.sign_bytes(&genesis().chain());
    let votes: Vec<_> = (0..3_u16)
        .map(|index| {
            let key = Who::Validator(u64::from(index) + 1).key();
            Vote::new(
                ValidatorIndex::new(index),
                statement,
                key.sign(message.as_slice()),
            )
            .unwrap()
        })
        .collect();
    CommitCertificate::from_votes(4, &votes.iter().collect::<Vec<_>>()).unwrap()
}

#[test]
fn a_receipt_is_checked_with_nothing_but_the_genesis() {
    let world = World::new(5);
    for (index, tx) in (0..).zip(&world.txs) {
        let verified = world.receipt(index).verify(&trust(), &RealChecker).unwrap();
        assert!(verified.is_of(tx.body()));
        assert_eq!(verified.receipt.verdict == Verdict::Executed, index < 4);
        assert_eq!(
            (verified.at.height, verified.at.signers),
            (world.ledger.state.height(), 3)
        );
    }
    let other = world.receipt(0).verify(&trust(), &RealChecker).unwrap();
    assert!(!other.is_of(world.txs[1].body()));
}

// A payer keeps these for years: one kilobyte for 64-byte signatures, P-256 and Ed25519 alike, two for RSA-3072.
#[test]
fn a_receipt_is_about_a_kilobyte() {
    for (payments, bytes) in [
        (1, 700..1_000),
        (16, 700..1_000),
        (100, 700..1_000),
        (1_000, 700..1_100),
    ] {
        let length = Bundle::Receipt(World::new(payments).receipt(0))
            .to_bytes()
            .len();
        assert!(
            bytes.contains(&length),
            "{payments} payments: {length} bytes"
        );
    }
    let world = World::new(16);
    let mut certificate = world.certified.certificate();
    certificate.signatures = vec![Signature::new(vec![1; 384]).unwrap(); 3];
    let (header, outcome) = (
        world.certified.header().clone(),
        world.certified.outcome().clone(),
    );
    let certified = CertifiedOutcome::new(header, outcome, &certificate).unwrap();
    let rsa = Bundle::Receipt(ReceiptBundle {
        certified,
        ..world.receipt(0)
    });
    assert!((1_500..2_100).contains(&rsa.to_bytes().len()));
}

/// What a bundle still proves with one bit of it flipped, in each byte in turn.
fn flipped(bundle: &Bundle) -> impl Iterator<Item = (usize, Option<VerifiedBundle>)> {
    let (trust, bytes) = (trust(), bundle.to_bytes());
    (0..bytes.len()).map(move |at| {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let read = Bundle::from_bytes(&flipped).ok();
        let proven = read.and_then(|bundle| bundle.verify(&trust, &RealChecker).ok());
        (at, proven)
    })
}

fn every_flipped_byte_is_caught(bundle: &Bundle) {
    for (at, proven) in flipped(bundle) {
        assert_eq!(proven, None, "byte {at}");
    }
}

#[test]
fn every_flipped_byte_of_a_receipt_is_caught() {
    let bundle = Bundle::Receipt(World::new(5).receipt(3));
    every_flipped_byte_is_caught(&bundle);
    let bytes = bundle.to_bytes();
    for length in 0..bytes.len() {
        assert!(Bundle::from_bytes(&bytes[..length]).is_err());
    }
    assert!(Bundle::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn every_flipped_byte_of_an_account_is_caught() {
    let (world, trust) = (World::new(3), trust());
    let id = account(BANK_A, 1);
    let held = world.ledger.state.account(id);
    let path = world.ledger.state.prove(&crate::state::key::account(id));
    let bundle = AccountBundle {
        certified: world.certified,
        id,
        account: held.clone(),
        path,
    };
    let verified = bundle.verify(&trust, &RealChecker).unwrap();
    assert_eq!((verified.id, verified.account), (id, held));
    every_flipped_byte_is_caught(&Bundle::Account(bundle));
}

#[test]
fn an_account_that_is_not_there_is_proven_absent() {
    let world = World::new(3);
    let id = account(BANK_A, 77);
    let path = world.ledger.state.prove(&crate::state::key::account(id));
    let bundle = AccountBundle {
        certified: world.certified,
        id,
        account: None,
        path,
    };
    assert_eq!(bundle.verify(&trust(), &RealChecker).unwrap().account, None);
    let there = AccountBundle {
        id: account(BANK_A, 1),
        ..bundle
    };
    assert!(matches!(
        there.verify(&trust(), &RealChecker),
        Err(BundleError::Answer(_))
    ));
}

/// A block as many milliseconds after genesis, and a transaction of genesis' time that nobody submitted.
fn no_execution(after_ms: u64, valid_until_ms: Option<u64>) -> (TxKey, NoExecutionBundle) {
    let mut ledger = Ledger::default();
    let key = pay(&mut ledger, 1).key();
    let time_us = ledger.state.time_us() + after_ms * 1_000;
    let certified = certified(&mut ledger, time_us, Vec::new());
    let absence = ledger.state.prove_dedup(key);
    (
        key,
        NoExecutionBundle {
            certified,
            key,
            valid_until_ms,
            absence,
        },
    )
}

const HOUR_MS: u64 = 3_600_000;

#[test]
fn no_execution_is_proven_after_the_window_and_within_the_life_of_the_id() {
    let check = |after_ms, until| {
        no_execution(after_ms, until)
            .1
            .verify(&trust(), &RealChecker)
    };
    assert!(check(HOUR_MS + 1, None).is_ok());
    assert!(check(2 * HOUR_MS, None).is_ok());
    assert!(matches!(
        check(HOUR_MS, None),
        Err(BundleError::Answer(AnswerError::TooEarly { .. }))
    ));
    assert!(matches!(
        check(2 * HOUR_MS + 1, None),
        Err(BundleError::Answer(AnswerError::TooLate { .. }))
    ));
    let until = crate::testing::GENESIS_MS + 1_000;
    assert!(check(1_001, Some(until)).is_ok());
    assert!(check(1_000, Some(until)).is_err());
    assert!(check(HOUR_MS, Some(until + 24 * HOUR_MS)).is_err());
}

// A changed window is a true statement about another window, so the verifier states which one it believes.
#[test]
fn no_flipped_byte_of_a_proof_of_no_execution_goes_unnoticed() {
    let until = crate::testing::GENESIS_MS + 1_000;
    let (_, bundle) = no_execution(HOUR_MS, Some(until));
    let said = bundle.verify(&trust(), &RealChecker).unwrap();
    let said = Some(VerifiedBundle::NoExecution(said));
    for (at, proven) in flipped(&Bundle::NoExecution(bundle)) {
        assert_ne!(proven, said, "byte {at}");
    }
}

#[test]
fn an_executed_transaction_has_no_proof_of_no_execution() {
    let world = World::new(1);
    let mut ledger = world.ledger;
    let key = world.txs[0].key();
    let time_us = ledger.state.time_us() + HOUR_MS * 1_000;
    let certified = certified(&mut ledger, time_us, Vec::new());
    let absence = ledger.state.prove_dedup(key);
    let bundle = NoExecutionBundle {
        certified,
        key,
        valid_until_ms: None,
        absence,
    };
    assert!(matches!(
        bundle.verify(&trust(), &RealChecker),
        Err(BundleError::Answer(AnswerError::State(_)))
    ));
}

#[test]
fn another_chain_set_or_outcome_is_named() {
    let world = World::new(2);
    let mut other = genesis();
    other.chain_id = "falaj-test-2".into();
    assert!(matches!(
        world
            .receipt(0)
            .verify(&Trust::of_genesis(&other), &RealChecker),
        Err(BundleError::OtherChain { .. })
    ));

    let refused = |change: &dyn Fn(&mut Header)| {
        let mut header = world.certified.header().clone();
        change(&mut header);
        let outcome = world.certified.outcome().clone();
        let certificate = certificate(&header, &outcome);
        let certified = CertifiedOutcome::new(header, outcome, &certificate).unwrap();
        let bundle = ReceiptBundle {
            certified,
            ..world.receipt(0)
        };
        bundle.verify(&trust(), &RealChecker).unwrap_err()
    };
    assert!(matches!(
        refused(&|header| header.set_hash = Hash32::ZERO),
        BundleError::OtherSet { .. }
    ));
    assert!(matches!(
        refused(&|header| header.features = 2),
        BundleError::Features(2)
    ));
    assert_eq!(
        refused(&|header| header.transactions += 1),
        BundleError::Answer(AnswerError::OtherPlace)
    );

    let mut certificate = world.certified.certificate();
    certificate.height = certificate.height.next();
    let (header, outcome) = (
        world.certified.header().clone(),
        world.certified.outcome().clone(),
    );
    assert_eq!(CertifiedOutcome::new(header, outcome, &certificate), None);
}

#[test]
fn two_of_four_signatures_are_no_certificate() {
    let world = World::new(2);
    let mut certificate = world.certified.certificate();
    certificate.signatures.pop();
    let mut signers = falaj_consensus::validator_set::Bitmap::none(4);
    [0, 1]
        .into_iter()
        .for_each(|index| signers.insert(ValidatorIndex::new(index)));
    certificate.signers = signers;
    let (header, outcome) = (
        world.certified.header().clone(),
        world.certified.outcome().clone(),
    );
    let certified = CertifiedOutcome::new(header, outcome, &certificate).unwrap();
    let bundle = ReceiptBundle {
        certified,
        ..world.receipt(0)
    };
    let error = bundle.verify(&trust(), &RealChecker).unwrap_err();
    assert_eq!(error, BundleError::Certificate(VerifyError::NoQuorum));
}

#[test]
fn text_reads_back_and_has_one_form() {
    let bundle = Bundle::Receipt(World::new(2).receipt(0));
    let text = bundle.to_text();
    assert_eq!(Bundle::from_text(&text).unwrap(), bundle);
    let wrong = [
        text.replace("falaj-receipt", "falaj-account"),
        text.replace("\"version\":1", "\"version\":2"),
        text.replace("\"version\":1", "\"version\":1,\"more\":0"),
        text.replace("\"bundle\":\"", "\"bundle\":\" "),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ];
    for text in wrong {
        assert!(Bundle::from_text(&text).is_err(), "{text}");
    }
}

/// The events of a world's last block, which are its whole log after the first one.
fn events(world: &World) -> Vec<Event> {
    world.ledger.last.as_ref().unwrap().events.clone()
}

fn leaves(log: &[Event]) -> Vec<Hash32> {
    log.iter().map(Event::leaf_hash).collect()
}

fn event(world: &World, index: usize) -> EventBundle {
    let log = events(world);
    let sequence = log[index].sequence;
    EventBundle {
        certified: world.certified.clone(),
        event: log[index].clone(),
        inclusion: prove_inclusion(&leaves(&log), sequence).unwrap(),
    }
}

#[test]
fn an_event_is_checked_with_nothing_but_the_genesis() {
    let world = World::new(5);
    for index in 0..4 {
        let bundle = event(&world, index);
        let verified = bundle.verify(&trust(), &RealChecker).unwrap();
        assert_eq!(verified.event, bundle.event);
        assert_eq!(verified.event.cause, Some(world.txs[index].key()));
        assert_eq!(verified.at.height, world.ledger.state.height());
    }
}

#[test]
fn every_flipped_byte_of_an_event_is_caught() {
    every_flipped_byte_is_caught(&Bundle::Event(event(&World::new(5), 2)));
}

// A path may hold in a tree of another size: the certified number of events says which it is.
#[test]
fn an_event_stands_where_its_number_says_in_a_log_of_the_certified_size() {
    let world = World::new(4);
    let log = leaves(&events(&world));
    let bundle = event(&world, 2);
    let refused = |inclusion| {
        let bundle = EventBundle {
            inclusion,
            ..bundle.clone()
        };
        bundle.verify(&trust(), &RealChecker).unwrap_err()
    };
    let shorter = InclusionProof::new(1, 2, bundle.inclusion.path().to_vec());
    assert_eq!(
        shorter.verify(
            &bundle.certified.outcome().events_root,
            &bundle.event.to_leaf()
        ),
        Ok(())
    );
    assert_eq!(refused(shorter), BundleError::Answer(AnswerError::OtherLog));
    let elsewhere = prove_inclusion(&log, 1).unwrap();
    assert_eq!(
        refused(elsewhere),
        BundleError::Answer(AnswerError::OtherLog)
    );
}

/// Two certified blocks of one chain, and their events.
fn two_blocks() -> (CertifiedOutcome, CertifiedOutcome, Vec<Hash32>) {
    let mut first = World::new(4);
    let mut log = leaves(&events(&first));
    let txs = (0..3).map(|_| pay(&mut first.ledger, 1)).collect();
    let time_us = first.ledger.state.time_us() + 1;
    let later = certified(&mut first.ledger, time_us, txs);
    log.extend(leaves(&events(&first)));
    (first.certified, later, log)
}

#[test]
fn a_log_extends_an_earlier_one() {
    let (earlier, later, log) = two_blocks();
    let consistency = prove_consistency(&log, 3).unwrap();
    let bundle = LogExtensionBundle {
        earlier: earlier.clone(),
        later: later.clone(),
        consistency,
    };
    let verified = bundle.verify(&trust(), &RealChecker).unwrap();
    assert_eq!((verified.earlier_events, verified.events), (3, 6));
    assert_eq!(verified.earlier.height.next(), verified.at.height);

    every_flipped_byte_is_caught(&Bundle::LogExtension(Box::new(bundle.clone())));
    let backwards = LogExtensionBundle {
        earlier: later.clone(),
        later: earlier,
        ..bundle.clone()
    };
    let error = backwards.verify(&trust(), &RealChecker).unwrap_err();
    assert_eq!(error, BundleError::Answer(AnswerError::OtherLog));
    let itself = LogExtensionBundle {
        earlier: later.clone(),
        later,
        consistency: prove_consistency(&log, 6).unwrap(),
    };
    assert!(itself.verify(&trust(), &RealChecker).is_ok());
}
