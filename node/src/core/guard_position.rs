//! Where the guard stands relative to the open height, as the engine takes it up.
//!
//! Invariant: whatever the guard recorded for the open height comes along, signed or not; nothing is invented and nothing replayed.
//! A stored proposal whose header is lost is left out of the messages, never out of the statements.
//! Source: `docs/spec/consensus.md`, "Restart loads, it does not replay"; `docs/spec/guard.md`, "Restart".

use std::collections::BTreeMap;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::engine::{GuardPosition, Own, Resume, ResumedLock};
use falaj_consensus::message::{Header, Statement};
use falaj_consensus::mutated;
use falaj_consensus::types::Height;
use falaj_consensus::verify::{SignedStatement, Verified};
use falaj_hsm::Recovered as Guard;

/// What the guards of a node's keys knew at its start.
pub(super) type Guards = BTreeMap<PublicKey, Guard>;

/// Where the guard of a key stands relative to a height; once it is below, it is known by what we sign and needs no record of the start.
pub(super) fn take_guard_position(
    guards: &mut Guards,
    key: &PublicKey,
    open: Height,
    headers: &[Header],
) -> GuardPosition {
    let is_passed = guards
        .get(key)
        .is_some_and(|guard| guard.last.height <= open);
    let known = if is_passed {
        guards.remove(key)
    } else {
        guards.get(key).cloned()
    };
    known.map_or(GuardPosition::Below, |guard| {
        guard_position(guard, open, headers)
    })
}

/// Compares the guard with the open height. `headers` are those of that height that the block log holds.
fn guard_position(guard: Guard, open: Height, headers: &[Header]) -> GuardPosition {
    let is_below = guard.last.height < open;
    if is_below || mutated!(RestartWithoutVotes | GuardForgetsPlaces) {
        return GuardPosition::Below;
    }
    let recorded = guard.statements.iter().copied();
    let here: Vec<_> = recorded
        .filter(|statement| statement.height() == open)
        .collect();
    if guard.last.height > open {
        return GuardPosition::Above(here);
    }
    let Guard {
        last,
        lock,
        own,
        intent,
        complete,
        ..
    } = guard;
    let own = own
        .into_iter()
        .filter_map(|signed| message(signed, headers))
        .collect();
    let lock = lock.map(|lock| ResumedLock {
        value: lock.value,
        polka: lock.polka,
    });
    let lock = lock.filter(|_| !mutated!(RestartWithoutLock));
    let (round, kind) = (last.round, last.step);
    GuardPosition::Here(Box::new(Resume {
        round,
        kind,
        lock,
        statements: here,
        own,
        intent,
        complete,
    }))
}

fn message(signed: Verified<SignedStatement>, headers: &[Header]) -> Option<Own> {
    match signed.get().statement {
        Statement::Proposal { id, .. } => {
            let header = headers.iter().find(|header| header.id() == id)?.clone();
            signed
                .into_proposal(header)
                .map(|proposal| Own::Proposal(Box::new(proposal)))
        }
        Statement::Prevote { .. } | Statement::Precommit { .. } => {
            signed.into_vote().map(Own::Vote)
        }
    }
}
