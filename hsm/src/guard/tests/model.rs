//! The guard against a reference model that knows only the list of what was said, over all pairs of statements of a small domain and
//! over random longer courses.
//!
//! The model is written from the table of `docs/spec/guard.md`, with plain lists and scans, and shares no code with the guard.

use proptest::prelude::*;

use falaj_consensus::message::Statement;
use falaj_consensus::types::{BlockId, OutcomeHash};

use crate::fixture::{
    HashChecker, block, floor, identity, key, outcome, precommit, prevote, proposal, request, sign,
};
use crate::guard::{Guard, Verdict};
use crate::signer::SignRequest;

const BLOCKS: [u8; 2] = [0xa1, 0xa2];
const OUTCOMES: [u8; 2] = [0x01, 0x02];

/// What the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Sign,
    Again,
    Refuse(&'static str),
}

/// Everything said so far, in order.
#[derive(Clone, Default)]
struct Model {
    said: Vec<Statement>,
}

fn rank(statement: &Statement) -> (u64, u32, u8) {
    let step = match statement {
        Statement::Proposal { .. } => 0,
        Statement::Prevote { .. } => 1,
        Statement::Precommit { .. } => 2,
    };
    (statement.height().get(), statement.round().get(), step)
}

fn precommitted(statement: &Statement) -> Option<(u64, u32, BlockId, OutcomeHash)> {
    if let Statement::Precommit {
        height,
        round,
        value: Some(value),
    } = statement
    {
        Some((height.get(), round.get(), value.id, value.outcome))
    } else {
        None
    }
}

impl Model {
    fn expect(&self, request: &SignRequest) -> Expected {
        let asked = &request.statement;
        let highest = self.said.iter().max_by_key(|said| rank(said));
        let last = highest.map_or((0, 0, 2), rank);
        if rank(asked) <= last {
            let same = self.said.contains(asked);
            return match (same, rank(asked) == last) {
                (true, _) => Expected::Again,
                (false, true) => Expected::Refuse("double_sign"),
                (false, false) => Expected::Refuse("regression"),
            };
        }
        let height = asked.height().get();
        if height > last.0 && height != 1 && request.proof.is_none() {
            return Expected::Refuse("height_jump");
        }
        self.expect_by_lock(request)
    }

    fn expect_by_lock(&self, request: &SignRequest) -> Expected {
        let asked = &request.statement;
        let height = asked.height().get();
        let shown = |round: u32, id: BlockId| {
            request.polka.as_ref().is_some_and(|polka| {
                polka.height.get() == height && polka.round.get() == round && polka.id == id
            })
        };
        let here: Vec<_> = self
            .said
            .iter()
            .filter_map(precommitted)
            .filter(|said| said.0 == height)
            .collect();
        let locked_round = here.iter().map(|said| said.1).max();
        match asked {
            Statement::Prevote {
                value: Some(value), ..
            } => match (locked_round, value.valid_round) {
                (None, _) => Expected::Sign,
                (Some(locked), Some(valid))
                    if valid.get() >= locked && shown(valid.get(), value.id) =>
                {
                    Expected::Sign
                }
                _ => Expected::Refuse("lock"),
            },
            Statement::Precommit {
                round,
                value: Some(value),
                ..
            } => {
                if !shown(round.get(), value.id) {
                    Expected::Refuse("lock")
                } else if here
                    .iter()
                    .any(|said| said.2 == value.id && said.3 != value.outcome)
                {
                    Expected::Refuse("outcome")
                } else {
                    Expected::Sign
                }
            }
            Statement::Proposal { .. }
            | Statement::Prevote { value: None, .. }
            | Statement::Precommit { value: None, .. } => Expected::Sign,
        }
    }
}

/// All statements of two heights and three rounds over two blocks and two outcomes.
fn statements() -> Vec<Statement> {
    let mut all = Vec::new();
    for height in 1..=2 {
        for round in 0..3 {
            let valid_rounds = || std::iter::once(None).chain((0..round).map(Some));
            all.push(prevote(height, round, None));
            all.push(precommit(height, round, None));
            for id in BLOCKS.map(block) {
                all.extend(valid_rounds().map(|valid| proposal(height, round, id, valid)));
                all.extend(valid_rounds().map(|valid| prevote(height, round, Some((id, valid)))));
                all.extend(
                    OUTCOMES.map(|number| precommit(height, round, Some((id, outcome(number))))),
                );
            }
        }
    }
    all
}

/// A request with or without what justifies it.
fn asked(statement: Statement, with_polka: bool, with_proof: bool) -> SignRequest {
    let mut request = request(1, statement);
    request.polka = request.polka.filter(|_| with_polka);
    request.proof = request.proof.filter(|_| with_proof);
    request
}

fn new_guard() -> Guard {
    Guard::init(identity(), floor()).0
}

/// What the guard does with a request; what may be signed is entered and signed.
fn put(guard: &mut Guard, request: &SignRequest) -> Expected {
    match guard.judge(&HashChecker, request) {
        Ok(Verdict::Fresh(fresh)) => {
            let (entry, _) = guard.enter(fresh);
            guard.signed(
                &entry,
                &sign(&key(1), entry.sign_bytes.as_slice(), entry.seq),
            );
            Expected::Sign
        }
        Ok(Verdict::Stored(..)) => Expected::Again,
        Ok(Verdict::Recorded(_)) => panic!("everything was signed"),
        Err(refusal) => Expected::Refuse(refusal.code()),
    }
}

/// Asks both and compares.
fn compare(guard: &mut Guard, model: &mut Model, request: &SignRequest) {
    let expected = model.expect(request);
    let found = put(guard, request);
    assert_eq!(
        found, expected,
        "{:?} after {:?}",
        request.statement, model.said
    );
    if found == Expected::Sign {
        model.said.push(request.statement);
    }
}

/// A statement with what justifies it, without its polka, without its proof, and without both.
fn requests(statement: Statement) -> Vec<SignRequest> {
    let choices = [(true, true), (false, true), (true, false), (false, false)];
    let mut requests: Vec<_> = choices
        .map(|(polka, proof)| asked(statement, polka, proof))
        .into();
    requests.dedup();
    requests
}

// Every pair of (height, round, step, value), the second with and without its polka and its proof.
#[test]
fn all_pairs_agree_with_the_model() {
    let seconds: Vec<_> = statements().into_iter().flat_map(requests).collect();
    for first in statements() {
        let (mut guard, mut model) = (new_guard(), Model::default());
        compare(&mut guard, &mut model, &asked(first, true, true));
        for second in &seconds {
            compare(&mut guard.clone(), &mut model.clone(), second);
        }
    }
}

/// What no course of a key may contain, seen from outside.
fn assert_course_is_safe(said: &[Statement]) {
    for (at, later) in said.iter().enumerate() {
        for earlier in &said[..at] {
            assert!(rank(earlier) < rank(later), "{later:?} after {earlier:?}");
            let Some((height, round, id, outcome)) = precommitted(earlier) else {
                continue;
            };
            match later {
                Statement::Prevote {
                    value: Some(value), ..
                } if later.height().get() == height => {
                    let young = value.valid_round.is_some_and(|valid| valid.get() >= round);
                    assert!(
                        value.id == id || young,
                        "amnesia: {later:?} after {earlier:?}"
                    );
                }
                Statement::Precommit {
                    value: Some(value), ..
                } if later.height().get() == height => {
                    assert!(
                        value.id != id || value.outcome == outcome,
                        "two outcomes: {later:?} after {earlier:?}"
                    );
                }
                Statement::Proposal { .. }
                | Statement::Prevote { .. }
                | Statement::Precommit { .. } => {}
            }
        }
    }
}

fn course() -> impl Strategy<Value = Vec<(Statement, bool, bool)>> {
    let statement = prop::sample::select(statements());
    prop::collection::vec(
        (
            statement,
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.9),
        ),
        1..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    // Longer courses agree with the model, and what was said keeps the rules seen from outside.
    #[test]
    fn courses_agree_with_the_model(course in course()) {
        let (mut guard, mut model) = (new_guard(), Model::default());
        for (statement, with_polka, with_proof) in course {
            compare(&mut guard, &mut model, &asked(statement, with_polka, with_proof));
        }
        assert_course_is_safe(&model.said);
    }

    // The same, with the requests of a course in order, so that most of them are let through.
    #[test]
    fn ordered_courses_agree_with_the_model(mut course in course()) {
        course.sort_by_key(|(statement, ..)| rank(statement));
        let (mut guard, mut model) = (new_guard(), Model::default());
        for (statement, with_polka, with_proof) in course {
            compare(&mut guard, &mut model, &asked(statement, with_polka, with_proof));
        }
        assert_course_is_safe(&model.said);
    }

    // An intent that is taken back leaves no trace.
    #[test]
    fn undo_leaves_no_trace(mut course in course()) {
        course.sort_by_key(|(statement, ..)| rank(statement));
        let mut guard = new_guard();
        for (statement, with_polka, with_proof) in course {
            let before = guard.clone();
            let request = asked(statement, with_polka, with_proof);
            if let Ok(Verdict::Fresh(fresh)) = guard.judge(&HashChecker, &request) {
                let mut undone = guard.clone();
                undone.enter(fresh.clone());
                undone.undo();
                prop_assert_eq!(undone.state, before.state);
                prop_assert_eq!(undone.window, before.window);
                guard.enter(fresh);
            }
        }
    }
}
