//! What is sent arrives, whole, in order, and the urgent first.

use super::relay::Relay;
use super::*;

fn filled(bytes: usize) -> Bytes {
    (0..bytes)
        .map(|place| u8::try_from(place % 251).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_classes_carry_messages_both_ways() {
    let mut nodes = pair().await;
    for (from, to) in [(0, 1), (1, 0)] {
        for class in Class::ALL {
            let peer = nodes[to].handle.local();
            nodes[from]
                .handle
                .send(peer, class, Bytes::from(class.name()))
                .unwrap();
            assert_eq!(
                nodes[to].message().await,
                (class, Bytes::from(class.name()))
            );
        }
    }
    for class in Class::ALL {
        let status = nodes[0].class(class);
        assert_eq!(
            (status.messages_in, status.bytes_in),
            (1, class.name().len() as u64 + 4)
        );
        assert_eq!(
            (status.messages_out, status.bytes_out),
            (1, class.name().len() as u64 + 4)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_one_class_arrive_in_order() {
    let [mut to, from] = pair().await;
    for number in 0..2_000_u32 {
        let message = Bytes::copy_from_slice(&number.to_le_bytes());
        from.handle
            .send(to.handle.local(), Class::Votes, message)
            .unwrap();
    }
    for number in 0..2_000_u32 {
        assert_eq!(
            to.message().await,
            (Class::Votes, Bytes::copy_from_slice(&number.to_le_bytes()))
        );
    }
}

/// Sizes at the edges of frames, and the largest of each class.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_are_cut_into_frames_and_put_together() {
    let [mut to, from] = pair().await;
    let frame = frame::FRAME_BYTES_MAX;
    for class in Class::ALL {
        let largest = Limits::default().classes.get(class).message_bytes_max as usize;
        for bytes in [
            1,
            frame - 5,
            frame - 4,
            frame - 3,
            frame,
            frame + 1,
            3 * frame,
            largest,
        ] {
            let message = filled(bytes);
            from.handle
                .send(to.handle.local(), class, message.clone())
                .unwrap();
            assert!(to.message().await == (class, message));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_does_not_fit_its_class_is_refused_at_once() {
    let [to, from] = pair().await;
    let peer = to.handle.local();
    let class = Class::Votes;
    let bytes_max = Limits::default().classes.votes.message_bytes_max;
    for bytes in [0, bytes_max as usize + 1] {
        let refused = from.handle.send(peer, class, filled(bytes));
        assert_eq!(
            refused,
            Err(SendError::Size {
                class,
                bytes,
                bytes_max
            })
        );
    }
    let peer = PeerId::random();
    assert_eq!(
        from.handle.send(peer, class, filled(1)),
        Err(SendError::UnknownPeer { peer })
    );
}

/// Eight mebibytes of batches are on their way when a vote is sent; the vote is within the next two on the wire.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_overtakes_bulk_that_is_being_sent() {
    const MIB: usize = 1024 * 1024;
    let [a, b] = keys();
    let mut to = Node::start(&a, config(vec![listed(&b, None)]));
    let relay = Relay::start(socket_addr(to.address()).unwrap()).await;
    relay.open();
    let mut from = Node::start(&b, config(vec![listed(&a, Some(&relay.address))]));
    tokio::join!(to.up(), from.up());

    relay.gate.forget_permits(usize::MAX);
    for _ in 0..8 {
        from.handle
            .send(id(&a), Class::Batches, filled(MIB))
            .unwrap();
    }
    until(|| from.class(Class::Batches).bytes_out > 0).await;
    from.handle
        .send(id(&a), Class::Votes, Bytes::from_static(b"vote"))
        .unwrap();
    relay.gate.add_permits(2 * MIB);

    let vote = within(async {
        loop {
            let (class, bytes) = to.message().await;
            if class == Class::Votes {
                break bytes;
            }
        }
    });
    assert_eq!(vote.await, Bytes::from_static(b"vote"));
    relay.open();
}

/// The host takes nothing: bulk waits at the sender, which is told; votes still come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_that_is_not_taken_is_held_back_and_then_refused() {
    const KIB: usize = 1024;
    let small = |config: &mut NetworkConfig| {
        let batches = &mut config.limits.classes.batches;
        batches.message_bytes_max = 64 * 1024;
        batches.inbound_bytes_max = 64 * 1024;
        batches.queue_bytes_max = 64 * 1024;
    };
    let [mut to, from] = pair_with(small, small).await;
    let peer = to.handle.local();
    let mut sent = 0_u64;
    let refused = loop {
        match from.handle.send(peer, Class::Batches, filled(64 * KIB)) {
            Ok(()) => sent += 1,
            // Full for a moment, or for good: only what the network cannot move any more counts.
            Err(error) if sent > 0 && to.class(Class::Batches).bytes_in >= 64 * KIB as u64 => {
                break error;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(
        refused,
        SendError::QueueFull {
            peer,
            class: Class::Batches
        }
    );
    assert!(from.class(Class::Batches).refused > 0);
    assert_eq!(from.class(Class::Batches).dropped, 0);

    from.handle
        .send(peer, Class::Votes, Bytes::from_static(b"vote"))
        .unwrap();
    until(|| to.class(Class::Votes).messages_in == 1).await;
    assert_eq!(
        to.message().await,
        (Class::Votes, Bytes::from_static(b"vote"))
    );
    for _ in 0..sent {
        assert!(to.message().await == (Class::Batches, filled(64 * KIB)));
    }
}

/// A peer that takes no votes: the oldest are dropped and counted, the newest arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_beyond_the_queue_drop_the_oldest_and_are_counted() {
    let small = |config: &mut NetworkConfig| {
        let votes = &mut config.limits.classes.votes;
        votes.message_bytes_max = 16 * 1024;
        votes.inbound_bytes_max = 16 * 1024;
        votes.queue_messages_max = 4;
    };
    let [mut to, from] = pair_with(small, small).await;
    let peer = to.handle.local();
    let mut sent = 0_u32;
    while from.class(Class::Votes).dropped == 0 {
        sent += 1;
        let message: Bytes = [&sent.to_le_bytes()[..], &filled(16 * 1024 - 4)]
            .concat()
            .into();
        from.handle.send(peer, Class::Votes, message).unwrap();
    }
    let mut before = 0;
    while before < sent {
        let (_, message) = to.message().await;
        let number = u32::from_le_bytes(message[..4].try_into().unwrap());
        assert!(number > before);
        before = number;
    }
    assert!(from.class(Class::Votes).dropped > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_over_its_rate_is_slowed_down_and_nothing_is_lost() {
    let slow = |config: &mut NetworkConfig| config.limits.classes.sync.inbound_messages_per_s = 50;
    let [mut to, from] = pair_with(slow, |_| {}).await;
    for _ in 0..60 {
        from.handle
            .send(to.handle.local(), Class::Sync, filled(10))
            .unwrap();
    }
    for _ in 0..60 {
        assert_eq!(to.message().await.0, Class::Sync);
    }
    assert!(to.class(Class::Sync).throttled > 0);
}
