//! Explorations end, judge what they say they judge, and see what is broken.

use super::*;
use crate::exhaustive::Ground;
use crate::run::Verdict;

const EVERYTHING: Bounds = Bounds {
    depth_max: u32::MAX,
    states_max: u64::MAX,
};

fn case(cast: Cast, timers: u32) -> Case {
    Case { cast, timers }
}

fn explored(case: Case, bounds: Bounds) -> Explored {
    explore(&Ground::new(), case, bounds, |_| {})
}

/// Goal: three correct validators agree and decide in every order of delivery, and that is all of them.
#[test]
fn every_order_decides_with_one_absent() {
    let found = explored(case(Cast::Absent, 0), EVERYTHING);
    assert_eq!(found.verdict(), Verdict::SafeLive, "{:?}", found.failure);
    assert!(!found.cut_by_depth && !found.cut_by_states);
    assert_eq!(found.ends, found.ends_decided);
    assert!(found.ends > 0 && found.states > found.ends);
    assert_eq!(found, explored(case(Cast::Absent, 0), EVERYTHING));
}

/// Goal: whoever is cut says so, and never that it proved anything.
#[test]
fn a_bound_is_told() {
    let few = Bounds {
        states_max: 10,
        ..EVERYTHING
    };
    let shallow = Bounds {
        depth_max: 3,
        ..EVERYTHING
    };
    let by_states = explored(case(Cast::Absent, 0), few);
    assert!(by_states.cut_by_states && by_states.states == 10);
    let by_depth = explored(case(Cast::Absent, 0), shallow);
    assert!(by_depth.cut_by_depth && by_depth.depth_max == 3);
    for cut in [by_states, by_depth] {
        assert_eq!(cut.verdict(), Verdict::Inconclusive);
    }
}

/// Goal: a path can be walked again, and tells what happens.
#[test]
fn a_path_is_walked_again() {
    let (lines, finding) = replay(&Ground::new(), case(Cast::Absent, 0), &[0, 0]);
    assert_eq!(finding, None);
    assert!(
        lines.iter().filter(|line| line.contains("hears")).count() == 2,
        "{lines:?}"
    );
    let (lines, _) = replay(&Ground::new(), case(Cast::Absent, 0), &[99]);
    assert!(lines[0].starts_with("no step 99"));
}

/// Goal: a protocol that is broken is seen, at the end of a path that shows it again and does not without the mutation.
#[cfg(feature = "mutations")]
mod broken {
    use falaj_consensus::mutation::Mutation;

    use super::*;

    fn is_caught(mutation: Mutation, case: Case, oracle: &str) {
        let chosen = mutation.choose();
        let found = explored(case, EVERYTHING).failure.expect("it is caught");
        assert_eq!(found.finding.oracle, oracle);
        let (_, again) = replay(&Ground::new(), case, &found.path);
        assert_eq!(again, Some(found.finding));
        drop(chosen);
        let (_, real) = replay(&Ground::new(), case, &found.path);
        assert_eq!(real, None);
    }

    #[test]
    fn a_certificate_of_mixed_votes_is_caught() {
        let mutation = Mutation::CertificateOfMixedVotes;
        is_caught(mutation, case(Cast::Liar, 0), "certificates");
    }

    #[test]
    fn a_precommit_before_execution_is_caught() {
        let mutation = Mutation::PrecommitBeforeExecution;
        is_caught(mutation, case(Cast::Absent, 0), "alarms");
    }
}
