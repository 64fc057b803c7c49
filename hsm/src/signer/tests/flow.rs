//! Intent, token, check, sync, release: the order of things.

use falaj_consensus::durable::Survives;

use crate::backend::{BackendCall, BackendError, Fault};
use crate::fixture::{
    DEADLINE_NS, Disks, Home, NOW, TestToken, answers, ask, block, code, outcome, precommit,
    prevote, proof, request,
};
use crate::guard::{Record, StatementState};
use crate::signer::{Input, RequestId};

use std::time::Duration;

fn submit(home: &mut Home, id: u64, statement: falaj_consensus::message::Statement) {
    home.submit(NOW, Input::Sign(Box::new(request(id, statement))))
        .unwrap();
}

fn perform(home: &mut Home, token: &TestToken, call: &BackendCall) {
    let result = call.work.perform(token, Duration::from_secs(1));
    home.complete(NOW, call.id, result).unwrap();
}

fn ids(home: &mut Home) -> Vec<u64> {
    answers(home.released())
        .iter()
        .map(|(id, answer)| answer.as_ref().map(|_| *id).unwrap())
        .collect()
}

// The call is there as soon as the intent is written, before any sync; the answer needs both, in either order.
#[test]
fn an_answer_waits_for_the_sync_and_for_the_check() {
    for sync_first in [true, false] {
        let (_, mut home) = Disks::home();
        let token = TestToken::new();
        submit(&mut home, 1, prevote(1, 0, None));
        assert!(home.needs_sync());
        let calls = home.take_calls();
        assert_eq!(calls.len(), 1);
        if sync_first {
            home.sync().unwrap();
            assert_eq!(home.released(), []);
            perform(&mut home, &token, &calls[0]);
        } else {
            perform(&mut home, &token, &calls[0]);
            assert_eq!(home.released(), []);
            home.sync().unwrap();
        }
        assert_eq!(ids(&mut home), [1]);
        assert!(
            !home.needs_sync(),
            "the signature's record has no sync of its own"
        );
    }
}

// A refusal that comes while an answer waits leaves after it: answers keep the order of the steps.
#[test]
fn answers_leave_in_order() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    let calls = home.take_calls();
    perform(&mut home, &token, &calls[0]);
    submit(&mut home, 2, prevote(1, 0, Some((block(1), None))));
    assert_eq!(home.released(), []);
    home.sync().unwrap();
    let answers = answers(home.released());
    assert_eq!(
        answers.iter().map(|answer| answer.0).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(code(answers[1].1.clone()), "double_sign");
}

// The same statement asked for twice while the token works is one call and two answers.
#[test]
fn a_second_request_joins_the_call_under_way() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    submit(&mut home, 2, prevote(1, 0, None));
    let calls = home.take_calls();
    assert_eq!(calls.len(), 1);
    perform(&mut home, &token, &calls[0]);
    home.sync().unwrap();
    assert_eq!(ids(&mut home), [1, 2]);
}

// Once signed, the same statement gets the very same signature, without the token, before and after a restart.
#[test]
fn a_repetition_gets_the_stored_signature() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    let first = ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    assert_eq!(ask(&mut home, &token, prevote(1, 0, None)).unwrap(), first);
    ask(&mut home, &token, precommit(1, 0, None)).unwrap();
    assert_eq!(ask(&mut home, &token, prevote(1, 0, None)).unwrap(), first);
    home.settle().unwrap();
    drop(home);
    let mut home = disks.open().unwrap();
    assert_eq!(ask(&mut home, &token, prevote(1, 0, None)).unwrap(), first);
    assert_eq!(token.signed().len(), 2);
    assert_eq!(home.signer().counters().repeated(), 1);
}

// The last 64 statements can be repeated, older ones not any more.
#[test]
fn sixty_four_statements_can_be_repeated() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    for round in 0..65 {
        ask(&mut home, &token, prevote(1, round, None)).unwrap();
    }
    ask(&mut home, &token, prevote(1, 1, None)).unwrap();
    assert_eq!(
        code(ask(&mut home, &token, prevote(1, 0, None))),
        "regression"
    );
    assert!(!home.recovered().unwrap().complete);
}

// After a fault the recorded bytes are signed, also when the signature comes only after a later statement.
#[test]
fn a_late_signature_is_still_that_statement() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    submit(&mut home, 2, precommit(1, 0, None));
    let calls = home.take_calls();
    perform(&mut home, &token, &calls[1]);
    perform(&mut home, &token, &calls[0]);
    home.sync().unwrap();
    assert_eq!(ids(&mut home), [2, 1]);
    let own: Vec<_> = home
        .recovered()
        .unwrap()
        .own
        .iter()
        .map(|own| own.get().statement)
        .collect();
    assert_eq!(own, [prevote(1, 0, None), precommit(1, 0, None)]);
}

// An answer for a call that was given up is dropped, and its bytes can be asked for again.
#[test]
fn an_answer_after_a_timeout_is_dropped() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    let calls = home.take_calls();
    home.complete(NOW, calls[0].id, Err(BackendError::new(Fault::Timeout)))
        .unwrap();
    perform(&mut home, &token, &calls[0]);
    home.sync().unwrap();
    let answers = answers(home.released());
    assert_eq!(answers.len(), 1);
    assert_eq!(code(answers[0].1.clone()), "backend_timeout");
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    assert_eq!(
        home.signer().counters().backend_calls(),
        3,
        "every answer of the backend is counted"
    );
}

// A call whose deadline passed before it was begun never reaches the token.
#[test]
fn a_stale_call_never_reaches_the_token() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    let calls = home.take_calls();
    let late = falaj_consensus::types::Now {
        mono_ns: DEADLINE_NS,
        ..NOW
    };
    assert_eq!(calls[0].budget(late), None);
    assert_eq!(
        calls[0].budget(NOW),
        Some(Duration::from_nanos(DEADLINE_NS - NOW.mono_ns))
    );
    home.drop_call(late, calls[0].id).unwrap();
    home.sync().unwrap();
    assert_eq!(code(answers(home.released()).remove(0).1), "stale");
    assert_eq!(
        (
            token.signed().len(),
            home.signer().counters().backend_calls()
        ),
        (0, 0)
    );
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
}

// The signature of a statement is on disk with the next intent, in one frame and one sync.
#[test]
fn a_signature_rides_with_the_next_intent() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    let operations = disks.guard.operations();
    ask(&mut home, &token, precommit(1, 0, None)).unwrap();
    assert_eq!(
        disks.guard.operations() - operations,
        2,
        "one append and one sync"
    );
    disks.guard.crash(Survives::Nothing, false);
    let home = disks.open().unwrap();
    let records = home
        .guard_log()
        .unwrap()
        .iter_from(falaj_consensus::durable::Position::START);
    let states: Vec<_> = records
        .map(|item| Record::decode(&item.unwrap().1).unwrap().state)
        .collect();
    let (intent, signed) = (Some(StatementState::Intent), Some(StatementState::Signed));
    assert_eq!(states, [None, intent, signed, intent]);
    assert_eq!(home.recovered().unwrap().own.len(), 1);
    assert_eq!(
        home.recovered().unwrap().intent,
        Some(precommit(1, 0, None))
    );
}

// After a restart the replica finds position, lock with polka, own signatures and the open intent.
#[test]
fn a_restart_finds_what_it_needs() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    let value = Some((block(0xa1), outcome(1)));
    ask(&mut home, &token, prevote(1, 0, Some((block(0xa1), None)))).unwrap();
    ask(&mut home, &token, precommit(1, 0, value)).unwrap();
    ask(&mut home, &token, prevote(1, 1, None)).unwrap();
    let before = home.recovered().unwrap();
    home.settle().unwrap();
    drop(home);
    let after = disks.open().unwrap().recovered().unwrap();
    assert_eq!(after, before);
    assert_eq!(after.own.len(), 3);
    assert!(after.complete && after.intent.is_none() && after.latch.is_none());
    let lock = after.lock.unwrap();
    assert_eq!(
        (lock.value.id, lock.value.outcome, lock.polka.round),
        (block(0xa1), outcome(1), lock.round)
    );
}

// Old segments go when nothing in them is needed, and the guard loads from what is left.
#[test]
fn settling_prunes_what_no_restart_needs() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    home.set_guard_segment_bytes(4_000);
    for height in 1..60 {
        for statement in [prevote(height, 0, None), precommit(height, 0, None)] {
            let mut request = request(height, statement);
            request.proof = (height > 1).then(|| Box::new(proof(height - 1)));
            let outputs = home
                .run(NOW, Input::Sign(Box::new(request)), &token)
                .unwrap();
            answers(outputs).remove(0).1.unwrap();
        }
        home.settle().unwrap();
    }
    let before = home.recovered().unwrap();
    assert!(home.guard_log().unwrap().first().get() > 50);
    drop(home);
    let mut home = disks.open().unwrap();
    assert_eq!(home.recovered().unwrap(), before);
    assert_eq!(
        code(ask(
            &mut home,
            &token,
            prevote(59, 0, Some((block(1), None)))
        )),
        "regression"
    );
}

// A vote whose signature left and was lost with the power is remembered as ours, under a later one without a signature too.
#[test]
fn every_recorded_statement_is_found_again() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    disks.guard.crash(Survives::Nothing, false);
    let mut home = disks.open().unwrap();
    submit(&mut home, 1, precommit(1, 0, None));
    home.sync().unwrap();
    drop(home);
    let recovered = disks.open().unwrap().recovered().unwrap();
    assert_eq!(
        recovered.statements,
        [prevote(1, 0, None), precommit(1, 0, None)]
    );
    assert_eq!(recovered.own, []);
    assert_eq!(recovered.intent, Some(precommit(1, 0, None)));
    assert!(recovered.complete);
}

// What was recorded is signed later too, though the guard went on meanwhile; anything else at that place is refused.
#[test]
fn recorded_bytes_below_the_last_are_signed() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    home.sync().unwrap();
    let call = home.take_calls().remove(0);
    home.complete(NOW, call.id, Err(BackendError::new(Fault::Timeout)))
        .unwrap();
    let refused = answers(home.released());
    assert_eq!(code(refused[0].1.clone()), "backend_timeout");
    ask(&mut home, &token, precommit(1, 0, None)).unwrap();
    let other = prevote(1, 0, Some((block(0xa1), None)));
    assert_eq!(code(ask(&mut home, &token, other)), "regression");
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    assert_eq!(home.recovered().unwrap().own.len(), 2);
}

// A failed sync is the end: nothing is released after it, and the home says so.
#[test]
fn a_failed_sync_releases_nothing() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    submit(&mut home, 1, prevote(1, 0, None));
    let calls = home.take_calls();
    perform(&mut home, &token, &calls[0]);
    disks.guard.fail_syncs();
    assert!(home.sync().is_err());
    assert!(home.sync().is_err());
    assert_eq!(home.released(), []);
    assert_eq!(RequestId::new(1).get(), 1);
}
