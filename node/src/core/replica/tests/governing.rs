//! The validator set changes: who votes from when on, and what the guard is shown.

use falaj_consensus::engine::Wait;
use falaj_consensus::message::{Body, Lane};
use falaj_consensus::types::{Height, ValidatorId};
use falaj_hsm::HeightProof;
use falaj_ledger::proposal::{Action, ProposalId};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::testing::{CENTRAL_BANK, Ledger, Who, genesis_governed, propose, set_change};
use falaj_ledger::transaction::Op;

use super::harness::World;
use super::standing::submit;
use crate::core::batches::{CheckedBatch, Numbers};
use crate::core::replica::start::{RecoveredBatches, restore};
use crate::core::{Admission, Effect, Message};

const OWN: u32 = 4;
const VALIDATORS: u32 = 5;

/// Decides a block in which the authority lets the set change.
fn change_set(
    world: &mut World,
    ledger: &mut Ledger,
    entries: &[(u32, u64, u64)],
    leaving: &[u32],
) {
    let set = world.replica.open_set();
    let change = set_change(ledger.chain(), &set, entries, leaving);
    enact(world, ledger, VALIDATORS, Action::Validators(change));
}

/// Decides a block in which an authority proposes, approves and executes.
pub(super) fn enact(world: &mut World, ledger: &mut Ledger, authority: u32, action: Action) {
    let central = [Who::Participant(CENTRAL_BANK)];
    let proposing = ledger.tx(CENTRAL_BANK, propose(authority, action), &central);
    let id = ProposalId::new(proposing.content_hash().hash());
    let two = [Who::Member(0), Who::Member(1)];
    let approving = ledger.tx(CENTRAL_BANK, Op::Approve(id), &two);
    let executing = ledger.tx(CENTRAL_BANK, Op::Execute(id), &central);
    let transactions = vec![proposing, approving, executing];
    let inline = transactions.iter().map(|tx| tx.tx().to_bytes()).collect();
    let body = Body {
        inline,
        ..Body::default()
    };
    let decided = world.certified(body, transactions, |outcome| outcome);
    let height = decided.header.height.get();
    let proposal = world.proposal_of(decided.header.clone(), decided.body.clone());
    world.receive(height, Some(proposal));
    world.receive(height, Some(Message::Certificate(decided.certificate)));
    assert_eq!(world.replica.height(), Height::new(height));
}

/// Decides an empty block.
pub(super) fn decide(world: &mut World) {
    let decided = world.decided(|outcome| outcome);
    let height = decided.header.height;
    let proposal = world.proposal(decided.header);
    world.receive(height.get(), Some(proposal));
    world.receive(
        height.get(),
        Some(Message::Certificate(decided.certificate)),
    );
    assert_eq!(world.replica.height(), height);
}

/// The proofs that the guard was shown.
fn proofs(world: &World) -> Vec<HeightProof> {
    let proof = |effect: &Effect| {
        if let Effect::SetDecided(proof) = effect {
            Some((**proof).clone())
        } else {
            None
        }
    };
    world.effects.iter().filter_map(proof).collect()
}

/// Their heights, and how many validators they lead to.
fn shown(world: &World) -> Vec<(u64, usize)> {
    let proofs = proofs(world);
    let told = proofs.iter().map(|proof| {
        assert_eq!(proof.certificate.outcome, proof.outcome.hash());
        assert_eq!(proof.outcome.set_hash, proof.set.hash());
        (proof.certificate.height.get(), proof.set.len())
    });
    told.collect()
}

// docs/spec/guard.md, "Validator sets"; docs/spec/ledger.md, "Sets and parameters": a validator that left votes for two heights more,
// then follows, takes no transactions, and is one again two heights after it came back. Its guard, which signs nothing meanwhile, is shown
// each height that fixed another set, and no other.
#[test]
fn a_validator_leaves_and_comes_back() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    let is_member = |world: &World| world.replica.own_index().is_some();
    let mut story = Vec::new();
    change_set(&mut world, &mut ledger, &[], &[OWN]);
    for height in 2..=4 {
        story.push(is_member(&world));
        assert_eq!(world.replica.open_height(), Height::new(height));
        decide(&mut world);
    }
    assert_eq!(story, [true, false, false]);
    let refused = Some(Admission::Refused(Rejection::ReadOnly));
    assert_eq!(submit(&mut world), refused);
    change_set(&mut world, &mut ledger, &[(OWN, 1, OWN.into())], &[]);
    assert!(!is_member(&world));
    decide(&mut world);
    assert!(is_member(&world));
    assert_eq!(submit(&mut world), Some(Admission::Admitted));
    assert_eq!(shown(&world), [(1, 3), (5, 4)]);
}

// docs/spec/dissemination.md, "Batches": who left goes on above the numbers that its batches had, and everybody keeps them over a restart;
// of who was never a member nobody does.
#[test]
fn who_left_keeps_its_numbers_over_a_restart() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    change_set(&mut world, &mut ledger, &[], &[OWN]);
    decide(&mut world);
    assert!(world.replica.own_index().is_none());
    let (own, stranger) = (ValidatorId::new(OWN), ValidatorId::new(77));
    let ordered = |author| {
        let batch = CheckedBatch::close(author, 1, Lane::Retail, Vec::new());
        let mut numbers = Numbers::default();
        numbers.book(batch.reference);
        numbers.settle(batch.reference);
        (author, numbers)
    };
    for restarted in [own, ValidatorId::new(1)] {
        let recovered = RecoveredBatches {
            numbers: [own, stranger].map(ordered).into(),
            ..RecoveredBatches::default()
        };
        let batches = restore(recovered, Some(restarted), &world.replica.tip.state);
        assert_eq!(batches.next_seq(own, &world.replica.open_set()), 2);
        assert_eq!(batches.next_seq(stranger, &world.replica.open_set()), 1);
    }
}

// docs/spec/consensus.md, "Idle": what was decided comes into force without a payment.
#[test]
fn a_height_does_not_wait_while_a_change_is_not_in_force() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    let waits_for_work = |world: &World| world.replica.status().waits.contains(&Wait::Work);
    assert!(waits_for_work(&world));
    change_set(&mut world, &mut ledger, &[(9, 1, 9)], &[]);
    assert!(!waits_for_work(&world));
    decide(&mut world);
    assert!(waits_for_work(&world));
}

// Goal: a restart shows the guard what it may have missed, before anything is asked of it.
#[test]
fn a_restart_shows_the_guard_what_fixed_other_sets() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    change_set(&mut world, &mut ledger, &[(9, 1, 9)], &[]);
    let proofs = proofs(&world);
    let again = World::of(genesis_governed(), OWN, |recovered| {
        recovered.decided_sets = proofs;
    });
    assert_eq!(shown(&again), [(1, 5)]);
    assert!(matches!(again.effects[0], Effect::SetDecided(_)));
}
