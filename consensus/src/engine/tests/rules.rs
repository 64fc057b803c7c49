//! Every rule of `docs/spec/consensus.md`, named after its line in the paper.

use super::story::check;

// 11: in its turn a node without a valid value asks for a fresh block, signs what is built, and bounds the wait like everybody.
#[test]
fn rule_11_the_proposer_proposes_a_fresh_value() {
    check(
        "node 1
         show sign build timer
         precommit 0,2,3 0 nil
         > timer tick 0
         > timer propose 0
         > timer precommit 0
         timer precommit 0
         > build 1
         > timer propose 1
         built 1 a1
         > sign proposal 1 a1",
    );
}

// 11: whose turn it is not, waits for the proposal.
#[test]
fn rule_11_the_others_start_the_propose_timer() {
    check(
        "node 3
         show sign build timer
         precommit 0,1,2 0 nil
         > timer tick 0
         > timer propose 0
         > timer precommit 0
         timer precommit 0
         > timer propose 1",
    );
}

// 14–16: a proposer with a valid value proposes it again with its valid round and its polka, and builds nothing.
#[test]
fn rule_11_the_proposer_proposes_its_valid_value_again() {
    check(
        "node 1
         show sign build
         proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,2,3 0 a0
         > sign precommit 0 a0 with polka 0
         precommit 2,3 0 nil
         released
         timer precommit 0
         > sign proposal 1 a0 vr 0 with polka 0",
    );
}

// 11: a block that was built for a round that is over, or twice, is not proposed.
#[test]
fn rule_11_a_stale_or_second_build_is_not_proposed() {
    check(
        "node 1
         show sign build
         precommit 0,2,3 0 nil
         timer precommit 0
         > build 1
         built 0 a1
         built 1 a1
         > sign proposal 1 a1
         built 1 b1",
    );
}

// 22: a fresh, valid proposal is prevoted.
#[test]
fn rule_22_a_valid_fresh_proposal_is_prevoted() {
    check(
        "proposal 0 a0
         body a0
         > sign prevote 0 a0",
    );
}

// 22: an invalid body is answered with nil.
#[test]
fn rule_22_an_invalid_proposal_is_answered_with_nil() {
    check(
        "proposal 0 a0
         bad-body a0
         > sign prevote 0 nil",
    );
}

// 22: a header that breaks the rules of its height is nil at once; no body can change that.
#[test]
fn rule_22_an_unfit_header_is_answered_with_nil_at_once() {
    check(
        "proposal 0 z0
         > sign prevote 0 nil",
    );
}

// 22: only this round's proposer is answered, and only in step propose.
#[test]
fn rule_22_only_from_the_proposer_and_only_in_step_propose() {
    check(
        "show sign dropped
         block a0
         proposal 0 a0 from 2
         > dropped proposal 0 a0 NotTheProposer
         proposal 1 b1
         block b1
         work
         timer propose 0
         > sign prevote 0 nil
         proposal 0 a0",
    );
}

// 22: a locked node prevotes nil on a fresh proposal, of any value, before it has judged it.
#[test]
fn rule_22_a_locked_node_prevotes_nil() {
    check(
        "proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         > sign precommit 0 a0 with polka 0
         precommit 0,1,2 0 nil
         timer precommit 0
         proposal 1 b1
         > sign prevote 1 nil",
    );
}

// 22, block time: later than time + precision + delay, or earlier than time − precision, is nil.
// Defaults: precision 500,000 µs, delay 2,000,000 µs.
#[test]
fn rule_22_tests_the_block_time() {
    check("proposal 0 a0 late 2500000\n body a0\n > sign prevote 0 a0");
    check("proposal 0 a0 late 2500001\n > sign prevote 0 nil");
    check("proposal 0 a0 late -500000\n body a0\n > sign prevote 0 a0");
    check("proposal 0 a0 late -500001\n > sign prevote 0 nil");
}

// 22, block time: the delay grows with the round, the precision never.
#[test]
fn rule_22_the_delay_grows_with_the_round() {
    let enter_round_2 = "precommit 0,1,2 1 nil\n timer precommit 1\n";
    check(&format!(
        "{enter_round_2} proposal 2 a2 late 3500000\n body a2\n > sign prevote 2 a2"
    ));
    check(&format!(
        "{enter_round_2} proposal 2 a2 late 3500001\n > sign prevote 2 nil"
    ));
    check(&format!(
        "{enter_round_2} proposal 2 a2 late -500001\n > sign prevote 2 nil"
    ));
}

// 28: a re-proposal is answered only with its polka; until then the node keeps waiting.
#[test]
fn rule_28_a_reproposal_waits_for_its_polka() {
    check(
        "precommit 0,1,2 0 nil
         timer precommit 0
         proposal 1 a0 vr 0
         body a0
         prevote 0,1 0 a0
         prevote 2 0 a0
         > sign prevote 1 a0 vr 0 with polka 0",
    );
}

// 28: the polka may come as one certificate, and before the proposal.
#[test]
fn rule_28_the_polka_may_come_first_and_whole() {
    check(
        "precommit 0,1,2 0 nil
         timer precommit 0
         polka 0 a0 by 0,1,2
         body a0
         proposal 1 a0 vr 0
         > sign prevote 1 a0 vr 0 with polka 0",
    );
}

// 28: a lock no newer than the polka gives way to another value.
#[test]
fn rule_28_an_older_lock_gives_way() {
    check(
        "proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         > sign precommit 0 a0 with polka 0
         precommit 0,1,2 1 nil
         timer precommit 1
         body b1
         polka 1 b1 by 0,1,2
         proposal 2 b1 vr 1
         > sign prevote 2 b1 vr 1 with polka 1",
    );
}

// 28: a lock newer than the polka holds, before anything is judged.
#[test]
fn rule_28_a_newer_lock_holds() {
    check(
        "precommit 0,1,2 0 nil
         timer precommit 0
         proposal 1 b1
         block b1
         > sign prevote 1 b1
         prevote 0,1,2 1 b1
         > sign precommit 1 b1 with polka 1
         precommit 0,1,2 1 nil
         timer precommit 1
         polka 0 a0 by 0,1,2
         proposal 2 a0 vr 0
         > sign prevote 2 nil",
    );
}

// 28: an invalid value is nil, also with a polka.
#[test]
fn rule_28_an_invalid_value_is_answered_with_nil() {
    check(
        "precommit 0,1,2 0 nil
         timer precommit 0
         polka 0 a0 by 0,1,2
         proposal 1 a0 vr 0
         bad-body a0
         > sign prevote 1 nil",
    );
}

// 28: a polka for another value of that round does not do.
#[test]
fn rule_28_the_polka_must_be_for_the_proposed_value() {
    check(
        "precommit 0,1,2 0 nil
         timer precommit 0
         polka 0 b0 by 0,1,2
         body a0
         proposal 1 a0 vr 0",
    );
}

// 34: the first mixed quorum of prevotes starts the timer, once a round, whatever the votes are for.
#[test]
fn rule_34_a_mixed_prevote_quorum_starts_the_timer_once() {
    check(
        "show sign timer
         node 0
         work
         > timer propose 0
         > timer tick 0
         timer propose 0
         > sign prevote 0 nil
         prevote 1 0 a0
         prevote 2 0 b0
         released
         > timer prevote 0
         prevote 3 0 c0",
    );
}

// 34 holds in step prevote alone: a node that still waits for the proposal starts no timer.
#[test]
fn rule_34_only_in_step_prevote() {
    check(
        "show timer
         prevote 0 0 a0
         > timer tick 0
         prevote 1 0 nil
         > timer propose 0
         prevote 2 0 b0
         timer propose 0
         > timer prevote 0",
    );
}

// 36 in step prevote: lock, precommit id and outcome, set the valid value.
#[test]
fn rule_36_a_polka_is_locked_and_precommitted() {
    let told = check(
        "show sign locked valid
         proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         > valid 0 a0
         > locked 0 a0
         > sign precommit 0 a0 with polka 0",
    );
    let status = told.engine().status();
    assert_eq!(status.locked.unwrap().id, status.valid.unwrap().id);
}

// 36 fires when the last of header, body, polka and outcome arrives, in any order.
#[test]
fn rule_36_fires_with_the_last_of_its_conditions() {
    let begin = "work\n timer propose 0\n > sign prevote 0 nil\n";
    let parts = ["header a0", "body a0", "executed a0", "prevote 0,1,2 0 a0"];
    for last in 0..4 {
        for rotation in 0..3 {
            let mut others: Vec<_> = (0..4)
                .filter(|part| *part != last)
                .map(|part| parts[part])
                .collect();
            others.rotate_left(rotation);
            let others = others.join("\n ");
            check(&format!(
                "{begin} {others}\n {}\n > sign precommit 0 a0 with polka 0",
                parts[last]
            ));
        }
    }
}

// 36 does not need the signed proposal, only the block.
#[test]
fn rule_36_needs_no_proposal() {
    check(
        "work
         timer propose 0
         > sign prevote 0 nil
         polka 0 a0 by 0,1,2
         header a0
         block a0
         > sign precommit 0 a0 with polka 0",
    );
}

// 36: without a finished outcome nothing is precommitted; the timer then says nil, and the outcome still makes the value valid.
#[test]
fn rule_36_waits_for_the_outcome() {
    let told = check(
        "proposal 0 a0
         body a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         timer prevote 0
         > sign precommit 0 nil
         executed a0",
    );
    let status = told.engine().status();
    assert!(status.locked.is_none());
    assert!(status.valid.is_some());
}

// 36 in step precommit sets the valid value without a lock; the turn after proposes it again.
#[test]
fn rule_36_in_step_precommit_sets_the_valid_value_alone() {
    let told = check(
        "node 1
         show sign build
         work
         timer propose 0
         > sign prevote 0 nil
         timer prevote 0
         > sign precommit 0 nil
         header a0
         block a0
         polka 0 a0 by 0,2,3
         precommit 0,2,3 0 nil
         timer precommit 0
         > sign proposal 1 a0 vr 0 with polka 0",
    );
    assert!(told.engine().status().locked.is_none());
}

// 36 holds from step prevote on: a polka that comes in step propose is used as soon as the step is left.
#[test]
fn rule_36_not_in_step_propose() {
    check(
        "header a0
         block a0
         polka 0 a0 by 0,1,2
         timer propose 0
         > sign prevote 0 nil
         > sign precommit 0 a0 with polka 0",
    );
}

// 36 fires for an invalid value never; somebody is told.
#[test]
fn rule_36_never_for_an_invalid_value() {
    check(
        "show sign alarm
         proposal 0 a0
         bad-body a0
         > sign prevote 0 nil
         executed a0
         polka 0 a0 by 0,1,2
         > alarm invalid-prevoted 0 a0
         timer prevote 0
         > sign precommit 0 nil",
    );
}

// 36 is of the current round: an older polka is no reason to lock.
#[test]
fn rule_36_is_of_the_current_round() {
    let told = check(
        "precommit 0,1,2 0 nil
         timer precommit 0
         timer propose 1
         > sign prevote 1 nil
         header a0
         block a0
         polka 0 a0 by 0,1,2",
    );
    assert!(told.engine().status().valid.is_none());
}

// 44: a nil quorum in step prevote is precommitted nil at once; lock and valid value stay.
#[test]
fn rule_44_a_nil_quorum_is_precommitted_nil() {
    let told = check(
        "proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         > sign precommit 0 a0 with polka 0
         precommit 0,1,2 0 nil
         timer precommit 0
         timer propose 1
         > sign prevote 1 nil
         prevote 0,1,2 1 nil
         > sign precommit 1 nil",
    );
    assert!(told.engine().status().locked.is_some());
    assert!(told.engine().status().valid.is_some());
}

// 44 holds in step prevote alone.
#[test]
fn rule_44_only_in_step_prevote() {
    check(
        "prevote 0,1,2 0 nil
         timer propose 0
         > sign prevote 0 nil
         > sign precommit 0 nil",
    );
}

// 47: the first mixed quorum of precommits of the round starts the timer, once, in any step.
#[test]
fn rule_47_a_mixed_precommit_quorum_starts_the_timer_once() {
    check(
        "show timer
         precommit 0 0 a0
         > timer tick 0
         precommit 1 0 nil
         > timer propose 0
         precommit 2 0 b0
         > timer precommit 0
         timer propose 0
         timer prevote 0",
    );
}

// 47 is of the current round: precommits of a round that is over start nothing.
#[test]
fn rule_47_is_of_the_current_round() {
    check(
        "show timer
         precommit 0,1,2 1 nil
         > timer tick 0
         > timer propose 1
         > timer precommit 1
         precommit 0,1,2 0 nil",
    );
}

// 49: certificate, header and body decide; lock and valid value are void.
#[test]
fn rule_49_a_certificate_of_the_current_round_decides() {
    let told = check(
        "show sign decided
         proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         > sign precommit 0 a0 with polka 0
         precommit 0,1 0 a0
         precommit 2 0 a0
         > decided 0 a0 by [0, 1, 2]",
    );
    assert!(told.engine().status().locked.is_none());
}

// 49 in any round, past, current or future, and in any step.
#[test]
fn rule_49_any_round_of_the_height_decides() {
    for round in [0, 1, 2, 40] {
        check(&format!(
            "show decided
             precommit 0,1,2 0 nil
             timer precommit 0
             header a0
             body a0
             certificate {round} a0 by 0,1,2
             > decided {round} a0 by [0, 1, 2]"
        ));
    }
}

// 49 fires when the last of certificate, header and body arrives; the outcome is not waited for.
#[test]
fn rule_49_fires_with_the_last_of_its_conditions() {
    let parts = ["header a0", "body a0", "certificate 0 a0 by 0,1,2"];
    for last in 0..3 {
        let others: Vec<_> = (0..3)
            .filter(|part| *part != last)
            .map(|part| parts[part])
            .collect();
        let others = others.join("\n ");
        check(&format!(
            "show decided\n {others}\n {}\n > decided 0 a0 by [0, 1, 2]",
            parts[last]
        ));
    }
}

// 49 comes before everything else that the same input enables.
#[test]
fn rule_49_decides_first() {
    check(
        "show sign decided
         header a0
         body a0
         precommit 0,1 0 a0
         precommit 2 0 a0
         > decided 0 a0 by [0, 1, 2]
         proposal 0 a0
         timer propose 0",
    );
}

// 49: a quorum on an invalid value is an alarm and a halt, never a skip.
#[test]
fn rule_49_an_invalid_value_halts() {
    check(
        "show sign decided alarm
         header a0
         bad-body a0
         certificate 0 a0 by 0,1,2
         > alarm invalid-certified a0
         work
         timer propose 0
         precommit 0,1,2 1 nil
         body a0",
    );
    check("show alarm\n header z0\n certificate 0 z0 by 0,1,2\n > alarm invalid-certified z0");
}

// 55: an honest hint of distinct senders in one higher round, prevotes and precommits together.
#[test]
fn rule_55_an_honest_hint_jumps() {
    check(
        "show round
         prevote 0 5 nil
         precommit 0 5 nil
         precommit 1 5 a0
         > round 5 of 1",
    );
}

// 55: one sender is no hint, and two rounds with one sender each are none either.
#[test]
fn rule_55_needs_distinct_senders_in_one_round() {
    check(
        "show round
         prevote 0 5 nil
         precommit 0 5 nil
         prevote 1 6 nil
         prevote 2 7 nil",
    );
}

// 55: two rounds have their hint at once; the higher is entered.
#[test]
fn rule_55_jumps_to_the_highest() {
    check(
        "show round
         prevote 0 3 nil
         prevote 0,1 4 nil
         > round 4 of 0
         prevote 1 3 nil",
    );
}

// 55 comes last: a polka at hand is locked and precommitted before its round is left.
#[test]
fn rule_55_leaves_no_enabled_rule_behind() {
    let told = check(
        "show sign round
         proposal 0 a0
         body a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         prevote 0 1 nil
         executed a0
         > sign precommit 0 a0 with polka 0
         prevote 1 1 nil
         > round 1 of 1",
    );
    assert!(told.engine().status().locked.is_some());
}

// 57: the propose timer answers nil, if round and step still match.
#[test]
fn rule_57_the_propose_timer_prevotes_nil() {
    check(
        "work
         timer propose 1
         timer propose 0
         > sign prevote 0 nil
         timer propose 0",
    );
}

// 61: the prevote timer precommits nil, if round and step still match.
#[test]
fn rule_61_the_prevote_timer_precommits_nil() {
    check(
        "work
         timer prevote 0
         timer propose 0
         > sign prevote 0 nil
         timer prevote 1
         timer prevote 0
         > sign precommit 0 nil
         timer prevote 0",
    );
}

// 65: the precommit timer starts the next round in any step, if the round still matches.
#[test]
fn rule_65_the_precommit_timer_starts_the_next_round() {
    check(
        "show round
         work
         timer precommit 1
         timer precommit 0
         > round 1 of 1
         timer precommit 0",
    );
}

// A decided height answers to no timer and no vote any more.
#[test]
fn a_decided_height_is_closed_for_signing() {
    check(
        "show sign publish decided
         proposal 0 a0
         block a0
         > sign prevote 0 a0
         certificate 0 a0 by 0,1,2
         > decided 0 a0 by [0, 1, 2]
         released
         timer propose 0
         timer prevote 0
         timer precommit 0
         prevote 0,1 3 nil
         work",
    );
}

/// Every order of some lines.
fn orders(lines: &[&str]) -> Vec<Vec<String>> {
    if lines.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for chosen in 0..lines.len() {
        let mut rest = lines.to_vec();
        let first = rest.remove(chosen);
        for order in orders(&rest) {
            all.push(std::iter::once(first.to_owned()).chain(order).collect());
        }
    }
    all
}

// No order of arrival loses a rule: whatever comes last, the node has prevoted, locked and precommitted the value once.
#[test]
fn no_order_of_arrival_loses_a_rule() {
    let parts = [
        "proposal 0 a0",
        "body a0",
        "executed a0",
        "prevote 0 0 a0",
        "prevote 1 0 a0",
        "prevote 2 0 a0",
    ];
    for order in orders(&parts) {
        let told = check(&format!("show nothing\n {}", order.join("\n ")));
        let status = told.engine().status();
        assert_eq!(status.step, crate::round::Step::Precommit, "{order:?}");
        assert!(
            status.locked.is_some() && status.valid.is_some(),
            "{order:?}"
        );
        assert_eq!(
            told.asked(),
            ["prevote 0 a0", "precommit 0 a0"],
            "{order:?}"
        );
    }
}

// One input that enables several rules hides none: the decision, its comparison and the halt are all reached in any order.
#[test]
fn one_event_never_hides_another() {
    let parts = [
        "proposal 0 a0",
        "body a0",
        "executed a0",
        "polka 0 a0 by 0,1,2",
        "certificate 0 a0 by 0,1,2",
    ];
    for order in orders(&parts) {
        let told = check(&format!("show nothing\n {}", order.join("\n ")));
        assert_eq!(
            told.engine().status().waits,
            [crate::engine::Wait::NextHeight],
            "{order:?}"
        );
    }
}
