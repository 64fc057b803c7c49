//! Conservation: money is made and unmade by issue and redeem alone, checked at every block from two sides.
//!
//! Invariant (I1, I2): per currency, issued − redeemed = the sum of all accounts but issuance = −(the issuance account).
//! [`check_block`] compares what a block changed in accounts with what it changed in currencies; it knows no operation.
//! [`audit`] recomputes both sums over the whole state, for `verify-state`, genesis and tests.
//! Errors: a [`Breach`] is a broken belief; execution that meets one has no outcome, and the node does not sign it.
//! Source: `docs/spec/ledger.md`, "Conservation".

use falaj_consensus::message::Supply;
use std::collections::BTreeMap;

use crate::account::{Account, AccountKind};
use crate::amount::Units;
use crate::currency::{Currency, CurrencyCode};
use crate::state::State;

/// Supply by currency, ascending by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supplies(Vec<Supply>);

impl Supplies {
    /// The supplies of currencies given in order of code.
    #[must_use]
    pub fn of(currencies: impl Iterator<Item = Currency>) -> Self {
        let entry = |currency: Currency| Supply {
            currency: currency.code.bytes(),
            minor_units: currency.supply().get(),
        };
        Self(currencies.map(entry).collect())
    }

    /// The supply of a currency, if the ledger has it.
    #[must_use]
    pub fn get(&self, code: CurrencyCode) -> Option<Units> {
        let entry = self.0.iter().find(|entry| entry.currency == code.bytes());
        entry.map(|entry| Units::new(entry.minor_units))
    }

    /// The entries as an outcome holds them.
    #[must_use]
    pub fn entries(&self) -> &[Supply] {
        &self.0
    }
}

/// Money that came from nowhere or went there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// The accounts of a currency do not hold its supply.
    #[error(
        "currency {currency}: supply is {supply}, but the accounts hold {held} and issuance {issuance}"
    )]
    Sum {
        /// The currency.
        currency: CurrencyCode,
        /// Issued minus redeemed, or how a block changed it.
        supply: i128,
        /// Posted over all accounts but issuance, or how a block changed it.
        held: i128,
        /// Posted of the issuance account, or how a block changed it.
        issuance: i128,
    },
    /// A sum left the range of `i128`.
    #[error("currency {currency}: a sum does not fit")]
    Range {
        /// The currency.
        currency: CurrencyCode,
    },
    /// An account of a currency that the ledger does not have.
    #[error("an account holds {currency}, which is no currency of the ledger")]
    UnknownCurrency {
        /// The currency.
        currency: CurrencyCode,
    },
    /// An account beyond its range.
    #[error("an account of {currency} has {posted} posted")]
    Balance {
        /// The currency.
        currency: CurrencyCode,
        /// What it holds.
        posted: i128,
    },
}

/// Sums of one currency, or their changes.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    supply: i128,
    held: i128,
    issuance: i128,
}

/// Sums by currency while they are being taken.
#[derive(Default)]
struct Ledger(BTreeMap<CurrencyCode, Sums>);

impl Ledger {
    fn add(
        &mut self,
        currency: CurrencyCode,
        value: i128,
        sum: impl Fn(&mut Sums) -> &mut i128,
    ) -> Result<(), Breach> {
        let sum = sum(self.0.entry(currency).or_default());
        *sum = sum.checked_add(value).ok_or(Breach::Range { currency })?;
        Ok(())
    }

    fn add_account(&mut self, account: &Account, posted: i128) -> Result<(), Breach> {
        match account.kind {
            AccountKind::Issuance => self.add(account.currency, posted, |sums| &mut sums.issuance),
            AccountKind::Reserve
            | AccountKind::Wholesale
            | AccountKind::Retail0
            | AccountKind::Retail1
            | AccountKind::Retail2
            | AccountKind::Retail3
            | AccountKind::Merchant
            | AccountKind::Government => self.add(account.currency, posted, |sums| &mut sums.held),
        }
    }

    fn check(&self) -> Result<(), Breach> {
        for (currency, sums) in &self.0 {
            let Sums {
                supply,
                held,
                issuance,
            } = *sums;
            if supply != held || issuance.checked_neg() != Some(supply) {
                return Err(Breach::Sum {
                    currency: *currency,
                    supply,
                    held,
                    issuance,
                });
            }
        }
        Ok(())
    }
}

fn signed(currency: CurrencyCode, units: Units) -> Result<i128, Breach> {
    i128::try_from(units.get()).map_err(|_| Breach::Range { currency })
}

/// A record before and after a block, `None` where it was not there.
pub(crate) type Change<'a, T> = (Option<&'a T>, &'a T);

/// Checks that what a block changed in accounts is what it changed in supply.
pub(crate) fn check_block<'a>(
    accounts: impl Iterator<Item = Change<'a, Account>>,
    currencies: impl Iterator<Item = Change<'a, Currency>>,
) -> Result<(), Breach> {
    let mut ledger = Ledger::default();
    for (before, after) in accounts {
        let (currency, posted) = (after.currency, after.posted());
        check_balance(after, posted)?;
        let change = posted.checked_sub(before.map_or(0, Account::posted));
        ledger.add_account(after, change.ok_or(Breach::Range { currency })?)?;
    }
    for (before, after) in currencies {
        let currency = after.code;
        let before = before.map_or(Units::ZERO, Currency::supply);
        let change = signed(currency, after.supply())?.checked_sub(signed(currency, before)?);
        ledger.add(
            currency,
            change.ok_or(Breach::Range { currency })?,
            |sums| &mut sums.supply,
        )?;
    }
    ledger.check()
}

/// Recomputes every sum over the whole state.
///
/// # Errors
/// The first [`Breach`], in order of currency.
pub fn audit(state: &State) -> Result<Supplies, Breach> {
    let mut ledger = Ledger::default();
    for currency in state.currencies() {
        let supply = signed(currency.code, currency.supply())?;
        ledger.add(currency.code, supply, |sums| &mut sums.supply)?;
    }
    for (_, account) in state.accounts() {
        if !ledger.0.contains_key(&account.currency) {
            return Err(Breach::UnknownCurrency {
                currency: account.currency,
            });
        }
        let posted = account.posted();
        check_balance(&account, posted)?;
        ledger.add_account(&account, posted)?;
    }
    ledger.check()?;
    Ok(state.supplies())
}

/// Posted is an amount, and for an issuance account the negative of a sum.
fn check_balance(account: &Account, posted: i128) -> Result<(), Breach> {
    let fits = if account.kind == AccountKind::Issuance {
        posted <= 0
    } else {
        u128::try_from(posted).is_ok_and(|posted| Units::new(posted).amount().is_some())
    };
    if fits {
        Ok(())
    } else {
        Err(Breach::Balance {
            currency: account.currency,
            posted,
        })
    }
}

#[cfg(test)]
mod tests;
