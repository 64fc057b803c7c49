//! How the guard follows the validator set: by certificates alone.

use std::sync::Arc;

use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;

use crate::error::Refusal;
use crate::fixture::{
    HashChecker, chain, floor, genesis_set, identity, prevote, proof, proof_by, request, set_of,
};
use crate::guard::{Guard, HeightProof, ProofError, SetWindow, Verdict};

fn window() -> SetWindow {
    SetWindow::genesis(&genesis_set())
}

fn follow(window: &SetWindow, proof: &HeightProof) -> Result<SetWindow, ProofError> {
    window.follow(&chain(), &HashChecker, proof)
}

fn height_of(set: &ValidatorSet) -> usize {
    set.len()
}

// Certificate by certificate the window goes up, and a changed set arrives two heights after the block that fixed it.
#[test]
fn a_changed_set_arrives_two_heights_later() {
    let (old, new) = (genesis_set(), set_of(&[1, 2, 3, 4, 5]));
    let at_2 = follow(&window(), &proof(1)).unwrap();
    let at_3 = follow(&at_2, &proof_by(&old, 2, &new)).unwrap();
    let size =
        |window: &SetWindow, height| window.set_at(Height::new(height)).map(|set| height_of(set));
    assert_eq!(
        (size(&at_3, 2), size(&at_3, 3), size(&at_3, 4)),
        (Some(4), Some(4), Some(5))
    );
    let at_4 = follow(&at_3, &proof_by(&old, 3, &new)).unwrap();
    assert_eq!(
        (
            size(&at_4, 1),
            size(&at_4, 3),
            size(&at_4, 4),
            size(&at_4, 5)
        ),
        (None, Some(4), Some(5), Some(5))
    );
    let at_5 = follow(&at_4, &proof_by(&new, 4, &new)).unwrap();
    assert_eq!(at_5.height(), Height::new(5));
    assert_eq!(
        follow(&at_4, &proof_by(&old, 4, &new)),
        Err(ProofError::Certificate)
    );
}

// After an absence the certificates that changed the set are enough, in order; a skipped change is noticed by the signatures.
#[test]
fn an_absence_is_made_up_by_the_certificates_that_changed_the_set() {
    let (old, new) = (genesis_set(), set_of(&[2, 3, 4, 5]));
    let changed = follow(&window(), &proof_by(&old, 70, &new)).unwrap();
    let back = follow(&changed, &proof_by(&new, 500, &new)).unwrap();
    assert_eq!(back.height(), Height::new(501));
    assert_eq!(
        follow(&window(), &proof_by(&new, 500, &new)),
        Err(ProofError::Certificate)
    );
}

// What does not hold together proves nothing.
#[test]
fn broken_proofs_are_refused() {
    let at_9 = follow(&window(), &proof(8)).unwrap();
    assert_eq!(
        follow(&at_9, &proof(7)),
        Err(ProofError::Old(Height::new(7)))
    );
    let mut other_outcome = proof(9);
    other_outcome.outcome.events = 1;
    assert_eq!(follow(&at_9, &other_outcome), Err(ProofError::Outcome));
    let mut other_version = proof(9);
    other_version.outcome.version = 2;
    assert_eq!(follow(&at_9, &other_version), Err(ProofError::Outcome));
    let mut other_set = proof_by(&genesis_set(), 9, &set_of(&[1, 2, 3]));
    other_set.set = set_of(&[1, 2, 4]);
    assert_eq!(follow(&at_9, &other_set), Err(ProofError::Set));
    let mut too_few = proof(9);
    too_few.certificate.signatures.pop();
    assert_eq!(follow(&at_9, &too_few), Err(ProofError::Certificate));
}

fn judged(guard: &Guard, height: u64, proof: Option<HeightProof>) -> Result<(), Refusal> {
    let mut request = request(1, prevote(height, 0, None));
    request.proof = proof.map(Box::new);
    guard.judge(&HashChecker, &request).map(|_| ())
}

// A height is opened by the certificate of exactly the one before, whatever else is shown.
#[test]
fn height_jump_needs_exactly_the_height_before() {
    let (guard, _) = Guard::init(identity(), floor());
    assert_eq!(judged(&guard, 1, None), Ok(()));
    assert_eq!(judged(&guard, 8, Some(proof(7))), Ok(()));
    for shown in [
        None,
        Some(proof(6)),
        Some(proof(8)),
        Some(proof_by(&set_of(&[5, 6, 7, 8]), 7, &genesis_set())),
    ] {
        let refusal = judged(&guard, 8, shown).unwrap_err();
        assert_eq!(refusal.code(), "height_jump", "{refusal}");
    }
}

// A proof shown ahead opens the next height without one in the request, and closes the height it is of.
#[test]
fn a_proof_shown_ahead_opens_the_next_height() {
    let (mut guard, _) = Guard::init(identity(), floor());
    guard.follow(&HashChecker, &proof(3)).unwrap();
    assert_eq!(judged(&guard, 4, None), Ok(()));
    assert_eq!(
        judged(&guard, 3, Some(proof(2))).unwrap_err().code(),
        "closed"
    );
    assert_eq!(judged(&guard, 5, None).unwrap_err().code(), "height_jump");
    guard.follow(&HashChecker, &proof(2)).unwrap();
    assert_eq!(
        guard.window().height(),
        Height::new(4),
        "a window never goes back"
    );
}

// A key that is not in the set of the height signs nothing there.
#[test]
fn a_key_outside_the_set_is_not_a_member() {
    let (old, without) = (genesis_set(), set_of(&[2, 3, 4, 5]));
    let (mut guard, _) = Guard::init(identity(), floor());
    guard
        .follow(&HashChecker, &proof_by(&old, 1, &without))
        .unwrap();
    assert_eq!(judged(&guard, 2, None), Ok(()));
    let refusal = judged(&guard, 3, Some(proof_by(&old, 2, &without))).unwrap_err();
    assert_eq!(refusal.code(), "not_a_member");
}

// The records name the sets of the height they are about, so that a restart finds them.
#[test]
fn the_sets_of_the_last_record_are_found_again() {
    let (old, new) = (genesis_set(), set_of(&[1, 2, 3, 4, 5]));
    let (mut guard, first) = Guard::init(identity(), floor());
    let mut log = vec![(first.position, first.bytes)];
    guard
        .follow(&HashChecker, &proof_by(&old, 1, &new))
        .unwrap();
    let Ok(Verdict::Fresh(fresh)) = guard.judge(&HashChecker, &request(1, prevote(2, 0, None)))
    else {
        panic!()
    };
    let (_, written) = guard.enter(fresh);
    log.push((written.position, written.bytes));
    guard
        .follow(&HashChecker, &proof_by(&old, 2, &new))
        .unwrap();
    let written = guard.latch(crate::guard::Latch::Operator);
    log.push((written.position, written.bytes));
    let known = [Arc::clone(&old), Arc::clone(&new)];
    let loaded = Guard::load(identity(), log, &known, None).unwrap();
    assert_eq!(
        loaded.window(),
        &SetWindow::new(Height::new(2), [&old, &old, &new])
    );
}
