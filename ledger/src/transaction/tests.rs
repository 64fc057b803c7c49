//! One encoding a transaction, and frozen vectors of bytes, sign-bytes and hashes.

use super::*;
use crate::account::{AccountKind, ControllerKeys, Controllers};
use crate::proposal::{Action, ProposalId};
use crate::reference::{Commitment, Purpose, Reference, References, Uetr};
use crate::rejection::Rejection;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, GENESIS_MS, Ledger, Who, account, hex, open, propose,
    supply_change, transfer,
};
use falaj_consensus::types::Hash32;
use proptest::prelude::*;

/// One operation of each kind, with every option of the transfer set.
fn operations() -> Vec<Op> {
    let mut full = transfer(account(BANK_A, 1), account(BANK_B, 2), 1_250);
    full.code = 7;
    full.credit_participant = Some(BANK_B);
    full.expected_version = Some(42);
    full.references = References {
        uetr: Uetr::new(*b"\x01\x02\x03\x04\x05\x06\x47\x08\x89\x0a\x0b\x0c\x0d\x0e\x0f\x10"),
        end_to_end: Reference::new("E2E/0001"),
        purpose: Purpose::new("SALA"),
        order: Some([7; 16]),
        risk_band: Some(3),
        source_message: Some(Hash32::new([1; 32])),
        kyc: Some(Commitment::from_hash(Hash32::new([2; 32]))),
        travel_rule: Some(Commitment::from_hash(Hash32::new([3; 32]))),
        aml: Some(Commitment::from_hash(Hash32::new([4; 32]))),
    };
    let mut keyed = open(account(BANK_A, 40));
    keyed.kind = AccountKind::Merchant;
    keyed.controllers =
        Controllers::Keys(ControllerKeys::new(1, vec![Who::Customer(0).key().public()]).unwrap());
    let change = supply_change(account(BANK_A, 0), 500, "RTGS-1");
    let proposal = ProposalId::new(Hash32::new([9; 32]));
    vec![
        Op::OpenAccount(open(account(BANK_A, 40))),
        Op::OpenAccount(keyed),
        Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 2), 1_250)),
        Op::Transfer(full),
        propose(1, Action::Issue(change.clone())),
        propose(2, Action::Redeem(change)),
        Op::Approve(proposal),
        Op::Execute(proposal),
        Op::Veto(proposal),
    ]
}

fn body(op: Op) -> TxBody {
    TxBody {
        version: TxBody::VERSION,
        genesis_hash: Hash32::new([0xab; 32]),
        participant: BANK_A,
        id: TxId::new(GENESIS_MS, *b"frozen-id!").unwrap(),
        valid_from_ms: GENESIS_MS,
        valid_until_ms: GENESIS_MS + 3_600_000,
        op,
    }
}

// Frozen: the bytes of every operation.
#[test]
fn operations_are_frozen() {
    let lines: Vec<_> = operations()
        .iter()
        .map(|op| format!("{} {}", op.name(), hex(op)))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

// Frozen: body, sign-bytes, both hashes and a whole signed transaction.
#[test]
fn transactions_are_frozen() {
    let ledger = Ledger::default();
    let mut body = body(operations().swap_remove(2));
    body.genesis_hash = ledger.chain().genesis_hash;
    let signed = ledger.sign(body.clone(), &[Who::Participant(BANK_A)]);
    let sign_bytes = data_encoding::HEXLOWER.encode(&sign_bytes(ledger.chain(), &body));
    let names = (body.body_hash().hash(), body.content_hash().hash());
    insta::assert_snapshot!(format!(
        "body {}\nsign-bytes {sign_bytes}\nbody-hash {}\ncontent-hash {}\nsigned {}",
        hex(&body),
        names.0,
        names.1,
        hex(&signed)
    ));
}

// The preimage of the sign-bytes, field by field.
#[test]
fn sign_bytes_hold_tag_chain_and_every_field() {
    let ledger = Ledger::default();
    let body = body(operations().swap_remove(2));
    let expected = [
        &b"falaj/client-tx\0"[..],
        &12_u32.to_le_bytes(),
        b"falaj-test-1",
        &borsh::to_vec(&body).unwrap(),
    ]
    .concat();
    assert_eq!(sign_bytes(ledger.chain(), &body), expected);
    let mut other = ledger.chain().clone();
    other.chain_id = "falaj-test-2".to_owned();
    assert_ne!(sign_bytes(&other, &body), expected);
}

// The content hash leaves out the window and nothing else.
#[test]
fn the_content_hash_leaves_out_the_window_alone() {
    let first = body(operations().swap_remove(2));
    let mut window = first.clone();
    window.valid_from_ms += 1;
    window.valid_until_ms += 1;
    assert_eq!(window.content_hash(), first.content_hash());
    assert_ne!(window.body_hash(), first.body_hash());
    let changes: [fn(&mut TxBody); 5] = [
        |b| b.version = 2,
        |b| b.genesis_hash = Hash32::ZERO,
        |b| b.participant = CENTRAL_BANK,
        |b| b.id = TxId::new(GENESIS_MS + 1, *b"frozen-id!").unwrap(),
        |b| b.op = Op::Execute(ProposalId::new(Hash32::ZERO)),
    ];
    for change in changes {
        let mut other = first.clone();
        change(&mut other);
        assert_ne!(other.content_hash(), first.content_hash());
        assert_ne!(other.body_hash(), first.body_hash());
    }
}

// The field that an answer of 2002 names; none exactly when the content is the same.
#[test]
fn difference_names_the_first_field() {
    let all: Vec<_> = operations().into_iter().map(body).collect();
    for a in &all {
        for b in &all {
            let same = a.content_hash() == b.content_hash();
            assert_eq!(a.difference(b).is_none(), same);
        }
    }
    let first = body(operations().swap_remove(2));
    let changed = |change: fn(&mut Transfer)| {
        let mut other = first.clone();
        other.valid_until_ms += 1;
        if let Op::Transfer(transfer) = &mut other.op {
            change(transfer);
        }
        first.difference(&other)
    };
    assert_eq!(changed(|_| ()), None);
    assert_eq!(changed(|t| t.debit = account(BANK_A, 2)), Some("debit"));
    assert_eq!(changed(|t| t.credit = account(BANK_A, 2)), Some("credit"));
    assert_eq!(
        changed(|t| t.currency = crate::testing::bhd()),
        Some("currency")
    );
    assert_eq!(
        changed(|t| t.amount = crate::testing::amount(1)),
        Some("amount")
    );
    assert_eq!(
        changed(|t| t.max_fee = crate::testing::amount(1)),
        Some("max_fee")
    );
    assert_eq!(changed(|t| t.code = 9), Some("code"));
    assert_eq!(
        changed(|t| t.credit_participant = Some(BANK_A)),
        Some("credit_participant")
    );
    assert_eq!(
        changed(|t| t.expected_version = Some(9)),
        Some("expected_version")
    );
    assert_eq!(
        changed(|t| t.references.risk_band = Some(9)),
        Some("references")
    );
}

#[test]
fn ids_are_version_7_uuids() {
    let id = TxId::new(GENESIS_MS, [0xff; 10]).unwrap();
    assert_eq!(id.time_ms(), GENESIS_MS);
    assert_eq!((id.bytes()[6] >> 4, id.bytes()[8] >> 6), (7, 0b10));
    assert_eq!(TxId::parse(&id.to_string()), Some(id));
    assert_eq!(TxId::parse(&id.to_string().to_uppercase()), None);
    assert_eq!(TxId::parse(&id.to_string().replace('-', "")), None);
    assert_eq!(TxId::new(1 << 48, [0; 10]), None);
    for version in (0..16).filter(|version| *version != 7) {
        let mut bytes = *id.bytes();
        bytes[6] = version << 4;
        assert_eq!(TxId::from_bytes(bytes), None);
    }
    insta::assert_snapshot!(id.to_string());
}

// Every byte of a transaction matters: one that is changed, cut or added gives another transaction or none.
#[test]
fn a_transaction_has_one_encoding() {
    let ledger = Ledger::default();
    for op in operations() {
        let signed = ledger.sign(body(op), &[Who::Participant(BANK_A), Who::Later(BANK_A)]);
        let bytes = signed.to_bytes();
        assert_eq!(borsh::from_slice::<SignedTx>(&bytes).unwrap(), signed);
        for at in 0..bytes.len() {
            assert!(borsh::from_slice::<SignedTx>(&bytes[..at]).is_err());
            let mut other = bytes.clone();
            other[at] ^= 1;
            if let Ok(decoded) = borsh::from_slice::<SignedTx>(&other) {
                assert_ne!(decoded, signed);
                assert_eq!(decoded.to_bytes(), other, "byte {at} has a second spelling");
            }
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(borsh::from_slice::<SignedTx>(&longer).is_err());
    }
}

// Approvals ascend by key, each once, at least one.
#[test]
fn approvals_have_one_order() {
    let ledger = Ledger::default();
    let signed = ledger.sign(
        body(operations().swap_remove(2)),
        &[Who::Participant(BANK_A), Who::Nobody],
    );
    assert!(
        signed
            .approvals
            .is_sorted_by(|a, b| a.public_key < b.public_key)
    );
    let decodes = |approvals: Vec<Approval>| {
        let tx = SignedTx {
            body: signed.body.clone(),
            approvals,
        };
        borsh::from_slice::<SignedTx>(&tx.to_bytes()).is_ok()
    };
    let both = signed.approvals.clone();
    assert!(decodes(both.clone()));
    assert!(!decodes(both.iter().rev().cloned().collect()));
    assert!(!decodes(vec![both[0].clone(), both[0].clone()]));
    assert!(!decodes(vec![]));
    assert!(SignedTx::new(signed.body.clone(), vec![both[0].clone(), both[0].clone()]).is_none());
    assert!(SignedTx::new(signed.body, vec![]).is_none());
}

// Operations that do not exist yet do not decode, so their numbers stay free.
#[test]
fn reserved_operations_are_bad_encoding() {
    for number in (0..=255_u8).filter(|number| !matches!(number, 1 | 2 | 32..=35)) {
        let mut bytes = vec![number];
        bytes.extend([0; 200]);
        assert!(Op::try_from_slice(&bytes).is_err(), "{number}");
        let fault = Op::try_from_slice(&bytes).unwrap_err();
        assert_eq!(DecodeFault::of(&fault).rejection(), Rejection::BadEncoding);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // Whatever decodes has no other spelling, and nothing panics.
    #[test]
    fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(tx) = borsh::from_slice::<SignedTx>(&bytes) {
            prop_assert_eq!(tx.to_bytes(), bytes);
        }
    }
}
