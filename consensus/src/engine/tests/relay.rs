//! What one correct node has received reaches all.

use super::story::check;

// A locked, undecided node pushes its polka whole, when its precommit timer starts and on each tick.
#[test]
fn a_locked_node_pushes_its_polka() {
    check(
        "show push
         proposal 0 a0
         block a0
         prevote 0,1,2 0 a0
         timer tick
         > push 0 a0 by [0, 1, 2]
         precommit 0,1,2 0 nil
         > push 0 a0 by [0, 1, 2]
         timer precommit 0
         timer tick
         > push 0 a0 by [0, 1, 2]
         certificate 0 a0 by 0,1,2
         timer tick",
    );
}

// The tick pulls what is missing of the round, goes on while the height is open, and pulls nothing when all is there.
#[test]
fn the_tick_pulls_missing_votes() {
    check(
        "show pull timer
         prevote 0 0 nil
         > timer tick 0
         timer tick
         > pull 0
         > timer tick 0
         timer tick
         > pull 0
         > timer tick 0",
    );
    check(
        "show pull
         node 1
         proposal 0 a0
         prevote 0,1,2,3 0 nil
         precommit 0,1,2,3 0 nil
         timer tick",
    );
}

// A pull is answered with what its sender lacks of that round.
#[test]
fn a_pull_is_answered_with_what_is_missing() {
    check(
        "show answer
         proposal 0 a0
         prevote 0,1 0 a0
         precommit 2 0 nil
         wanted 1 0 prevotes 0
         > answer 1, proposal 0 a0, prevote 0 a0 by 1, precommit 0 nil by 2
         wanted 2 0 proposal prevotes 0,1 precommits 2
         wanted 2 0 proposal prevotes 1 precommits 2
         > answer 2, prevote 0 a0 by 0",
    );
}

// Who is in an earlier round gets ours as well, so that it can jump.
#[test]
fn a_pull_from_an_earlier_round_brings_ours() {
    check(
        "show answer
         prevote 0,1 3 nil
         wanted 2 1
         > answer 2, prevote 3 nil by 0, prevote 3 nil by 1",
    );
}

// A polka is sent whole, never split into its votes.
#[test]
fn a_polka_is_never_split() {
    check(
        "show answer
         polka 0 a0 by 0,1,2
         prevote 3 0 nil
         wanted 1 0
         > answer 1, prevote 0 nil by 3, polka 0 a0 by [0, 1, 2]",
    );
}

// A re-proposal travels with its polka, when it is published and when it is sent again.
#[test]
fn a_reproposal_travels_with_its_polka() {
    check(
        "node 1
         show publish answer
         polka 0 a0 by 0,2,3
         header a0
         block a0
         timer propose 0
         released
         > publish prevote 0 nil
         > publish precommit 0 a0
         precommit 2,3 0 nil
         timer precommit 0
         released
         > publish proposal 1 a0 vr 0 with polka 0
         released
         > publish prevote 1 a0 vr 0
         wanted 2 1 prevotes 1
         > answer 2, proposal 1 a0 vr 0 with polka 0",
    );
}

// A pull about a decided height is answered with its certificate.
#[test]
fn a_pull_of_a_decided_height_brings_its_certificate() {
    check(
        "show send-certificate answer
         header a0
         block a0
         certificate 0 a0 by 0,1,2
         wanted 1 4
         > send-certificate 1 12
         next
         wanted 1 4 height 12
         > send-certificate 1 12
         wanted 1 0 height 2
         > send-certificate 1 2
         wanted 1 0 height 14",
    );
}

// What shows that others have more wakes an idle node: its next tick pulls, once.
#[test]
fn an_idle_node_pulls_from_who_has_more() {
    for more in [
        "wanted 1 0 prevotes 1",
        "wanted 1 0 proposal",
        "wanted 1 3",
        "wanted 1 0 height 13",
    ] {
        check(&format!(
            "show pull timer
             open
             > timer heartbeat 0
             > pull 0
             {more}
             > timer tick 0
             timer tick
             > pull 0"
        ));
    }
}

// Idle nodes do not keep each other awake.
#[test]
fn an_idle_pull_wakes_nobody() {
    check("show pull timer\n open\n > timer heartbeat 0\n > pull 0\n wanted 1 0");
}
