//! Scenarios are what they are counted and named as, and the search sees what is broken.

use std::collections::BTreeSet;

use super::*;
use crate::exhaustive::Ground;
use crate::run::Verdict;
use crate::sweep::Shard;

fn search(rounds: u32) -> Search {
    Search {
        rounds,
        settles: true,
        shard: Shard::WHOLE,
    }
}

fn tally(search: &Search) -> Tally {
    let ground = Ground::new();
    let tasks = search.tasks();
    let parts = tasks.iter().map(|task| search.search(&ground, task));
    parts.fold(Tally::default(), Tally::with)
}

/// Goal: there are as many scenarios as are counted, each with a name of its own that names it again.
#[test]
fn every_scenario_has_one_name() {
    let names: BTreeSet<String> = Scenario::all(2).map(|one| one.to_string()).collect();
    assert_eq!(names.len(), 4 * 16 * 16);
    assert_eq!(names.len() as u64, Scenario::count(2));
    for scenario in Scenario::all(2) {
        assert_eq!(scenario.to_string().parse(), Ok(scenario));
    }
}

/// Goal: a name says who hears whom.
#[test]
fn groups_of_a_name_hear_one_another() {
    let scenario: Scenario = "ab-cCd.abcC-d".parse().unwrap();
    let [a, b, c, d, twin] = Seat::ALL;
    assert_eq!(scenario.twinned, c);
    assert!(scenario.is_correct(a) && !scenario.is_correct(c) && !scenario.is_correct(twin));
    let [first, second] = scenario.splits[..] else {
        panic!("two rounds");
    };
    assert!(first.joins(a, b) && first.joins(c, twin) && !first.joins(b, c));
    assert!(second.joins(a, twin) && !second.joins(a, d));
    assert!(Seat::ALL.iter().all(|seat| Split::WHOLE.joins(a, *seat)));
}

/// Goal: what is no scenario is refused, whatever is wrong with it.
#[test]
fn a_text_that_is_no_scenario_is_refused() {
    let wrong = [
        "",
        "abcd",
        "abcCdD",
        "abcC",
        "aabcC",
        "ab-c-Cd",
        "abcCd-",
        "abcCde",
        "abcCd..abcCd",
    ];
    for text in wrong {
        let refused = text.parse::<Scenario>();
        assert!(
            matches!(refused, Err(ScenarioError::Split { .. })),
            "{text}"
        );
    }
    let refused = "abcCd.aAbcd".parse::<Scenario>();
    assert!(matches!(refused, Err(ScenarioError::OtherTwin { .. })));
}

/// Goal: parts are the whole: each scenario is in one shard.
#[test]
fn shards_are_the_whole() {
    let whole = search(3).tasks();
    let of = |index| Search {
        shard: Shard { index, count: 3 },
        ..search(3)
    };
    let mut parts: Vec<Scenario> = (0..3).flat_map(|index| of(index).tasks()).collect();
    parts.sort();
    assert_eq!(parts, whole);
    let scenarios = whole.len() as u64 * search(3).scenarios_in_task();
    assert_eq!(scenarios, Scenario::count(3));
}

/// Goal: the protocol as it ships keeps its word in every scenario of one round, and decides once the network is whole;
/// twice in the same way.
#[test]
fn one_round_is_safe_and_live() {
    let found = tally(&search(1));
    assert_eq!(found.verdict(), Verdict::SafeLive, "{:?}", found.failures);
    assert_eq!(found.scenarios, Scenario::count(1));
    assert_eq!(found, tally(&search(1)));
}

/// Goal: so does a part of those of three rounds, and scenarios whose end nobody reached stand up to be counted.
#[test]
fn a_part_of_three_rounds_is_safe_and_live() {
    let part = Search {
        shard: Shard {
            index: 38,
            count: 64,
        },
        ..search(3)
    };
    let found = tally(&part);
    assert_eq!(found.verdict(), Verdict::SafeLive, "{:?}", found.failures);
    assert_eq!(found.scenarios, 256);
    assert!(found.decided_early > 0 && found.decided_early < 256);
    assert!(found.rounds_max >= 2, "{}", found.rounds_max);
}

/// Goal: agreement is judged with and without what happens after the last round.
#[test]
fn agreement_alone_plays_less() {
    let whole = tally(&search(1));
    let alone = tally(&Search {
        settles: false,
        ..search(1)
    });
    assert_eq!(alone.verdict(), Verdict::SafeLive);
    assert_eq!(alone.scenarios, whole.scenarios);
    assert!(alone.steps < whole.steps);
}

/// Goal: a protocol that is broken is seen, by the oracle whose statement it breaks, in a scenario that shows it again by its name
/// and does not without the mutation.
#[cfg(feature = "mutations")]
mod broken {
    use falaj_consensus::mutation::Mutation;

    use super::*;
    use crate::exhaustive::Finding;

    fn first(mutation: Mutation) -> Failure {
        let ground = Ground::new();
        let search = search(2);
        let chosen = mutation.choose();
        let tasks = search.tasks();
        let mut tallies = tasks.iter().map(|task| search.search(&ground, task));
        let failed = tallies.find(|tally| !tally.failures.is_empty());
        drop(chosen);
        failed.expect("it is caught").failures.swap_remove(0)
    }

    fn replayed(scenario: &str) -> Option<Finding> {
        let scenario: Scenario = scenario.parse().unwrap();
        let (lines, finding) = replay(&Ground::new(), &scenario, true);
        assert!(lines.iter().any(|line| line.contains(" says prevote of ")));
        finding
    }

    fn is_caught(mutation: Mutation, oracle: &str, verdict: Verdict) {
        let failure = first(mutation);
        assert_eq!(
            (failure.finding.oracle, failure.verdict()),
            (oracle, verdict)
        );
        let name = failure.scenario.to_string();
        let chosen = mutation.choose();
        assert_eq!(replayed(&name), Some(failure.finding));
        drop(chosen);
        assert_eq!(replayed(&name), None);
    }

    #[test]
    fn a_lock_that_is_not_kept_is_caught() {
        is_caught(Mutation::PrecommitWithoutLock, "alarms", Verdict::Unsafe);
    }

    #[test]
    fn a_certificate_of_mixed_votes_is_caught() {
        let mutation = Mutation::CertificateOfMixedVotes;
        is_caught(mutation, "certificates", Verdict::Unsafe);
    }

    #[test]
    fn a_timer_that_never_runs_is_caught() {
        is_caught(Mutation::NoPrevoteTimer, "liveness", Verdict::NotLive);
    }
}
