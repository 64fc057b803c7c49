//! Bytes of a peer lead to an event or to nothing, never to a panic.

use proptest::prelude::*;

use super::harness::{PEER, World};
use crate::core::{Class, Event, Frame, Input, Message, Output, PeerFault};
use falaj_consensus::message::{Body, Polka, Statement};
use falaj_consensus::types::{BatchDigest, BlockId, Height, Round};
use falaj_consensus::validator_set::Bitmap;

/// A frame of each kind, as a peer would send it.
fn frames(world: &World) -> Vec<(Class, Vec<u8>)> {
    let (height, round, id) = (Height::new(1), Round::new(0), BlockId::default());
    let header = world.header(round, &Body::default(), 1);
    let decided = world.decided(|outcome| outcome);
    let nil = Statement::Prevote {
        height,
        round,
        value: None,
    };
    let certificate = decided.certificate.clone();
    let polka = Polka {
        height,
        round,
        id,
        valid_round: None,
        signers: certificate.signers.clone(),
        signatures: certificate.signatures.clone(),
    };
    let pull = Message::PullVotes {
        height,
        round,
        proposal: false,
        prevotes: certificate.signers.clone(),
        precommits: Bitmap::none(4),
    };
    let messages = [
        None,
        Some(world.proposal(header.clone())),
        Some(world.votes(&[0, 1, 2], nil)),
        Some(Message::Polka(polka)),
        Some(Message::Certificate(certificate)),
        Some(pull),
        Some(Message::GetBlock { height, id }),
        Some(Message::Block {
            header: Box::new(header),
            body: Body::default(),
        }),
        Some(Message::Batch(vec![7; 100])),
        Some(Message::GetBatches {
            height,
            digests: vec![BatchDigest::default()],
        }),
        Some(Message::GetBlocks {
            from: height,
            count: 1,
        }),
        Some(Message::Blocks(vec![decided])),
    ];
    let encode = |message| {
        let frame = Frame {
            height: Height::new(0),
            acks: Vec::new(),
            message,
        };
        (frame.class(), frame.encode().to_vec())
    };
    messages.map(encode).to_vec()
}

/// Gives bytes to a new replica: whether they were called a fault, and whether anything else became of them.
fn given(class: Class, bytes: &[u8]) -> (bool, bool) {
    let mut world = World::new();
    world.outputs.clear();
    world.effects.clear();
    world.give(Input::Received {
        from: PEER,
        class,
        bytes: bytes.into(),
    });
    let is_fault = |output: &Output| matches!(output, Output::Event(Event::PeerFault { peer, fault: PeerFault::Frame, .. }) if *peer == PEER);
    let faults = world.outputs.iter().filter(|output| is_fault(output));
    let faults = faults.count();
    let others = world.outputs.len() - faults + world.effects.len() + world.appended;
    (faults == 1, others > 0)
}

const FAULT_ALONE: (bool, bool) = (true, false);

// docs/spec/wire.md, "Messages on a stream": what is cut off, or goes on after its end, is a fault and nothing else.
#[test]
fn a_truncated_frame_and_a_trailing_byte_are_faults() {
    for (class, bytes) in frames(&World::new()) {
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(
                given(class, &bytes[..length]),
                FAULT_ALONE,
                "{class:?} {length}"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(given(class, &longer), FAULT_ALONE, "{class:?} and a byte");
    }
}

// docs/spec/wire.md, "Messages on a stream": a message belongs to its class's stream.
#[test]
fn a_frame_on_the_stream_of_another_class_is_a_fault() {
    let frames = frames(&World::new());
    let classes: std::collections::BTreeSet<_> = frames.iter().map(|(class, _)| *class).collect();
    assert!(classes.len() > 1);
    for (own, bytes) in &frames {
        for class in classes.iter().filter(|class| *class != own) {
            assert_eq!(given(*class, bytes), FAULT_ALONE, "{own:?} on {class:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // Goal: whatever is changed in a frame, the replica takes it or calls it a fault, and steps on.
    #[test]
    fn a_changed_frame_never_panics(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (class, mut bytes) = which.get(&frames(&World::new())).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (_fault, _other) = given(class, &bytes);
    }
}
