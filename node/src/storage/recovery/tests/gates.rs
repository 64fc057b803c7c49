//! A replay across a feature gate, another validator set and evidence.

use falaj_consensus::message::EvidenceKind;
use falaj_consensus::types::{Height, ValidatorId};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::state::State;
use falaj_ledger::validate::Rules;

use super::RecoverError;
use crate::core::{GatesLacking, JobTools};
use crate::storage::forge::chain::{BIT, Chain, FROM};

/// Replays a chain from genesis with a program, as far as that gets.
fn replayed(chain: &Chain, supported: u64) -> (State, Option<RecoverError>) {
    let rules = Rules::of_genesis(&chain.genesis);
    let tools = JobTools {
        checker: &RealChecker,
        rules: &rules,
    };
    let found = chain.logs.scan().unwrap();
    let mut state = State::open(&chain.genesis).unwrap().state;
    for decided in &chain.executed {
        let block = match chain.logs.replay(&found, &state, supported, tools) {
            Ok(block) => block,
            Err(error) => return (state, Some(error)),
        };
        assert_eq!(block.executed.outcome, decided.outcome);
        assert_eq!(block.executed.events, decided.events);
        state = block.executed.state.clone();
    }
    (state, None)
}

// docs/spec/durable.md, "Recovery": what comes out of a replay is what a quorum certified, gates, new sets and evidence among it.
#[test]
fn a_replay_across_gate_and_evidence_gives_what_was_certified() {
    let chain = Chain::new();
    let (state, error) = replayed(&chain, BIT);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(state.root(), chain.ledger.state.root());
    let words = [FROM - 1, FROM].map(|height| state.features_at(Height::new(height)));
    assert_eq!(words, [0, BIT]);
    for (height, validator) in [(3, 2), (4, 3)] {
        let (height, validator) = (Height::new(height), ValidatorId::new(validator));
        let seen = state.evidence(height, validator, EvidenceKind::DoublePrevote);
        assert_eq!(seen.unwrap().block, Height::new(5));
    }
}

// docs/spec/consensus.md, "Upgrades": a program that lacks a gate of a decided height replays up to it, and says which gate.
#[test]
fn a_replay_ends_before_a_gate_that_the_program_lacks() {
    let (state, error) = replayed(&Chain::new(), !BIT);
    assert_eq!(state.height(), Height::new(FROM - 1));
    let Some(RecoverError::GatesLacking(lacking)) = error else {
        panic!("{error:?}");
    };
    let shut = GatesLacking {
        height: Height::new(FROM),
        features: BIT,
        lacking: BIT,
    };
    assert_eq!(lacking, shut);
}
