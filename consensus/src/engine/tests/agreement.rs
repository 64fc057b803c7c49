//! Networks of engines in random orders of delivery: agreement in every order, termination once messages arrive.

use super::net::Net;
use proptest::prelude::*;

const CHAOS: usize = 600;
/// Steps of one run. Most are ticks and what they send: a timer of the parameters is many ticks long.
const BUDGET: usize = 30_000;

fn agrees(powers: &[u64], faulty: &[usize], crashes: bool, seed: u64) -> u32 {
    let mut net = Net::new(powers, faulty, seed);
    net.chaos(CHAOS, crashes);
    let height = net.lowest();
    assert!(
        net.calm(height + 2, BUDGET),
        "no decision in the budget at height {}",
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
