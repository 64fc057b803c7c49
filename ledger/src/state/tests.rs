//! Frozen vectors of keys, records, receipts and events; and that a state is what its map says.

use super::*;
use crate::account::Place;
use crate::event::{Event, EventKind};
use crate::proposal::{Action, ProposalId};
use crate::receipt::{Original, Receipt, Verdict};
use crate::reference::{Reference, Uetr};
use crate::rejection::Rejection;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, GENESIS_MS, Ledger, Who, account, aed, amount, propose,
    supply_change, transfer,
};
use crate::transaction::{BodyHash, Op, TxId};
use data_encoding::HEXLOWER;

fn hash(byte: u8) -> Hash32 {
    Hash32::new([byte; 32])
}

fn tx_key() -> TxKey {
    TxKey {
        participant: BANK_A,
        id: TxId::new(GENESIS_MS, *b"frozen-id!").unwrap(),
    }
}

fn place() -> Place {
    Place {
        height: Height::new(7),
        index: 3,
    }
}

// Frozen: the key of each kind of record.
#[test]
fn keys_are_frozen() {
    let (code, id, proposal) = (aed(), AuthorityId::new(5), ProposalId::new(hash(9)));
    let uetr =
        Uetr::new(*b"\x01\x02\x03\x04\x05\x06\x47\x08\x89\x0a\x0b\x0c\x0d\x0e\x0f\x10").unwrap();
    let keys = [
        ("chain", key::CHAIN.to_vec()),
        ("tip", key::TIP.to_vec()),
        ("events", key::EVENTS.to_vec()),
        ("bench", key::BENCH.to_vec()),
        ("set", key::set_from(Height::new(258))),
        ("parameters", key::parameters_from(Height::new(258))),
        ("currency", key::currency(code)),
        ("participant", key::participant(BANK_A)),
        ("account", key::account(account(BANK_A, 1))),
        ("authority", key::authority(id)),
        ("proposal", key::proposal(proposal)),
        ("proposal-expiry", key::proposal_expiry(1_000, proposal)),
        ("window-of-currency", key::window_of_currency(code)),
        ("window-of-authority", key::window_of_authority(id)),
        (
            "rtgs-reference",
            key::rtgs_reference(code, &Reference::new("RTGS-1").unwrap()),
        ),
        ("dedup", key::dedup(tx_key())),
        ("uetr", key::uetr(BANK_A, uetr)),
        ("pins", key::pins(BANK_A)),
        ("ages", key::AGES.to_vec()),
        (
            "evidence",
            key::evidence(Height::new(4), ValidatorId::new(3), EvidenceKind::Amnesia),
        ),
    ];
    let lines: Vec<_> = keys
        .iter()
        .map(|(name, key)| format!("{name} {}", HEXLOWER.encode(key)))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

// Frozen: the value of each kind of record.
#[test]
fn records_are_frozen() {
    let mut ledger = Ledger::default();
    let made = ledger.tx(
        CENTRAL_BANK,
        propose(1, Action::Issue(supply_change(account(BANK_A, 0), 5, "R1"))),
        &[Who::Participant(CENTRAL_BANK)],
    );
    let id = ProposalId::new(made.content_hash().hash());
    let approved = ledger.tx(
        CENTRAL_BANK,
        Op::Approve(id),
        &[Who::Member(0), Who::Member(1)],
    );
    let paid = transfer(account(BANK_A, 3), account(BANK_B, 1), 7);
    let paid = ledger.tx(
        BANK_A,
        Op::Transfer(paid),
        &[Who::Customer(0), Who::Customer(1)],
    );
    let poor = transfer(account(BANK_A, 1), account(BANK_B, 1), 200_000);
    let poor = ledger.tx(BANK_A, Op::Transfer(poor), &[Who::Participant(BANK_A)]);
    ledger.block(vec![made, approved, paid.clone(), poor]);
    let first = ledger
        .state
        .map()
        .iter()
        .map(|(key, value)| format!("{} {}", HEXLOWER.encode(key), HEXLOWER.encode(value)));
    insta::assert_snapshot!(first.collect::<Vec<_>>().join("\n"));
    let done = ledger.tx(
        CENTRAL_BANK,
        Op::Execute(id),
        &[Who::Participant(CENTRAL_BANK)],
    );
    ledger.block(vec![done]);
    let executed = ledger.last.unwrap();
    let second = executed.write_set.iter().map(|(key, value)| {
        format!(
            "{} {}",
            HEXLOWER.encode(key),
            value.map_or("-".to_owned(), |value| HEXLOWER.encode(value))
        )
    });
    insta::assert_snapshot!(second.collect::<Vec<_>>().join("\n"));
}

// Frozen: the leaf of each verdict.
#[test]
fn receipts_are_frozen() {
    let code = Rejection::InsufficientFunds;
    let first = Original {
        place: place(),
        code: Some(code),
    };
    let verdicts = [
        Verdict::Executed,
        Verdict::Failed { code, pinned: true },
        Verdict::Skipped {
            code: Rejection::Expired,
            original: None,
        },
        Verdict::Skipped {
            code: Rejection::FailedBefore,
            original: Some(first),
        },
    ];
    let receipts = verdicts.map(|verdict| Receipt {
        key: tx_key(),
        body_hash: BodyHash::new(hash(1)),
        place: place(),
        time_us: GENESIS_MS * 1_000,
        verdict,
    });
    for receipt in &receipts {
        assert_eq!(Receipt::from_leaf(&receipt.to_leaf()), Some(*receipt));
        assert_eq!(Receipt::from_leaf(&receipt.to_leaf()[1..]), None);
    }
    let leaves = receipts
        .each_ref()
        .map(|receipt| HEXLOWER.encode(&receipt.to_leaf()));
    insta::assert_snapshot!(leaves.join("\n"));
}

// Frozen: the leaf of each kind of event.
#[test]
fn events_are_frozen() {
    let (proposal, change) = (
        ProposalId::new(hash(9)),
        supply_change(account(BANK_A, 0), 500, "RTGS-1"),
    );
    let kinds = [
        EventKind::AccountOpened {
            account: account(BANK_A, 40),
            currency: aed(),
            kind: crate::account::AccountKind::Merchant,
        },
        EventKind::Transferred {
            debit: account(BANK_A, 1),
            credit: account(BANK_B, 1),
            currency: aed(),
            amount: amount(1_250),
        },
        EventKind::Proposed {
            proposal,
            authority: AuthorityId::new(1),
        },
        EventKind::Approved {
            proposal,
            approvals: 2,
        },
        EventKind::Issued {
            proposal,
            change: change.clone(),
        },
        EventKind::Vetoed { proposal },
        EventKind::Redeemed { proposal, change },
        EventKind::OffenceProven {
            evidence: hash(8),
            height: Height::new(4),
            validator: ValidatorId::new(3),
            kind: EvidenceKind::Amnesia,
        },
    ];
    let leaves = kinds.map(|kind| {
        let event = Event {
            sequence: 11,
            cause: (!matches!(kind, EventKind::OffenceProven { .. })).then(tx_key),
            place: place(),
            kind,
        };
        assert_eq!(Event::from_leaf(&event.to_leaf()), Some(event.clone()));
        HEXLOWER.encode(&event.to_leaf())
    });
    insta::assert_snapshot!(leaves.join("\n"));
}

// A clone is a snapshot: later blocks do not change it.
#[test]
fn a_clone_stays_as_it_is() {
    let mut ledger = Ledger::default();
    let snapshot = ledger.state.clone();
    let (root, account) = (snapshot.root(), account(BANK_A, 1));
    let paid = transfer(account, crate::testing::account(BANK_B, 1), 7);
    ledger.run(BANK_A, Op::Transfer(paid), &[Who::Participant(BANK_A)]);
    assert_eq!(snapshot.root(), root);
    assert_ne!(ledger.state.root(), root);
    assert_eq!(snapshot.account(account).unwrap().posted(), 100_000);
}

// A map that is no state of a chain is refused, record by record.
#[test]
fn from_map_refuses_what_is_no_state() {
    assert_eq!(
        State::from_map(StateMap::new()).unwrap_err(),
        StateError::Missing("chain")
    );
    let state = Ledger::default().state;
    for (key, name) in [(key::CHAIN, "chain"), (key::TIP, "tip")] {
        let mut map = state.map().clone();
        let mut writes = WriteSet::new();
        writes.delete(key);
        map.apply(&writes);
        assert_eq!(State::from_map(map).unwrap_err(), StateError::Missing(name));
        let mut map = state.map().clone();
        let mut writes = WriteSet::new();
        writes.put(key, [9, 9]);
        map.apply(&writes);
        assert_eq!(
            State::from_map(map).unwrap_err(),
            StateError::Malformed(name)
        );
    }
    let mut map = state.map().clone();
    let mut writes = WriteSet::new();
    writes.delete(key::set_from(Height::new(1)));
    map.apply(&writes);
    assert_eq!(
        State::from_map(map).unwrap_err(),
        StateError::Missing("validator sets")
    );
}

#[test]
fn lists_are_whole_and_in_order() {
    let state = Ledger::default().state;
    assert_eq!(state.accounts().count(), 10);
    assert!(state.accounts().is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(
        state
            .currencies()
            .map(|currency| currency.code.to_string())
            .collect::<Vec<_>>(),
        ["AED", "BHD"]
    );
    assert_eq!(state.participants().count(), 4);
    assert_eq!(state.authorities().count(), 3);
    assert_eq!(state.proposals().count(), 0);
    assert_eq!(state.validators_at(Height::new(2)).len(), 4);
}

#[test]
#[should_panic(expected = "decided two heights ahead")]
fn sets_beyond_two_heights_are_not_decided() {
    let _ = Ledger::default().state.validators_at(Height::new(3));
}
