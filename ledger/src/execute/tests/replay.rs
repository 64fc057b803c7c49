//! Windows and lives of ids, to the microsecond, and what leaves the dedup map.

use super::skipped;
use crate::account::AccountId;
use crate::dedup::ID_AHEAD_MS;
use crate::receipt::Verdict;
use crate::rejection::Rejection;
use crate::state::{Record, UetrUse, key};
use crate::testing::{BANK_A, BANK_B, GENESIS_MS, Ledger, Who, account, genesis, transfer};
use crate::transaction::{Op, TxBody, TxId};

const BANK: [Who; 1] = [Who::Participant(BANK_A)];
const WINDOW_MS: u64 = 3_600_000;
const LIFE_MS: u64 = 2 * WINDOW_MS;
/// The start of a minute, a day after genesis.
const ID_MS: u64 = (GENESIS_MS / 60_000 + 24 * 60) * 60_000;

fn accounts() -> (AccountId, AccountId) {
    (account(BANK_A, 1), account(BANK_B, 1))
}

fn body(ledger: &Ledger, id_ms: u64, number: u8) -> TxBody {
    let (from, to) = accounts();
    TxBody {
        version: TxBody::VERSION,
        genesis_hash: ledger.chain().genesis_hash,
        participant: BANK_A,
        id: TxId::new(id_ms, [number; 10]).unwrap(),
        valid_from_ms: id_ms,
        valid_until_ms: id_ms + WINDOW_MS,
        op: Op::Transfer(transfer(from, to, 1)),
    }
}

/// The verdict on a body in a block of a time, on a fresh chain.
fn at(time_us: u64, change: impl FnOnce(&mut TxBody)) -> Verdict {
    let mut ledger = Ledger::default();
    let mut body = body(&ledger, ID_MS, 1);
    change(&mut body);
    let tx = ledger.checked(body, &BANK);
    ledger.block_at(time_us, vec![tx])[0]
}

#[test]
fn not_yet_valid() {
    let from_us = ID_MS * 1_000;
    assert_eq!(at(from_us - 1, |_| ()), skipped(Rejection::NotYetValid));
    assert_eq!(at(from_us, |_| ()), Verdict::Executed);
}

#[test]
fn expired() {
    let until_us = (ID_MS + WINDOW_MS) * 1_000;
    assert_eq!(at(until_us, |_| ()), Verdict::Executed);
    assert_eq!(at(until_us + 1, |_| ()), skipped(Rejection::Expired));
}

// The id's own window is wider than the transaction's on both sides, and judged first.
#[test]
fn id_outside_window() {
    let ahead = (ID_MS - ID_AHEAD_MS) * 1_000;
    let early = |body: &mut TxBody| body.valid_from_ms = 0;
    assert_eq!(at(ahead - 1, early), skipped(Rejection::IdOutsideWindow));
    assert_eq!(at(ahead, early), Verdict::Executed);
    let last = (ID_MS + LIFE_MS) * 1_000;
    assert_eq!(at(last, |_| ()), skipped(Rejection::Expired));
    assert_eq!(at(last + 1, |_| ()), skipped(Rejection::IdOutsideWindow));
}

// An entry stays for the whole life of the youngest id of its minute, and is gone right after.
#[test]
fn dedup_expiry_boundary() {
    let mut ledger = Ledger::default();
    let first = ledger.checked(body(&ledger, ID_MS, 1), &BANK);
    let last = ledger.checked(body(&ledger, ID_MS + 59_999, 2), &BANK);
    let next = ledger.checked(body(&ledger, ID_MS + 60_000, 3), &BANK);
    let all = vec![first.clone(), last.clone(), next.clone()];
    assert_eq!(
        ledger.block_at((ID_MS + 60_000) * 1_000, all.clone()),
        [Verdict::Executed; 3]
    );
    let minute_over_us = (ID_MS + 59_999 + LIFE_MS) * 1_000;
    let verdicts = ledger.block_at(minute_over_us, all.clone());
    assert!(
        verdicts
            .iter()
            .all(|verdict| verdict.rejection() == Some(Rejection::Exists))
    );
    let there =
        |ledger: &Ledger| [&first, &last, &next].map(|tx| ledger.state.dedup(tx.key()).is_some());
    assert_eq!(there(&ledger), [true, true, true]);
    let verdicts = ledger.block_at(minute_over_us + 1, all);
    assert_eq!(there(&ledger), [false, false, true]);
    let codes: Vec<_> = verdicts.iter().map(Verdict::rejection).collect();
    assert_eq!(
        codes,
        [
            Some(Rejection::IdOutsideWindow),
            Some(Rejection::IdOutsideWindow),
            Some(Rejection::Exists)
        ]
    );
}

// What lives as long as an entry leaves with it.
#[test]
fn what_hangs_on_an_entry_leaves_with_it() {
    let mut ledger = Ledger::default();
    let mut bytes = [0x40; 16];
    bytes[8] = 0x80;
    let uetr = crate::reference::Uetr::new(bytes).unwrap();
    let mut body = body(&ledger, ID_MS, 1);
    if let Op::Transfer(transfer) = &mut body.op {
        transfer.references.uetr = Some(uetr);
    }
    let tx = ledger.checked(body, &BANK);
    ledger.block_at(ID_MS * 1_000, vec![tx]);
    let uetr_key = UetrUse::state_key(&(BANK_A, uetr));
    assert!(ledger.state.map().contains_key(&uetr_key));
    ledger.block_at((ID_MS + LIFE_MS + 60_000) * 1_000, vec![]);
    assert!(!ledger.state.map().contains_key(&uetr_key));
    assert_eq!(ledger.state.map().iter_prefix(key::DEDUP).count(), 0);
}

// A block drops at most twice its transactions; the rest leaves with the next, and is refused by its time meanwhile.
#[test]
fn the_sweep_has_a_budget() {
    let mut genesis = genesis();
    genesis.parameters.limits.block_transactions_max = 2;
    let mut ledger = Ledger::new(&genesis);
    let all: Vec<_> = (1..=7)
        .map(|number| ledger.checked(body(&ledger, ID_MS, number), &BANK))
        .collect();
    ledger.block_at(ID_MS * 1_000, all.clone());
    let over_us = (ID_MS + LIFE_MS + 60_000) * 1_000;
    for (time_us, left) in (over_us..).zip([3, 0, 0]) {
        let verdicts = ledger.block_at(time_us, vec![all[6].clone()]);
        assert_eq!(ledger.state.map().iter_prefix(key::DEDUP).count(), left);
        let expected = if left == 3 {
            Rejection::Exists
        } else {
            Rejection::IdOutsideWindow
        };
        assert_eq!(verdicts[0].rejection(), Some(expected));
    }
}
