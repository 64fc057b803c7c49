//! Round 0 waits until there is something to do; rounds above never wait.

use super::story::check;

// A node that starts asks once for what it missed; then an idle height starts no timer but the heartbeat.
#[test]
fn an_idle_height_is_silent() {
    check(
        "node 0
         show timer build pull sign push
         open
         > timer heartbeat 0
         > pull 0",
    );
}

// Work, or the heartbeat, starts round 0: the proposer builds, the others wait with a timer.
#[test]
fn work_and_heartbeat_begin_round_0() {
    for reason in ["work", "timer heartbeat"] {
        check(&format!(
            "node 0\n show build timer\n {reason}\n > build 0\n > timer propose 0\n > timer tick 0"
        ));
        check(&format!(
            "node 2\n show build timer\n {reason}\n > timer propose 0\n > timer tick 0\n {reason}"
        ));
    }
}

// An honest hint of votes starts round 0 too; one vote does not.
#[test]
fn a_hint_of_votes_begins_round_0() {
    check(
        "node 0
         show build begun
         prevote 1 0 nil
         precommit 1 0 nil
         precommit 2 0 nil
         > build 0",
    );
}

// A valid proposal is answered at once, without any work of our own.
#[test]
fn a_proposal_is_answered_while_idle() {
    check("proposal 0 a0\n body a0\n > sign prevote 0 a0");
}

// A round above 0 never waits.
#[test]
fn rounds_above_0_never_wait() {
    check(
        "node 1\n show build timer\n prevote 0,2 1 nil\n > timer tick 0\n > build 1\n > timer propose 1",
    );
}

// A node that only follows, or whose guard is above the height, runs the rules and signs nothing.
#[test]
fn who_may_not_sign_follows() {
    for who in ["node 9", "node 0\n guard above"] {
        check(&format!(
            "{who}
             show sign build pull decided alarm
             work
             proposal 0 a0
             block a0
             prevote 0,1,2 0 a0
             precommit 1,2,3 0 a0
             > decided 0 a0 by [1, 2, 3]"
        ));
    }
}

// The host's own block is checked like anybody's before it is signed.
#[test]
fn an_unfit_built_block_is_not_proposed() {
    check("node 0\n show sign alarm\n work\n built 0 z0\n > alarm built-invalid z0");
}

// A refused proposal does not hold its proposer: the timer that it started like everybody ends the step.
#[test]
fn a_refused_proposal_does_not_hold_the_proposer() {
    check(
        "node 0
         show sign refused
         work
         built 0 a0
         > sign proposal 0 a0
         refused
         > refused proposal 0 a0
         timer propose 0
         > sign prevote 0 nil",
    );
}
