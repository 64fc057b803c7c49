//! A start with a program that lacks a feature gate of a decided height.

use falaj_consensus::verify::RealChecker;
use falaj_ledger::store::memory::MemoryStore;
use falaj_ledger::validate::Rules;

use super::*;
use crate::core::GatesLacking;
use crate::storage::forge::chain::{BIT, Chain, FROM};

/// What a start makes of the logs of a chain and a store of so many of its heights: the height of the store, and the gates lacking.
fn start(chain: &Chain, heights: usize) -> (Height, GatesLacking) {
    let store = MemoryStore::open(MemoryMedium::new(), chain.genesis.hash()).unwrap();
    let mut base = base_of_genesis(&store, &chain.genesis).unwrap();
    if let Some(last) = heights.checked_sub(1) {
        let executed = chain.executed[last].clone();
        base = Base {
            state: executed.state,
            outcome: executed.outcome,
        };
    }
    let rules = Rules::of_genesis(&chain.genesis);
    let tools = JobTools {
        checker: &RealChecker,
        rules: &rules,
    };
    let found = chain.logs.scan().unwrap();
    let error = catch_up(&store, &chain.logs, found, base, tools).unwrap_err();
    let StartupError::Logs(RecoverError::GatesLacking(lacking)) = error else {
        panic!("{error}");
    };
    (store.marker().unwrap().unwrap().height, lacking)
}

// docs/spec/consensus.md, "Upgrades": an older program does not start on what a newer one decided, neither from the logs alone nor from
// a store that has all of it.
#[test]
fn an_older_program_does_not_start_above_a_gate() {
    let chain = Chain::new();
    let shut = |height| GatesLacking {
        height: Height::new(height),
        features: BIT,
        lacking: BIT,
    };
    let (stored, lacking) = start(&chain, 0);
    assert_eq!((stored, lacking), (Height::new(FROM - 1), shut(FROM)));
    let all = chain.executed.len();
    assert_eq!(start(&chain, all).1, shut(FROM + 1));
}
