//! Votes tallied by whole statement, mixed counts by sender, and a second message as evidence.

use super::story::check;

// A polka is one (round, id, valid round): votes for one block with two valid rounds are no polka, yet they are a mixed quorum.
#[test]
fn a_polka_is_one_valid_round() {
    check(
        "show sign timer
         precommit 0,1,2 2 nil
         > timer tick 0
         > timer propose 2
         > timer precommit 2
         header a0
         block a0
         timer propose 2
         > sign prevote 2 nil
         prevote 0,1 2 a0 vr 0
         prevote 2 2 a0 vr 1
         > timer prevote 2",
    );
}

// A commit certificate is one (round, id, outcome).
#[test]
fn a_certificate_is_one_outcome() {
    check(
        "show decided timer
         precommit 0,1 0 a0
         > timer tick 0
         > timer propose 0
         precommit 2 0 a0!
         > timer precommit 0
         header a0
         body a0",
    );
}

// Mixed counts count senders: a second vote of a sender adds nothing to them.
#[test]
fn a_sender_counts_once_in_mixed_counts() {
    check(
        "show round evidence
         precommit 0 5 nil
         precommit 0 5 a0
         > evidence DoublePrecommit by 0: precommit 5 nil and precommit 5 a0",
    );
}

// The first vote of a sender is counted, the second becomes evidence: one for each kind, however many there are.
#[test]
fn a_second_vote_is_evidence_once() {
    check(
        "show evidence sign
         work
         timer propose 0
         > sign prevote 0 nil
         prevote 0 0 nil
         prevote 0 0 nil
         prevote 0 0 a0
         > evidence DoublePrevote by 0: prevote 0 nil and prevote 0 a0
         prevote 0 0 b0
         prevote 0 1 a0
         prevote 0 1 b0
         precommit 0 0 nil
         precommit 0 0 a0
         > evidence DoublePrecommit by 0: precommit 0 nil and precommit 0 a0
         precommit 0 0 b0
         > evidence Amnesia by 0: precommit 0 b0 and prevote 1 a0",
    );
}

// A certificate that contains the second vote of a sender counts as a whole.
#[test]
fn a_certificate_with_a_second_vote_counts() {
    check(
        "show sign evidence
         proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0 0 nil
         prevote 1 0 a0
         polka 0 a0 by 0,1,2
         > evidence DoublePrevote by 0: prevote 0 nil and prevote 0 a0
         > sign precommit 0 a0 with polka 0",
    );
    check(
        "show decided evidence
         header a0
         body a0
         precommit 0 0 nil
         certificate 0 a0 by 0,1,2
         > evidence DoublePrecommit by 0: precommit 0 nil and precommit 0 a0
         > decided 0 a0 by [0, 1, 2]",
    );
}

// The first proposal of a round is answered, the second becomes evidence, a third is nothing.
#[test]
fn a_second_proposal_is_evidence_and_not_answered() {
    check(
        "show sign evidence
         proposal 0 b0
         proposal 0 a0
         > evidence DoubleProposal by 0: proposal 0 a0 and proposal 0 b0
         block a0
         proposal 0 c0
         body b0
         > sign prevote 0 b0",
    );
}

// The value of a second proposal is accepted with a certificate.
#[test]
fn a_second_proposal_with_a_polka_is_locked() {
    check(
        "proposal 0 b0
         proposal 0 a0
         block b0
         > sign prevote 0 b0
         polka 0 a0 by 0,1,2
         block a0
         > sign precommit 0 a0 with polka 0",
    );
}

// Amnesia: a precommit of a block, and a later prevote of another whose valid round is older than the precommit.
#[test]
fn amnesia_is_two_messages() {
    check(
        "show evidence
         precommit 0 2 a0
         prevote 0 3 b1 vr 1
         > evidence Amnesia by 0: precommit 2 a0 and prevote 3 b1 vr 1
         prevote 0 5 b1 vr 1",
    );
    check(
        "show evidence
         prevote 0 3 b3
         precommit 0 2 a0
         > evidence Amnesia by 0: precommit 2 a0 and prevote 3 b3",
    );
}

// No frame: the same block again, a valid round at or after the precommit, nil, and an earlier prevote are no offence.
#[test]
fn amnesia_never_names_a_correct_node() {
    check(
        "show evidence
         prevote 0 1 b1
         precommit 0 2 a0
         prevote 0 3 nil
         prevote 0 4 a0 vr 0
         prevote 0 5 b1 vr 2
         prevote 0 6 b1 vr 3",
    );
}

// 22 is narrower than the paper: after a precommit of v a fresh v is answered with nil, so the answer can never look like amnesia.
#[test]
fn a_locked_node_prevotes_nil_on_its_own_locked_value_too() {
    check(
        "proposal 0 a0
         block a0
         > sign prevote 0 a0
         prevote 0,1,2 0 a0
         > sign precommit 0 a0 with polka 0
         precommit 0,1,2 1 nil
         timer precommit 1
         polka 1 a0 vr 0 by 0,1,2
         proposal 2 a0 vr 0
         > sign prevote 2 a0 vr 0 with polka 0
         prevote 0,1,2 2 a0 vr 0
         > sign precommit 2 a0 with polka 2
         precommit 0,1,2 3 nil
         > sign proposal 3 a0 vr 2 with polka 2
         timer precommit 3
         proposal 4 a0 vr 1
         > sign prevote 4 nil",
    );
}

// Two commit certificates that contradict each other halt the node, whichever came first.
#[test]
fn contradicting_certificates_halt() {
    check(
        "show decided alarm sign
         certificate 0 a0 by 0,1,2
         certificate 0 b0 by 1,2,3
         > alarm own-key-elsewhere precommit 0 b0
         > alarm conflict 0 a0 by [0, 1, 2] and 0 b0 by [1, 2, 3]
         header a0
         body a0
         work",
    );
    check(
        "show decided alarm
         header a0
         body a0
         certificate 0 a0 by 0,1,2
         > decided 0 a0 by [0, 1, 2]
         certificate 1 a0! by 1,2,3
         > alarm own-key-elsewhere precommit 1 a0!
         > alarm conflict 0 a0 by [0, 1, 2] and 1 a0! by [1, 2, 3]
         executed a0",
    );
}

// Two certificates of one height that differ in round and signers alone are equal in force.
#[test]
fn equal_certificates_do_not_contradict() {
    check(
        "show decided alarm
         certificate 0 a0 by 0,1,2
         certificate 3 a0 by 1,2,3
         > alarm own-key-elsewhere precommit 3 a0
         header a0
         body a0
         > decided 0 a0 by [0, 1, 2]",
    );
}

// A message under our own key that our guard does not know: signing has to be latched off.
#[test]
fn our_own_key_elsewhere_is_an_alarm() {
    check(
        "show alarm sign
         proposal 0 a0
         body a0
         > sign prevote 0 a0
         prevote 3 0 a0
         prevote 3 0 nil
         > alarm own-key-elsewhere prevote 0 nil
         precommit 3 0 nil
         > alarm own-key-elsewhere precommit 0 nil
         proposal 3 a3
         > alarm own-key-elsewhere proposal 3 a3",
    );
}

// The same inside a polka or a certificate: whoever signed it with our key was not this guard.
#[test]
fn our_own_signature_among_others_is_watched() {
    check(
        "show alarm
         polka 0 a0 by 0,1,3
         > alarm own-key-elsewhere prevote 0 a0",
    );
    check("show alarm\n polka 0 a0 by 0,1,2");
    check(
        "show alarm
         certificate 0 a0 by 0,1,3
         > alarm own-key-elsewhere precommit 0 a0",
    );
}

// If no outcome of a block has a quorum, the alarm at the round's end says who signed which; a foreign outcome of one alone is no split.
#[test]
fn an_outcome_split_is_reported() {
    check(
        "show alarm
         precommit 0,1 0 a0
         precommit 2,3 0 a0!
         > alarm own-key-elsewhere precommit 0 a0!
         timer precommit 0
         > alarm split 0 a0 [[0, 1], [2, 3]]",
    );
    check("show alarm\n precommit 0,1 0 a0\n precommit 2 0 nil\n timer precommit 0");
}
