//! Heights in sequence: decision, comparison with own execution, what came early, what comes late.

use super::story::check;
use crate::engine::{Input, NEXT_ROUNDS_MAX};

// Own execution is compared with the certificate; equal opens the next height.
#[test]
fn the_next_height_opens_after_own_execution_agreed() {
    check(
        "show decided confirmed round execute
         header a0
         body a0
         certificate 0 a0 by 0,1,2
         > decided 0 a0 by [0, 1, 2]
         > execute a0
         executed a0
         > confirmed a0
         next
         > round 0 of 1",
    );
}

// A node whose outcome differs halts: nothing is signed above.
#[test]
fn a_diverging_outcome_halts() {
    check(
        "show decided confirmed alarm sign
         header a0
         body a0
         certificate 0 a0! by 0,1,2
         > decided 0 a0! by [0, 1, 2]
         executed a0
         > alarm diverged a0
         work
         prevote 0,1 1 nil",
    );
}

// Votes, proposals and certificates of the next height wait for it.
#[test]
fn early_messages_are_kept() {
    let mut told = check(
        "show decided\n header a0\n block a0\n certificate 0 a0 by 0,1,2\n > decided 0 a0 by [0, 1, 2]",
    );
    let before = told.engine().kept();
    let next = Input::NextHeight(Box::new(told.next()));
    let lines = [
        "proposal 0 b0",
        "prevote 0,2 0 b0",
        "polka 0 b0 by 0,2,3",
        "certificate 0 b0 by 0,2,3",
    ];
    for line in lines {
        let words: Vec<_> = line.split(' ').collect();
        let early = told.inputs(words[0], &words[1..]);
        assert!(told.give(early).is_empty());
    }
    assert_eq!(told.engine().kept(), before + 5);
    assert!(told.give(vec![next]).is_empty());
    assert_eq!(told.tell("body b0"), ["decided 0 b0 by [0, 2, 3]"]);
}

// A late message about a decided height is answered with its certificate,
// but for the precommit that the certificate counts: its sender is about to decide.
#[test]
fn late_messages_are_answered() {
    let mut told =
        check("show send-certificate\n header a0\n block a0\n certificate 0 a0 by 0,1,2");
    let mut late = told.inputs("precommit", &["2", "0", "a0"]);
    late.extend(told.inputs("precommit", &["2", "0", "nil"]));
    late.extend(told.inputs("prevote", &["1", "0", "a0"]));
    late.extend(told.inputs("proposal", &["0", "a0"]));
    assert!(told.tell("next").is_empty());
    assert_eq!(
        told.give(late),
        [
            "send-certificate 2 12",
            "send-certificate 1 12",
            "send-certificate 0 12"
        ]
    );
}

// What is more than one height ahead is not kept.
#[test]
fn messages_far_ahead_are_dropped() {
    let mut told = check("show dropped\n open");
    told.start.height = told.start.height.next().next();
    let ahead = told.inputs("prevote", &["2", "0", "nil"]);
    assert_eq!(told.give(ahead), ["dropped prevote 0 nil TooFarAhead"]);
    assert_eq!(told.engine().kept(), 0);
}

// A faulty sender's early messages have a bound of their own.
#[test]
fn early_messages_are_bounded_by_sender() {
    let mut told = check("open");
    told.start.height = told.start.height.next();
    for round in 0..1_000_u32 {
        let round = round.to_string();
        let mut flood = told.inputs("prevote", &["2", &round, "nil"]);
        flood.extend(told.inputs("prevote", &["2", &round, "a0"]));
        flood.extend(told.inputs("prevote", &["2", &round, "b0"]));
        flood.extend(told.inputs("precommit", &["2", &round, "nil"]));
        told.give(flood);
    }
    assert!(told.engine().kept() <= NEXT_ROUNDS_MAX * 4);
}

// docs/spec/consensus.md, "Bounds": of one sender its newest rounds are kept, also where it says one thing in each.
#[test]
fn early_messages_of_one_sender_are_of_its_newest_rounds() {
    for words in [["prevote", "nil"], ["precommit", "nil"]] {
        let mut told = check("open");
        told.start.height = told.start.height.next();
        for round in (0..20_u32).rev().chain(0..20) {
            let early = told.inputs(words[0], &["2", &round.to_string(), words[1]]);
            told.give(early);
        }
        let kept = told.engine().holdings().next.votes;
        let rounds: Vec<u32> = kept.iter().map(|(round, ..)| round.get()).collect();
        assert_eq!(rounds, [16, 17, 18, 19]);
    }
}

// A certificate that contradicts the decision below is a fork: nothing goes on.
#[test]
fn a_fork_below_halts() {
    let mut told = check("show alarm sign\n header a0\n block a0\n certificate 0 a0 by 0,1,2");
    let fork = told.inputs("certificate", &["0", "b0", "by", "1,2,3"]);
    told.tell("next");
    assert_eq!(
        told.give(fork),
        ["alarm conflict 0 a0 by [0, 1, 2] and 0 b0 by [1, 2, 3]"]
    );
    assert!(told.tell("work").is_empty() && told.tell("timer propose 0").is_empty());
}

#[test]
#[should_panic(expected = "the next height is given once this one is confirmed")]
fn a_next_height_before_the_comparison_is_a_broken_host() {
    check("header a0\n body a0\n certificate 0 a0 by 0,1,2\n next");
}
