//! Why is it not moving: the answer names every quorum, block and person that is waited for.

use super::story::check;

#[test]
fn idle_waits_for_work() {
    check("open\n status\n > 0 Propose: work");
}

#[test]
fn a_begun_round_waits_for_its_proposer() {
    check(
        "work
         status
         > 0 Propose: proposal from 0; prevotes 0/0 of 3 without [0, 1, 2, 3]; precommits 0/0 of 3 without [0, 1, 2, 3]",
    );
    check(
        "node 0
         work
         status
         > 0 Propose: own proposal; prevotes 0/0 of 3 without [0, 1, 2, 3]; precommits 0/0 of 3 without [0, 1, 2, 3]",
    );
}

#[test]
fn a_proposal_waits_for_its_body_or_its_polka() {
    check("proposal 0 a0\n status\n > 0 Propose: body a0");
    check(
        "prevote 0,1 1 nil
         proposal 1 a0 vr 0
         status
         > 1 Propose: polka 0 a0; prevotes 2/2 of 3 without [2, 3]; precommits 0/0 of 3 without [0, 1, 2, 3]",
    );
}

#[test]
fn a_polka_waits_for_block_and_outcome() {
    check(
        "show
         work
         timer propose 0
         polka 0 a0 by 0,1,2
         status
         > 0 Prevote: header a0; prevotes 3/3 of 3 without [3]; precommits 0/0 of 3 without [0, 1, 2, 3]
         header a0
         body a0
         status
         > 0 Prevote: execution a0; prevotes 3/3 of 3 without [3]; precommits 0/0 of 3 without [0, 1, 2, 3]",
    );
}

#[test]
fn a_precommitted_round_waits_for_precommits() {
    check(
        "show
         work
         timer propose 0
         prevote 0,1,2 0 nil
         precommit 1 0 a0
         precommit 2 0 nil
         status
         > 0 Precommit: precommits 1/2 of 3 without [0, 3]",
    );
}

#[test]
fn a_certificate_waits_for_its_block_and_a_decision_for_its_execution() {
    check(
        "certificate 0 a0 by 0,1,2
         status
         > 0 Propose: header a0; proposal from 0; prevotes 0/0 of 3 without [0, 1, 2, 3]; precommits 3/3 of 3 without [3]
         header a0
         body a0
         status
         > 0 Propose: execution a0
         executed a0
         status
         > 0 Propose: next height",
    );
}

#[test]
fn a_halted_height_waits_for_a_person() {
    check("certificate 0 z0 by 0,1,2\n header z0\n status\n > 0 Propose: a person");
}
