//! Each property falls when the rule that holds it up is broken: a check that cannot fail proves nothing.

use falaj_simulations::model::{ACCOUNTABILITY, AGREEMENT, FRAMING, LIVENESS, Mistake, Protocol};
use stateright::Checker;

use crate::{explore, hunt};

fn unsynchronised(rounds: u8) -> Protocol {
    Protocol {
        synchrony: false,
        ..Protocol::tolerated(rounds)
    }
}

/// Goal: a quorum of half the power splits the network.
#[test]
fn a_quorum_of_half_breaks_agreement() {
    let checker = hunt(unsynchronised(1).with(Mistake::QuorumOfHalf));
    checker.assert_any_discovery(AGREEMENT);
}

/// Goal: without the lock a decided value can be left, and who leaves its own precommit looks faulty.
#[test]
fn a_forgotten_lock_breaks_agreement_and_frames() {
    let checker = explore(unsynchronised(2).with(Mistake::LockForgotten));
    checker.assert_any_discovery(AGREEMENT);
    checker.assert_any_discovery(FRAMING);
}

/// Goal: a prevote whose valid round had no polka is no evidence, so without the polka of 28 a fork names nobody.
#[test]
fn a_repeat_without_its_polka_breaks_accountability() {
    let checker = hunt(Protocol::forking(2).with(Mistake::PolkaNotAsked));
    checker.assert_any_discovery(ACCOUNTABILITY);
}

/// Goal: forks over two rounds are proven by amnesia alone.
#[test]
fn overlooked_amnesia_breaks_accountability() {
    let checker = hunt(Protocol::forking(2).with(Mistake::AmnesiaOverlooked));
    checker.assert_any_discovery(ACCOUNTABILITY);
}

/// Goal: a lock that yields to nothing, and a value that nobody proposes again, each stop the chain for good.
#[test]
fn locks_for_ever_and_fresh_values_break_liveness() {
    for mistake in [Mistake::LockForEver, Mistake::FreshOverValid] {
        let checker = hunt(Protocol::tolerated(1).with(mistake));
        checker.assert_any_discovery(LIVENESS);
    }
}
