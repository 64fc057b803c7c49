//! A height under a feature gate: passed by a program that supports it, refused by one that lacks it.

use falaj_consensus::engine::Wait;
use falaj_consensus::types::Height;
use falaj_ledger::gate::{Feature, GATE_NOTICE, GateChange};
use falaj_ledger::proposal::Action;
use falaj_ledger::testing::{Ledger, genesis_governed};

use super::governing::{decide, enact};
use super::harness::World;
use super::standing::stands_still;
use crate::core::{Effect, Event, GatesLacking, Message, Output};

const OWN: u32 = 4;
const RELEASES: u32 = 6;
const BIT: u64 = 1 << 3;
/// Decided by block 1.
const FROM: u64 = 1 + GATE_NOTICE;

/// Before the height of the gate, or as far as the program gets.
fn before_the_gate(supported: u64) -> World {
    let mut world = World::of_program(genesis_governed(), OWN, supported, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    let change = GateChange {
        feature: Feature::new(3).unwrap(),
        now: None,
        then: Some(Height::new(FROM)),
    };
    enact(&mut world, &mut ledger, RELEASES, Action::Gate(change));
    (2..FROM).for_each(|_| decide(&mut world));
    world
}

fn shut() -> GatesLacking {
    GatesLacking {
        height: Height::new(FROM),
        features: BIT,
        lacking: BIT,
    }
}

// docs/spec/consensus.md, "Upgrades": the heights before the gate are decided as ever; nothing of its height is said, signed or executed.
#[test]
fn a_program_that_lacks_a_gate_refuses_to_pass_it() {
    let mut world = before_the_gate(!BIT);
    assert_eq!(world.replica.height(), Height::new(FROM - 1));
    assert_eq!(world.replica.shut(), Some(&shut()));
    assert_eq!(world.replica.status().waits, [Wait::Halted]);
    let told = |output: &Output| matches!(output, Output::Event(Event::GatesLacking(told)) if *told == shut());
    assert!(world.outputs.iter().any(told));
    world.effects.clear();
    let block = world.decided(|outcome| outcome);
    let proposal = world.proposal(block.header.clone());
    world.receive(FROM, Some(proposal));
    world.receive(FROM, Some(Message::Certificate(block.certificate.clone())));
    world.receive(FROM, Some(Message::Blocks(vec![block])));
    assert_eq!(world.replica.height(), Height::new(FROM - 1));
    let acts = |effect: &Effect| matches!(effect, Effect::Sign { .. } | Effect::Execute(_));
    assert!(!world.effects.iter().any(acts));
    stands_still(&mut world);
}

// The same with a program that supports it: the header has the word, and the height is decided.
#[test]
fn a_program_that_supports_a_gate_passes_it() {
    let mut world = before_the_gate(BIT);
    assert_eq!(world.replica.shut(), None);
    decide(&mut world);
    let (header, _) = world.replica.tip.block.clone().unwrap();
    assert_eq!((header.height, header.features), (Height::new(FROM), BIT));
}

// A restart with the old program stands where it stood; one with the new program goes on.
#[test]
fn a_newer_program_goes_on_where_the_older_stood() {
    let stood = before_the_gate(0);
    let tip = stood.replica.tip.clone();
    let again = |supported| {
        let tip = tip.clone();
        World::of_program(genesis_governed(), OWN, supported, |recovered| {
            recovered.state = tip.state;
            recovered.outcome = tip.outcome;
            recovered.block = tip.block;
        })
    };
    let old = again(0);
    assert_eq!(old.replica.shut(), Some(&shut()));
    assert_eq!(old.replica.status().waits, [Wait::Halted]);
    let mut new = again(BIT);
    assert_eq!(new.replica.shut(), None);
    decide(&mut new);
    assert_eq!(new.replica.height(), Height::new(FROM));
}
