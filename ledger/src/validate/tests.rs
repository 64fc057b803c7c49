//! Each fault that bytes alone show, named after its code; and that a batch gives every transaction the verdict it gets alone.

use super::*;
use crate::account::{AccountKind, ControllerKeys};
use crate::proposal::Action;
use crate::set_change::SetChange;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Key, Ledger, Who, account, amount, genesis, open, propose,
    set_change, supply_change, transfer,
};
use crate::transaction::{Approval, TxId};
use falaj_consensus::crypto::{Algorithm, Signature};
use falaj_consensus::types::{Hash32, Height, ValidatorId, VotingPower};
use falaj_consensus::verify::RealChecker;
use proptest::prelude::*;

const BANK: [Who; 1] = [Who::Participant(BANK_A)];

fn pay() -> Op {
    Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 100))
}

fn verdict(rules: &Rules, bytes: &[u8]) -> Result<(), Rejection> {
    check(rules, &RealChecker, bytes).map(|_| ())
}

/// The verdict on a signed payment whose body was changed before signing.
#[track_caller]
fn body(change: impl FnOnce(&mut TxBody), expected: Result<(), Rejection>) {
    let mut ledger = Ledger::default();
    let mut body = ledger.body(BANK_A, pay());
    change(&mut body);
    let bytes = ledger.sign(body, &BANK).to_bytes();
    assert_eq!(verdict(&ledger.rules(), &bytes), expected);
}

/// The encoding of a right payment.
fn right() -> (Rules, Vec<u8>) {
    let mut ledger = Ledger::default();
    let body = ledger.body(BANK_A, pay());
    (ledger.rules(), ledger.sign(body, &BANK).to_bytes())
}

#[test]
fn a_right_transaction_is_checked() {
    let (rules, bytes) = right();
    let checked = check(&rules, &RealChecker, &bytes).unwrap();
    assert_eq!(checked.tx().to_bytes(), bytes);
    assert_eq!(checked.body_hash(), checked.body().body_hash());
    assert_eq!(checked.content_hash(), checked.body().content_hash());
    assert_eq!(
        usize::try_from(checked.encoded_bytes()).unwrap(),
        bytes.len()
    );
}

#[test]
fn rules_of_genesis_and_state_are_the_same() {
    let genesis = genesis();
    let (of_genesis, of_state) = (Rules::of_genesis(&genesis), Ledger::new(&genesis).rules());
    assert_eq!(of_genesis.chain, of_state.chain);
    assert_eq!(of_genesis.constants, of_state.constants);
    assert_eq!(
        of_genesis.transaction_bytes_max,
        of_state.transaction_bytes_max
    );
}

#[test]
fn bad_encoding() {
    let (rules, bytes) = right();
    for cut in 0..bytes.len() {
        assert_eq!(
            verdict(&rules, &bytes[..cut]),
            Err(Rejection::BadEncoding),
            "{cut}"
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(verdict(&rules, &longer), Err(Rejection::BadEncoding));
}

#[test]
fn unknown_version() {
    body(|b| b.version = 2, Err(Rejection::UnknownVersion));
    body(|b| b.version = 0, Err(Rejection::UnknownVersion));
    let (rules, _) = right();
    assert_eq!(
        verdict(&rules, &[9, 9, 1, 2, 3]),
        Err(Rejection::UnknownVersion)
    );
}

#[test]
fn bad_signature() {
    let (rules, bytes) = right();
    let mut wrong = bytes.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(verdict(&rules, &wrong), Err(Rejection::BadSignature));
    let mut ledger = Ledger::default();
    let body = ledger.body(BANK_A, pay());
    let mut short = ledger.sign(body.clone(), &BANK);
    short.approvals[0].signature = Signature::new(vec![0; 63]).unwrap();
    assert_eq!(
        verdict(&rules, &short.to_bytes()),
        Err(Rejection::BadSignature)
    );
    let mut foreign = ledger.sign(body, &[Who::Participant(BANK_A), Who::Nobody]);
    let other = foreign.approvals[1].signature.clone();
    foreign.approvals[0].signature = other;
    assert_eq!(
        verdict(&rules, &foreign.to_bytes()),
        Err(Rejection::BadSignature)
    );
}

// A signature for one chain says nothing on another, even one of the same genesis under another name.
#[test]
fn wrong_chain() {
    body(
        |b| b.genesis_hash = Hash32::new([1; 32]),
        Err(Rejection::WrongChain),
    );
    let (mut rules, bytes) = right();
    rules.chain.chain_id = "falaj-test-2".to_owned();
    assert_eq!(verdict(&rules, &bytes), Err(Rejection::BadSignature));
}

#[test]
fn bad_id() {
    let (rules, bytes) = right();
    let id_at = 2 + 32 + 4;
    for (at, value) in [(6, 0x41), (8, 0x00), (8, 0xc0)] {
        let mut other = bytes.clone();
        other[id_at + at] = value;
        assert_eq!(verdict(&rules, &other), Err(Rejection::BadId));
    }
}

#[test]
fn expired_before_it_begins() {
    body(|b| b.valid_from_ms = b.valid_until_ms, Ok(()));
    body(
        |b| b.valid_from_ms = b.valid_until_ms + 1,
        Err(Rejection::Expired),
    );
}

#[test]
fn id_outside_window() {
    body(|b| b.valid_until_ms = b.id.time_ms() + 3_600_000, Ok(()));
    body(
        |b| b.valid_until_ms = b.id.time_ms() + 3_600_001,
        Err(Rejection::IdOutsideWindow),
    );
    body(
        |b| b.valid_until_ms = u64::MAX,
        Err(Rejection::IdOutsideWindow),
    );
    let latest = (1 << 48) - 1;
    body(
        |b| {
            b.id = TxId::new(latest, [0; 10]).unwrap();
            b.valid_until_ms = latest;
        },
        Ok(()),
    );
}

#[test]
fn zero_amount() {
    body(
        |b| b.op = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 0)),
        Err(Rejection::ZeroAmount),
    );
    let nothing = supply_change(account(BANK_A, 0), 0, "R1");
    for action in [Action::Issue(nothing.clone()), Action::Redeem(nothing)] {
        body(|b| b.op = propose(1, action), Err(Rejection::ZeroAmount));
    }
}

// Every key that a change of the set brings in has proven itself, whoever signs the transaction; what it proves is this change.
#[test]
fn bad_signature_possession() {
    let mut ledger = Ledger::default();
    let set = ledger.state.validators_at(Height::new(1));
    let right = set_change(ledger.chain(), &set, &[(8, 1, 8), (9, 1, 9)], &[]);
    let verdict_of = |ledger: &mut Ledger, change: SetChange| {
        let body = ledger.body(BANK_A, propose(5, Action::Validators(change)));
        let bytes = ledger.sign(body, &BANK).to_bytes();
        verdict(&ledger.rules(), &bytes)
    };
    assert_eq!(verdict_of(&mut ledger, right.clone()), Ok(()));
    let mut swapped = right.clone();
    swapped.entries[0].possession = right.entries[1].possession.clone();
    let mut heavier = right.clone();
    heavier.entries[1].validator.power = VotingPower::new(2);
    let mut more = right;
    more.leaving = vec![ValidatorId::new(1)];
    for wrong in [swapped, heavier, more] {
        assert_eq!(verdict_of(&mut ledger, wrong), Err(Rejection::BadSignature));
    }
}

// A key that anybody could sign for is never enrolled, nor one of an algorithm that the chain does not admit.
#[test]
fn bad_encoding_validator_key() {
    for strict in [false, true] {
        let mut chain = genesis();
        chain.constants.fips_strict = strict;
        let set = chain.validators.clone();
        let mut change = set_change(&chain.chain(), &set, &[(9, 1, 9)], &[]);
        if !strict {
            let small_order = PublicKey::new(Algorithm::Ed25519, vec![0; 32]).unwrap();
            change.entries[0].validator.key = small_order;
        }
        let rules = Rules::of_genesis(&chain);
        let checked = check_op(&rules.constants, &propose(5, Action::Validators(change)));
        assert_eq!(checked, Err(Rejection::BadEncoding));
    }
}

#[test]
fn same_account() {
    let own = transfer(account(BANK_A, 1), account(BANK_A, 1), 1);
    body(|b| b.op = Op::Transfer(own), Err(Rejection::SameAccount));
}

#[test]
fn too_large() {
    let (mut rules, bytes) = right();
    rules.transaction_bytes_max = u32::try_from(bytes.len()).unwrap();
    assert_eq!(verdict(&rules, &bytes), Ok(()));
    rules.transaction_bytes_max -= 1;
    assert_eq!(verdict(&rules, &bytes), Err(Rejection::TooLarge));
}

#[test]
fn reserved_flag() {
    let (rules, bytes) = right();
    let approvals = 4 + 1 + 4 + 32 + 4 + 64;
    let flags_at = bytes.len() - approvals - 2;
    for bit in 0..16 {
        let mut other = bytes.clone();
        other[flags_at + bit / 8] |= 1 << (bit % 8);
        assert_eq!(
            verdict(&rules, &other),
            Err(Rejection::ReservedFlag),
            "bit {bit}"
        );
    }
}

#[test]
fn amount_above_maximum() {
    let (rules, bytes) = right();
    let amount_at = 2 + 32 + 4 + 16 + 16 + 1 + 16 + 16 + 3;
    assert_eq!(
        bytes[amount_at..amount_at + 8],
        amount(100).get().to_le_bytes()
    );
    let mut other = bytes;
    other[amount_at..amount_at + 8].copy_from_slice(&(crate::amount::AMOUNT_MAX + 1).to_le_bytes());
    assert_eq!(verdict(&rules, &other), Err(Rejection::AmountAboveMaximum));
}

/// The opening of an account that this key alone controls.
fn enrolling(key: PublicKey) -> Op {
    let mut asked = open(account(BANK_A, 40));
    asked.kind = AccountKind::Merchant;
    asked.controllers = Controllers::Keys(ControllerKeys::new(1, vec![key]).unwrap());
    Op::OpenAccount(asked)
}

// A small-order key verifies any message, so nobody can enrol one.
#[test]
fn small_order_keys_are_not_enrolled() {
    let mut neutral = vec![0; 32];
    neutral[0] = 1;
    let small = PublicKey::new(Algorithm::Ed25519, neutral).unwrap();
    body(|b| b.op = enrolling(small), Err(Rejection::BadEncoding));
    body(|b| b.op = enrolling(Key::new(5).public()), Ok(()));
}

// Where only approved algorithms may sign, an Ed25519 signature is none.
#[test]
fn fips_strict_refuses_ed25519() {
    let (mut rules, bytes) = right();
    rules.constants.fips_strict = true;
    assert_eq!(verdict(&rules, &bytes), Err(Rejection::BadSignature));
}

// Nor is such a key enrolled there. Enrolment is judged before the algorithms that signed, so the Ed25519 signature below answers only
// for the key that may be enrolled.
#[test]
fn fips_strict_enrols_no_ed25519_key() {
    let p256 = PublicKey::new(Algorithm::EcdsaP256, vec![4; 65]).unwrap();
    let verdicts = |fips_strict| {
        [Key::new(5).public(), p256.clone()].map(|key| {
            let mut ledger = Ledger::default();
            let body = ledger.body(BANK_A, enrolling(key));
            let mut rules = ledger.rules();
            rules.constants.fips_strict = fips_strict;
            verdict(&rules, &ledger.sign(body, &BANK).to_bytes())
        })
    };
    assert_eq!(verdicts(false), [Ok(()), Ok(())]);
    let strict = [Rejection::BadEncoding, Rejection::BadSignature];
    assert_eq!(verdicts(true), strict.map(Err));
}

// The order of checks: of two faults the earlier one answers.
#[test]
fn order_of_checks() {
    let worst = |b: &mut TxBody| {
        b.genesis_hash = Hash32::ZERO;
        b.valid_until_ms = 0;
        b.op = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_A, 1), 0));
    };
    body(worst, Err(Rejection::WrongChain));
    let window_and_amount = |b: &mut TxBody| {
        b.valid_until_ms = 0;
        b.op = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_A, 1), 0));
    };
    body(window_and_amount, Err(Rejection::Expired));
    let amount_and_account = |b: &mut TxBody| {
        b.op = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_A, 1), 0));
    };
    body(amount_and_account, Err(Rejection::ZeroAmount));
}

/// Transactions with honest signatures and crafted ones that libraries disagree on.
fn mixed_batch(ledger: &mut Ledger) -> Vec<Vec<u8>> {
    let mut batch = Vec::new();
    for number in 0..40_u64 {
        let body = ledger.body(BANK_A, pay());
        let mut signed = ledger.sign(body, &BANK);
        match number % 5 {
            0 | 1 => {}
            2 => signed.approvals[0] = small_order_approval(&[0; 32]),
            3 => signed.approvals[0] = small_order_approval(&ORDER_EIGHT),
            _ => {
                let mut bytes = signed.approvals[0].signature.bytes().to_vec();
                bytes[63] ^= 0x80;
                signed.approvals[0].signature = Signature::new(bytes).unwrap();
            }
        }
        batch.push(signed.to_bytes());
    }
    batch.push(vec![1, 0, 9]);
    batch
}

/// A point of order eight, as in the test vectors of ZIP 215.
const ORDER_EIGHT: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];

/// R of small order, s zero, A of small order: ZIP 215 accepts it for every message, stricter rules for some or none.
fn small_order_approval(key: &[u8; 32]) -> Approval {
    let signature = [&key[..], &[0; 32]].concat();
    Approval {
        public_key: PublicKey::new(Algorithm::Ed25519, key.to_vec()).unwrap(),
        signature: Signature::new(signature).unwrap(),
    }
}

// Single and batch verdicts are equal always, whatever the company and the order.
#[test]
fn single_and_batch_verdicts_are_equal() {
    let mut ledger = Ledger::default();
    let rules = ledger.rules();
    let batch = mixed_batch(&mut ledger);
    let single: Vec<_> = batch
        .iter()
        .map(|bytes| check(&rules, &RealChecker, bytes))
        .collect();
    assert_eq!(check_batch(&rules, &RealChecker, &batch), single);
    assert!(single.iter().any(Result::is_ok) && single.iter().any(Result::is_err));
    let mut backwards = batch.clone();
    backwards.reverse();
    let mut verdicts = check_batch(&rules, &RealChecker, &backwards);
    verdicts.reverse();
    assert_eq!(verdicts, single);
    for size in [1, 2, 3, 7] {
        let pieces: Vec<_> = batch
            .chunks(size)
            .flat_map(|piece| check_batch(&rules, &RealChecker, piece))
            .collect();
        assert_eq!(pieces, single, "pieces of {size}");
    }
}

// What ZIP 215 accepts under a small-order key is a signature, but the key is nobody's: it moves no money.
#[test]
fn a_small_order_signature_moves_nothing() {
    let mut ledger = Ledger::default();
    let body = ledger.body(BANK_A, pay());
    let mut signed = ledger.sign(body, &BANK);
    signed.approvals[0] = small_order_approval(&ORDER_EIGHT);
    let checked = check(&ledger.rules(), &RealChecker, &signed.to_bytes()).unwrap();
    let verdict = ledger.block(vec![checked])[0];
    assert_eq!(verdict.rejection(), Some(Rejection::Role));
}

// A transaction with several signers is right only if each signature is.
#[test]
fn every_signature_counts() {
    let mut ledger = Ledger::default();
    let body = ledger.body(CENTRAL_BANK, pay());
    let signed = ledger.sign(body, &[Who::Member(0), Who::Member(1), Who::Member(2)]);
    assert_eq!(verdict(&ledger.rules(), &signed.to_bytes()), Ok(()));
    for wrong in 0..3 {
        let mut other = signed.clone();
        other.approvals[wrong].signature = Signature::new(vec![1; 64]).unwrap();
        assert_eq!(
            verdict(&ledger.rules(), &other.to_bytes()),
            Err(Rejection::BadSignature)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // Damaged bytes get a code and never a panic; what still decodes is another transaction, whose signature is wrong.
    #[test]
    fn damaged_bytes_get_a_code(at in 0..300_usize, value in any::<u8>(), cut in 0..300_usize) {
        let (rules, bytes) = right();
        let mut other = bytes.clone();
        other.truncate(other.len().min(cut));
        if let Some(byte) = other.get_mut(at) {
            *byte = value;
        }
        let verdict = verdict(&rules, &other);
        prop_assert_eq!(verdict.is_ok(), other == bytes);
    }
}
