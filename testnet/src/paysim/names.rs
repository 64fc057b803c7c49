//! Which account a name has, and which bank keeps it.
//!
//! Invariant: both follow from the name and the banks of the network alone, so a file means the same accounts every time.
//! Shape: the chosen part of an id is a byte that no account of the economy has, then eleven bytes of a hash of the name.

use anyhow::{Result, ensure};
use falaj_consensus::hash::sha256;
use falaj_ledger::account::{AccountId, AccountKind};
use falaj_ledger::participant::ParticipantNumber;

use crate::economy::CENTRAL_BANK;
use crate::network::Network;

/// First chosen byte of these accounts.
const FAMILY: u8 = 3;

/// The banks that keep accounts.
#[derive(Clone, Debug)]
pub(super) struct Names {
    banks: Vec<ParticipantNumber>,
}

impl Names {
    /// Takes the banks whose keys a network names.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn of(network: &Network) -> Result<Self> {
        let numbers = network.participants.iter();
        let numbers = numbers.map(|entry| ParticipantNumber::new(entry.id));
        Self::new(numbers.filter(|number| *number != CENTRAL_BANK).collect())
    }

    fn new(mut banks: Vec<ParticipantNumber>) -> Result<Self> {
        ensure!(!banks.is_empty(), "the network names no bank's key");
        banks.sort_unstable();
        Ok(Self { banks })
    }

    /// The banks, in order of number.
    #[must_use]
    pub(super) fn banks(&self) -> &[ParticipantNumber] {
        &self.banks
    }

    /// The bank that keeps a name's account.
    ///
    /// # Panics
    /// Never: there is a bank.
    #[must_use]
    pub(super) fn bank(&self, name: &str) -> ParticipantNumber {
        let [a, b, c, d, ..] = digest(name);
        let number = u32::from_be_bytes([a, b, c, d]);
        let count = u32::try_from(self.banks.len()).expect("banks have 32-bit numbers");
        let place = usize::try_from(number % count).expect("a place in a list");
        self.banks[place]
    }

    /// A name's account.
    #[must_use]
    pub(super) fn account(&self, name: &str) -> AccountId {
        let mut chosen = [FAMILY; 12];
        chosen[1..].copy_from_slice(&digest(name)[4..15]);
        AccountId::new(self.bank(name), chosen)
    }

    /// What a name's account is for.
    #[must_use]
    pub(super) fn kind(name: &str) -> AccountKind {
        if name.starts_with('M') {
            AccountKind::Merchant
        } else {
            AccountKind::Retail3
        }
    }
}

fn digest(name: &str) -> [u8; 32] {
    *sha256(name.as_bytes()).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economy::{bank_number, customer_of, reserve_of};

    // Goal: a name has one account, at one bank, and it is none of the economy's.
    #[test]
    fn accounts_follow_from_names() {
        let names = Names::new((0..4).rev().map(bank_number).collect()).unwrap();
        assert_eq!(names.account("C1"), names.account("C1"));
        assert_ne!(names.account("C1"), names.account("C2"));
        assert_eq!(names.account("C1").opener(), names.bank("C1"));
        for name in ["C1", "M1", ""] {
            let (bank, account) = (names.bank(name), names.account(name));
            assert_ne!(account, reserve_of(bank));
            assert_ne!(account, customer_of(bank, 0));
        }
    }

    #[test]
    fn every_bank_keeps_some() {
        let names = Names::new((0..4).map(bank_number).collect()).unwrap();
        let mut kept: Vec<_> = (0..100)
            .map(|number| names.bank(&format!("C{number}")))
            .collect();
        kept.sort_unstable();
        kept.dedup();
        assert_eq!(kept, names.banks());
    }
}
