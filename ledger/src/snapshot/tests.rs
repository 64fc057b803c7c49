//! Snapshots of whole states under certificates, and every way in which one that was changed is told.

mod cuts;
mod path;
mod world;

use falaj_consensus::hash::encode;
use falaj_consensus::types::Hash32;
use falaj_consensus::verify::RealChecker;

use super::*;
use crate::state::State;
use crate::testing::hex;
use world::World;

/// What is kept of a snapshot: the manifest's bytes and the chunks'.
#[derive(Clone)]
struct Kept {
    manifest: Vec<u8>,
    chunks: Vec<Vec<u8>>,
}

fn kept(world: &World) -> Kept {
    kept_within(world, 1_000)
}

fn kept_within(world: &World, bytes_max: usize) -> Kept {
    let cut = Cut::within(world.state().map(), bytes_max).unwrap();
    let manifest = Manifest::of(world.state(), &cut, world.proof()).unwrap();
    Kept {
        chunks: (0..cut.parts().len())
            .map(|at| cut.chunk(at).unwrap())
            .collect(),
        manifest: manifest.to_bytes(),
    }
}

fn restored(world: &World, kept: &Kept) -> Result<State, SnapshotError> {
    let manifest = Manifest::from_bytes(&kept.manifest)?;
    let proven = manifest.verify(&world.trust(), &[], &RealChecker)?;
    let mut restoring = proven.restore();
    for (index, bytes) in kept.chunks.iter().enumerate() {
        restoring.take(index, bytes.clone())?;
    }
    restoring.finish()
}

#[track_caller]
fn refused(world: &World, kept: &Kept) -> &'static str {
    restored(world, kept).unwrap_err().code()
}

// docs/spec/snapshots.md, "Restoring": what comes out is the state, and it goes on exactly as the one that was never cut.
#[test]
fn a_restored_state_is_the_state_and_goes_on_alike() {
    let mut world = World::new();
    world.pay(40);
    for bytes_max in [1, 300, 1_000, CHUNK_BYTES] {
        let state = restored(&world, &kept_within(&world, bytes_max)).unwrap();
        assert_eq!(state.root(), world.state().root());
        assert!(state.map().iter().eq(world.state().map().iter()));
        let mut on = world.clone();
        on.ledger.state = state;
        let (mut here, mut there) = (world.clone(), on);
        for world in [&mut here, &mut there] {
            world.pay(5);
            world.change(&[(9, 1, 9)]);
        }
        assert_eq!(here.outcome(), there.outcome());
        assert_eq!(
            here.ledger.last.unwrap().receipts,
            there.ledger.last.unwrap().receipts
        );
    }
}

// All nodes cut one state alike, whatever order it was filled in.
#[test]
fn one_state_has_one_snapshot() {
    let mut world = World::new();
    world.pay(40);
    let state = restored(&world, &kept(&world)).unwrap();
    let (first, again) = (Cut::of(world.state().map()), Cut::of(state.map()));
    let (first, again) = (first.unwrap(), again.unwrap());
    assert!(first.parts().eq(again.parts()));
    assert!((0..first.parts().len()).all(|at| first.chunk(at) == again.chunk(at)));
}

// Every byte of a chunk counts: whichever is another one, that chunk is refused and the others are not.
#[test]
fn every_byte_of_every_chunk_is_covered() {
    let mut world = World::new();
    world.pay(3);
    let kept = kept(&world);
    let manifest = Manifest::from_bytes(&kept.manifest).unwrap();
    let proven = manifest.verify(&world.trust(), &[], &RealChecker).unwrap();
    for (index, bytes) in kept.chunks.iter().enumerate() {
        proven.check_chunk(index, bytes).unwrap();
        for at in 0..bytes.len() {
            for flip in [1, 0x80] {
                let mut other = bytes.clone();
                other[at] ^= flip;
                let code = proven.check_chunk(index, &other).unwrap_err().code();
                assert!(matches!(code, "snapshot-chunk" | "snapshot-chunk-form"));
            }
        }
        for cut in 0..bytes.len() {
            let code = proven.check_chunk(index, &bytes[..cut]).unwrap_err().code();
            assert_eq!(code, "snapshot-chunk-form");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        let code = proven.check_chunk(index, &longer).unwrap_err().code();
        assert_eq!(code, "snapshot-chunk-form");
    }
}

// Every byte of a manifest counts as well: the certificates, what they prove, and the chunks. A count of entries is found at its chunk.
#[test]
fn every_byte_of_the_manifest_is_covered() {
    let mut world = World::new();
    world.pay(3);
    world.change(&[(9, 1, 9)]);
    let kept = kept_within(&world, 10_000);
    for at in 0..kept.manifest.len() {
        let mut other = kept.clone();
        other.manifest[at] ^= 1;
        assert!(restored(&world, &other).is_err(), "byte {at}");
        let mut short = kept.clone();
        short.manifest.truncate(at);
        assert_eq!(refused(&world, &short), "snapshot-manifest");
    }
    let mut longer = kept;
    longer.manifest.push(0);
    assert_eq!(refused(&world, &longer), "snapshot-manifest");
}

// Chunks that are missing, swapped, there twice or too many.
#[test]
fn chunks_belong_where_they_stand() {
    let mut world = World::new();
    world.pay(10);
    let kept = kept(&world);
    assert!(kept.chunks.len() > 3);
    let mut missing = kept.clone();
    missing.chunks.pop();
    assert_eq!(refused(&world, &missing), "snapshot-chunk-missing");
    let mut swapped = kept.clone();
    swapped.chunks.swap(0, 1);
    assert_eq!(refused(&world, &swapped), "snapshot-chunk-form");
    let mut twice = kept.clone();
    twice.chunks[1] = twice.chunks[0].clone();
    assert_eq!(refused(&world, &twice), "snapshot-chunk-form");
    let mut more = kept.clone();
    more.chunks.push(kept.chunks[0].clone());
    assert_eq!(refused(&world, &more), "snapshot-no-chunk");
    let mut empty = kept;
    empty.chunks[2] = chunk::encode([].into_iter());
    assert_eq!(refused(&world, &empty), "snapshot-chunk");
}

// A chunk may come again, and a wrong one spoils none of those that are here.
#[test]
fn a_wrong_chunk_costs_itself_alone() {
    let mut world = World::new();
    world.pay(10);
    let kept = kept(&world);
    let manifest = Manifest::from_bytes(&kept.manifest).unwrap();
    let proven = manifest.verify(&world.trust(), &[], &RealChecker).unwrap();
    let mut restoring = proven.restore();
    for (index, bytes) in kept.chunks.iter().enumerate().rev() {
        assert!(restoring.take(index, vec![1; 50]).is_err());
        assert_eq!(restoring.missing(), Some(0));
        restoring.take(index, bytes.clone()).unwrap();
        restoring.take(index, bytes.clone()).unwrap();
        assert!(restoring.take(index, vec![1; 50]).is_err());
    }
    assert_eq!(restoring.missing(), None);
    assert_eq!(restoring.finish().unwrap().root(), world.state().root());
}

fn parts_changed(world: &World, kept: &Kept, change: impl FnOnce(&mut Vec<Part>)) -> &'static str {
    let mut parts = Manifest::from_bytes(&kept.manifest)
        .unwrap()
        .parts()
        .to_vec();
    change(&mut parts);
    let mut manifest = encode(&1_u16);
    manifest.extend(encode(&world.proof()));
    manifest.extend(encode(&parts));
    let chunks = kept.chunks.clone();
    refused(world, &Kept { manifest, chunks })
}

// A list of chunks that is not the state's is refused before any chunk is asked for.
#[test]
fn a_list_of_chunks_leads_to_the_certified_root_or_is_refused() {
    let mut world = World::new();
    world.pay(10);
    let kept = kept(&world);
    let changed = |change: fn(&mut Vec<Part>)| parts_changed(&world, &kept, change);
    assert_eq!(
        changed(|parts| parts.truncate(parts.len() - 1)),
        "snapshot-cover"
    );
    assert_eq!(changed(|parts| parts.push(parts[0])), "snapshot-cover");
    assert_eq!(changed(Vec::clear), "snapshot-cover");
    assert_eq!(changed(|parts| parts[0].depth += 1), "snapshot-cover");
    assert_eq!(
        changed(|parts| parts[0].root = Hash32::ZERO),
        "snapshot-state-root"
    );
    assert_eq!(changed(|parts| parts[0].entries += 1), "snapshot-count");
    // A finer cut needs the roots of the finer subtrees.
    let split = parts_changed(&world, &kept, |parts| {
        let half = Part {
            depth: parts[0].depth + 1,
            ..parts[0]
        };
        parts.splice(0..1, [half, half]);
    });
    assert_eq!(split, "snapshot-state-root");
}

// A state that is whole and certified, put under the certificate of another block.
#[test]
fn a_state_under_another_blocks_certificate_is_refused() {
    let mut world = World::new();
    world.pay(2);
    let early = world.clone();
    world.pay(2);
    let cut = Cut::of(early.state().map()).unwrap();
    let error = Manifest::of(early.state(), &cut, world.proof()).unwrap_err();
    assert_eq!(error.code(), "snapshot-other-state");
    let error = check_other(&early, |header| header.time_us += 1);
    assert!(matches!(
        error,
        SnapshotError::OtherState { what: "the time" }
    ));
    let error = check_other(&early, |header| header.height = header.height.next());
    assert!(matches!(
        error,
        SnapshotError::OtherState { what: "the height" }
    ));
    let error = check_other(&early, |header| header.genesis_hash = Hash32::ZERO);
    assert!(matches!(
        error,
        SnapshotError::OtherState {
            what: "the genesis"
        }
    ));
    let error = check_other(&early, |header| header.set_hash = Hash32::ZERO);
    assert!(matches!(
        error,
        SnapshotError::OtherState {
            what: "the validator set"
        }
    ));
}

fn check_other(
    world: &World,
    change: impl FnOnce(&mut falaj_consensus::message::Header),
) -> SnapshotError {
    let mut header = world.proof().header().clone();
    change(&mut header);
    manifest::check_state(world.state(), &header, &world.outcome()).unwrap_err()
}

// docs/spec/snapshots.md, "Vectors": the bytes never change.
#[test]
fn the_bytes_are_frozen() {
    let small = chunk::encode([(&b"key 0"[..], &b"value 0"[..]), (b"key 1", b"")].into_iter());
    assert_eq!(
        data_encoding::HEXLOWER.encode(&small),
        "010002000000050000006b657920300700000076616c75652030050000006b6579203100000000"
    );
    let mut world = World::new();
    world.pay(3);
    let kept = kept(&world);
    let hash = |bytes: &[u8]| hex(&falaj_consensus::hash::sha256(bytes));
    insta::assert_debug_snapshot!((
        kept.manifest.len(),
        hash(&kept.manifest),
        kept.chunks
            .iter()
            .map(|bytes| hash(bytes))
            .collect::<Vec<_>>(),
    ));
}
