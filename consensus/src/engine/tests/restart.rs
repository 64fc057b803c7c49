//! Restart loads, it does not replay.

use super::story::check;

// The node goes on after the recorded step, says again what it signed, and asks for the rest.
#[test]
fn goes_on_after_the_recorded_step() {
    check(
        "show sign publish step pull timer
         said prevote 2 nil
         guard 2 prevote
         open
         > step 2 Prevote
         > publish prevote 2 nil
         > timer tick 0
         > pull 2
         timer propose 2
         prevote 0,1 2 nil
         > step 2 Precommit
         > sign precommit 2 nil",
    );
}

// A recorded statement without a signature is signed as it stands.
#[test]
fn an_intent_is_signed_as_it_stands() {
    check(
        "show sign
         said prevote 0 a0
         intent precommit 0 a0
         lock 0 a0 by 0,1,2
         guard 0 precommit
         open
         > sign precommit 0 a0 with polka 0",
    );
}

// The intent of a proposal waits for its block, and is passed over when its step is.
#[test]
fn an_intended_proposal_waits_for_its_block() {
    check(
        "node 0\n intent proposal 0 a0\n guard 0 proposal\n open\n header a0\n body a0\n > sign proposal 0 a0",
    );
    check(
        "node 0
         show sign timer
         intent proposal 0 a0
         guard 0 proposal
         open
         > timer propose 0
         > timer tick 0
         timer propose 0
         > sign prevote 0 nil
         header a0
         body a0",
    );
}

// The lock is loaded with outcome and polka; the valid value is the lock; the polka is pushed.
#[test]
fn the_lock_is_loaded() {
    let told = check(
        "show sign push fetch
         lost prevote 1 a1
         lost precommit 1 a1
         lock 1 a1 by 0,1,2
         guard 1 precommit
         open
         > sign prevote 1 a1
         > sign precommit 1 a1 with polka 1
         > fetch header a1 from [0, 1, 2]
         timer tick
         > push 1 a1 by [0, 1, 2]
         > fetch header a1 from [0, 1, 2]
         precommit 0,1,2 1 nil
         > push 1 a1 by [0, 1, 2]
         timer precommit 1
         proposal 2 b2
         > sign prevote 2 nil
         > fetch body b2 from [2]",
    );
    let status = told.engine().status();
    assert_eq!(status.locked.unwrap().round.get(), 1);
    assert_eq!(status.valid.unwrap().id, status.locked.unwrap().id);
}

// In its turn the node proposes the loaded valid value again, once its block was fetched.
#[test]
fn the_loaded_value_is_proposed_again() {
    check(
        "node 3
         show sign build
         lost precommit 2 a1
         lock 2 a1 by 0,1,2
         guard 2 precommit
         open
         > sign precommit 2 a1 with polka 2
         precommit 0,1,2 2 nil
         timer precommit 2
         header a1
         body a1
         > sign proposal 3 a1 vr 2 with polka 2",
    );
}

// A polka of the lock's own round does not fire rule 36 a second time.
#[test]
fn rule_36_does_not_fire_again_for_the_loaded_lock() {
    check(
        "show sign valid
         lost precommit 1 a1
         lock 1 a1 by 0,1,2
         guard 1 precommit
         open
         > sign precommit 1 a1 with polka 1
         header a1
         block a1",
    );
}

// After a restart own votes may come back from peers: no alarm for what the guard knows, nor below what it still knows.
#[test]
fn own_votes_from_peers_are_known() {
    check(
        "show alarm
         lost prevote 1 nil
         lost precommit 1 nil
         guard 1 precommit incomplete
         open
         prevote 3 0 a0
         prevote 3 1 nil
         precommit 3 1 nil
         precommit 3 1 a0
         > alarm own-key-elsewhere precommit 1 a0
         prevote 3 2 nil
         > alarm own-key-elsewhere prevote 2 nil",
    );
    check(
        "show alarm\n lost prevote 1 nil\n guard 1 prevote\n open\n prevote 3 0 a0\n > alarm own-key-elsewhere prevote 0 a0",
    );
}

// Execution that gives another outcome than the one precommitted is an alarm; the guard has the last word over the precommit.
#[test]
fn another_outcome_for_the_lock_is_an_alarm() {
    check(
        "show alarm
         lost precommit 1 a1
         lock 1 a1 by 0,1,2
         guard 1 precommit
         open
         header a1
         body a1
         executed a1!
         > alarm outcome-changed a1",
    );
}

// Below the guard's record nothing is signed, and own old votes raise no alarm; the chain is followed.
#[test]
fn below_the_guard_nothing_is_signed() {
    check(
        "show sign alarm decided publish
         guard above
         open
         prevote 3 0 a0
         proposal 0 a0
         block a0
         timer propose 0
         certificate 0 a0 by 0,1,3
         > decided 0 a0 by [0, 1, 3]",
    );
}

// What the guard recorded of the height and holds no signature of is asked for again, whatever came after it; what is signed is said again.
#[test]
fn recorded_votes_are_asked_for_again() {
    check(
        "show sign publish
         lost prevote 0 nil
         said precommit 0 nil
         lost proposal 1 a1
         intent prevote 1 nil
         guard 1 prevote
         open
         > publish precommit 0 nil
         > sign prevote 0 nil
         > sign prevote 1 nil
         released
         > publish prevote 0 nil
         > publish prevote 1 nil",
    );
}

// What the guard recorded of a height below it is asked for again, and nothing new: a block that a crash took may lack just that vote.
#[test]
fn below_the_guard_recorded_votes_are_said_again() {
    check(
        "show sign publish decided
         lost proposal 0 a0
         lost prevote 0 a0
         lost precommit 0 a0
         guard above
         open
         > sign prevote 0 a0
         > sign precommit 0 a0
         released
         > publish prevote 0 a0
         > publish precommit 0 a0
         proposal 0 a0
         block a0
         precommit 0,1 0 a0
         > decided 0 a0 by [0, 1, 3]",
    );
}
