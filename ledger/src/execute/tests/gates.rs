//! Feature gates: when they come into force, what may be changed until when, and each rejection on the way.

use falaj_consensus::types::Height;

use super::failed;
use crate::event::EventKind;
use crate::gate::{Feature, GATE_NOTICE, Gate, GateChange};
use crate::proposal::{Action, ProposalId};
use crate::receipt::Verdict;
use crate::rejection::Rejection;
use crate::state::State;
use crate::testing::{CENTRAL_BANK, Ledger, Who, genesis_governed, propose};
use crate::transaction::Op;

const CENTRAL: [Who; 1] = [Who::Participant(CENTRAL_BANK)];
const TWO: [Who; 2] = [Who::Member(0), Who::Member(1)];
const VALIDATORS: u32 = 5;
const RELEASES: u32 = 6;

fn ledger() -> Ledger {
    Ledger::new(&genesis_governed())
}

fn feature(bit: u8) -> Feature {
    Feature::new(bit).unwrap()
}

fn change(bit: u8, now: Option<u64>, then: Option<u64>) -> Action {
    Action::Gate(GateChange {
        feature: feature(bit),
        now: now.map(Height::new),
        then: then.map(Height::new),
    })
}

fn proposing(ledger: &mut Ledger, authority: u32, action: Action) -> (ProposalId, Verdict) {
    let tx = ledger.tx(CENTRAL_BANK, propose(authority, action), &CENTRAL);
    let id = ProposalId::new(tx.content_hash().hash());
    (id, ledger.block(vec![tx])[0])
}

#[track_caller]
fn approved(ledger: &mut Ledger, action: Action) -> ProposalId {
    let (id, verdict) = proposing(ledger, RELEASES, action);
    assert_eq!(verdict, Verdict::Executed);
    let approval = ledger.run(CENTRAL_BANK, Op::Approve(id), &TWO);
    assert_eq!(approval, Verdict::Executed);
    id
}

fn enact(ledger: &mut Ledger, id: ProposalId) -> Verdict {
    ledger.run(CENTRAL_BANK, Op::Execute(id), &CENTRAL)
}

/// Proposed, approved and executed: three blocks.
#[track_caller]
fn decided(ledger: &mut Ledger, action: Action) -> ProposalId {
    let id = approved(ledger, action);
    assert_eq!(enact(ledger, id), Verdict::Executed);
    id
}

/// Empty blocks up to a height.
fn advance(ledger: &mut Ledger, height: u64) {
    while ledger.state.height().get() < height {
        ledger.block(vec![]);
    }
}

fn word(state: &State, height: u64) -> u64 {
    state.features_at(Height::new(height))
}

// docs/spec/ledger.md, "Feature gates": a bit is in the word from its height on, and two heights ahead that is known.
#[test]
fn a_gate_comes_into_force_at_its_height() {
    let mut ledger = ledger();
    let root = ledger.state.root();
    let id = decided(&mut ledger, change(5, None, Some(40)));
    assert_ne!(ledger.state.root(), root);
    let scheduled = EventKind::GateScheduled {
        proposal: id,
        feature: feature(5),
        from: Height::new(40),
    };
    assert_eq!(ledger.last.clone().unwrap().events[0].kind, scheduled);
    let from = Height::new(40);
    let gates: Vec<_> = ledger.state.gates().collect();
    assert_eq!(gates, [(feature(5), Gate { from })]);
    advance(&mut ledger, 37);
    assert_eq!([38, 39].map(|height| word(&ledger.state, height)), [0, 0]);
    advance(&mut ledger, 38);
    assert_eq!([39, 40].map(|height| word(&ledger.state, height)), [0, 32]);
    advance(&mut ledger, 60);
    assert_eq!(word(&ledger.state, 61), 32);
    let loaded = State::from_map(ledger.state.map().clone()).unwrap();
    assert_eq!(word(&loaded, 61), 32);
}

// Each gate has its own height, and the word has the bits of all that are in force.
#[test]
fn gates_are_added_up() {
    let mut ledger = ledger();
    decided(&mut ledger, change(63, None, Some(30)));
    decided(&mut ledger, change(0, None, Some(31)));
    advance(&mut ledger, 29);
    let words = [29, 30, 31].map(|height| word(&ledger.state, height));
    assert_eq!(words, [0, 1 << 63, 1 << 63 | 1]);
}

// What is not in force may be moved and withdrawn, and then be scheduled again.
#[test]
fn a_gate_is_moved_and_withdrawn() {
    let mut ledger = ledger();
    decided(&mut ledger, change(1, None, Some(30)));
    decided(&mut ledger, change(1, Some(30), Some(35)));
    let id = decided(&mut ledger, change(1, Some(35), None));
    let withdrawn = EventKind::GateWithdrawn {
        proposal: id,
        feature: feature(1),
    };
    assert_eq!(ledger.last.clone().unwrap().events[0].kind, withdrawn);
    assert_eq!(ledger.state.gates().count(), 0);
    decided(&mut ledger, change(1, None, Some(50)));
    advance(&mut ledger, 48);
    assert_eq!([49, 50].map(|height| word(&ledger.state, height)), [0, 2]);
}

// The word of the next height is fixed: a block changes that of its height plus two, and none below.
#[test]
fn gate_in_force() {
    for (at, expected) in [
        (38, Verdict::Executed),
        (39, failed(Rejection::GateInForce)),
        (40, failed(Rejection::GateInForce)),
        (55, failed(Rejection::GateInForce)),
    ] {
        let mut ledger = ledger();
        decided(&mut ledger, change(1, None, Some(40)));
        let id = approved(&mut ledger, change(1, Some(40), None));
        advance(&mut ledger, at - 1);
        let before = word(&ledger.state, at + 1);
        assert_eq!(enact(&mut ledger, id), expected, "height {at}");
        assert_eq!(word(&ledger.state, at + 1), before);
        let gone = expected == Verdict::Executed;
        assert_eq!(ledger.state.gates().count(), usize::from(!gone));
    }
}

#[test]
fn gate_mismatch() {
    let mut ledger = ledger();
    let mismatch = failed(Rejection::GateMismatch);
    let unknown = change(1, Some(30), None);
    assert_eq!(proposing(&mut ledger, RELEASES, unknown).1, mismatch);
    let ids = [40, 41].map(|from| approved(&mut ledger, change(1, None, Some(from))));
    assert_eq!(enact(&mut ledger, ids[0]), Verdict::Executed);
    assert_eq!(enact(&mut ledger, ids[1]), mismatch);
    let other = change(1, Some(41), Some(50));
    assert_eq!(proposing(&mut ledger, RELEASES, other).1, mismatch);
}

// The notice counts from the block that decides, not from the one that proposes.
#[test]
fn gate_notice() {
    let mut ledger = ledger();
    let soon = 1 + GATE_NOTICE;
    let late = change(1, None, Some(soon - 1));
    let notice = failed(Rejection::GateNotice);
    assert_eq!(proposing(&mut ledger, RELEASES, late).1, notice);
    // Proposed in block 2, approved in 3, executed in 4.
    let ids = [3, 4].map(|height| change(2, None, Some(height + GATE_NOTICE)));
    let [missed, kept] = ids.map(|action| {
        let mut ledger = self::ledger();
        ledger.block(vec![]);
        let id = approved(&mut ledger, action);
        enact(&mut ledger, id)
    });
    assert_eq!(missed, notice);
    assert_eq!(kept, Verdict::Executed);
}

// An authority decides its own class and no other.
#[test]
fn role_of_another_class() {
    let mut ledger = ledger();
    let (_, verdict) = proposing(&mut ledger, VALIDATORS, change(1, None, Some(90)));
    assert_eq!(verdict, failed(Rejection::Role));
}
