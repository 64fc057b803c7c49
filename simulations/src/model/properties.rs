//! What has to hold of every state, and the corners that an exploration must have come to.
//!
//! Source: `docs/spec/consensus.md`, "Lock, guard and restart", "Evidence", "Relaying".

use stateright::Property;

use super::Protocol;
use super::culprits::{culprits, is_framed};
use super::state::State;
use super::words::MEMBERS;

/// No two commit certificates for different values can be put together.
pub const AGREEMENT: &str = "agreement";
/// The statements of a correct validator prove nothing against it.
pub const FRAMING: &str = "no framing";
/// When certificates contradict each other, what the correct nodes hold names more than a third.
pub const ACCOUNTABILITY: &str = "a fork names its culprits";
/// Once the network is synchronous, all decide before every validator has had a turn, whatever the faulty do.
pub const LIVENESS: &str = "decides under synchrony";
/// Two certificates contradict each other: only where more than a third is faulty.
pub const FORK: &str = "a fork";
/// What an exploration of three rounds must have come to.
pub const CORNERS: [&str; 6] = [
    "a decision",
    "a decision on a re-proposal",
    "a hidden lock",
    "a valid value without its lock",
    "a prevote against an older lock",
    "a lock on another value",
];

pub(super) fn of(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        Property::always(FRAMING, |protocol: &Protocol, state: &State| {
            let mut correct = state.correct().iter();
            !correct.any(|member| is_framed(protocol, state, member))
        }),
        Property::sometimes(CORNERS[0], |protocol: &Protocol, state: &State| {
            !protocol.tally(state).certificates().is_empty()
        }),
        Property::sometimes(CORNERS[1], |protocol: &Protocol, state: &State| {
            let certificates = protocol.tally(state).certificates();
            certificates
                .iter()
                .any(|(round, value)| value.round < *round)
        }),
        Property::sometimes(CORNERS[2], |_, state| is_hidden(state)),
        Property::sometimes(CORNERS[3], |_, state: &State| {
            let mut nodes = state.correct_nodes();
            nodes.any(|(_, node)| {
                node.locked.map(|lock| lock.round) < node.valid.map(|valid| valid.round)
            })
        }),
        Property::sometimes(CORNERS[4], |_, state| is_unlocked(state)),
        Property::sometimes(CORNERS[5], |_, state| is_relocked(state)),
    ];
    if protocol
        .faulty
        .iter()
        .all(|faulty| 3 * faulty.len() < MEMBERS)
    {
        properties.push(Property::always(AGREEMENT, agree));
        if protocol.synchrony {
            properties.push(Property::always(LIVENESS, |_, state: &State| {
                !state
                    .calm
                    .is_some_and(|calm| calm.rounds == MEMBERS && !calm.decided)
            }));
        }
    } else {
        properties.push(Property::always(ACCOUNTABILITY, |protocol, state| {
            culprits(protocol, state).is_none_or(|named| 3 * named > MEMBERS)
        }));
        properties.push(Property::sometimes(FORK, |protocol, state| {
            !agree(protocol, state)
        }));
    }
    properties
}

fn agree(protocol: &Protocol, state: &State) -> bool {
    let certificates = protocol.tally(state).certificates();
    let mut values = certificates.iter().map(|(_, value)| value);
    let first = values.next();
    values.all(|value| Some(value) == first)
}

/// One correct node is locked on a newer polka than any other correct node has seen.
#[must_use]
pub fn is_hidden(state: &State) -> bool {
    state.correct_nodes().any(|(member, node)| {
        let others = state.correct_nodes().filter(|(other, _)| *other != member);
        let newest = others
            .filter_map(|(_, other)| other.valid)
            .map(|valid| valid.round)
            .max();
        node.locked.is_some_and(|lock| Some(lock.round) > newest)
    })
}

/// A correct node prevoted another value than the one it precommitted before.
fn is_unlocked(state: &State) -> bool {
    state.correct_nodes().any(|(_, node)| {
        let precommits = node.precommits.iter().enumerate();
        let locks = precommits.filter_map(|(round, vote)| Some((round, vote.value()?)));
        let prevotes = node.prevotes.iter().enumerate();
        let prevotes = prevotes.filter_map(|(round, vote)| Some((round, vote.value()?.value)));
        let prevotes: Vec<_> = prevotes.collect();
        locks.into_iter().any(|(locked, value)| {
            prevotes
                .iter()
                .any(|(round, other)| *round > locked && *other != value)
        })
    })
}

fn is_relocked(state: &State) -> bool {
    state.correct_nodes().any(|(_, node)| {
        let mut locks = node.precommits.iter().filter_map(|vote| vote.value());
        let first = locks.next();
        locks.any(|other| Some(other) != first)
    })
}
