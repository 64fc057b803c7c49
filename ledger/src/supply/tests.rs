//! Each way in which money can be made or lost is seen by the check of the block and by the audit.

use super::*;
use crate::state::{Record, encode_record};
use crate::state_map::StateMap;
use crate::testing::{BANK_A, CENTRAL_BANK, Ledger, account, aed};
use crate::write_set::WriteSet;

fn unit() -> Units {
    Units::new(1)
}

fn plus(units: Units) -> Units {
    units.checked_add(unit()).unwrap()
}

fn check_accounts(before: &[Account], after: &[Account]) -> Result<(), Breach> {
    check_block(before.iter().map(Some).zip(after), std::iter::empty())
}

#[test]
fn a_transfer_that_loses_a_unit_is_a_breach() {
    let state = Ledger::default().state;
    let payer = state.account(account(BANK_A, 1)).unwrap();
    let payee = state.account(account(BANK_A, 2)).unwrap();
    let debited = Account {
        debits: plus(payer.debits),
        ..payer.clone()
    };
    let credited = Account {
        credits: plus(payee.credits),
        ..payee.clone()
    };
    let before = [payer.clone(), payee.clone()];
    assert_eq!(
        check_accounts(&before, &[debited.clone(), credited.clone()]),
        Ok(())
    );
    assert!(check_accounts(&before, &[debited, payee]).is_err());
    assert!(check_accounts(&before, &[payer, credited]).is_err());
}

// Issuance and supply have to move together: each alone is a breach, and so is money that only moves between them.
#[test]
fn an_issue_without_its_other_side_is_a_breach() {
    let state = Ledger::default().state;
    let currency = state.currency(aed()).unwrap();
    let reserve = state.account(account(BANK_A, 0)).unwrap();
    let issuance = state.account(account(CENTRAL_BANK, 9)).unwrap();
    let after = (
        Currency {
            issued: plus(currency.issued),
            ..currency.clone()
        },
        Account {
            credits: plus(reserve.credits),
            ..reserve.clone()
        },
        Account {
            debits: plus(issuance.debits),
            ..issuance.clone()
        },
    );
    let check = |currency_after: &Currency, reserve_after: &Account, issuance_after: &Account| {
        let accounts = [
            (Some(&reserve), reserve_after),
            (Some(&issuance), issuance_after),
        ];
        check_block(
            accounts.into_iter(),
            [(Some(&currency), currency_after)].into_iter(),
        )
    };
    assert_eq!(check(&after.0, &after.1, &after.2), Ok(()));
    assert!(check(&currency, &after.1, &after.2).is_err());
    assert!(check(&after.0, &reserve, &after.2).is_err());
    assert!(check(&after.0, &after.1, &issuance).is_err());
    assert!(check(&currency, &after.1, &issuance).is_err());
}

// The audit finds a unit that was written into the map behind execution's back.
#[test]
fn audit_finds_a_unit_from_nowhere() {
    let state = Ledger::default().state;
    assert_eq!(audit(&state).unwrap(), state.supplies());
    let id = account(BANK_A, 1);
    let rich = state.account(id).unwrap();
    let rich = Account {
        credits: plus(rich.credits),
        ..rich
    };
    let mut writes = WriteSet::new();
    writes.put(Account::state_key(&id), encode_record(&rich));
    let mut map: StateMap = state.map().clone();
    map.apply(&writes);
    let tampered = State::from_map(map).unwrap();
    assert!(matches!(audit(&tampered), Err(Breach::Sum { .. })));
}

#[test]
fn audit_finds_an_overdrawn_account() {
    let state = Ledger::default().state;
    let (poor_id, rich_id) = (account(BANK_A, 1), account(BANK_A, 2));
    let (poor, rich) = (
        state.account(poor_id).unwrap(),
        state.account(rich_id).unwrap(),
    );
    let move_units = Units::new(200_000);
    let poor = Account {
        debits: poor.debits.checked_add(move_units).unwrap(),
        ..poor
    };
    let rich = Account {
        credits: rich.credits.checked_add(move_units).unwrap(),
        ..rich
    };
    let mut writes = WriteSet::new();
    writes.put(Account::state_key(&poor_id), encode_record(&poor));
    writes.put(Account::state_key(&rich_id), encode_record(&rich));
    let mut map: StateMap = state.map().clone();
    map.apply(&writes);
    let breach = audit(&State::from_map(map).unwrap()).unwrap_err();
    assert_eq!(
        breach,
        Breach::Balance {
            currency: aed(),
            posted: -100_000
        }
    );
}
