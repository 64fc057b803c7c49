//! What a row of a file is on the ledger, step by step.
//!
//! Invariant: a row is accepted whole or leaves every balance as it was: a step that is refused after another was executed has that one
//! undone, by a payment back. What cannot be undone is an error, never a silent difference.
//! Source: `docs/guide/testnet.md`, "A day of payments".

use anyhow::{Context as _, Result, bail};
use falaj_ledger::amount::Amount;
use falaj_ledger::participant::ParticipantNumber;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::desk::{Desk, Verdict};
use super::names::Names;
use super::row::{Kind, Row};
use super::supply::{Change, Supply};
use super::teller::Teller;
use crate::economy::reserve_of;

/// Settles rows at a desk.
pub(super) struct Clerk {
    desk: Arc<Desk>,
    names: Names,
    teller: Teller,
    issues: BTreeMap<ParticipantNumber, Supply>,
    redemptions: BTreeMap<ParticipantNumber, Supply>,
    issued: Arc<AtomicU64>,
    redeemed: Arc<AtomicU64>,
}

/// How an account began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Opened, with what was issued for it.
    Opened(u64),
    /// It was there before, and held this.
    Found(i128),
    /// It was opened, but what was to be issued for it was refused.
    Empty(u16),
    /// It could not be opened.
    Refused(u16),
}

impl Clerk {
    /// One with windows at every bank.
    #[must_use]
    pub(super) fn new(desk: Arc<Desk>, names: Names, teller: Teller, group_max: usize) -> Self {
        let (issued, redeemed) = (Arc::default(), Arc::default());
        let windows = |change, count: &Arc<AtomicU64>| {
            let window = |bank: &ParticipantNumber| {
                let (desk, count) = (Arc::clone(&desk), Arc::clone(count));
                (*bank, Supply::open(desk, *bank, change, group_max, count))
            };
            names.banks().iter().map(window).collect()
        };
        Self {
            issues: windows(Change::Issue, &issued),
            redemptions: windows(Change::Redeem, &redeemed),
            issued,
            redeemed,
            desk: Arc::clone(&desk),
            names,
            teller,
        }
    }

    /// Proposals to issue and to redeem that were made.
    #[must_use]
    pub(super) fn proposals(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.issued), count(&self.redeemed))
    }

    /// Opens the account of a name with an amount, or finds it open.
    ///
    /// # Errors
    /// When a step cannot be made or undone.
    pub(super) async fn open(&self, name: &str, units: u64) -> Result<Opening> {
        let account = self.names.account(name);
        if let Some(posted) = self.teller.posted(account).await? {
            return Ok(Opening::Found(posted));
        }
        if let Err(code) = self.desk.open_account(account, Names::kind(name)).await? {
            return Ok(Opening::Refused(code));
        }
        if units == 0 {
            return Ok(Opening::Opened(0));
        }
        Ok(match self.pay_in(name, amount(units)?).await? {
            Ok(()) => Opening::Opened(units),
            Err(code) => Opening::Empty(code),
        })
    }

    /// Settles a row.
    ///
    /// # Errors
    /// When a step cannot be made or undone.
    pub(super) async fn settle(&self, row: &Row) -> Result<Verdict> {
        let amount = amount(row.amount)?;
        match row.kind {
            Kind::CashIn => self.pay_in(&row.origin.name, amount).await,
            Kind::CashOut | Kind::Debit => self.pay_out(&row.origin.name, amount).await,
            Kind::Payment | Kind::Transfer => {
                let debit = self.names.account(&row.origin.name);
                let credit = self.names.account(&row.destination.name);
                self.desk.transfer(debit, credit, amount).await
            }
        }
    }

    /// Issue to the bank's reserve, then from there to the customer.
    async fn pay_in(&self, name: &str, amount: Amount) -> Result<Verdict> {
        let (account, bank) = (self.names.account(name), self.names.bank(name));
        // Nothing cannot be issued; the ledger itself refuses the payment of it.
        if !amount.is_zero()
            && let Err(code) = window(&self.issues, bank)?.settle(amount).await?
        {
            return Ok(Err(code));
        }
        let paid = self
            .desk
            .transfer(reserve_of(bank), account, amount)
            .await?;
        if paid.is_err()
            && !amount.is_zero()
            && let Err(code) = window(&self.redemptions, bank)?.settle(amount).await?
        {
            bail!(
                "{amount} units stay in the reserve of bank {bank}: redeeming them was refused with {code}"
            );
        }
        Ok(paid)
    }

    /// From the customer to the bank's reserve, and from there out of circulation.
    async fn pay_out(&self, name: &str, amount: Amount) -> Result<Verdict> {
        let (account, bank) = (self.names.account(name), self.names.bank(name));
        if let Err(code) = self
            .desk
            .transfer(account, reserve_of(bank), amount)
            .await?
        {
            return Ok(Err(code));
        }
        let redeemed = window(&self.redemptions, bank)?.settle(amount).await?;
        if redeemed.is_err()
            && let Err(code) = self
                .desk
                .transfer(reserve_of(bank), account, amount)
                .await?
        {
            bail!(
                "{amount} units of {name} stay in the reserve of bank {bank}: paying them back was refused with {code}"
            );
        }
        Ok(redeemed)
    }
}

fn window(
    windows: &BTreeMap<ParticipantNumber, Supply>,
    bank: ParticipantNumber,
) -> Result<&Supply> {
    windows.get(&bank).context("a window of each bank")
}

fn amount(units: u64) -> Result<Amount> {
    Amount::new(units).context("an amount that the file's reader took")
}
