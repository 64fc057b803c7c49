//! Other validators and parameters: proposals, when they are in force, and each rejection on the way.

use falaj_consensus::params::Parameters;
use falaj_consensus::types::Height;

use super::failed;
use crate::event::EventKind;
use crate::proposal::{Action, ParametersChange, ProposalId};
use crate::receipt::Verdict;
use crate::rejection::Rejection;
use crate::state::State;
use crate::testing::{CENTRAL_BANK, Ledger, Who, genesis_governed, propose, set_change};
use crate::transaction::Op;

const CENTRAL: [Who; 1] = [Who::Participant(CENTRAL_BANK)];
const TWO: [Who; 2] = [Who::Member(0), Who::Member(1)];
const PARAMETERS: u32 = 4;
const VALIDATORS: u32 = 5;

fn ledger() -> Ledger {
    Ledger::new(&genesis_governed())
}

fn proposing(ledger: &mut Ledger, authority: u32, action: Action) -> (ProposalId, Verdict) {
    let tx = ledger.tx(CENTRAL_BANK, propose(authority, action), &CENTRAL);
    let id = ProposalId::new(tx.content_hash().hash());
    (id, ledger.block(vec![tx])[0])
}

/// Proposed and approved by two.
#[track_caller]
fn approved(ledger: &mut Ledger, authority: u32, action: Action) -> ProposalId {
    let (id, verdict) = proposing(ledger, authority, action);
    assert_eq!(verdict, Verdict::Executed);
    let approval = ledger.run(CENTRAL_BANK, Op::Approve(id), &TWO);
    assert_eq!(approval, Verdict::Executed);
    id
}

fn enact(ledger: &mut Ledger, id: ProposalId) -> Verdict {
    ledger.run(CENTRAL_BANK, Op::Execute(id), &CENTRAL)
}

/// A step from the validators of the next height.
fn validators(ledger: &Ledger, entries: &[(u32, u64, u64)], leaving: &[u32]) -> Action {
    let set = ledger.state.validators_at(ledger.state.height().next());
    Action::Validators(set_change(ledger.chain(), &set, entries, leaving))
}

/// The parameters of the next height with another precision.
fn precision(ledger: &Ledger, precision_us: u64) -> Action {
    let now = ledger.state.parameters_at(ledger.state.height().next());
    let parameters = Parameters {
        precision_us,
        ..now
    };
    let base = now.hash();
    Action::Parameters(ParametersChange { base, parameters })
}

fn size_at(state: &State, height: u64) -> usize {
    state.validators_at(Height::new(height)).len()
}

// I18, docs/spec/ledger.md, "Sets and parameters": block h fixes the set of h + 2, and its outcome says so.
#[test]
fn validators_change_two_heights_later() {
    let mut ledger = ledger();
    let action = validators(&ledger, &[(9, 1, 9)], &[]);
    let id = approved(&mut ledger, VALIDATORS, action);
    let before = ledger.last.clone().unwrap().outcome;
    assert_eq!(enact(&mut ledger, id), Verdict::Executed);
    let decided = ledger.state.height().get();
    let sizes = [decided, decided + 1, decided + 2].map(|height| size_at(&ledger.state, height));
    assert_eq!(sizes, [4, 4, 5]);
    let executed = ledger.last.clone().unwrap();
    let set = ledger.state.validators_at(Height::new(decided + 2));
    assert_eq!(executed.outcome.set_hash, set.hash());
    assert_ne!(executed.outcome.set_hash, before.set_hash);
    let changed = EventKind::ValidatorsChanged {
        proposal: id,
        from: Height::new(decided + 2),
        set: set.hash(),
    };
    assert_eq!(executed.events[0].kind, changed);
    assert_eq!(ledger.state.proposal(id), None);
    ledger.block(vec![]);
    assert_eq!(size_at(&ledger.state, decided), 4);
    assert_eq!(size_at(&ledger.state, decided + 3), 5);
}

#[test]
fn parameters_change_two_heights_later() {
    let mut ledger = ledger();
    let action = precision(&ledger, 123_456);
    let id = approved(&mut ledger, PARAMETERS, action);
    assert_eq!(enact(&mut ledger, id), Verdict::Executed);
    let decided = ledger.state.height();
    let at = |height| ledger.state.parameters_at(height).precision_us;
    let now = Parameters::default().precision_us;
    let found = [decided, decided.next(), decided.next().next()].map(at);
    assert_eq!(found, [now, now, 123_456]);
    let parameters = ledger.state.parameters_at(decided.next().next());
    let executed = ledger.last.clone().unwrap();
    assert_eq!(executed.outcome.parameters_hash, parameters.hash());
    let changed = EventKind::ParametersChanged {
        proposal: id,
        from: decided.next().next(),
        parameters: parameters.hash(),
    };
    assert_eq!(executed.events[0].kind, changed);
}

// Goal: what a start loads is what execution wrote.
#[test]
fn a_loaded_state_has_the_same_schedule() {
    let mut ledger = ledger();
    let actions = [
        validators(&ledger, &[(9, 1, 9)], &[]),
        precision(&ledger, 7),
    ];
    for (authority, action) in [VALIDATORS, PARAMETERS].into_iter().zip(actions) {
        let id = approved(&mut ledger, authority, action);
        assert_eq!(enact(&mut ledger, id), Verdict::Executed);
    }
    let loaded = State::from_map(ledger.state.map().clone()).unwrap();
    for height in (1..=loaded.height().get() + 2).map(Height::new) {
        let (set, same) = (
            loaded.validators_at(height),
            ledger.state.validators_at(height),
        );
        assert_eq!(set.hash(), same.hash());
        let parameters = loaded.parameters_at(height);
        assert_eq!(parameters, ledger.state.parameters_at(height));
    }
}

// A second change waits until the first is in force: in the same block, in the next, and no longer.
#[test]
fn change_under_way() {
    for wait in 0..3 {
        let mut ledger = ledger();
        let under_way = wait < 2;
        let action = validators(&ledger, &[(9, 1, 9)], &[]);
        let other = validators(&ledger, &[(8, 1, 8)], &[]);
        let first = approved(&mut ledger, VALIDATORS, action);
        let second = approved(&mut ledger, VALIDATORS, other);
        let mut call = |id| ledger.tx(CENTRAL_BANK, Op::Execute(id), &CENTRAL);
        let (enact_first, enact_second) = (call(first), call(second));
        let verdict = if wait == 0 {
            ledger.block(vec![enact_first, enact_second])[1]
        } else {
            ledger.block(vec![enact_first]);
            (1..wait).for_each(|_| drop(ledger.block(vec![])));
            ledger.block(vec![enact_second])[0]
        };
        let expected = if under_way {
            Rejection::ChangeUnderWay
        } else {
            Rejection::ChangeMismatch
        };
        assert_eq!(verdict, failed(expected), "wait {wait}");
    }
}

#[test]
fn change_under_way_parameters() {
    let mut ledger = ledger();
    let ids = [7, 8].map(|us| {
        let action = precision(&ledger, us);
        approved(&mut ledger, PARAMETERS, action)
    });
    let verdicts = ids.map(|id| enact(&mut ledger, id));
    assert_eq!(verdicts[0], Verdict::Executed);
    assert_eq!(verdicts[1], failed(Rejection::ChangeUnderWay));
    ledger.block(vec![]);
    assert_eq!(
        enact(&mut ledger, ids[1]),
        failed(Rejection::ChangeMismatch)
    );
}

// One change after the other, each once the one before is in force.
#[test]
fn changes_follow_each_other() {
    let mut ledger = ledger();
    for id in 5..8 {
        let action = validators(&ledger, &[(id, 1, id.into())], &[]);
        let proposal = approved(&mut ledger, VALIDATORS, action);
        assert_eq!(enact(&mut ledger, proposal), Verdict::Executed);
        ledger.block(vec![]);
    }
    assert_eq!(size_at(&ledger.state, ledger.state.height().get() + 1), 7);
}

#[test]
fn change_mismatch() {
    let mut ledger = ledger();
    let mismatch = failed(Rejection::ChangeMismatch);
    let leaves = validators(&ledger, &[], &[7]);
    assert_eq!(proposing(&mut ledger, VALIDATORS, leaves).1, mismatch);
    let now = ledger.state.parameters_at(Height::new(1));
    let mut longer = now;
    longer.limits.transaction_bytes_max += 1;
    // What no round outgrows would stop the chain for ever on a network that is slower.
    let (mut punctual, mut hasty) = (now, now);
    punctual.delay_growth_us = 9_999;
    hasty.timeouts.growth_rounds_max -= 1;
    for parameters in [now, longer, punctual, hasty] {
        let base = now.hash();
        let action = Action::Parameters(ParametersChange { base, parameters });
        assert_eq!(proposing(&mut ledger, PARAMETERS, action).1, mismatch);
    }
    let Action::Parameters(mut change) = precision(&ledger, 7) else {
        panic!("parameters are proposed")
    };
    change.base = falaj_consensus::types::Hash32::new([1; 32]);
    let action = Action::Parameters(change);
    assert_eq!(proposing(&mut ledger, PARAMETERS, action).1, mismatch);
}

#[test]
fn step_too_large() {
    let mut ledger = ledger();
    let action = validators(&ledger, &[(8, 1, 8), (9, 1, 9)], &[]);
    let (_, verdict) = proposing(&mut ledger, VALIDATORS, action);
    assert_eq!(verdict, failed(Rejection::StepTooLarge));
}

// An authority decides its own class and no other.
#[test]
fn role_of_another_class() {
    let mut ledger = ledger();
    let role = failed(Rejection::Role);
    let actions = [
        validators(&ledger, &[(9, 1, 9)], &[]),
        precision(&ledger, 7),
    ];
    for (action, authority) in actions.into_iter().zip([PARAMETERS, VALIDATORS]) {
        for authority in [1, authority] {
            let (_, verdict) = proposing(&mut ledger, authority, action.clone());
            assert_eq!(verdict, role);
        }
    }
}

// Without its quorum a change stays a proposal.
#[test]
fn quorum() {
    let mut ledger = ledger();
    let action = validators(&ledger, &[(9, 1, 9)], &[]);
    let (id, _) = proposing(&mut ledger, VALIDATORS, action);
    assert_eq!(enact(&mut ledger, id), failed(Rejection::Quorum));
    assert_eq!(size_at(&ledger.state, ledger.state.height().get() + 2), 4);
}
