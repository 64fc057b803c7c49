//! Networks of engines in random orders of delivery: agreement in every order, termination once messages arrive.

use super::net::Net;
use crate::params::Parameters;
use crate::types::Round;
use proptest::prelude::*;

const CHAOS: usize = 600;
/// Heights that are decided after the chaos.
const HEIGHTS: u64 = 2;

/// The longest that so many heights may take once all that is sent arrives at once: each waits for work no longer than a heartbeat, and
/// is decided in the first round that begins anew with a correct proposer. In as many rounds as there is power every member has its
/// turns, and one round more is under way when the chaos ends, at the latest the last that was entered in it.
fn patience_ns(powers: &[u64], rounds_max: u32) -> u64 {
    let parameters = Parameters::default();
    let power: u64 = powers.iter().sum();
    let last = rounds_max + u32::try_from(power).unwrap() + 1;
    let rounds = (0..=last).map(Round::new).map(|round| {
        parameters.propose_ns(round) + parameters.prevote_ns(round) + parameters.precommit_ns(round)
    });
    HEIGHTS * (parameters.heartbeat_ns() + rounds.sum::<u64>())
}

fn agrees(powers: &[u64], faulty: &[usize], crashes: bool, seed: u64) -> u32 {
    let mut net = Net::new(powers, faulty, seed);
    net.chaos(CHAOS, crashes);
    let height = net.lowest();
    let patience_ns = patience_ns(powers, net.rounds_max);
    assert!(
        net.calm(height + HEIGHTS, patience_ns),
        "no decision in {patience_ns} ns at height {}",
        net.lowest()
    );
    net.rounds_max
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    // Four correct nodes: loss, reordering, early timers.
    #[test]
    fn four_correct_nodes_agree_and_decide(seed: u64) {
        agrees(&[1, 1, 1, 1], &[], false, seed);
    }

    // Crashes at any point, with the signature of the last record lost half of the time.
    #[test]
    fn crashing_nodes_agree_and_decide(seed: u64) {
        agrees(&[1, 1, 1, 1], &[], true, seed);
    }

    // One of four says anything to anybody.
    #[test]
    fn one_faulty_of_four_cannot_split_or_stop(seed: u64) {
        agrees(&[1, 1, 1, 1], &[2], true, seed);
    }

    // Unequal power.
    #[test]
    fn unequal_power_agrees(seed: u64) {
        agrees(&[5, 3, 2, 4, 1], &[1], true, seed);
    }

    // Two faulty of seven.
    #[test]
    fn two_faulty_of_seven_cannot_split_or_stop(seed: u64) {
        agrees(&[1; 7], &[0, 4], false, seed);
    }
}

// The same seed gives the same run, and the runs reach what they claim to test: rounds beyond the third.
#[test]
fn runs_repeat_and_reach_later_rounds() {
    let play = || {
        (0..12)
            .map(|seed| agrees(&[1; 4], &[2], true, seed))
            .collect::<Vec<_>>()
    };
    let rounds = play();
    assert_eq!(rounds, play());
    assert!(rounds.iter().any(|round| *round >= 3), "{rounds:?}");
}
