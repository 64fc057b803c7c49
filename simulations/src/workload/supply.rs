//! Issues and redemptions: proposed, approved by members, vetoed now and then, and executed, each step with the receipt of the one
//! before.
//!
//! Shape: an issue is proposed by the central bank, by a member, who then cannot approve it, or by the bank that is to get it; a
//! redemption by the bank that is to give it. Of eight orders one lacks an approval and one is vetoed; some are executed twice, some
//! carry a reference that was used. Feature gates of the scenario are scheduled in the same steps.

use std::collections::{BTreeMap, VecDeque};

use falaj_consensus::types::Height;
use falaj_ledger::amount::Amount;
use falaj_ledger::authority::ActionClass;
use falaj_ledger::gate::{Feature, GateChange};
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::proposal::{Action, ProposalId, SupplyChange};
use falaj_ledger::reference::Reference;
use falaj_ledger::transaction::{Flags, Op, Propose, SignedTx, TxBody, TxKey};

use super::making::Maker;
use super::pick;
use crate::chance::{Chance, Draw, Draws, Site, Word};
use crate::economy::OwnedAccount;
use crate::hsm::KeyIndex;
use crate::types::SimTime;

const ORDER: Site = Site::new("workload/order");
const GATE: Site = Site::new("workload/gate");
const GATE_STEP: Site = Site::new("workload/gate_step");
const CENTRAL_BANK: ParticipantNumber = ParticipantNumber::new(1);
/// How much one order moves.
const AMOUNT: (u64, u64) = (1_000, 400_000);

/// All orders that are on their way.
#[derive(Debug)]
pub(super) struct Orders {
    chance: Chance,
    draws: Draws,
    begun: u64,
    /// By the transaction whose receipt each waits for.
    waiting: BTreeMap<TxKey, Order>,
}

/// An order with what is left to do.
#[derive(Debug)]
struct Order {
    proposal: ProposalId,
    chance: Draws,
    steps: VecDeque<Next>,
}

/// A step of an order.
#[derive(Clone, Debug)]
enum Next {
    Approve(Vec<KeyIndex>),
    Veto(KeyIndex),
    /// Executed so often at once, in a participant's name.
    Execute {
        participant: ParticipantNumber,
        key: KeyIndex,
        times: u64,
    },
}

/// Who proposes, in whose name.
#[derive(Clone, Copy, Debug)]
struct Proposer {
    participant: ParticipantNumber,
    key: KeyIndex,
}

impl Orders {
    pub(super) fn new(chance: &Chance) -> Self {
        Self {
            chance: *chance,
            draws: chance.draws(ORDER, 0),
            begun: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Proposes the next order.
    pub(super) fn next(&mut self, maker: &mut Maker, at: SimTime) -> SignedTx {
        let draw = self.draws.next();
        self.begun += 1;
        let reserve = pick(&maker.economy.reserves, draw.word(0));
        let action = self.action(&draw, &reserve);
        let proposer = proposer(maker, &draw, &action, &reserve);
        let op = Op::Propose(Propose {
            authority: maker.economy.authority(action.class()),
            action,
            flags: Flags::NONE,
        });
        let body = maker.body(at, draw.word(4), proposer.participant, op);
        let order = Order {
            proposal: ProposalId::new(body.content_hash().hash()),
            chance: self.chance.draws(ORDER, self.begun),
            steps: steps(maker, &draw, proposer, &reserve),
        };
        self.waiting.insert(body.key(), order);
        maker.signed(body, &[proposer.key])
    }

    /// Proposes to schedule a feature gate.
    pub(super) fn gate(
        &mut self,
        maker: &mut Maker,
        at: SimTime,
        (bit, from): (u8, Height),
    ) -> SignedTx {
        let draw = self.chance.draws(GATE, u64::from(bit)).next();
        let change = GateChange {
            feature: Feature::new(bit).expect("a scenario's gates are bits of a word"),
            now: None,
            then: Some(from),
        };
        let (central_bank, members) = (maker.economy.central_bank, &maker.economy.members);
        let approvals = vec![members[0], members[1]];
        let op = Op::Propose(Propose {
            authority: maker.economy.authority(ActionClass::Releases),
            action: Action::Gate(change),
            flags: Flags::NONE,
        });
        let body = maker.body(at, draw.word(0), CENTRAL_BANK, op);
        let execute = Next::Execute {
            participant: CENTRAL_BANK,
            key: central_bank,
            times: 1,
        };
        let order = Order {
            proposal: ProposalId::new(body.content_hash().hash()),
            chance: self.chance.draws(GATE_STEP, u64::from(bit)),
            steps: VecDeque::from([Next::Approve(approvals), execute]),
        };
        self.waiting.insert(body.key(), order);
        maker.signed(body, &[central_bank])
    }

    /// An answer came: what its order asks for next.
    pub(super) fn settled(
        &mut self,
        maker: &mut Maker,
        at: SimTime,
        key: TxKey,
        executed: bool,
    ) -> Vec<SignedTx> {
        let Some(mut order) = self.waiting.remove(&key).filter(|_| executed) else {
            return Vec::new();
        };
        let Some(next) = order.steps.pop_front() else {
            return Vec::new();
        };
        let transactions = order.transactions(maker, at, next);
        if let Some(first) = transactions.first() {
            self.waiting.insert(first.body.key(), order);
        }
        transactions
    }

    fn action(&self, draw: &Draw, reserve: &OwnedAccount) -> Action {
        let repeated = u64::from(draw.word(5).below(16) == 0 && self.begun > 1);
        let text = format!("SIM/{}", self.begun - repeated);
        let amount = draw.word(1).log_uniform(AMOUNT.0, AMOUNT.1);
        let change = SupplyChange {
            currency: reserve.currency,
            account: reserve.id,
            amount: Amount::new(amount).expect("below 2^63"),
            rtgs_reference: Reference::new(&text).expect("a few letters of the set"),
        };
        if draw.word(2).below(3) == 0 {
            Action::Redeem(change)
        } else {
            Action::Issue(change)
        }
    }
}

fn proposer(maker: &Maker, draw: &Draw, action: &Action, reserve: &OwnedAccount) -> Proposer {
    let economy = &maker.economy;
    let bank = Proposer {
        participant: reserve.participant,
        key: reserve.key,
    };
    let of_authority = |key| Proposer {
        participant: CENTRAL_BANK,
        key,
    };
    match (action.class(), draw.word(3).below(3)) {
        (ActionClass::Redeem(_), _) | (ActionClass::Issue(_), 0) => bank,
        (ActionClass::Issue(_), 1) => of_authority(economy.members[0]),
        (
            ActionClass::Issue(_)
            | ActionClass::Parameters
            | ActionClass::Validators
            | ActionClass::Releases,
            _,
        ) => of_authority(economy.central_bank),
    }
}

fn steps(maker: &Maker, draw: &Draw, proposer: Proposer, reserve: &OwnedAccount) -> VecDeque<Next> {
    let economy = &maker.economy;
    let mut members = economy.members.clone();
    members.retain(|member| *member != proposer.key);
    let (one, other) = (members[0], members[1]);
    let approvals = match draw.word(6).below(8) {
        0 => vec![Next::Approve(vec![one])],
        1 => vec![Next::Approve(vec![one, other]), Next::Veto(economy.vetoer)],
        2..5 => vec![Next::Approve(vec![one, other])],
        _ => vec![Next::Approve(vec![one]), Next::Approve(vec![other])],
    };
    let times = 1 + u64::from(draw.word(7).below(4) == 0);
    let execute = if draw.word(7).get() & 1 == 0 && proposer.participant != CENTRAL_BANK {
        Next::Execute {
            participant: reserve.participant,
            key: reserve.key,
            times,
        }
    } else {
        Next::Execute {
            participant: CENTRAL_BANK,
            key: economy.central_bank,
            times,
        }
    };
    approvals.into_iter().chain([execute]).collect()
}

impl Order {
    fn transactions(&mut self, maker: &mut Maker, at: SimTime, next: Next) -> Vec<SignedTx> {
        let proposal = self.proposal;
        match next {
            Next::Approve(members) => {
                let body = self.body(maker, at, CENTRAL_BANK, Op::Approve(proposal));
                vec![maker.signed(body, &members)]
            }
            Next::Veto(person) => {
                let body = self.body(maker, at, CENTRAL_BANK, Op::Veto(proposal));
                vec![maker.signed(body, &[person])]
            }
            Next::Execute {
                participant,
                key,
                times,
            } => (0..times)
                .map(|_| {
                    let body = self.body(maker, at, participant, Op::Execute(proposal));
                    maker.signed(body, &[key])
                })
                .collect(),
        }
    }

    fn body(
        &mut self,
        maker: &mut Maker,
        at: SimTime,
        participant: ParticipantNumber,
        op: Op,
    ) -> TxBody {
        let word: Word = self.chance.next().word(0);
        maker.body(at, word, participant, op)
    }
}
