//! What clients do: they pay, open accounts, have money issued and redeemed, and ask until they have a receipt, at another node if
//! need be.
//!
//! Invariant: the n-th act of a run depends on the seed, n and the receipts before it alone; a transaction is asked for again byte for
//! byte.
//! Shape: one stream of acts with drawn gaps between them. Most are payments, of which every eighth empties its account nearly; some
//! are sent twice at once, have a rival under the same id, expire soon, or are signed by a stranger. A few are accounts to be opened
//! and orders of issues and redemptions, which go on step by step with each receipt. Beside them the authority over validators does what
//! it is asked for.
//! Units: amounts in minor units, time in nanoseconds.

mod act;
mod governing;
mod making;
mod openings;
mod payments;
mod supply;

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::params::Parameters;
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::rejection::{Class, Rejection};
use falaj_ledger::transaction::{SignedTx, TxKey};
use falaj_node::core::{Admission, Ticket};

use crate::chance::{Chance, Draws, Site, Word};
use crate::economy::{Economy, OwnedAccount};
use crate::fault::Fault;
use crate::types::{Ppm, SimTime};

use governing::Governing;
use making::Maker;
use openings::Openings;
use supply::Orders;

const ACT: Site = Site::new("workload/act");
const GAP: Site = Site::new("workload/gap");

/// How much clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkloadDials {
    /// The shortest gap between two acts.
    pub gap_min_ns: u64,
    /// The longest gap; between the two the tail is heavy.
    pub gap_cap_ns: u64,
    /// How long a client waits for its receipt before it asks again elsewhere.
    pub patience_ns: u64,
    /// How many payments come at once now and then; one is no burst.
    pub burst: u64,
    /// Payments from one hot account to another, of all.
    pub hot: Ppm,
}

impl WorkloadDials {
    /// About twenty acts a second.
    pub const CALM: Self = Self {
        gap_min_ns: 20_000_000,
        gap_cap_ns: 500_000_000,
        patience_ns: 3_000_000_000,
        burst: 1,
        hot: Ppm::NEVER,
    };
}

/// The next thing that a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It does something new.
    Act,
    /// It looks whether it has its receipt, and asks again if not.
    Ask(TxKey),
    /// It was refused, and asks the next node at once.
    AskNext(TxKey),
    /// It sends the same once more, to another node.
    Again(TxKey),
    /// It sends something else under the same id, to another node.
    Rival(TxKey),
}

/// A transaction without a receipt.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its bytes.
    pub transaction: Vec<u8>,
    /// When it was first sent.
    pub since: SimTime,
    /// How often it was sent.
    pub times: u64,
    /// How many nodes were asked since the client last waited.
    pub in_turn: u64,
    /// Whom the client asks first.
    pub first_node: u64,
    /// When the client gives it up, if it is meant to expire.
    pub until: Option<SimTime>,
    /// How often a node said that whoever signed it may not ask for it, or not yet.
    pub refused: u64,
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
    /// How many nodes come before that one in its turn.
    pub times: u64,
    /// Whether to look again after a while.
    pub again: bool,
}

/// All clients of a run.
#[derive(Debug)]
pub struct Workload {
    dials: WorkloadDials,
    acts: Draws,
    gaps: Draws,
    maker: Maker,
    /// What can be paid from and to, as far as clients know.
    accounts: Vec<OwnedAccount>,
    openings: Openings,
    orders: Orders,
    governing: Governing,
    open: BTreeMap<TxKey, Open>,
    rivals: BTreeMap<TxKey, Vec<u8>>,
    tickets: u64,
    asked: BTreeMap<Ticket, TxKey>,
    /// How many nodes there are to ask.
    members: u64,
    /// How many nodes may say no before a client believes them.
    doubted: u64,
    acting: bool,
    issued: u64,
    /// How long each had to wait that has its receipt.
    finality_ns: Vec<u64>,
    given_up: u64,
}

impl Workload {
    /// The clients of an economy.
    #[must_use]
    pub fn new(chance: &Chance, economy: Arc<Economy>, dials: WorkloadDials) -> Self {
        let members = economy.genesis.validators.members().len() as u64;
        let governing = Governing::new(chance, &economy.genesis);
        Self {
            dials,
            acts: chance.draws(ACT, 0),
            gaps: chance.draws(GAP, 0),
            accounts: economy
                .accounts
                .iter()
                .chain(&economy.reserves)
                .copied()
                .collect(),
            maker: Maker::new(economy),
            openings: Openings::new(chance),
            orders: Orders::new(chance),
            governing,
            open: BTreeMap::new(),
            rivals: BTreeMap::new(),
            tickets: 0,
            asked: BTreeMap::new(),
            members,
            doubted: members.saturating_sub(1) / 3,
            acting: true,
            issued: 0,
            finality_ns: Vec::new(),
            given_up: 0,
        }
    }

    /// How long until the next act; `None` when clients have stopped.
    pub fn gap_ns(&mut self) -> Option<u64> {
        let word = self.gaps.next().word(0);
        self.acting
            .then(|| word.heavy_tail(self.dials.gap_min_ns, self.dials.gap_cap_ns))
    }

    /// How long a client waits before it asks again.
    #[must_use]
    pub const fn patience_ns(&self) -> u64 {
        self.dials.patience_ns
    }

    /// Nothing new from now on; what is open is still asked for.
    pub const fn stop(&mut self) {
        self.acting = false;
    }

    /// Proposes to schedule a feature gate.
    pub fn gate(&mut self, at: SimTime, gate: (u8, Height)) -> Step {
        let transaction = self.orders.gate(&mut self.maker, at, gate);
        self.begin(at, &transaction, None)
    }

    /// The bytes to send at a step, under a new ticket; `None` if there is nothing left to send.
    pub fn ask(&mut self, at: SimTime, step: Step) -> Option<Asked> {
        let (key, counts) = match step {
            Step::Act => return None,
            Step::Ask(key) | Step::AskNext(key) => (key, true),
            Step::Again(key) | Step::Rival(key) => (key, false),
        };
        if self.open.get(&key)?.until.is_some_and(|until| until < at) {
            self.give_up(key, None);
            return None;
        }
        let open = self.open.get_mut(&key)?;
        let transaction = match step {
            Step::Rival(_) => self.rivals.remove(&key)?,
            Step::Act | Step::Ask(_) | Step::AskNext(_) | Step::Again(_) => {
                open.transaction.clone()
            }
        };
        // What is sent beside the first goes to the next node in turn, because the first was sent.
        let times = open.times;
        open.times += u64::from(counts);
        // Whoever waits begins a new round of all nodes; whoever is refused goes on with it.
        let again = matches!(step, Step::Ask(_));
        open.in_turn = if again { 0 } else { open.in_turn };
        open.in_turn += u64::from(counts);
        let first_node = open.first_node;
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        if counts {
            self.asked.insert(ticket, key);
        }
        Some(Asked {
            ticket,
            transaction,
            first_node,
            times,
            again,
        })
    }

    /// A node answered. What it says is advice: a client gives up what could not succeed now, and waits otherwise; the authority over
    /// validators asks another node at once, each once before it waits too.
    pub fn answered(&mut self, ticket: Ticket, answer: &Admission) -> Option<Step> {
        let key = self.asked.remove(&ticket)?;
        let (Admission::Refused(rejection), Some(open)) = (answer, self.open.get_mut(&key)) else {
            return None;
        };
        let hopeless = match rejection.class() {
            Class::Fix | Class::State => true,
            // One node may lag behind or lie, not more than consensus bears.
            Class::Authority => {
                open.refused += 1;
                open.refused > self.doubted
            }
            Class::Duplicate => self.openings.is_pending(key),
            Class::Retry => false,
        };
        if hopeless {
            self.give_up(key, Some(*rejection));
        }
        let is_asked_on =
            self.governing.waits_for(key) && self.open.get(&key)?.in_turn < self.members;
        is_asked_on.then_some(Step::AskNext(key))
    }

    fn give_up(&mut self, key: TxKey, rejection: Option<Rejection>) {
        self.given_up += u64::from(self.open.remove(&key).is_some());
        self.governing.given_up(key, rejection);
    }

    /// A final block gives these receipts: what clients now know, and do next.
    pub fn settled(&mut self, at: SimTime, receipts: &[Receipt]) -> Vec<Step> {
        let mut steps = Vec::new();
        for receipt in receipts {
            let Some(open) = self.open.remove(&receipt.key) else {
                continue;
            };
            let took_ns = at.get() - open.since.get();
            self.finality_ns.push(took_ns);
            self.rivals.remove(&receipt.key);
            let executed = receipt.verdict.is_executed();
            if let Some(account) = self.openings.settled(receipt.key, executed) {
                self.accounts.push(account);
            }
            let next = self
                .orders
                .settled(&mut self.maker, at, receipt.key, executed);
            let rejection = receipt.verdict.rejection();
            let governed = self
                .governing
                .settled(&mut self.maker, at, receipt.key, rejection);
            if self.acting {
                let next = next.into_iter().chain(governed);
                steps.extend(next.map(|tx| self.begin(at, &tx, None)));
            }
        }
        steps
    }

    /// Somebody wants other validators or parameters; the authority of a chain that has one begins.
    pub fn govern(&mut self, at: SimTime, step: Fault) -> Option<Step> {
        self.governing.ask(step);
        self.go_on_governing(at)
    }

    /// A final block came, by which these are the last set and parameters decided; a step that was given up is begun anew.
    pub fn heard(
        &mut self,
        at: SimTime,
        height: Height,
        decided: (&Arc<ValidatorSet>, Parameters),
    ) -> Option<Step> {
        self.governing.hear(height, decided);
        self.go_on_governing(at)
    }

    fn go_on_governing(&mut self, at: SimTime) -> Option<Step> {
        if !self.acting {
            return None;
        }
        let proposal = self.governing.begin(&mut self.maker, at)?;
        Some(self.begin(at, &proposal, None))
    }

    /// Transactions without a receipt.
    #[must_use]
    pub const fn open(&self) -> &BTreeMap<TxKey, Open> {
        &self.open
    }

    /// How many transactions were made.
    #[must_use]
    pub const fn issued(&self) -> u64 {
        self.issued
    }

    /// How many of them have their receipt.
    #[must_use]
    pub const fn receipts(&self) -> u64 {
        self.finality_ns.len() as u64
    }

    /// Virtual nanoseconds from a client's first request to the first believable node that gave the receipt, for each that came, in order.
    #[must_use]
    pub fn finality_ns(&self) -> &[u64] {
        &self.finality_ns
    }

    /// How many were given up, because nobody would execute them.
    #[must_use]
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Takes a transaction up, to be asked for until there is a receipt.
    fn begin(&mut self, at: SimTime, transaction: &SignedTx, until: Option<SimTime>) -> Step {
        let key = transaction.body.key();
        let open = Open {
            transaction: transaction.to_bytes(),
            since: at,
            times: 0,
            in_turn: 0,
            first_node: u64::from_le_bytes(first_node_of(&key)) >> 8,
            until,
            refused: 0,
        };
        self.open.insert(key, open);
        self.issued += 1;
        Step::Ask(key)
    }
}

/// The chance in an id, which says whom its client asks first.
fn first_node_of(key: &TxKey) -> [u8; 8] {
    let (_, chance) = key.id.bytes().split_at(8);
    *chance.first_chunk().expect("an id has sixteen bytes")
}

/// One of several.
fn pick<T: Copy>(of: &[T], word: Word) -> T {
    let place = word.below(of.len() as u64);
    of[usize::try_from(place).expect("it is below a length")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Timed;
    use crate::scenario::Scenario;
    use crate::types::NodeIndex;

    /// Goal: an authority whose step is refused asks each node once and then waits, however often it comes back: what nodes say never makes it
    /// ask more and more.
    #[test]
    fn a_refused_step_is_asked_of_each_node_once_and_then_waits() {
        let mut scenario = Scenario::calm(4);
        let fault = Fault::Leave {
            side: vec![NodeIndex::new(3)],
        };
        let at = SimTime::START;
        scenario.add(Timed {
            at,
            fault: fault.clone(),
        });
        let chance = Chance::new(1);
        let economy = Arc::new(Economy::new(&chance, &scenario));
        let mut workload = Workload::new(&chance, economy, scenario.workload);
        let first = workload.govern(at, fault).expect("a proposal");
        let refusal = Admission::Refused(Rejection::NotSynced);
        for _ in 0..3 {
            let (mut step, mut asked) = (Some(first), Vec::new());
            while let Some(next) = step {
                let sent = workload.ask(at, next).expect("it is open");
                asked.push((sent.first_node + sent.times) % 4);
                assert_eq!(sent.again, asked.len() == 1);
                step = workload.answered(sent.ticket, &refusal);
            }
            asked.sort_unstable();
            assert_eq!(asked, [0, 1, 2, 3]);
        }
    }
}
