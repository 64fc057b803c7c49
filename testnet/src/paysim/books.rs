//! The double-entry model of a day: what every account must hold if exactly the accepted rows happened.
//!
//! Invariant: every posting debits one account and credits another by the same amount, so all balances together are zero, always.
//! The order of rows does not matter to it. It shares no code with the ledger, and nothing in it is told by a node but what accounts held
//! before the day began.
//! Shapes and units: balances in minor units, credits minus debits; the issuance account is below zero by what is in circulation.

use std::collections::{BTreeMap, HashMap};

use super::row::{Kind, Row};

/// An account of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account<'a> {
    /// Where money comes from and goes to.
    Issuance,
    /// The reserve account of a bank, by its number.
    Reserve(u32),
    /// An account of a file's name.
    Named(&'a str),
    /// Everything that the day does not touch: the other side of what was there before.
    Before,
}

/// What the model has of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// What it must hold.
    pub posted: i128,
    /// What the file said last that it holds.
    pub stated: u64,
}

/// All accounts.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    issuance: i128,
    before: i128,
    reserves: BTreeMap<u32, i128>,
    named: HashMap<Box<str>, Named>,
}

impl Books {
    /// Enters a name at its first sight, with nothing. Whether it is new.
    pub(super) fn enter(&mut self, name: &str) -> bool {
        let is_new = !self.named.contains_key(name);
        if is_new {
            self.named.insert(name.into(), Named::default());
        }
        is_new
    }

    /// What an account held before the day began.
    pub(super) fn begin(&mut self, account: Account<'_>, posted: i128) {
        self.add(Account::Before, -posted);
        self.add(account, posted);
    }

    /// What the file says that a name holds; its last word is kept.
    pub(super) fn state(&mut self, name: &str, units: u64) {
        self.named.entry(name.into()).or_default().stated = units;
    }

    /// A name was opened with money that was issued for it.
    pub(super) fn open(&mut self, name: &str, bank: u32, units: u64) {
        self.post(Account::Issuance, Account::Reserve(bank), units);
        self.post(Account::Reserve(bank), Account::Named(name), units);
    }

    /// A row was accepted, at the bank of its origin.
    pub(super) fn accept(&mut self, row: &Row, bank: u32) {
        let origin = Account::Named(&row.origin.name);
        let reserve = Account::Reserve(bank);
        match row.kind {
            Kind::CashIn => {
                self.post(Account::Issuance, reserve, row.amount);
                self.post(reserve, origin, row.amount);
            }
            Kind::CashOut | Kind::Debit => {
                self.post(origin, reserve, row.amount);
                self.post(reserve, Account::Issuance, row.amount);
            }
            Kind::Payment | Kind::Transfer => {
                self.post(origin, Account::Named(&row.destination.name), row.amount);
            }
        }
    }

    fn post(&mut self, debit: Account<'_>, credit: Account<'_>, units: u64) {
        self.add(debit, -i128::from(units));
        self.add(credit, i128::from(units));
    }

    /// A balance of `i128` holds more postings of `u64` than a machine can make.
    fn add(&mut self, account: Account<'_>, units: i128) {
        *match account {
            Account::Issuance => &mut self.issuance,
            Account::Before => &mut self.before,
            Account::Reserve(bank) => self.reserves.entry(bank).or_default(),
            Account::Named(name) => {
                if !self.named.contains_key(name) {
                    self.named.insert(name.into(), Named::default());
                }
                &mut self
                    .named
                    .get_mut(name)
                    .expect("it was just entered")
                    .posted
            }
        } += units;
    }

    /// The sum of all balances: zero, or a posting had one side.
    #[must_use]
    pub(super) fn sum(&self) -> i128 {
        let reserves: i128 = self.reserves.values().sum();
        let named: i128 = self.named.values().map(|named| named.posted).sum();
        self.issuance + self.before + reserves + named
    }

    /// What the issuance account must hold.
    #[must_use]
    pub(super) const fn issuance(&self) -> i128 {
        self.issuance
    }

    /// What each reserve account must hold, by bank.
    #[must_use]
    pub(super) const fn reserves(&self) -> &BTreeMap<u32, i128> {
        &self.reserves
    }

    /// What each name's account must hold.
    #[must_use]
    pub(super) const fn named(&self) -> &HashMap<Box<str>, Named> {
        &self.named
    }
}

#[cfg(test)]
mod tests;
