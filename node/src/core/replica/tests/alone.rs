//! A validator that needs no other correct one for a quorum: nobody else has what it decides.

use std::sync::Arc;

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine::TimerKind;
use falaj_consensus::message::{Kind, Lane};
use falaj_consensus::types::{ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::testing::{self, BANK_A, BANK_B, Ledger, Who, account, genesis_of_one, transfer};
use falaj_ledger::transaction::Op;

use super::harness::World;
use super::voting::{runs_out, sign};
use crate::core::{CheckedBatch, Effect, Output, UnorderedBatch};

fn genesis() -> Genesis {
    genesis_of_one(Who::Validator(1).key().public())
}

/// The kinds of what the signer is asked for.
fn asked(world: &World) -> Vec<Kind> {
    let kind = |effect: &Effect| match effect {
        Effect::Sign { request, .. } => Some(request.statement.kind()),
        Effect::LatchSigning
        | Effect::OpenLatch
        | Effect::OwnStatementSeen { .. }
        | Effect::SetDecided(_)
        | Effect::Verify(_)
        | Effect::Execute(_)
        | Effect::Append { .. }
        | Effect::Read { .. }
        | Effect::Find { .. }
        | Effect::ReadSnapshot { .. }
        | Effect::Timer { .. } => None,
    };
    world.effects.iter().filter_map(kind).collect()
}

/// It has proposed and prevoted, and its block is not proven to be on disk.
fn prevoted() -> World {
    let mut world = World::of(genesis(), 1, |_| {});
    world.proves = false;
    runs_out(&mut world, 1, TimerKind::Heartbeat);
    for kind in [Kind::Proposal, Kind::Prevote] {
        assert_eq!(asked(&world), [kind]);
        sign(&mut world);
    }
    world
}

// docs/spec/consensus.md, "The engine's face": the guard hears of a deciding precommit once the block is on disk.
#[test]
fn a_precommit_that_decides_alone_is_asked_for_once_its_block_is_on_disk() {
    let mut world = prevoted();
    assert_eq!(asked(&world), []);
    world.prove(LogId::Batch);
    assert_eq!(asked(&world), []);
    world.prove(LogId::Block);
    assert_eq!(asked(&world), [Kind::Precommit]);
    world.prove(LogId::Block);
    assert_eq!(asked(&world), [Kind::Precommit]);
    sign(&mut world);
    world.prove(LogId::Block);
    assert_eq!(world.replica.height().get(), 1);
}

/// Validators of these powers.
fn genesis_of(powers: &[u64]) -> Genesis {
    let members = (1..).zip(powers).map(|(number, power)| Validator {
        id: ValidatorId::new(number),
        power: VotingPower::new(*power),
        key: Who::Validator(number.into()).key().public(),
        declared: Declared::default(),
    });
    Genesis {
        validators: ValidatorSet::new(members.collect()).unwrap(),
        ..testing::genesis()
    }
}

// docs/spec/consensus.md, "The engine's face": with the power of all who may be faulty its own can be a quorum.
#[test]
fn whoever_needs_no_correct_other_waits_for_its_disk() {
    for (powers, is_enough) in [
        (&[1][..], true),
        (&[1, 1], false),
        (&[1, 1, 1, 1], false),
        (&[4, 3, 3], true),
        (&[3, 4, 3], false),
        (&[3, 1, 1], true),
    ] {
        let world = World::of(genesis_of(powers), 1, |_| {});
        assert_eq!(world.replica.needs_no_correct_other(), is_enough);
    }
}

// docs/spec/dissemination.md, "Batches": what a restart finds in the log is held by the node itself, and a block names it.
#[test]
fn a_batch_of_before_a_restart_is_named_by_a_validator_alone() {
    let genesis = genesis();
    let mut ledger = Ledger::new(&genesis);
    let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
    let signed = ledger.tx(BANK_A, payment, &[Who::Participant(BANK_A)]);
    let batch = CheckedBatch::close(ValidatorId::new(1), 1, Lane::Retail, vec![signed]);
    let mut world = World::of(genesis, 1, |recovered| {
        recovered.batches.unordered = vec![UnorderedBatch {
            batch: Arc::new(batch),
            position: Position::new(1),
        }];
    });
    // It stands in the log, which the host proves at the start.
    world.begin(Effect::Append {
        log: LogId::Batch,
        record: vec![0],
    });
    runs_out(&mut world, 1, TimerKind::Heartbeat);
    while !asked(&world).is_empty() {
        sign(&mut world);
    }
    let ordered = world.outputs.iter().find_map(|output| match output {
        Output::Committed(block) => Some(block.transactions.len()),
        Output::Send { .. }
        | Output::Answer { .. }
        | Output::Event(_)
        | Output::Shun { .. }
        | Output::Admit(_) => None,
    });
    assert_eq!(ordered, Some(1));
}
