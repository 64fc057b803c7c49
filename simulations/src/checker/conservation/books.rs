//! The books: what there is, and what a block makes of it.
//!
//! Invariant: each entry has two sides; an account's balance is its credits minus its debits.
//! Shape: plain maps; what the ledger keeps in a tree under a root is kept here by name. A block's budget for forgetting is not kept,
//! because what is late to leave is refused by its time all the same.
//! Source: `docs/spec/ledger.md`, "Execution" and "Replay".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::message::Header;
use falaj_ledger::account::{AccountId, AccountKind, Controllers};
use falaj_ledger::authority::Authority;
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::genesis::{Genesis, GenesisCurrency};
use falaj_ledger::participant::Participant;
use falaj_ledger::reference::{Commitment, Uetr};
use falaj_ledger::transaction::{Op, TxBody, TxKey};
use falaj_ledger::validate::CheckedTx;

use super::answer::{self, Answer, First, No, Place};
use super::gates::Gates;
use super::governing::Governing;
use super::rolling::Rolling;
use super::supply::Proposal;

/// The most that an account may hold.
pub(super) const AMOUNT_MAX: i128 = 999_999_999_999_999_999;
/// How far an id may lie ahead of block time.
const AHEAD_MS: u128 = 60_000;
const MINUTE_MS: u64 = 60_000;

/// An account.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) currency: CurrencyCode,
    pub(super) kind: AccountKind,
    pub(super) participant: u32,
    pub(super) controllers: Controllers,
    pub(super) kyc: Option<Commitment>,
    pub(super) debits: i128,
    pub(super) credits: i128,
    pub(super) version: u64,
    pub(super) opened: Place,
}

impl Book {
    pub(super) const fn posted(&self) -> i128 {
        self.credits - self.debits
    }
}

/// A currency.
#[derive(Clone, Debug)]
pub(super) struct Money {
    pub(super) issuance: AccountId,
    pub(super) cap: u128,
    pub(super) rolling_cap: u128,
    pub(super) supply: u128,
    pub(super) references: BTreeSet<String>,
}

/// What is known under a key.
#[derive(Clone, Debug)]
struct Known {
    /// The body without its window.
    asked: TxBody,
    first: First,
    uetr: Option<Uetr>,
}

/// A transaction where it stands in its block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) tx: &'a CheckedTx,
    pub(super) place: Place,
    pub(super) time_us: u64,
}

impl Call<'_> {
    pub(super) const fn body(&self) -> &TxBody {
        self.tx.body()
    }

    pub(super) const fn submitter(&self) -> u32 {
        self.tx.body().participant.get()
    }

    pub(super) fn all_signers(&self, may: impl Fn(&PublicKey) -> bool) -> bool {
        self.tx.tx().signers().all(may)
    }

    pub(super) fn any_signer(&self, is: impl Fn(&PublicKey) -> bool) -> bool {
        self.tx.tx().signers().any(is)
    }
}

#[derive(Debug)]
pub(super) struct Books {
    pub(super) accounts: BTreeMap<AccountId, Book>,
    pub(super) money: BTreeMap<[u8; 3], Money>,
    pub(super) authorities: BTreeMap<u32, Authority>,
    pub(super) proposals: BTreeMap<[u8; 32], Proposal>,
    pub(super) rolling: Rolling,
    pub(super) governing: Governing,
    pub(super) gates: Gates,
    pub(super) proposal_life_us: u64,
    participants: BTreeMap<u32, Participant>,
    id_life_ms: u64,
    known: BTreeMap<TxKey, Known>,
    by_minute: BTreeMap<u64, Vec<TxKey>>,
    pins: BTreeMap<u32, u32>,
    touched: BTreeSet<AccountId>,
}

impl Books {
    pub(super) fn new(genesis: &Genesis) -> Self {
        let listed = genesis.accounts.iter().map(|account| {
            let book = Book {
                currency: account.currency,
                kind: account.kind,
                participant: account.id.opener().get(),
                controllers: account.controllers.clone(),
                kyc: account.kyc,
                debits: 0,
                credits: i128::from(account.balance.get()),
                version: 0,
                opened: (0, 0),
            };
            (account.id, book)
        });
        let issuance = genesis.currencies.iter().map(issuance_book);
        let money = |currency: &GenesisCurrency| Money {
            issuance: currency.issuance_account,
            cap: currency.cap.get(),
            rolling_cap: currency.rolling_cap.get(),
            supply: currency.issued.get(),
            references: BTreeSet::new(),
        };
        Self {
            accounts: listed.chain(issuance).collect(),
            money: genesis
                .currencies
                .iter()
                .map(|currency| (currency.code.bytes(), money(currency)))
                .collect(),
            authorities: genesis
                .authorities
                .iter()
                .map(|authority| (authority.id.get(), authority.clone()))
                .collect(),
            proposals: BTreeMap::new(),
            rolling: Rolling::default(),
            governing: Governing::new(genesis),
            gates: Gates::default(),
            proposal_life_us: genesis.constants.proposal_life_ms * 1_000,
            participants: genesis
                .participants
                .iter()
                .map(|participant| (participant.number.get(), participant.clone()))
                .collect(),
            id_life_ms: 2 * genesis.constants.id_window_ms,
            known: BTreeMap::new(),
            by_minute: BTreeMap::new(),
            pins: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    /// What becomes of each transaction of a block, in its order: governance goes before all else.
    pub(super) fn block(&mut self, header: &Header, txs: &[Arc<CheckedTx>]) -> Vec<Answer> {
        let time_us = header.time_us;
        self.forget(time_us);
        let call = |(tx, index)| Call {
            tx,
            place: (header.height.get(), index),
            time_us,
        };
        let calls: Vec<Call<'_>> = txs.iter().map(|tx| &**tx).zip(0..).map(call).collect();
        let (first, then): (Vec<&Call<'_>>, Vec<_>) = calls
            .iter()
            .partition(|call| is_governance(&call.body().op));
        let answers: BTreeMap<Place, Answer> = first
            .into_iter()
            .chain(then)
            .map(|call| (call.place, self.run(*call)))
            .collect();
        answers.into_values().collect()
    }

    /// The accounts that were changed since this was asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<AccountId> {
        std::mem::take(&mut self.touched)
    }

    /// What accounts hold of each currency, the issuance account left out.
    pub(super) fn held(&self) -> BTreeMap<[u8; 3], u128> {
        let mut held: BTreeMap<_, u128> = self.money.keys().map(|code| (*code, 0)).collect();
        for book in self.accounts.values() {
            if book.kind != AccountKind::Issuance {
                let posted = u128::try_from(book.posted()).unwrap_or_default();
                *held.entry(book.currency.bytes()).or_default() += posted;
            }
        }
        held
    }

    /// What was issued of each currency and not redeemed.
    pub(super) fn supply(&self) -> BTreeMap<[u8; 3], u128> {
        self.money
            .iter()
            .map(|(code, money)| (*code, money.supply))
            .collect()
    }

    /// Moves an amount from one account to another.
    pub(super) fn book(&mut self, debit: AccountId, credit: AccountId, amount: u64) {
        for (id, is_debit) in [(debit, true), (credit, false)] {
            self.touched.insert(id);
            if let Some(book) = self.accounts.get_mut(&id) {
                let side = if is_debit {
                    &mut book.debits
                } else {
                    &mut book.credits
                };
                *side += i128::from(amount);
                book.version += 1;
            }
        }
    }

    pub(super) fn open(&mut self, id: AccountId, book: Book) {
        self.touched.insert(id);
        self.accounts.insert(id, book);
    }

    pub(super) fn participant(&self, number: u32) -> Option<&Participant> {
        self.participants.get(&number)
    }

    /// Whether a key speaks for a participant in the block of a call.
    pub(super) fn speaks(&self, number: u32, key: &PublicKey, call: Call<'_>) -> bool {
        let height = call.place.0;
        self.participant(number).is_some_and(|participant| {
            participant.keys.iter().any(|own| {
                let ended = own.valid_until.is_some_and(|last| height > last.get());
                own.key == *key && own.valid_from.get() <= height && !ended
            })
        })
    }

    pub(super) fn own_keys(&self, call: Call<'_>) -> Result<(), No> {
        let number = call.submitter();
        if call.all_signers(|key| self.speaks(number, key, call)) {
            Ok(())
        } else {
            Err(No::skip(answer::ROLE))
        }
    }

    /// The controllers of an account have signed, and its participant submits.
    pub(super) fn controllers(&self, call: Call<'_>, book: &Book) -> Result<(), No> {
        if book.participant != call.submitter() {
            return Err(No::skip(answer::ROLE));
        }
        let Controllers::Keys(keys) = &book.controllers else {
            return self.own_keys(call);
        };
        if !call.all_signers(|key| keys.keys().contains(key)) {
            return Err(No::skip(answer::ROLE));
        }
        if call.tx.tx().approvals.len() < usize::from(keys.threshold()) {
            return Err(No::Stranger(answer::QUORUM));
        }
        Ok(())
    }

    /// Whether a participant has used this reference under an id that is still known.
    pub(super) fn has_used(&self, number: u32, uetr: Uetr) -> bool {
        self.known
            .iter()
            .any(|(key, known)| key.participant.get() == number && known.uetr == Some(uetr))
    }

    fn run(&mut self, call: Call<'_>) -> Answer {
        match self.decide(call) {
            Ok(()) => {
                self.remember(call, None);
                Answer::Executed
            }
            Err(no) if no.is_pinned() && self.is_over_quota(call.submitter()) => {
                No::skip(answer::QUOTA).answer()
            }
            Err(no) => {
                if let (true, No::Entitled(code)) = (no.is_pinned(), no) {
                    self.remember(call, Some(code));
                }
                no.answer()
            }
        }
    }

    fn decide(&mut self, call: Call<'_>) -> Result<(), No> {
        self.check_known(call)?;
        self.check_window(call)?;
        if self.participant(call.submitter()).is_none() {
            return Err(No::skip(answer::ROLE));
        }
        match &call.body().op {
            Op::OpenAccount(open) => self.open_account(call, open),
            Op::Transfer(transfer) => self.transfer(call, transfer),
            Op::Propose(propose) => self.propose(call, propose),
            Op::Approve(id) => self.approve(call, id.hash().bytes()),
            Op::Execute(id) => self.execute(call, id.hash().bytes()),
            Op::Veto(id) => self.veto(call, id.hash().bytes()),
        }
    }

    fn check_known(&self, call: Call<'_>) -> Result<(), No> {
        let Some(known) = self.known.get(&call.tx.key()) else {
            return Ok(());
        };
        let code = if known.asked != without_window(call.body()) {
            answer::EXISTS_DIFFERENT
        } else if known.first.code.is_some() {
            answer::FAILED_BEFORE
        } else {
            answer::EXISTS
        };
        Err(No::Skip(code, Some(known.first)))
    }

    fn check_window(&self, call: Call<'_>) -> Result<(), No> {
        let us = |ms: u128| ms * 1_000;
        let (time_us, body) = (u128::from(call.time_us), call.body());
        let id_ms = u128::from(body.id.time_ms());
        let is_old = time_us > us(id_ms + u128::from(self.id_life_ms));
        let is_ahead = us(id_ms) > time_us + us(AHEAD_MS);
        let code = if is_old || is_ahead {
            answer::ID_OUTSIDE_WINDOW
        } else if time_us < us(u128::from(body.valid_from_ms)) {
            answer::NOT_YET_VALID
        } else if time_us > us(u128::from(body.valid_until_ms)) {
            answer::EXPIRED
        } else {
            return Ok(());
        };
        Err(No::skip(code))
    }

    fn is_over_quota(&self, number: u32) -> bool {
        let quota = self.participant(number).map_or(0, |known| known.quota);
        self.pins.get(&number).copied().unwrap_or_default() >= quota
    }

    fn remember(&mut self, call: Call<'_>, code: Option<u16>) {
        let key = call.tx.key();
        let uetr = match &call.body().op {
            Op::Transfer(transfer) if code.is_none() => transfer.references.uetr,
            Op::Transfer(_)
            | Op::OpenAccount(_)
            | Op::Propose(_)
            | Op::Approve(_)
            | Op::Execute(_)
            | Op::Veto(_) => None,
        };
        let known = Known {
            asked: without_window(call.body()),
            first: First {
                place: call.place,
                code,
            },
            uetr,
        };
        if code.is_some() {
            *self.pins.entry(call.submitter()).or_default() += 1;
        }
        let minute = key.id.time_ms() / MINUTE_MS;
        self.by_minute.entry(minute).or_default().push(key);
        self.known.insert(key, known);
    }

    /// Drops what can never be valid again.
    fn forget(&mut self, time_us: u64) {
        let is_over = |minute: u64| {
            let newest_ms = u128::from(minute) * u128::from(MINUTE_MS) + u128::from(MINUTE_MS - 1);
            u128::from(time_us) > (newest_ms + u128::from(self.id_life_ms)) * 1_000
        };
        let over: Vec<u64> = self
            .by_minute
            .keys()
            .copied()
            .take_while(|minute| is_over(*minute))
            .collect();
        for minute in over {
            for key in self.by_minute.remove(&minute).unwrap_or_default() {
                let known = self.known.remove(&key);
                if known.is_some_and(|known| known.first.code.is_some())
                    && let Some(pins) = self.pins.get_mut(&key.participant.get())
                {
                    *pins -= 1;
                }
            }
        }
        self.proposals
            .retain(|_, proposal| proposal.expires_us > time_us);
    }
}

/// The account whose debits are what was issued.
fn issuance_book(currency: &GenesisCurrency) -> (AccountId, Book) {
    let issued = i128::try_from(currency.issued.get()).unwrap_or(i128::MAX);
    let book = Book {
        currency: currency.code,
        kind: AccountKind::Issuance,
        participant: currency.issuance_account.opener().get(),
        controllers: Controllers::Participant,
        kyc: None,
        debits: issued,
        credits: 0,
        version: 0,
        opened: (0, 0),
    };
    (currency.issuance_account, book)
}

const fn is_governance(op: &Op) -> bool {
    matches!(
        op,
        Op::Propose(_) | Op::Approve(_) | Op::Execute(_) | Op::Veto(_)
    )
}

fn without_window(body: &TxBody) -> TxBody {
    TxBody {
        valid_from_ms: 0,
        valid_until_ms: 0,
        ..body.clone()
    }
}
