//! The audit log: everything is in it, in order, and no record can be changed unnoticed.

use falaj_consensus::durable::{Position, Survives};

use crate::audit::{AuditChain, AuditEvent, AuditFault, AuditRecord, bytes_hash};
use crate::fixture::{Disks, Home, NOW, TestToken, ask, block, chain, prevote};
use crate::guard::{Latch, Place};
use crate::home::HomeError;
use crate::purpose::Purpose;
use crate::signer::{Input, TwoOperators, Unlatch};

fn log_of(home: &Home) -> Vec<(Position, Vec<u8>)> {
    home.audit_log()
        .iter_from(Position::START)
        .map(Result::unwrap)
        .collect()
}

fn records(home: &Home) -> Vec<AuditRecord> {
    log_of(home)
        .iter()
        .map(|(_, bytes)| AuditRecord::decode(bytes).unwrap())
        .collect()
}

fn lived() -> (Disks, Home) {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    ask(&mut home, &token, prevote(1, 0, Some((block(1), None)))).unwrap_err();
    let names = TwoOperators::new("amal".to_owned(), "basim".to_owned()).unwrap();
    let _ = home
        .run(NOW, Input::Latch(Latch::Operator), &token)
        .unwrap();
    let _ = home
        .run(NOW, Input::Unlatch(Unlatch::Operators(names)), &token)
        .unwrap();
    home.settle().unwrap();
    (disks, home)
}

// Start, signature, repetition, refusal and decisions are there, with place, purpose, hash of the bytes and count of calls.
#[test]
fn everything_is_audited() {
    let (_, home) = lived();
    let records = records(&home);
    let kinds: Vec<_> = records
        .iter()
        .map(|record| match &record.entry.event {
            AuditEvent::Started { gap } => format!("started, gap {gap}"),
            AuditEvent::Signed { .. } => "signed".to_owned(),
            AuditEvent::Repeated { .. } => "repeated".to_owned(),
            AuditEvent::Refused { code } => code.clone(),
            AuditEvent::Decided { what, operators } => {
                format!("{what} by {}", operators.join(" and "))
            }
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "started, gap false",
            "signed",
            "repeated",
            "double_sign",
            "latch by ",
            "unlatch by amal and basim"
        ]
    );
    let signed = &records[1].entry;
    let statement = prevote(1, 0, None);
    assert_eq!(signed.purpose, Some(Purpose::Prevote));
    assert_eq!(signed.place, Some(Place::of(&statement)));
    assert_eq!(
        signed.bytes_hash,
        Some(bytes_hash(statement.sign_bytes(&chain()).as_slice()))
    );
    assert_eq!((signed.time_us, signed.backend_calls), (NOW.wall_us, 1));
}

// The chain goes on across restarts; an intent without a signature is marked as a gap.
#[test]
fn a_restart_continues_the_chain_and_marks_the_gap() {
    let (disks, mut home) = lived();
    home.submit(
        NOW,
        Input::Sign(Box::new(crate::fixture::request(1, prevote(1, 1, None)))),
    )
    .unwrap();
    home.sync().unwrap();
    drop(home);
    disks.guard.crash(Survives::Nothing, false);
    let home = disks.open().unwrap();
    let last = records(&home).pop().unwrap();
    assert_eq!(last.entry.event, AuditEvent::Started { gap: true });
    let chain = AuditChain::verify(log_of(&home)).unwrap();
    assert_eq!(chain.seq(), last.seq);
}

// A record that is changed, missing or added inside is named; the open refuses it.
#[test]
fn tampering_is_named() {
    let (_, home) = lived();
    let log = log_of(&home);
    for index in 0..log.len() - 1 {
        let mut changed = log.clone();
        let mut record = AuditRecord::decode(&changed[index].1).unwrap();
        record.entry.time_us += 1;
        changed[index].1 = record.encode();
        assert_eq!(
            AuditChain::verify(changed),
            Err(AuditFault::Chain(index as u64 + 2))
        );
        let mut garbled = log.clone();
        garbled[index].1.push(0);
        assert_eq!(
            AuditChain::verify(garbled),
            Err(AuditFault::Encoding(index as u64 + 1))
        );
        let mut missing = log.clone();
        missing.remove(index);
        let missing: Vec<_> = (1..)
            .map(Position::new)
            .zip(missing.into_iter().map(|(_, bytes)| bytes))
            .collect();
        assert_eq!(
            AuditChain::verify(missing),
            Err(AuditFault::Number(index as u64 + 1))
        );
    }
}

// A lost audit log is an error, not a new beginning.
#[test]
fn a_lost_audit_log_is_an_error() {
    let (disks, home) = lived();
    drop(home);
    let lost = Disks {
        audit: Default::default(),
        ..disks
    };
    assert!(matches!(lost.open().unwrap_err(), HomeError::Log(_)));
}

// Entries that find no space are counted in the next one that does.
#[test]
fn entries_without_space_wait_and_nothing_waits_for_them() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    disks.audit.set_capacity(Some(disks.audit.used_bytes()));
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    home.settle().unwrap();
    disks.audit.set_capacity(None);
    home.settle().unwrap();
    drop(home);
    let home = disks.open().unwrap();
    let records = records(&home);
    assert!(matches!(records[1].entry.event, AuditEvent::Signed { .. }));
    assert_eq!(records[1].lost, 0);
}

// A busy signer asks to be settled before much waits, and not again right after.
#[test]
fn a_busy_signer_asks_to_be_settled() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    assert!(!home.settle_due());
    for _ in 0..256 {
        ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    }
    assert!(home.settle_due());
    home.settle().unwrap();
    assert!(!home.settle_due());
    disks.audit.crash(Survives::Nothing, false);
    drop(home);
    assert!(records(&disks.open().unwrap()).len() > 256);
}
