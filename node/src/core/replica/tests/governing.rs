//! The validator set changes: who votes from when on, and what the guard is shown.

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::LogId;
use falaj_consensus::engine::{TimerKind, Wait};
use falaj_consensus::message::{Body, Lane};
use falaj_consensus::types::{Height, ValidatorId};
use falaj_hsm::HeightProof;
use falaj_ledger::proposal::{Action, ProposalId};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, Who, account, genesis_governed, propose, set_change,
    transfer,
};
use falaj_ledger::transaction::Op;

use super::harness::{World, key_of};
use super::standing::{guard_at, submit};
use super::voting::runs_out;
use crate::core::batches::{CheckedBatch, Numbers};
use crate::core::replica::start::{RecoveredBatches, restore};
use crate::core::{Admission, Effect, Message};

const OWN: u32 = 4;
const VALIDATORS: u32 = 5;

/// Decides a block in which the authority lets the set change.
pub(super) fn change_set(
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

/// With which keys the signers were asked for statements of which heights, once.
fn asked(world: &World) -> Vec<(u64, PublicKey)> {
    let asked = world.effects.iter().filter_map(|effect| {
        if let Effect::Sign { key, request } = effect {
            Some((request.statement.height().get(), key.clone()))
        } else {
            None
        }
    });
    let mut asked: Vec<_> = asked.collect();
    asked.dedup();
    asked
}

/// Lets the round pass, so that we are asked for a vote whoever's turn it is.
fn vote(world: &mut World) {
    let height = world.replica.open_height().get();
    runs_out(world, height, TimerKind::Propose);
}

/// Is given a decided block, whoever signed what in it.
fn follow(world: &mut World) {
    let next = world.replica.open_height().get() + 1;
    world.peer_at(next);
    let block = world.decided(|outcome| outcome);
    world.receive(next, Some(Message::Blocks(vec![block])));
    assert_eq!(world.replica.open_height(), Height::new(next));
}

// docs/spec/consensus.md, "The key of a height": a rotated validator signs two heights more with its old key, and from then on with the new one.
#[test]
fn a_rotated_validator_signs_each_height_with_the_key_of_its_set() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    let second = OWN + 50;
    change_set(&mut world, &mut ledger, &[(OWN, 1, second.into())], &[]);
    world.effects.clear();
    for _ in 0..3 {
        vote(&mut world);
        follow(&mut world);
    }
    let keys = [(2, OWN), (3, second), (4, second)];
    assert_eq!(
        asked(&world),
        keys.map(|(height, key)| (height, key_of(key)))
    );
}

// The same rule: with a key that this node does not hold another one votes under its id, and this one follows.
#[test]
fn a_validator_without_the_key_of_the_set_is_no_member() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    change_set(&mut world, &mut ledger, &[(OWN, 1, 99)], &[]);
    assert!(world.replica.own_index().is_some());
    decide(&mut world);
    assert!(world.replica.own_index().is_none());
    world.effects.clear();
    vote(&mut world);
    assert_eq!(asked(&world), []);
}

// The same rule at a start: each height stands on the guard of the key that it is signed with, and not on that of another key.
#[test]
fn a_restart_stands_on_the_guard_of_the_key_of_the_height() {
    for (key, stands) in [(OWN, true), (OWN + 50, false)] {
        let mut world = World::of(genesis_governed(), OWN, |recovered| {
            recovered.guards.insert(key_of(key), guard_at(9, None));
        });
        vote(&mut world);
        assert_eq!(asked(&world).is_empty(), stands);
    }
}

// docs/spec/consensus.md, "The engine's face": the guard's record of a height names the next set, so a block that fixed another one is on
// disk before anything is signed above it; a power cut would leave a guard whose sets nobody here knows.
#[test]
fn nothing_is_signed_above_a_new_set_that_is_not_on_disk() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    world.proves = false;
    change_set(&mut world, &mut ledger, &[(9, 1, 9)], &[]);
    world.effects.clear();
    vote(&mut world);
    assert_eq!(asked(&world), []);
    world.prove(LogId::Block);
    assert_eq!(asked(&world), [(2, key_of(OWN))]);
}

// The same where blocks that fixed nothing were decided in between: the guard's record names the sets of three heights.
#[test]
fn nothing_is_signed_over_blocks_above_a_new_set_that_is_not_on_disk() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    world.proves = false;
    change_set(&mut world, &mut ledger, &[(9, 1, 9)], &[]);
    follow(&mut world);
    world.effects.clear();
    vote(&mut world);
    assert_eq!(asked(&world), []);
    world.prove(LogId::Block);
    assert_eq!(asked(&world), [(3, key_of(OWN))]);
}

// The same where a batch below the new set is not on disk: without it the block that names it cannot be executed again, nor any after it.
#[test]
fn nothing_is_signed_above_a_new_set_over_a_batch_that_is_not_on_disk() {
    let mut world = World::of(genesis_governed(), OWN, |_| {});
    let mut ledger = Ledger::new(&world.genesis);
    world.proves = false;
    let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
    let order = ledger.tx(BANK_A, payment, &[Who::Participant(BANK_A)]);
    let batch = CheckedBatch::close(ValidatorId::new(1), 1, Lane::Retail, vec![order]);
    world.receive(0, Some(Message::Batch(batch.encoded.to_vec())));
    let body = Body {
        batches: vec![batch.reference],
        ..Body::default()
    };
    let decided = world.certified(body, batch.transactions.clone(), |outcome| outcome);
    let proposal = world.proposal_of(decided.header.clone(), decided.body.clone());
    world.receive(1, Some(proposal));
    world.receive(1, Some(Message::Certificate(decided.certificate)));
    assert_eq!(world.replica.height(), Height::new(1));
    change_set(&mut world, &mut ledger, &[(9, 1, 9)], &[]);
    world.effects.clear();
    vote(&mut world);
    world.prove(LogId::Block);
    assert_eq!(asked(&world), []);
    world.prove(LogId::Batch);
    assert_eq!(asked(&world), [(3, key_of(OWN))]);
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
