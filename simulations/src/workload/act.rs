//! What clients do next, by chance.

use falaj_ledger::transaction::{SignedTx, TxKey};

use super::making::unix_ms;
use super::{Step, Workload, payments};
use crate::chance::Draw;
use crate::economy::OwnedAccount;
use crate::types::SimTime;

const MS_NS: u64 = 1_000_000;
/// How long what expires soon can be executed.
const SOON_MS: (u64, u64) = (2, 60);
/// How many acts of 64 are what.
const OPENINGS: u64 = 4;
const ORDERS: u64 = OPENINGS + 5;
const TWICE: u64 = ORDERS + 2;
const RIVALS: u64 = TWICE + 3;
const EXPIRING: u64 = RIVALS + 3;
const STRANGERS: u64 = EXPIRING + 1;
const BURSTS: u64 = STRANGERS + 1;

impl Workload {
    /// Does the next thing: the steps that begin now.
    ///
    /// # Panics
    /// Never: ids are of this century.
    pub fn act(&mut self, at: SimTime) -> Vec<Step> {
        let draw = self.acts.next();
        match draw.word(6).below(64) {
            0..OPENINGS => match self.openings.next(&mut self.maker, at) {
                Some(opening) => vec![self.begin(at, &opening, None)],
                None => self.pay(at, &draw),
            },
            OPENINGS..ORDERS => {
                let proposal = self.orders.next(&mut self.maker, at);
                vec![self.begin(at, &proposal, None)]
            }
            ORDERS..TWICE => self.pay_beside(at, &draw, Step::Again),
            TWICE..RIVALS => self.pay_with_rival(at, &draw),
            RIVALS..EXPIRING => self.pay_soon(at, &draw),
            EXPIRING..STRANGERS => self.pay_by_stranger(at, &draw),
            STRANGERS..BURSTS if self.dials.burst > 1 => self.pay_at_once(at),
            _ => self.pay(at, &draw),
        }
    }

    fn payment(&mut self, at: SimTime, draw: &Draw) -> (SignedTx, OwnedAccount) {
        let chance = (draw, self.dials.hot);
        payments::payment(&mut self.maker, &self.accounts, at, chance)
    }

    fn pay(&mut self, at: SimTime, draw: &Draw) -> Vec<Step> {
        let (payment, _) = self.payment(at, draw);
        vec![self.begin(at, &payment, None)]
    }

    /// A payment, and something else about it to the next node at the same time.
    fn pay_beside(&mut self, at: SimTime, draw: &Draw, beside: fn(TxKey) -> Step) -> Vec<Step> {
        let (payment, _) = self.payment(at, draw);
        let first = self.begin(at, &payment, None);
        vec![first, beside(payment.body.key())]
    }

    fn pay_with_rival(&mut self, at: SimTime, draw: &Draw) -> Vec<Step> {
        let (payment, payer) = self.payment(at, draw);
        let first = self.begin(at, &payment, None);
        let key = payment.body.key();
        let rival = payments::rival(&self.maker, &payment.body, &payer);
        self.rivals
            .extend(rival.map(|rival| (key, rival.to_bytes())));
        vec![first, Step::Rival(key)]
    }

    /// A payment that nobody may execute soon after.
    fn pay_soon(&mut self, at: SimTime, draw: &Draw) -> Vec<Step> {
        let (payment, payer) = self.payment(at, draw);
        let life_ms = draw.word(7).within(SOON_MS.0, SOON_MS.1);
        let mut body = payment.body;
        body.valid_until_ms = unix_ms(at) + life_ms;
        let signers = self.maker.economy.signers(&payer);
        let payment = self.maker.signed(body, &signers);
        let until = at.after_ns(life_ms * MS_NS);
        vec![self.begin(at, &payment, Some(until))]
    }

    /// A payment that somebody else has signed: nobody may execute it.
    fn pay_by_stranger(&mut self, at: SimTime, draw: &Draw) -> Vec<Step> {
        let (payment, _) = self.payment(at, draw);
        let stranger = self.maker.economy.central_bank;
        let payment = self.maker.signed(payment.body, &[stranger]);
        vec![self.begin(at, &payment, None)]
    }

    /// Many payments in one moment.
    fn pay_at_once(&mut self, at: SimTime) -> Vec<Step> {
        (0..self.dials.burst)
            .flat_map(|_| {
                let draw = self.acts.next();
                self.pay(at, &draw)
            })
            .collect()
    }
}
