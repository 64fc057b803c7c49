//! Random operations against a double-entry model that shares no code with the ledger.
//!
//! The model keeps one signed balance an account, posts both sides of what the ledger says it executed, and refuses nothing;
//! whatever the ledger executes must keep every balance of the model in range, and equal to the ledger's.

use proptest::prelude::*;
use std::collections::BTreeMap;

use self::Step::{Issue, Open, Pay, Redeem};
use crate::account::AccountId;
use crate::currency::Currency;
use crate::proposal::{Action, ProposalId};
use crate::state::{Record as _, State, encode_record};
use crate::supply;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, Who, account, aed, open, propose, supply_change, transfer,
};
use crate::transaction::Op;
use crate::write_set::WriteSet;

#[derive(Clone, Debug)]
enum Step {
    Pay {
        from: u8,
        to: u8,
        units: u64,
    },
    Open {
        number: u8,
    },
    Issue {
        bank: bool,
        units: u64,
        approvals: usize,
    },
    Redeem {
        bank: bool,
        units: u64,
        approvals: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let units = prop_oneof![1..200_u64, 1..200_000_u64, Just(100_000_000)];
    prop_oneof![
        6 => (0..12_u8, 0..12_u8, units.clone()).prop_map(|(from, to, units)| Pay { from, to, units }),
        1 => (4..6_u8).prop_map(|number| Open { number }),
        1 => (any::<bool>(), units.clone(), 1..4_usize)
            .prop_map(|(bank, units, approvals)| Issue { bank, units, approvals }),
        1 => (any::<bool>(), units, 1..4_usize)
            .prop_map(|(bank, units, approvals)| Redeem { bank, units, approvals }),
    ]
}

fn nth(number: u8) -> AccountId {
    account(if number < 6 { BANK_A } else { BANK_B }, number % 6)
}

#[derive(Default)]
struct Model {
    balances: BTreeMap<AccountId, i128>,
    outside: i128,
}

impl Model {
    fn of(ledger: &Ledger) -> Self {
        let mut model = Self::default();
        for account in ledger.state.accounts() {
            if account.0.opener() != CENTRAL_BANK {
                model.balances.insert(account.0, account.1.posted());
                model.outside -= account.1.posted();
            }
        }
        model
    }

    fn post(&mut self, from: Option<AccountId>, to: Option<AccountId>, units: u64) {
        for (side, sign) in [(from, -1), (to, 1)] {
            let balance = match side {
                Some(id) => self.balances.entry(id).or_default(),
                None => &mut self.outside,
            };
            *balance += sign * i128::from(units);
        }
    }

    fn check(&self, ledger: &Ledger) {
        let sum: i128 = self.balances.values().sum();
        assert_eq!(sum + self.outside, 0);
        for (id, balance) in &self.balances {
            assert!(*balance >= 0, "{id:?} was overdrawn");
            assert_eq!(ledger.posted(*id), *balance);
        }
        assert_eq!(ledger.posted(account(CENTRAL_BANK, 9)), self.outside);
        let supplies = supply::audit(&ledger.state).unwrap();
        assert_eq!(
            i128::try_from(supplies.get(aed()).unwrap().get()).unwrap(),
            -self.outside
        );
    }
}

/// The key that signs for customer accounts whose controllers are the bank, and for those with keys of their own.
fn signers(from: AccountId) -> Vec<Who> {
    if from.bytes()[15] == 3 {
        vec![Who::Customer(0), Who::Customer(1)]
    } else {
        vec![Who::Participant(from.opener())]
    }
}

fn apply(ledger: &mut Ledger, model: &mut Model, step: &Step, number: usize) {
    match step {
        Pay { from, to, units } if from != to => {
            let (from, to) = (nth(*from), nth(*to));
            let op = Op::Transfer(transfer(from, to, *units));
            if ledger.run(from.opener(), op, &signers(from)).is_executed() {
                model.post(Some(from), Some(to), *units);
            }
        }
        Pay { .. } => {}
        Open { number } => {
            ledger.run(
                BANK_A,
                Op::OpenAccount(open(account(BANK_A, *number))),
                &[Who::Participant(BANK_A)],
            );
        }
        Issue {
            bank,
            units,
            approvals,
        }
        | Redeem {
            bank,
            units,
            approvals,
        } => {
            let bank = if *bank { BANK_A } else { BANK_B };
            let reserve = account(bank, 0);
            let change = supply_change(reserve, *units, &format!("R{number}"));
            let issue = matches!(step, Issue { .. });
            let (authority, action) = if issue {
                (1, Action::Issue(change))
            } else {
                (2, Action::Redeem(change))
            };
            let made = ledger.tx(bank, propose(authority, action), &[Who::Participant(bank)]);
            let id = ProposalId::new(made.content_hash().hash());
            let members: Vec<_> = (0..3).take(*approvals).map(Who::Member).collect();
            let approved = ledger.tx(CENTRAL_BANK, Op::Approve(id), &members);
            let done = ledger.tx(bank, Op::Execute(id), &[Who::Participant(bank)]);
            let verdicts = ledger.block(vec![made, approved, done]);
            assert!(
                *approvals >= 2 || !verdicts[2].is_executed(),
                "no quorum, no money"
            );
            match (verdicts[2].is_executed(), issue) {
                (true, true) => model.post(None, Some(reserve), *units),
                (true, false) => model.post(Some(reserve), None, *units),
                (false, _) => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn money_is_conserved(steps in prop::collection::vec(step(), 1..40)) {
        let mut ledger = Ledger::default();
        let mut model = Model::of(&ledger);
        for (number, step) in steps.iter().enumerate() {
            apply(&mut ledger, &mut model, step, number);
            model.check(&ledger);
        }
    }
}

/// A ledger whose state says that AED is issued from the reserve of a bank, as no rule of execution could make it.
fn issued_from_a_reserve() -> Ledger {
    let mut ledger = Ledger::default();
    let wrong = Currency {
        issuance_account: account(BANK_B, 0),
        ..ledger.state.currency(aed()).unwrap()
    };
    let mut writes = WriteSet::new();
    writes.put(Currency::state_key(&aed()), encode_record(&wrong));
    let mut map = ledger.state.map().clone();
    map.apply(&writes);
    ledger.state = State::from_map(map).unwrap();
    ledger
}

// docs/spec/ledger.md, "Conservation": an issue that a bank pays for raises the supply and no balance. No check of the operation sees it;
// the one of the block does, and there is no outcome.
#[test]
#[should_panic(expected = "money was made or lost in block 1: currency AED: supply is 5, but")]
fn a_block_that_breaks_conservation_has_no_outcome() {
    let issue = Issue {
        bank: true,
        units: 5,
        approvals: 2,
    };
    apply(
        &mut issued_from_a_reserve(),
        &mut Model::default(),
        &issue,
        0,
    );
}
