//! Small scenarios from big ones, by broken oracles that trip where a test wants them to.

use super::*;
use crate::byzantine::Behaviour;
use crate::fault::Fault;
use crate::run::{NO_RECEIPT, UNSETTLED};
use crate::scenario::local_parameters;

const BUDGET: u64 = 2_000;

/// A judge that runs nothing: it looks at the scenario itself.
fn tripped_if(wrong: bool) -> Option<Tripped> {
    wrong.then(|| Tripped {
        verdict: Verdict::Unsafe,
        oracle: "broken",
        kind: "broken",
        finding: String::new(),
        at: SimTime::new(2_000_000_000),
        events: 1,
    })
}

fn small(seed: u64, judge: impl Fn(&Scenario) -> bool) -> Minimised {
    let found = |scenario: &Scenario| tripped_if(judge(scenario));
    let scenario = Scenario::swarm(seed);
    let minimised = minimise(seed, &scenario, BUDGET, found, |_| {}).unwrap();
    assert!(minimised.is_least, "{} runs", minimised.runs);
    assert!(judge(&minimised.scenario));
    minimised
}

fn crashes(scenario: &Scenario) -> usize {
    let is_crash = |fault: &Fault| matches!(fault, Fault::Crash(_));
    let faults = scenario.faults.iter();
    faults.filter(|timed| is_crash(&timed.fault)).count()
}

/// A seed whose random scenario is what a test needs.
fn seed_with(wanted: impl Fn(&Scenario) -> bool) -> u64 {
    (0..500)
        .find(|seed| wanted(&Scenario::swarm(*seed)))
        .unwrap()
}

/// Goal: of a crowded scenario whose bug needs two crashes, two crashes are left and nothing else.
#[test]
fn what_the_bug_does_not_need_goes() {
    let seed = seed_with(|scenario| crashes(scenario) >= 3 && !scenario.clocks.is_empty());
    let minimised = small(seed, |scenario| crashes(scenario) >= 2);
    let scenario = &minimised.scenario;
    assert_eq!(crashes(scenario), 2);
    assert_eq!(scenario.faults.len(), 2);
    assert!(
        scenario.clocks.is_empty() && scenario.slow.is_empty() && scenario.byzantine.is_empty()
    );
    assert_eq!(scenario.parameters, local_parameters());
    assert_eq!(scenario.workload.gap_min_ns, 10_000_000_000);
    assert!(scenario.validators <= 2);
    assert!(minimised.file.to_text().lines().count() < 30);
}

/// Goal: a bug that needs one lie of one node keeps that lie, and no more nodes than it needs.
#[test]
fn a_lie_that_the_bug_needs_stays() {
    let lies = |scenario: &Scenario| {
        let mut lies = scenario.byzantine.values().flatten();
        lies.any(|lie| *lie == Behaviour::VoteTwice) && scenario.validators >= 4
    };
    let minimised = small(seed_with(lies), lies);
    let scenario = &minimised.scenario;
    assert_eq!(scenario.validators, 4);
    assert_eq!(
        scenario.byzantine.values().collect::<Vec<_>>(),
        [&vec![Behaviour::VoteTwice]]
    );
    assert!(scenario.faults.is_empty());
}

/// Goal: what fails within the fault budget is not made to fail by more liars than the validators left can bear.
#[test]
fn the_fault_budget_is_kept() {
    let lies = |scenario: &Scenario| !scenario.byzantine.is_empty();
    let within = |scenario: &Scenario| lies(scenario) && scenario.is_within_budget();
    let scenario = small(seed_with(within), lies).scenario;
    assert_eq!((scenario.validators, scenario.byzantine.len()), (4, 1));
}

/// Goal: trouble ends as early as the bug lets it, in a round number.
#[test]
fn trouble_ends_early() {
    let long = |scenario: &Scenario| {
        let horizon = scenario.stabilise_at.unwrap_or_default();
        horizon > SimTime::new(1_000_000_000)
    };
    let horizon = small(0, long).scenario.stabilise_at.unwrap();
    assert!(horizon < SimTime::new(1_100_000_000), "{horizon}");
    assert_eq!(horizon.get() % 1_000_000, 0);
}

/// Goal: a fault that the bug needs late goes no earlier than it has to, and one that it needs at any time goes to the beginning.
#[test]
fn faults_come_as_early_as_they_can() {
    let late = |scenario: &Scenario| {
        let mut faults = scenario.faults.iter();
        faults.any(|timed| timed.at >= SimTime::new(700_000_000))
    };
    let seed = seed_with(|scenario| late(scenario) && scenario.faults.len() > 4);
    let scenario = small(seed, late).scenario;
    let times: Vec<_> = scenario.faults.iter().map(|timed| timed.at).collect();
    assert!(
        times.len() == 1 && times[0] < SimTime::new(730_000_000),
        "{times:?}"
    );
    let any = small(seed, |scenario| !scenario.faults.is_empty()).scenario;
    assert_eq!(any.faults[0].at, SimTime::START);
    assert_eq!(any.stabilise_at, Some(SimTime::new(1_000_000)));
}

/// Goal: a run that fails of something else is not taken for the same failure.
#[test]
fn another_oracle_is_another_failure() {
    let judge = |scenario: &Scenario| {
        let oracle = if scenario.faults.is_empty() {
            "other"
        } else {
            "broken"
        };
        let tripped = tripped_if(true)?;
        Some(Tripped { oracle, ..tripped })
    };
    let seed = seed_with(|scenario| scenario.faults.len() > 4);
    let minimised = minimise(seed, &Scenario::swarm(seed), BUDGET, judge, |_| {}).unwrap();
    assert_eq!(minimised.scenario.faults.len(), 1);
    assert_eq!(minimised.after.oracle, "broken");
}

/// Goal: a payment without a receipt is not taken for a height that was not decided, though one oracle misses both.
#[test]
fn another_kind_of_finding_is_another_failure() {
    let judge = |scenario: &Scenario| {
        let kind = if scenario.faults.len() < 2 {
            NO_RECEIPT
        } else {
            UNSETTLED
        };
        let tripped = tripped_if(true)?;
        Some(Tripped { kind, ..tripped })
    };
    let seed = seed_with(|scenario| scenario.faults.len() > 4);
    let minimised = minimise(seed, &Scenario::swarm(seed), BUDGET, judge, |_| {}).unwrap();
    assert_eq!(minimised.scenario.faults.len(), 2);
    assert_eq!(minimised.after.kind, UNSETTLED);
}

/// Goal: it stops when its runs are used up, says so, and what it has still fails.
#[test]
fn runs_are_bounded() {
    let judge = |scenario: &Scenario| tripped_if(!scenario.faults.is_empty());
    let seed = seed_with(|scenario| scenario.faults.len() > 4);
    let minimised = minimise(seed, &Scenario::swarm(seed), 5, judge, |_| {}).unwrap();
    assert_eq!((minimised.runs, minimised.is_least), (5, false));
    assert!(!minimised.scenario.faults.is_empty());
}

/// Goal: where nothing is wrong nothing is minimised.
#[test]
fn nothing_wrong_is_refused() {
    let refused = minimise(0, &Scenario::calm(4), BUDGET, |_| None, |_| {});
    assert!(matches!(refused, Err(MinimiseError::NothingWrong)));
}
