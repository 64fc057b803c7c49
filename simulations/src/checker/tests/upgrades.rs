//! Upgrades: who may stand before a gate, and who may not pass one.

use falaj_node::core::GatesLacking;

use super::*;

/// Goal: no gate is scheduled, so whoever stands before one is wrong.
#[test]
fn standing_before_no_gate_is_found() {
    let mut bench = bench();
    let lacking = GatesLacking {
        height: Height::new(1),
        features: 2,
        lacking: 2,
    };
    let told = Event::GatesLacking(lacking);
    let finding = bench.show(ME, Observation::Reported(&told));
    assert_eq!(finding, Some("upgrades"));
}

/// Goal: a block with a word that is not in force is not valid.
#[test]
fn a_block_with_other_features_is_found() {
    let mut bench = bench();
    let header = Header {
        features: 2,
        ..bench.header()
    };
    let committed = bench.committed(&header);
    let finding = bench.show(ME, Observation::Committed(&committed));
    assert_eq!(finding, Some("validity"));
}
