//! The path of trust: from genesis over every change of validators, and past a checkpoint.

use super::*;
use crate::trust::{Checkpoint, CheckpointError, Trust};
use falaj_consensus::types::{Height, OutcomeHash};

fn checkpoint(world: &World) -> Checkpoint {
    let header = world.last().header();
    Checkpoint {
        height: header.height,
        outcome: world.outcome().hash(),
        set_hash: header.set_hash,
    }
}

fn verified(world: &World, checkpoints: &[Checkpoint]) -> Result<ProvenManifest, SnapshotError> {
    let manifest = Manifest::from_bytes(&kept(world).manifest)?;
    manifest.verify(&world.trust(), checkpoints, &RealChecker)
}

/// A chain on which everybody but validator 4 was replaced, with all its checkpoints.
fn replaced() -> (World, Vec<Checkpoint>) {
    let mut world = World::new();
    let mut checkpoints = Vec::new();
    for id in [5, 6, 7, 8, 9] {
        world.pay(2);
        checkpoints.push(checkpoint(&world));
        world.change(&[(id, 1, u64::from(id))]);
        checkpoints.push(checkpoint(&world));
    }
    (world, checkpoints)
}

// docs/spec/snapshots.md, "The path of trust": one link a change of validators, however many blocks lie between.
#[test]
fn the_path_has_one_link_a_change() {
    let (mut world, _) = replaced();
    let links = world.changes.len();
    world.pay(30);
    let proven = verified(&world, &[]).unwrap();
    assert_eq!(
        (links, proven.manifest().proof().set_changes().len()),
        (5, 5)
    );
    assert_eq!(proven.height(), world.state().height());
    let trust = Trust::of_genesis(&crate::testing::genesis());
    let manifest = Manifest::from_bytes(&kept(&world).manifest).unwrap();
    let error = manifest.verify(&trust, &[], &RealChecker).unwrap_err();
    assert_eq!(error.code(), "snapshot-proof");
}

// Every link is needed, in its order.
#[test]
fn a_path_without_a_link_is_refused() {
    let (world, _) = replaced();
    for left_out in 0..world.changes.len() {
        let mut other = world.clone();
        other.changes.remove(left_out);
        assert_eq!(verified(&other, &[]).unwrap_err().code(), "snapshot-proof");
    }
    let mut reversed = world;
    reversed.changes.reverse();
    assert_eq!(
        verified(&reversed, &[]).unwrap_err().code(),
        "snapshot-proof"
    );
}

// Between a decided change and the height that it governs no snapshot is taken: the next heights' sets are not on the path.
#[test]
fn a_change_under_way_makes_no_snapshot() {
    let mut world = World::new();
    world.pay(1);
    world.decide(&[(9, 1, 9)]);
    for _ in 0..2 {
        let cut = Cut::of(world.state().map()).unwrap();
        let mut proof = world.clone();
        proof.changes.clear();
        let error = Manifest::of(world.state(), &cut, proof.proof()).unwrap_err();
        assert_eq!(error.code(), "snapshot-change-under-way");
        world.pay(1);
    }
    assert!(verified(&world, &[]).is_ok());
}

// A checkpoint anywhere on the way agrees; where it is above, or says something else, nothing is believed.
#[test]
fn a_checkpoint_must_lie_on_the_path() {
    let (world, checkpoints) = replaced();
    verified(&world, &checkpoints).unwrap();
    let last = *checkpoints.last().unwrap();
    let above = Checkpoint {
        height: last.height.next(),
        ..last
    };
    let error = verified(&world, &[above]).unwrap_err();
    assert!(matches!(
        error,
        SnapshotError::Checkpoint(CheckpointError::Below { .. })
    ));
    assert_eq!(error.code(), "snapshot-checkpoint");
    for checkpoint in checkpoints {
        let other = Checkpoint {
            set_hash: Hash32::ZERO,
            ..checkpoint
        };
        let error = verified(&world, &[other]).unwrap_err();
        assert!(matches!(
            error,
            SnapshotError::Checkpoint(CheckpointError::Set { .. })
        ));
    }
    let other = Checkpoint {
        outcome: OutcomeHash::default(),
        ..last
    };
    let error = verified(&world, &[other]).unwrap_err();
    assert!(matches!(
        error,
        SnapshotError::Checkpoint(CheckpointError::Outcome { .. })
    ));
    let change = world.changes[2].block.header();
    let other = Checkpoint {
        height: change.height,
        outcome: OutcomeHash::default(),
        set_hash: change.set_hash,
    };
    let error = verified(&world, &[other]).unwrap_err();
    assert!(matches!(
        error,
        SnapshotError::Checkpoint(CheckpointError::Outcome { .. })
    ));
}

// Validators that left long ago can sign another history from genesis on; who holds a checkpoint does not believe it.
#[test]
fn a_history_of_keys_that_left_is_refused_by_a_checkpoint() {
    let (world, checkpoints) = replaced();
    let mut forged = World::new();
    forged.pay(u32::try_from(world.state().height().get()).unwrap() + 5);
    assert!(verified(&forged, &[]).is_ok());
    let error = verified(&forged, &checkpoints).unwrap_err();
    assert!(matches!(
        error,
        SnapshotError::Checkpoint(CheckpointError::Set { .. })
    ));
    let genesis = Checkpoint {
        height: Height::new(1),
        ..checkpoints[0]
    };
    assert!(verified(&forged, &[genesis]).is_ok());
}
