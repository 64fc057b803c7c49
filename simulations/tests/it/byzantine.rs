//! Validators that lie.

use falaj_simulations::byzantine::Behaviour;
use falaj_simulations::checker::Violation;
use falaj_simulations::fault::Fault;
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

/// Goal: whatever one of four does, the other three go on and do not fork, also while one of them after another is away and catches up.
#[test]
fn no_liar_of_four_stops_the_others() {
    for (behaviour, mark) in [
        (Behaviour::VoteFar, Mark::FarVotes),
        (Behaviour::RelabelVotes, Mark::RelabelledVotes),
        (Behaviour::ForgeCertificates, Mark::ForgedCertificate),
        (Behaviour::FloodProposals, Mark::FloodOfProposals),
        (Behaviour::FloodRequests, Mark::FloodOfRequests),
        (Behaviour::FloodBatches, Mark::FloodOfBatches),
        (Behaviour::WithholdBatches, Mark::WithheldBatch),
        (Behaviour::LieInSync, Mark::LieInSync),
        (Behaviour::KeepSilent, Mark::Silence),
        (Behaviour::Replay, Mark::StaleReplay),
        (Behaviour::Garble, Mark::Garbled),
        (Behaviour::ClaimValidRound, Mark::FalseValidRound),
        (Behaviour::ProposeInvalid, Mark::InvalidBlock),
        (Behaviour::Frame, Mark::ForgedEvidence),
    ] {
        let mut world = lying(4, &[1], &[behaviour]);
        // Who comes back asks whom it reaches first, which is not the liar each time.
        for (away, from_ms) in [(3, 400), (2, 1_400), (0, 2_400)] {
            let after_changes = None;
            let node = node(away);
            world.add_fault(at_ms(from_ms), Fault::Crash(node));
            let restart = Fault::Restart {
                node,
                after_changes,
            };
            world.add_fault(at_ms(from_ms + 800), restart);
        }
        run_to(&mut world, at_ms(4_000));
        settle(&mut world, 20 * SECOND_NS);
        assert!(world.marks().count(mark) > 0, "{behaviour:?}");
    }
}

/// Goal: bytes that are no frame, and more than a peer may ask for, are reported of the liar and of nobody else.
#[test]
fn what_a_liar_sends_is_reported_of_it() {
    let both = [Behaviour::Garble, Behaviour::FloodRequests];
    let mut world = lying(4, &[2], &both);
    run_to(&mut world, at_ms(1_500));
    settle(&mut world, 20 * SECOND_NS);
    assert!(world.marks().count(Mark::PeerFault) > 0);
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

/// Goal: liars trouble others, not each other: two that answered each other's floods with floods would be all that a run is busy with.
#[test]
fn two_that_flood_leave_each_other_alone() {
    let floods = [Behaviour::FloodRequests, Behaviour::FloodBatches];
    let mut world = lying(7, &[0, 4], &floods);
    let busy = |world: &World| world.trace().events() > 200_000;
    assert!(!world.run_until(at_ms(1_500), busy), "{}", world.now());
    assert_eq!(world.violation(), None);
}

/// Goal: two of four are one more than consensus bears; whenever they fork the chain, what correct nodes keep names both, and nobody
/// else. Where a vote on top of a fork is seen before the fork is told, that ends the run, and nobody has to be named.
#[test]
fn a_fork_names_those_who_made_it() {
    let both = [Behaviour::Equivocate, Behaviour::VoteTwice];
    let forked = (0..8).filter_map(|seed| {
        let mut scenario = Scenario::calm(4);
        for liar in [1, 2] {
            scenario.byzantine.insert(node(liar), both.to_vec());
        }
        let mut world = world(seed, scenario);
        world.run_to(at_ms(3_000));
        world.violation().cloned()
    });
    let is_of_a_fork = |violation: &Violation| violation.oracle != "rule conformance";
    let forked: Vec<_> = forked.filter(is_of_a_fork).collect();
    assert!(forked.len() >= 4, "{forked:?}");
    for violation in forked {
        assert_ne!(violation.oracle, "accountability", "{violation}");
        assert!(
            violation.what.ends_with("proven to have lied: n1, n2"),
            "{violation}"
        );
    }
}
