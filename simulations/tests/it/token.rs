//! Tokens that are slow, gone, or lose their answers.

use falaj_simulations::fault::Fault;
use falaj_simulations::hsm::TokenDials;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::types::Ppm;

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

/// Goal: with one validator down for good, the vote that another's token could not make in time is asked for again: without it no
/// timer of the round ever runs.
#[test]
fn a_vote_that_a_quorum_lacks_is_asked_for_again() {
    let mut scenario = Scenario::calm(4);
    scenario.lost.insert(node(2));
    let mut world = world(1, scenario);
    world.add_fault(at_ms(300), Fault::Crash(node(2)));
    world.add_fault(at_ms(800), Fault::TokenGone(node(0)));
    world.add_fault(at_ms(3_000), Fault::TokenBack(node(0)));
    run_to(&mut world, at_ms(3_000));
    let stuck = world.decided();
    settle(&mut world, 10 * SECOND_NS);
    assert!(world.decided() > stuck);
    assert!(world.marks().count(Mark::TokenGone) > 0);
    assert!(world.marks().count(Mark::SignedLater) > 0);
}

/// Goal: every third answer of every token is lost after the token has signed; the chain goes on and nothing is signed twice.
#[test]
fn lost_answers_cost_time_alone() {
    let mut world = world(2, Scenario::calm(4));
    for index in 0..4 {
        let dials = TokenDials {
            lost_answer: Ppm::new(333_333),
            ..TokenDials::CALM
        };
        let node = node(index);
        world.add_fault(at_ms(100), Fault::Token { node, dials });
    }
    run_to(&mut world, at_ms(4_000));
    settle(&mut world, 30 * SECOND_NS);
    assert!(world.marks().count(Mark::LateSignature) > 0);
}
