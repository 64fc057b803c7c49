//! Which blocks are fetched and executed, when, and how many at a time.

use super::story::check;

// The body of the answered proposal is fetched from the proposer, and executed as soon as it is there.
#[test]
fn the_answered_proposal_is_fetched_and_executed() {
    check(
        "show fetch execute
         proposal 0 a0
         > fetch body a0 from [0]
         body a0
         > execute a0",
    );
}

// A second proposal of the round costs nothing before an honest hint of prevotes for it.
#[test]
fn a_second_proposal_is_fetched_on_a_hint_alone() {
    check(
        "show fetch
         proposal 0 a0
         > fetch body a0 from [0]
         proposal 0 b0
         prevote 1 0 b0
         prevote 2 0 b0
         > fetch body b0 from [1, 2]",
    );
}

// A polka or certificate whose block is unknown is fetched from its signers: the header first, then the body.
#[test]
fn certified_blocks_are_fetched_from_signers() {
    check(
        "show fetch
         polka 0 a0 by 0,1,2
         > fetch header a0 from [0, 1, 2]
         header a0
         > fetch body a0 from [0, 1, 2]
         certificate 1 b0 by 1,2,3
         > fetch header b0 from [1, 2, 3]",
    );
}

// The tick asks again, and names the voters that are known by then.
#[test]
fn the_tick_asks_again() {
    check(
        "show fetch
         proposal 0 a0
         > fetch body a0 from [0]
         prevote 1 0 a0
         timer tick
         > fetch body a0 from [0, 1]
         body a0
         timer tick",
    );
}

// Two overlays at a time: a decided or prevoted block takes the place of what matters least.
#[test]
fn at_most_two_overlays() {
    check(
        "show execute discard
         proposal 0 a0
         body a0
         > execute a0
         prevote 0,1,2 0 a0
         executed a0
         precommit 0,1,2 0 nil
         timer precommit 0
         proposal 1 b1
         body b1
         > execute b1
         precommit 0,1,2 1 nil
         timer precommit 1
         proposal 2 c2
         body c2
         > discard b1
         > execute c2
         certificate 1 b1 by 0,1,2
         > discard a0
         > execute b1",
    );
}

// An execution that was dropped and ends all the same is not asked for again; its outcome counts.
#[test]
fn a_late_outcome_counts() {
    check(
        "show confirmed decided
         header a0
         body a0
         executed a0
         certificate 0 a0 by 0,1,2
         > decided 0 a0 by [0, 1, 2]
         > confirmed a0",
    );
}

// A failed execution is an alarm, holds no overlay and is precommitted nil; a decision asks for it once more.
#[test]
fn a_failed_execution_is_not_precommitted() {
    check(
        "show sign execute alarm decided
         proposal 0 a0
         body a0
         > sign prevote 0 a0
         > execute a0
         failed a0
         > alarm execution-failed a0
         prevote 0,1,2 0 a0
         timer prevote 0
         > sign precommit 0 nil
         certificate 0 a0 by 0,1,2
         > decided 0 a0 by [0, 1, 2]
         > execute a0",
    );
}

// The first verdict and the first outcome stand.
#[test]
fn the_first_outcome_stands() {
    check(
        "proposal 0 a0
         block a0
         > sign prevote 0 a0
         executed a0!
         bad-body a0
         prevote 0,1,2 0 a0
         > sign precommit 0 a0 with polka 0",
    );
}
