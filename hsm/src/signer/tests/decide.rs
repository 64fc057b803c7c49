//! Latches, their opening, accepted outcomes, and our own key met outside.

use falaj_consensus::durable::Survives;
use falaj_consensus::types::Height;

use crate::fixture::{
    Disks, Home, NOW, TestToken, ask, block, code, outcome, precommit, prevote, proposal,
};
use crate::guard::{AcceptedOutcome, Latch};
use crate::signer::{Alarm, Decision, Input, Output, TwoOperators, Unlatch};

fn operators() -> TwoOperators {
    TwoOperators::new("amal".to_owned(), "basim".to_owned()).unwrap()
}

fn run(home: &mut Home, input: Input) -> Vec<Output> {
    home.run(NOW, input, &TestToken::new()).unwrap()
}

fn decided(decision: Decision, applied: bool) -> Output {
    Output::Decided { decision, applied }
}

fn latched() -> (Disks, Home, TestToken) {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    let outputs = run(&mut home, Input::Latch(Latch::Diverged));
    assert_eq!(
        outputs,
        [
            Output::Alarm(Alarm::Latched(Latch::Diverged)),
            decided(Decision::Latch, true)
        ]
    );
    (disks, home, token)
}

// A latch refuses everything, stored signatures included, and is there after a power cut.
#[test]
fn a_latch_holds_across_restarts() {
    let (disks, home, token) = latched();
    drop(home);
    disks.guard.crash(Survives::Nothing, false);
    let mut home = disks.open().unwrap();
    assert_eq!(home.recovered().unwrap().latch, Some(Latch::Diverged));
    for statement in [prevote(1, 0, None), prevote(1, 1, None)] {
        assert_eq!(code(ask(&mut home, &token, statement)), "latched");
    }
    assert_eq!(
        run(&mut home, Input::Latch(Latch::Diverged)),
        [decided(Decision::Latch, false)]
    );
}

// A divergence opens by itself, so a latch that takes two operators is recorded over it, and never the other way round.
#[test]
fn a_latch_that_takes_operators_outranks_a_divergence() {
    for strong in [Latch::OwnKeyElsewhere, Latch::GuardOlder, Latch::Operator] {
        let (disks, mut home, _token) = latched();
        let raised = [
            Output::Alarm(Alarm::Latched(strong)),
            decided(Decision::Latch, true),
        ];
        assert_eq!(run(&mut home, Input::Latch(strong)), raised);
        for weak in [Latch::Diverged, Latch::Operator] {
            assert_eq!(
                run(&mut home, Input::Latch(weak)),
                [decided(Decision::Latch, false)]
            );
        }
        assert_eq!(
            run(&mut home, Input::Unlatch(Unlatch::Recomputed)),
            [decided(Decision::Unlatch, false)]
        );
        drop(home);
        disks.guard.crash(Survives::Nothing, false);
        let home = disks.open().unwrap();
        assert_eq!(home.recovered().unwrap().latch, Some(strong));
    }
}

// A divergence is over when this program computes the certified outcome; any latch is over when two operators say so.
#[test]
fn a_latch_opens_the_way_it_was_closed_or_by_two_operators() {
    let ways = [
        (Latch::Diverged, Unlatch::Recomputed, true),
        (Latch::OwnKeyElsewhere, Unlatch::Recomputed, false),
        (Latch::GuardOlder, Unlatch::Recomputed, false),
        (Latch::Operator, Unlatch::Recomputed, false),
        (Latch::Diverged, Unlatch::Operators(operators()), true),
        (
            Latch::OwnKeyElsewhere,
            Unlatch::Operators(operators()),
            true,
        ),
    ];
    for (latch, unlatch, opens) in ways {
        let (disks, mut home) = Disks::home();
        let token = TestToken::new();
        let _ = run(&mut home, Input::Latch(latch));
        assert_eq!(
            run(&mut home, Input::Unlatch(unlatch)),
            [decided(Decision::Unlatch, opens)]
        );
        drop(home);
        let mut home = disks.open().unwrap();
        assert_eq!(ask(&mut home, &token, prevote(1, 0, None)).is_ok(), opens);
    }
}

// One person is not two.
#[test]
fn two_operators_are_two() {
    let named = |first: &str, second: &str| TwoOperators::new(first.to_owned(), second.to_owned());
    assert!(named("amal", "amal").is_none());
    assert!(named("", "amal").is_none());
    assert!(named("amal", "basim").is_some());
}

// A latch that finds no space holds in memory, and is written when there is some.
#[test]
fn a_latch_without_space_holds_all_the_same() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    disks.guard.set_capacity(Some(disks.guard.used_bytes()));
    assert_eq!(
        run(&mut home, Input::Latch(Latch::Operator)),
        [],
        "the answer waits for the disk"
    );
    assert!(home.needs_sync());
    home.sync().unwrap();
    assert_eq!(home.released(), []);
    disks.guard.set_capacity(None);
    home.sync().unwrap();
    assert_eq!(
        home.released().last(),
        Some(&decided(Decision::Latch, true))
    );
    assert_eq!(code(ask(&mut home, &token, prevote(1, 0, None))), "latched");
    drop(home);
    disks.guard.crash(Survives::Nothing, false);
    assert_eq!(
        disks.open().unwrap().recovered().unwrap().latch,
        Some(Latch::Operator)
    );
}

// After two operators accepted an outcome, that one is signed for the block and no other, the old one included.
#[test]
fn an_accepted_outcome_replaces_the_signed_one() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    let with = |round, number| precommit(1, round, Some((block(0xa1), outcome(number))));
    ask(&mut home, &token, with(0, 1)).unwrap();
    let accepted = AcceptedOutcome {
        height: Height::new(1),
        id: block(0xa1),
        outcome: outcome(2),
    };
    let accept = |accepted| Input::AcceptOutcome {
        accepted,
        operators: operators(),
    };
    let elsewhere = AcceptedOutcome {
        height: Height::new(2),
        ..accepted
    };
    assert_eq!(
        run(&mut home, accept(elsewhere)),
        [decided(Decision::AcceptOutcome, false)]
    );
    assert_eq!(code(ask(&mut home, &token, with(1, 2))), "outcome");
    assert_eq!(
        run(&mut home, accept(accepted)),
        [decided(Decision::AcceptOutcome, true)]
    );
    drop(home);
    disks.guard.crash(Survives::Nothing, false);
    let mut home = disks.open().unwrap();
    assert_eq!(home.recovered().unwrap().accepted_outcome, Some(accepted));
    assert_eq!(code(ask(&mut home, &token, with(1, 1))), "outcome");
    assert_eq!(code(ask(&mut home, &token, with(1, 3))), "outcome");
    ask(&mut home, &token, with(1, 2)).unwrap();
    assert_eq!(code(ask(&mut home, &token, with(2, 1))), "outcome");
}

// A statement of our own key that the guard does not know stops signing at once; its own ones do not.
#[test]
fn own_key_elsewhere_latches_signing_off() {
    let seen = |statement| {
        let (_, mut home) = Disks::home();
        let token = TestToken::new();
        ask(&mut home, &token, prevote(1, 0, None)).unwrap();
        ask(&mut home, &token, prevote(2, 3, None)).unwrap();
        let _ = run(&mut home, Input::OwnStatementSeen(statement));
        home.signer().guard().unwrap().latched()
    };
    assert_eq!(seen(prevote(2, 3, None)), None);
    assert_eq!(seen(prevote(1, 0, None)), None);
    assert_eq!(
        seen(prevote(2, 3, Some((block(1), None)))),
        Some(Latch::OwnKeyElsewhere)
    );
    assert_eq!(
        seen(prevote(1, 0, Some((block(1), None)))),
        Some(Latch::OwnKeyElsewhere)
    );
    assert_eq!(seen(prevote(2, 1, None)), Some(Latch::OwnKeyElsewhere));
    assert_eq!(
        seen(proposal(1, 7, block(1), None)),
        None,
        "older than what is kept whole: nothing to compare with"
    );
    assert_eq!(seen(precommit(2, 3, None)), Some(Latch::GuardOlder));
    assert_eq!(seen(prevote(3, 0, None)), Some(Latch::GuardOlder));
}
