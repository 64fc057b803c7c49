//! Validators that lie.

use falaj_simulations::byzantine::Behaviour;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::world::World;

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

fn lying(validators: u16, liars: &[u16], behaviours: &[Behaviour]) -> World {
    let mut scenario = Scenario::calm(validators);
    for liar in liars {
        scenario.byzantine.insert(node(*liar), behaviours.to_vec());
    }
    world(u64::from(validators), scenario)
}

/// Goal: an equivocating proposer is proven to be one, and nobody else is; the chain goes on and does not fork.
#[test]
fn an_equivocating_proposer_is_proven() {
    let mut world = lying(4, &[1], &[Behaviour::Equivocate]);
    run_to(&mut world, at_ms(6_000));
    settle(&mut world, 20 * SECOND_NS);
    assert!(world.marks().count(Mark::DoubleProposal) > 0);
}

/// Goal: a double voter is proven to be one.
#[test]
fn a_double_voter_is_proven() {
    let mut world = lying(4, &[2], &[Behaviour::VoteTwice]);
    run_to(&mut world, at_ms(3_000));
    settle(&mut world, 20 * SECOND_NS);
    assert!(world.marks().count(Mark::DoubleVote) > 0);
}

/// Goal: two of seven propose and vote twice together, for each other's twin blocks, and fork nothing.
#[test]
fn two_colluding_liars_of_seven_fork_nothing() {
    let both = [Behaviour::Equivocate, Behaviour::VoteTwice];
    let mut world = lying(7, &[0, 4], &both);
    run_to(&mut world, at_ms(6_000));
    settle(&mut world, 30 * SECOND_NS);
    assert!(world.marks().count(Mark::DoubleProposal) > 0);
    assert!(world.marks().count(Mark::DoubleVote) > 0);
}
