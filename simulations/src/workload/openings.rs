//! Accounts that are opened: by a bank for itself, or for a customer who signs with keys of its own.
//!
//! Shape: each id once, but for every eighth, which asks for one that was asked for before, and every sixteenth, of a kind that a bank
//! may not open.

use std::collections::BTreeMap;

use falaj_ledger::account::AccountKind;
use falaj_ledger::transaction::{Flags, Op, OpenAccount, SignedTx, TxKey};

use super::making::Maker;
use super::pick;
use crate::chance::{Chance, Draws, Site};
use crate::economy::{Economy, Holder, OwnedAccount};
use crate::types::SimTime;

const OPENING: Site = Site::new("workload/opening");
/// Accounts of one bank that clients open.
const OPENED_MAX: u8 = 200;

/// What clients have asked for, and not heard of yet.
#[derive(Debug)]
pub(super) struct Openings {
    draws: Draws,
    opened: u8,
    pending: BTreeMap<TxKey, OwnedAccount>,
}

impl Openings {
    pub(super) fn new(chance: &Chance) -> Self {
        Self {
            draws: chance.draws(OPENING, 0),
            opened: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Asks for an account at the bank of one that is there.
    pub(super) fn next(&mut self, maker: &mut Maker, at: SimTime) -> Option<SignedTx> {
        let draw = self.draws.next();
        if draw.word(0).below(8) != 0 || self.opened == 0 {
            self.opened = self.opened.checked_add(1).filter(|of| *of < OPENED_MAX)?;
        }
        let beside = pick(&maker.economy.accounts, draw.word(1));
        let holder = pick(&[Holder::Bank, Holder::Customer], draw.word(2));
        let kind = match draw.word(3).below(16) {
            0 => AccountKind::Government,
            1..8 => AccountKind::Retail3,
            _ => AccountKind::Merchant,
        };
        let id = Economy::opened_id(beside.participant, self.opened);
        let account = OwnedAccount {
            id,
            holder,
            ..beside
        };
        let op = Op::OpenAccount(OpenAccount {
            account: id,
            currency: beside.currency,
            kind,
            controllers: maker.economy.controllers(holder),
            kyc: None,
            flags: Flags::NONE,
        });
        let body = maker.body(at, draw.word(4), beside.participant, op);
        self.pending.insert(body.key(), account);
        Some(maker.signed(body, &[beside.key]))
    }

    /// Whether a transaction asks for an account.
    pub(super) fn is_pending(&self, key: TxKey) -> bool {
        self.pending.contains_key(&key)
    }

    /// An answer came: the account, if it was opened.
    pub(super) fn settled(&mut self, key: TxKey, executed: bool) -> Option<OwnedAccount> {
        self.pending.remove(&key).filter(|_| executed)
    }
}
