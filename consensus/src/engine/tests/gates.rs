//! Feature gates: a height under one that the program lacks stays shut, whatever comes, before and after a restart.

use crate::engine::{Alarm, Config, Engine, HeightStart, Input, Output, Parent};
use crate::message::{Header, PrevoteValue, Statement};
use crate::testing::Committee;
use crate::types::{BlockId, Height, Now, OutcomeHash, Round, ValidatorIndex};

const WORD: u64 = 0b101;

fn now() -> Now {
    Now {
        mono_ns: 0,
        wall_us: 2_000,
    }
}

fn start(committee: &Committee) -> HeightStart {
    let parent = Parent {
        id: BlockId::default(),
        outcome: OutcomeHash::default(),
        time_us: 1_000,
    };
    HeightStart {
        features: WORD,
        own: Some(ValidatorIndex::new(0)),
        ..committee.start(Height::new(1), parent)
    }
}

fn opened(committee: &Committee, supported: u64) -> (Engine, Vec<Output>) {
    let config = Config {
        genesis_hash: committee.chain.genesis_hash,
        supported,
    };
    Engine::new(config, start(committee), now())
}

// docs/spec/consensus.md, "Upgrades": one lacking bit keeps the height shut, and the alarm names it.
#[test]
fn a_height_under_a_gate_that_is_lacking_stays_shut() {
    let committee = Committee::new(&[1, 1, 1, 1]);
    let (mut engine, out) = opened(&committee, 0b001);
    let alarm = Alarm::GatesLacking {
        height: Height::new(1),
        features: WORD,
        lacking: 0b100,
    };
    assert_eq!(out, [Output::Alarm(alarm)]);
    assert_eq!(engine.step(now(), Input::WorkDue), []);
    let id = BlockId::default();
    let statement = |round| Statement::Prevote {
        height: Height::new(1),
        round: Round::new(round),
        value: Some(PrevoteValue {
            id,
            valid_round: None,
        }),
    };
    for round in [0, 7] {
        for member in 1..4 {
            let vote = committee.vote(ValidatorIndex::new(member), statement(round));
            assert_eq!(engine.step(now(), Input::Vote(vote)), []);
        }
    }
}

#[test]
fn a_program_that_supports_more_opens_the_height() {
    let committee = Committee::new(&[1, 1, 1, 1]);
    for supported in [WORD, u64::MAX] {
        let (_, out) = opened(&committee, supported);
        let opens = |output: &Output| matches!(output, Output::StartTimer { .. });
        assert!(out.iter().any(opens));
        assert!(!out.iter().any(|output| matches!(output, Output::Alarm(_))));
    }
}

// The word of a header is exactly the one in force: with a bit less or more it is not admitted.
#[test]
fn a_header_has_exactly_the_word_in_force() {
    let committee = Committee::new(&[1, 1, 1, 1]);
    let start = start(&committee);
    let context = crate::driver::HeightContext::new(committee.chain.genesis_hash, &start);
    let turn = context.proposer(Round::new(0));
    let admitted = |features| {
        let header = committee.header(&start, Round::new(0), turn, 0);
        context.admits(&Header { features, ..header })
    };
    let found = [0, 1, 0b100, WORD, 0b111, u64::MAX].map(admitted);
    assert_eq!(found, [false, false, false, true, false, false]);
}
