//! What the reductions leave out is nothing that a property reads.
//!
//! `make model` compares two rounds in the same way.

use falaj_simulations::model::{Order, Protocol};

/// Goal: every order of events reaches what lockstep reaches, with one faulty validator.
#[test]
fn lockstep_reaches_what_every_order_reaches() {
    compare_orders(unsynchronised(1));
}

/// Goal: the same with two faulty validators.
#[test]
fn lockstep_reaches_what_every_order_reaches_with_two_faulty() {
    compare_orders(Protocol::forking(1));
}

/// Goal: what is forgotten of a closed round is read by nothing in the next.
#[test]
fn forgetting_loses_nothing() {
    let mut forgetful = unsynchronised(2);
    forgetful.faulty.truncate(1);
    let keeping = Protocol {
        forgets: false,
        ..forgetful.clone()
    };
    let (all, more) = keeping.summaries();
    let (kept, fewer) = forgetful.summaries();
    assert_eq!(kept, all);
    assert!(fewer < more);
}

fn unsynchronised(rounds: u8) -> Protocol {
    Protocol {
        synchrony: false,
        ..Protocol::tolerated(rounds)
    }
}

fn compare_orders(lockstep: Protocol) {
    let every = Protocol {
        order: Order::Any,
        ..lockstep.clone()
    };
    let (all, more) = every.summaries();
    let (reduced, fewer) = lockstep.summaries();
    assert_eq!(reduced, all);
    assert!(fewer < more);
}
