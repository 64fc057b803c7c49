//! What clients do: they pay, they ask again until they have a receipt, at another node if need be.
//!
//! Invariant: the n-th payment of a run depends on the seed and n alone; a transaction is asked for again byte for byte.
//! Shape: one stream of payments, drawn gaps between them; every eighth empties its account nearly.
//! Units: amounts in minor units, time in nanoseconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::types::ChainContext;
use falaj_ledger::amount::Amount;
use falaj_ledger::rejection::Class;
use falaj_ledger::transaction::{
    Approval, Flags, Op, SignedTx, Transfer, TxBody, TxId, TxKey, sign_bytes,
};
use falaj_node::core::{Admission, Ticket};

use crate::chance::{Chance, Draw, Draws, Site};
use crate::clock::EPOCH_US;
use crate::economy::{Economy, OwnedAccount};
use crate::types::SimTime;

const PAYMENT: Site = Site::new("workload/payment");
const GAP: Site = Site::new("workload/gap");
/// Nearly all that an account has at first: two such payments at once cannot both succeed.
const NEARLY_ALL: (u64, u64) = (400_000, 1_000_000);

/// How much clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkloadDials {
    /// The shortest gap between two payments.
    pub gap_min_ns: u64,
    /// The longest gap; between the two the tail is heavy.
    pub gap_cap_ns: u64,
    /// How long a client waits for its receipt before it asks again elsewhere.
    pub patience_ns: u64,
}

impl WorkloadDials {
    /// About twenty payments a second.
    pub const CALM: Self = Self {
        gap_min_ns: 20_000_000,
        gap_cap_ns: 500_000_000,
        patience_ns: 3_000_000_000,
    };
}

/// The next thing that a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It makes a new payment.
    Pay,
    /// It looks whether it has its receipt, and asks again if not.
    Ask(TxKey),
}

/// A payment without a receipt.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its bytes.
    pub transaction: Vec<u8>,
    /// When it was first sent.
    pub since: SimTime,
    /// How often it was sent.
    pub times: u64,
    /// Whom the client asks first.
    pub first_node: u64,
}

/// What a client sends.
#[derive(Clone, Debug)]
pub struct Asked {
    /// By which the answer comes.
    pub ticket: Ticket,
    /// The transaction's bytes.
    pub transaction: Vec<u8>,
    /// Whom it asks first, as a number to be reduced.
    pub first_node: u64,
    /// How often it was sent before.
    pub times: u64,
}

/// All clients of a run.
#[derive(Debug)]
pub struct Workload {
    dials: WorkloadDials,
    payments: Draws,
    gaps: Draws,
    economy: Arc<Economy>,
    chain: ChainContext,
    open: BTreeMap<TxKey, Open>,
    tickets: u64,
    asked: BTreeMap<Ticket, TxKey>,
    paying: bool,
    issued: u64,
    answered: u64,
}

impl Workload {
    /// The clients of an economy.
    #[must_use]
    pub fn new(chance: &Chance, economy: Arc<Economy>, dials: WorkloadDials) -> Self {
        Self {
            dials,
            payments: chance.draws(PAYMENT, 0),
            gaps: chance.draws(GAP, 0),
            chain: economy.genesis.chain(),
            economy,
            open: BTreeMap::new(),
            tickets: 0,
            asked: BTreeMap::new(),
            paying: true,
            issued: 0,
            answered: 0,
        }
    }

    /// How long until the next payment; `None` when clients have stopped.
    pub fn gap_ns(&mut self) -> Option<u64> {
        let word = self.gaps.next().word(0);
        self.paying
            .then(|| word.heavy_tail(self.dials.gap_min_ns, self.dials.gap_cap_ns))
    }

    /// How long a client waits before it asks again.
    #[must_use]
    pub const fn patience_ns(&self) -> u64 {
        self.dials.patience_ns
    }

    /// No new payments from now on; open ones are still asked for.
    pub const fn stop(&mut self) {
        self.paying = false;
    }

    /// Makes the next payment.
    ///
    /// # Panics
    /// Never: a payment has one approval and ids of this century.
    pub fn pay(&mut self, at: SimTime) -> TxKey {
        let draw = self.payments.next();
        let transaction = self.payment(at, &draw);
        let key = transaction.body.key();
        let open = Open {
            transaction: transaction.to_bytes(),
            since: at,
            times: 0,
            first_node: draw.word(5).get() >> 8,
        };
        self.open.insert(key, open);
        self.issued += 1;
        key
    }

    /// The bytes to send for an open payment, under a new ticket; `None` once it has its receipt.
    pub fn ask(&mut self, key: TxKey) -> Option<Asked> {
        let open = self.open.get_mut(&key)?;
        let times = open.times;
        open.times += 1;
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.asked.insert(ticket, key);
        Some(Asked {
            ticket,
            transaction: open.transaction.clone(),
            first_node: open.first_node,
            times,
        })
    }

    /// A node answered. What it says is advice: a client gives a payment up that could not succeed now, and waits otherwise.
    pub fn answered(&mut self, ticket: Ticket, answer: &Admission) {
        let Some(key) = self.asked.remove(&ticket) else {
            return;
        };
        if let Admission::Refused(rejection) = answer
            && matches!(rejection.class(), Class::Fix | Class::State)
        {
            self.open.remove(&key);
        }
    }

    /// A final block holds these transactions.
    pub fn settled(&mut self, keys: impl Iterator<Item = TxKey>) {
        for key in keys {
            self.answered += u64::from(self.open.remove(&key).is_some());
        }
    }

    /// Payments without a receipt.
    #[must_use]
    pub const fn open(&self) -> &BTreeMap<TxKey, Open> {
        &self.open
    }

    /// How many payments were made.
    #[must_use]
    pub const fn issued(&self) -> u64 {
        self.issued
    }

    /// How many of them have their receipt.
    #[must_use]
    pub const fn receipts(&self) -> u64 {
        self.answered
    }

    fn payment(&self, at: SimTime, draw: &Draw) -> SignedTx {
        let payer = pick(&self.economy.accounts, draw.word(0).get());
        let payees: Vec<_> = self
            .economy
            .accounts
            .iter()
            .filter(|account| account.currency == payer.currency && account.id != payer.id)
            .copied()
            .collect();
        let payee = pick(&payees, draw.word(1).get());
        let amount = if draw.word(2).below(8) == 0 {
            draw.word(3).within(NEARLY_ALL.0, NEARLY_ALL.1)
        } else {
            draw.word(3).log_uniform(1, 100_000)
        };
        let body = self.body(at, draw, payer, transfer(payer, payee, amount));
        let message = sign_bytes(&self.chain, &body);
        let keys = &self.economy.keys;
        let approval = Approval {
            public_key: keys.public(payer.key).clone(),
            signature: keys.sign(payer.key, self.issued, &message),
        };
        SignedTx::new(body, vec![approval]).expect("one approval is in order")
    }

    fn body(&self, at: SimTime, draw: &Draw, payer: OwnedAccount, op: Op) -> TxBody {
        let time_ms = EPOCH_US / 1_000 + at.get() / 1_000_000;
        let mut chance = [0_u8; 10];
        chance[..8].copy_from_slice(&draw.word(4).get().to_le_bytes());
        TxBody {
            version: TxBody::VERSION,
            genesis_hash: self.chain.genesis_hash,
            participant: payer.participant,
            id: TxId::new(time_ms, chance).expect("48 bits last for ages"),
            valid_from_ms: 0,
            valid_until_ms: time_ms + self.economy.genesis.constants.id_window_ms,
            op,
        }
    }
}

fn pick(accounts: &[OwnedAccount], bits: u64) -> OwnedAccount {
    let count = accounts.len() as u64;
    let position = crate::chance::Word::new(bits).below(count);
    accounts[usize::try_from(position).expect("it is below a length")]
}

fn transfer(payer: OwnedAccount, payee: OwnedAccount, amount: u64) -> Op {
    Op::Transfer(Transfer {
        debit: payer.id,
        credit: payee.id,
        currency: payer.currency,
        amount: Amount::new(amount).expect("below 2^63"),
        max_fee: Amount::ZERO,
        code: 0,
        credit_participant: None,
        expected_version: None,
        references: Default::default(),
        flags: Flags::NONE,
    })
}
