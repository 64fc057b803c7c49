//! Every property over every state within the bounds.
//!
//! Counts are part of the test: a change of the rules that no property sees still changes what can be reached.

use falaj_simulations::model::{
    ACCOUNTABILITY, AGREEMENT, CORNERS, FORK, FRAMING, LIVENESS, Protocol,
};
use stateright::Checker;

use crate::explore;

/// Goal: with one faulty validator of four, in each place, nobody can be made to disagree and no correct one is named.
#[test]
fn two_rounds_with_one_faulty_agree_and_name_nobody() {
    let protocol = Protocol {
        synchrony: false,
        ..Protocol::tolerated(2)
    };
    let checker = explore(protocol);
    checker.assert_no_discovery(AGREEMENT);
    checker.assert_no_discovery(FRAMING);
    for corner in CORNERS.iter().filter(|corner| **corner != CORNERS[4]) {
        checker.assert_any_discovery(corner);
    }
    assert_eq!(checker.unique_state_count(), 21_487);
}

/// Goal: from every state, one with a hidden lock among them, all decide before everybody has had a turn, once messages arrive in time.
#[test]
fn a_synchronous_network_decides_from_everywhere() {
    let checker = explore(Protocol::tolerated(1));
    checker.assert_no_discovery(LIVENESS);
    checker.assert_no_discovery(AGREEMENT);
    checker.assert_any_discovery(CORNERS[2]);
    assert_eq!(checker.unique_state_count(), 13_474);
}

/// Goal: with two faulty of four there are forks, and each names both with what correct nodes hold; a correct one is never named.
#[test]
fn two_rounds_with_two_faulty_fork_and_name_both() {
    let checker = explore(Protocol::forking(2));
    checker.assert_any_discovery(FORK);
    checker.assert_no_discovery(ACCOUNTABILITY);
    checker.assert_no_discovery(FRAMING);
    assert_eq!(checker.unique_state_count(), 22_894);
}
