//! The machine that joins, driven by hand over peers that answer, lie, are silent or forget.

mod ground;

use falaj_consensus::types::{Hash32, Height};
use std::sync::Arc;

use super::chunks::WINDOW;
use super::peers::PATIENCE_TICKS;
use super::*;
use crate::core::snapshots::{ShelfInMemory, SnapshotShelf as _};
use ground::{Ground, Role, peer, shelf, shelves};

pub(in crate::core) use ground::manifest_of_test_chain;

const LIE: PeerFault = PeerFault::Snapshot;

// docs/spec/snapshots.md, "Between peers": what peers have is fetched, proven and kept, and is the state.
#[test]
fn a_snapshot_is_fetched_from_peers() {
    let shelf = shelf();
    let mut ground = Ground::new([Role::Honest(shelf.clone()), Role::Honest(shelf.clone())]);
    assert_eq!(ground.run(), JoinEnd::Whole(shelf.newest().unwrap()));
    assert_eq!(ground.restored_root(), ground::root());
    assert_eq!(ground.parted, []);
    // Both gave some of it.
    assert!(
        ground.gave.values().all(|gave| *gave > 1),
        "{:?}",
        ground.gave
    );
}

// Who gives a wrong chunk is dropped for good, and the others give the rest.
#[test]
fn who_gives_a_wrong_chunk_is_dropped() {
    let shelf = shelf();
    let mut ground = Ground::new([Role::WrongChunks(shelf.clone()), Role::Honest(shelf)]);
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    assert_eq!(ground.parted, [(peer(1), LIE)]);
    assert_eq!(ground.restored_root(), ground::root());
    // It comes back and is not asked.
    let asked = ground.gave[&peer(1)];
    ground.give(JoinInput::PeerUp(peer(1)));
    assert_eq!(ground.gave[&peer(1)], asked);
}

// A manifest that a quorum did not certify, one of another name, or bytes that are none: its giver is dropped, and another's is taken.
#[test]
fn who_gives_a_wrong_manifest_is_dropped() {
    for role in [
        Role::WrongManifest(shelf()),
        Role::NoManifest(shelf()),
        Role::Renamed(shelf()),
    ] {
        let mut ground = Ground::new([role, Role::Honest(shelf())]);
        assert!(matches!(ground.run(), JoinEnd::Whole(_)));
        assert_eq!(ground.parted, [(peer(1), LIE)]);
    }
}

// A true cut that is finer than everybody's makes no correct peer a liar: chunks of another cut are not asked of it.
#[test]
fn another_cut_speaks_against_nobody() {
    let mut ground = Ground::new([Role::Honest(ground::finer()), Role::Honest(shelf())]);
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    assert_eq!(ground.parted, []);
}

// A manifest that counts entries wrongly is its giver's fault, not that of who gave the chunk.
#[test]
fn who_counts_wrongly_is_dropped() {
    let mut ground = Ground::new([Role::Honest(ground::miscounted())]);
    ground.run_ticks(6);
    ground.add(peer(2), Role::Honest(shelf()));
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    assert_eq!(ground.parted, [(peer(1), LIE)]);
}

// Bytes that are no frame drop their sender.
#[test]
fn garbage_drops_its_sender() {
    let mut ground = Ground::new([Role::Honest(shelf()), Role::Honest(shelf())]);
    let bytes: Arc<[u8]> = vec![255; 40].into();
    ground.give(JoinInput::Received {
        from: peer(1),
        class: Class::Sync,
        bytes,
    });
    assert_eq!(ground.parted, [(peer(1), PeerFault::Frame)]);
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    assert_eq!(ground.gave.get(&peer(1)), None);
}

// Who promises the highest snapshot and is silent costs its patience, and is asked last from then on.
#[test]
fn who_is_silent_is_passed_by() {
    let mut ground = Ground::new([Role::Promises(shelf()), Role::Honest(shelf())]);
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    assert!(ground.events.contains(&JoinEvent::PassedBy(peer(1))));
    assert_eq!(ground.parted, []);
    assert!(ground.ticks < 4 * PATIENCE_TICKS, "{}", ground.ticks);
}

// Who promises a snapshot and then denies it does not use up the attempts: it is asked last from then on.
#[test]
fn who_denies_its_promise_is_asked_last() {
    let mut ground = Ground::new([Role::Denies(shelf()), Role::Honest(shelf())]);
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    let began = |event: &&JoinEvent| matches!(event, JoinEvent::Began { .. });
    assert_eq!(ground.events.iter().filter(began).count(), 2);
    assert_eq!(ground.parted, []);
}

// Peers keep their last snapshots alone: one that nobody has any more is left for a newer one.
#[test]
fn a_snapshot_that_vanishes_is_left_for_a_newer_one() {
    let [older, newer] = shelves();
    let mut ground = Ground::new([Role::Honest(older)]);
    while ground.kept.1.len() < 2 {
        ground.next();
    }
    ground.roles.insert(peer(1), Role::Honest(newer.clone()));
    assert_eq!(ground.run(), JoinEnd::Whole(newer.newest().unwrap()));
    let vanished = |event: &&JoinEvent| matches!(event, JoinEvent::Vanished(_));
    assert_eq!(ground.events.iter().filter(vanished).count(), 1);
    assert_eq!(ground.restored_root(), ground::root_later());
}

// What an earlier process kept is proven again and not fetched again; what the stop spoiled is.
#[test]
fn a_restart_goes_on_from_what_is_kept() {
    let mut ground = Ground::new([Role::Honest(shelf())]);
    while ground.kept.1.len() < 4 {
        ground.next();
    }
    let torn = *ground.kept.1.keys().next().unwrap();
    ground.kept.1.get_mut(&torn).unwrap().truncate(5);
    let kept = ground.kept.clone();
    let fetched = kept.1.len();
    let mut again = Ground::with(kept, [Role::Honest(shelf())]);
    assert!(matches!(again.run(), JoinEnd::Whole(_)));
    assert_eq!(again.restored_root(), ground::root());
    let all = again.kept.1.len();
    assert_eq!(again.gave[&peer(1)], all - fetched + 1);
    let height = shelf().newest().unwrap().height;
    assert!(
        again
            .events
            .iter()
            .any(|event| matches!(event, JoinEvent::Resumed { height: of, .. } if *of == height))
    );
}

// What is kept and proves nothing is forgotten, and speaks against nobody.
#[test]
fn a_spoilt_manifest_is_forgotten() {
    let kept = (Some(vec![1, 2, 3]), Default::default());
    let mut ground = Ground::with(kept, [Role::Honest(shelf())]);
    assert!(matches!(ground.run(), JoinEnd::Whole(_)));
    assert_eq!((ground.parted.len(), ground.forgotten), (0, 1));
}

// It always ends: nobody, nobody with a snapshot, none that is worth it, promises without end, chunks that never come.
#[test]
fn it_falls_back_to_fetching_blocks() {
    let none = Role::Honest(ShelfInMemory::default());
    let cases = [
        (vec![], FallBack::NobodyThere),
        (vec![none], FallBack::NoneOffered),
        (vec![Role::Silent], FallBack::NoneOffered),
        (vec![Role::Promises(shelf())], FallBack::TooManyBegun),
        (vec![Role::NoChunks(shelf())], FallBack::NoProgress),
    ];
    for (roles, reason) in cases {
        let name = format!("{roles:?}");
        let mut ground = Ground::new(roles);
        assert_eq!(ground.run(), JoinEnd::FallBack(reason), "{name}");
        assert!(ground.ticks <= 2 * IDLE_TICKS_MAX, "{}", ground.ticks);
        // It is over.
        assert!(ground.machine.step(JoinInput::Tick).is_empty());
    }
    let mut ground = Ground::new([Role::Honest(shelf())]);
    ground.restart(Height::new(1_000));
    assert_eq!(ground.run(), JoinEnd::FallBack(FallBack::NoneOffered));
}

// A manifest that promises more bytes than any has, pieces of another length and pieces that do not follow: refused before they are kept.
#[test]
fn manifest_pieces_are_bounded() {
    for (length, piece) in [
        (u32::MAX, 10),
        (10_000_000, 10),
        (10, 11),
        (0, 0),
        (10, 0),
        (10, 9),
    ] {
        let mut ground = Ground::new([Role::Piece(shelf(), length, piece)]);
        ground.run_ticks(6);
        assert_eq!(ground.parted.len(), 1, "{length} {piece}");
    }
}

// Of chunks only a few are on their way, whoever is asked; and of each peer one.
#[test]
fn a_window_of_chunks_is_on_its_way() {
    let roles = (0..40).map(|_| Role::NoChunks(shelf()));
    let mut ground = Ground::new(roles.collect::<Vec<_>>());
    ground.run_ticks(6);
    assert!(ground.asked_chunks <= WINDOW, "{}", ground.asked_chunks);
    assert!(ground.asked_chunks > 1);
}

// What nobody asked for is not taken, whatever it is.
#[test]
fn what_nobody_asked_for_is_not_taken() {
    let shelf = shelf();
    let name = shelf.newest().unwrap();
    let mut ground = Ground::new([Role::Silent]);
    let (length, bytes) = shelf.manifest(name, 0).unwrap();
    let other = SnapshotName {
        cut: Hash32::ZERO,
        ..name
    };
    for answer in [
        SnapshotAnswer::Manifest {
            name,
            length,
            from: 0,
            bytes,
        },
        SnapshotAnswer::Chunk {
            name: other,
            index: u32::MAX,
            bytes: Vec::new(),
        },
        SnapshotAnswer::Chunk {
            name,
            index: 0,
            bytes: shelf.chunk(name, 0).unwrap(),
        },
    ] {
        ground.say(peer(1), answer);
    }
    assert_eq!((ground.parted.len(), ground.kept.0.is_some()), (0, false));
}

// A node that joins says that it has none, once a tick to each, so that two new ones do not wait for one another.
#[test]
fn new_nodes_tell_each_other_that_they_have_none() {
    let mut ground = Ground::new([Role::Silent]);
    let before = ground.told;
    for _ in 0..3 {
        ground.hear(peer(1), Message::GetSnapshot(SnapshotPart::Newest));
    }
    assert_eq!(ground.told, before + 1);
}
