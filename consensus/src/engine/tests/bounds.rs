//! Memory stays bounded, whatever faulty members sign.

use super::story::{Story, check};
use crate::driver::BLOCKS_MAX;
use crate::types::ValidatorIndex;
use crate::vote_keeper::{ROUNDS_AHEAD_MAX, ROUNDS_BEHIND_MAX};
use std::fmt::Write as _;

fn many(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |mut story, line| {
        writeln!(story, "{line}").unwrap();
        story
    })
}

/// Whether the proposal of a value by a member in the value's own round would be kept.
fn is_taken(told: &mut Story, value: &str, member: u16) -> bool {
    let header = told.header(value);
    let round = header.round;
    let proposal = told
        .committee
        .proposal(ValidatorIndex::new(member), header, round, None);
    told.engine().takes(proposal.get())
}

// One faulty member votes in ten thousand rounds ahead: its newest rounds are kept, and nobody else loses a vote to them.
#[test]
fn rounds_ahead_are_bounded_by_sender() {
    let flood =
        many((6..10_000).map(|round| format!("prevote 0 {round} nil\n precommit 0 {round} a0")));
    let told = check(&format!(
        "show round\n prevote 1 5 nil\n {flood} prevote 2 5 nil\n > round 5 of 1"
    ));
    assert!(told.engine().kept() <= 2 * ROUNDS_AHEAD_MAX + 2);
}

// A vote below the newest rounds of its sender is dropped, not exchanged.
#[test]
fn an_older_round_ahead_does_not_push_out_a_newer() {
    let newest = many((100..100 + ROUNDS_AHEAD_MAX).map(|round| format!("prevote 0 {round} nil")));
    check(&format!(
        "show dropped\n {newest} prevote 0 50 nil\n > dropped prevote 50 nil TooFarAhead"
    ));
}

// Proposals ahead are bounded by proposer.
#[test]
fn proposals_ahead_are_bounded_by_proposer() {
    let flood = many((1..1_000).map(|turn| format!("proposal {} a{}", 4 * turn, 4 * turn)));
    let told = check(&format!("show round\n {flood}"));
    assert!(told.engine().kept() <= ROUNDS_AHEAD_MAX + BLOCKS_MAX);
}

// What a host need not take in: a third proposal of a round, one out of turn, one of a round too far behind or ahead.
#[test]
fn proposals_that_would_not_be_kept_are_told() {
    let mut told = check("node 9\n show round\n proposal 4 a4\n proposal 4 b4");
    for (value, turn, takes) in [
        ("a4", 0, true),
        ("b4", 0, true),
        ("c4", 0, false),
        ("a4", 1, false),
        ("a8", 0, true),
    ] {
        assert_eq!(is_taken(&mut told, value, turn), takes, "{value} by {turn}");
    }
    let newest =
        many((100..100 + ROUNDS_AHEAD_MAX).map(|turn| format!("proposal {0} a{0}", 4 * turn)));
    let mut told = check(&format!("node 9\n show round\n {newest}"));
    assert!(!is_taken(&mut told, "a396", 0));
    assert!(is_taken(&mut told, "a440", 0));
}

// A halted height forgets what no rule can use as any other does.
#[test]
fn a_halted_height_is_bounded_too() {
    let flood = many((1..1_000).map(|turn| format!("proposal {0} a{0}", 4 * turn)));
    let told = check(&format!(
        "show round\n certificate 0 a0 by 0,1,2\n certificate 0 b0 by 0,1,2\n {flood}"
    ));
    assert!(told.engine().kept() <= ROUNDS_AHEAD_MAX + BLOCKS_MAX + 2);
}

// A thousand rounds of full votes leave the window and the pinned polkas alone.
#[test]
fn rounds_behind_are_bounded() {
    let rounds = many((0..1_000).map(|round| {
        format!("proposal {round} a{round}\n prevote 0,1,2 {round} nil\n precommit 0,1,2 {round} nil\n timer precommit {round}")
    }));
    let told = check(&format!("node 9\n show alarm\n {rounds}"));
    let in_window = usize::try_from(ROUNDS_BEHIND_MAX + 1).unwrap();
    assert!(told.engine().kept() <= in_window * 7 + BLOCKS_MAX + 1);
    check(&format!(
        "show dropped\n {rounds} prevote 3 5 nil\n > dropped prevote 5 nil TooFarBehind\n proposal 5 b5\n > dropped proposal 5 b5 TooFarBehind"
    ));
}

// The lock's polka survives any number of rounds, and a certificate of any old round still decides.
#[test]
fn lock_and_old_certificates_survive_the_window() {
    let lock = "proposal 0 a0\n block a0\n prevote 0,1,2 0 a0\n";
    let rounds = many(
        (0..200).map(|round| format!("precommit 0,1,2 {round} nil\n timer precommit {round}")),
    );
    check(&format!(
        "show push\n {lock} precommit 0,1,2 150 nil\n > push 0 a0 by [0, 1, 2]"
    ));
    check(&format!(
        "show decided\n {lock} {rounds} certificate 3 a0 by 0,1,2\n > decided 3 a0 by [0, 1, 2]"
    ));
}

// A hundred bodies and outcomes that nobody asked for are forgotten; the wanted one is not.
#[test]
fn unasked_blocks_are_forgotten() {
    let flood = many((0..500).map(|round| format!("header b{round}\n block b{round}")));
    let told = check(&format!(
        "proposal 0 a0\n {flood} block a0\n > sign prevote 0 a0"
    ));
    assert!(told.engine().kept() <= BLOCKS_MAX + 2);
}

// Evidence is given out once an offender and kind, whatever the flood.
#[test]
fn evidence_does_not_flood() {
    let flood = many((0..200).map(|round| format!("prevote 0 0 b{round}")));
    check(&format!(
        "show evidence\n prevote 0 0 a0\n prevote 0 0 nil\n > evidence DoublePrevote by 0: prevote 0 nil and prevote 0 a0\n {flood}"
    ));
}

// What our own key said so many rounds ago is forgotten too, without an alarm when it comes back.
#[test]
fn own_statements_are_bounded() {
    let rounds = many((0..200).map(|round| format!("timer propose {round}\n timer prevote {round}\n precommit 0,1,2 {round} nil\n timer precommit {round}")));
    check(&format!(
        "show alarm\n {rounds} prevote 3 2 a0\n prevote 3 199 a0\n > alarm own-key-elsewhere prevote 199 a0"
    ));
}
