//! What a step may be made of, and what it leads to.

use falaj_consensus::types::ChainContext;
use falaj_consensus::validator_set::ValidatorSet;
use proptest::prelude::*;

use super::*;
use crate::testing::{genesis, set_change, validator};

fn chain() -> ChainContext {
    genesis().chain()
}

/// Validators 1 to n, with these powers.
fn set(powers: &[u64]) -> ValidatorSet {
    let members = (1..).zip(powers);
    let members = members.map(|(id, power)| validator(id, *power, id.into()));
    ValidatorSet::new(members.collect()).unwrap()
}

fn powers(set: &ValidatorSet) -> Vec<(u32, u64)> {
    let members = set.members().iter();
    members
        .map(|member| (member.id.get(), member.power.get()))
        .collect()
}

fn applied(
    set: &ValidatorSet,
    entries: &[(u32, u64, u64)],
    leaving: &[u32],
) -> Result<ValidatorSet, SetChangeError> {
    set_change(&chain(), set, entries, leaving).apply(set)
}

#[test]
fn a_validator_enters() {
    let after = applied(&set(&[1, 1, 1, 1]), &[(9, 1, 9)], &[]).unwrap();
    assert_eq!(powers(&after), [(1, 1), (2, 1), (3, 1), (4, 1), (9, 1)]);
}

#[test]
fn a_validator_leaves() {
    let after = applied(&set(&[1, 1, 1, 1]), &[], &[2]).unwrap();
    assert_eq!(powers(&after), [(1, 1), (3, 1), (4, 1)]);
}

#[test]
fn a_validator_has_another_power() {
    let after = applied(&set(&[10, 10, 10, 10]), &[(3, 4, 3)], &[]).unwrap();
    assert_eq!(powers(&after), [(1, 10), (2, 10), (3, 4), (4, 10)]);
}

#[test]
fn a_validator_has_another_key() {
    let before = set(&[1, 1, 1, 1]);
    let after = applied(&before, &[(3, 1, 30)], &[]).unwrap();
    assert_eq!(powers(&after), powers(&before));
    assert_eq!(after.members()[2].key, validator(3, 1, 30).key);
}

// Goal: a step never applies to a set that it was not made for, not even to one with the same members in other words.
#[test]
fn a_step_is_for_one_set() {
    let (before, other) = (set(&[1, 1, 1, 1]), set(&[1, 1, 1, 2]));
    let change = set_change(&chain(), &before, &[(9, 1, 9)], &[]);
    assert_eq!(change.apply(&other), Err(SetChangeError::Base));
    let after = change.apply(&before).unwrap();
    assert_eq!(change.apply(&after), Err(SetChangeError::Base));
}

// Goal: each validator is named for one thing, that is not so already.
#[test]
fn every_name_in_a_step_changes_something() {
    let before = set(&[1, 1, 1, 1]);
    let id = ValidatorId::new;
    let no_change = Err(SetChangeError::NoChange(id(3)));
    assert_eq!(applied(&before, &[(3, 1, 3)], &[]), no_change);
    let no_member = |number| Err(SetChangeError::NoMember(id(number)));
    assert_eq!(applied(&before, &[], &[7]), no_member(7));
    assert_eq!(applied(&before, &[(3, 2, 3)], &[3]), no_member(3));
}

// Goal: a key votes only after it was shown that somebody holds it, and a proof stands for a key that enters and nothing else.
#[test]
fn new_keys_alone_carry_a_proof() {
    let before = set(&[1, 1, 1, 1]);
    for entry in [(9, 1, 9), (3, 1, 30)] {
        let mut change = set_change(&chain(), &before, &[entry], &[]);
        change.entries[0].possession = None;
        let unproven = Err(SetChangeError::Possession(ValidatorId::new(entry.0)));
        assert_eq!(change.apply(&before), unproven);
    }
    let heavy = set(&[10, 10, 10, 10]);
    let proof = set_change(&chain(), &heavy, &[(9, 1, 9)], &[]).entries[0].clone();
    let mut change = set_change(&chain(), &heavy, &[(3, 9, 3)], &[]);
    change.entries[0].possession = proof.possession;
    let idle = Err(SetChangeError::Possession(ValidatorId::new(3)));
    assert_eq!(change.apply(&heavy), idle);
}

// Goal: a proof stands for one step, chain, validator and key.
#[test]
fn a_proof_covers_the_whole_step() {
    let (chain, before) = (chain(), set(&[1, 1, 1, 1]));
    let bytes = |entries: &[(u32, u64, u64)], leaving: &[u32], chain_id: &str| {
        let change = set_change(&chain, &before, entries, leaving);
        change.possession_bytes(chain_id, &change.entries[0].validator)
    };
    let all = [
        bytes(&[(9, 1, 9)], &[], &chain.chain_id),
        bytes(&[(9, 2, 9)], &[], &chain.chain_id),
        bytes(&[(8, 1, 9)], &[], &chain.chain_id),
        bytes(&[(9, 1, 8)], &[], &chain.chain_id),
        bytes(&[(9, 1, 9)], &[1], &chain.chain_id),
        bytes(&[(9, 1, 9)], &[], "another"),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(all.iter().skip(at + 1).all(|other| other != one));
    }
}

// Two ids with one key, and a power of nothing.
#[test]
fn a_step_leads_to_a_set_or_nowhere() {
    let before = set(&[1, 1, 1, 1]);
    let mut change = set_change(&chain(), &before, &[(9, 1, 9)], &[]);
    change.entries[0].validator.key = validator(1, 1, 1).key;
    assert_eq!(change.apply(&before), Err(SetChangeError::Set));
    assert_eq!(
        applied(&before, &[(9, 0, 9)], &[]),
        Err(SetChangeError::Set)
    );
    assert_eq!(applied(&set(&[1]), &[], &[1]).ok(), None);
}

// docs/spec/ledger.md, "Sets and parameters": the limits of a step, from both sides.
#[test]
fn a_step_moves_at_most_f_validators_and_less_than_a_third_of_the_power() {
    let is_too_large = |powers: &[u64], entries: &[(u32, u64, u64)], leaving: &[u32]| {
        let applied = applied(&set(powers), entries, leaving);
        matches!(applied, Err(SetChangeError::TooLarge { .. }))
    };
    let (four, seven) = ([1; 4], [1; 7]);
    assert!(!is_too_large(&four, &[(9, 1, 9)], &[]));
    assert!(is_too_large(&four, &[(9, 2, 9)], &[]));
    assert!(is_too_large(&four, &[(8, 1, 8), (9, 1, 9)], &[]));
    assert!(is_too_large(&four, &[(9, 1, 9)], &[1]));
    assert!(!is_too_large(&seven, &[(9, 1, 9)], &[1]));
    assert!(is_too_large(&seven, &[(9, 1, 9)], &[1, 2]));
    // A key is moved with all the power of its validator, before or after.
    assert!(is_too_large(&[4, 2, 2, 2], &[(1, 4, 30)], &[]));
    assert!(!is_too_large(&[3, 3, 2, 2], &[(1, 3, 30)], &[]));
    assert!(is_too_large(&[3, 3, 2, 2], &[(1, 4, 30)], &[]));
    assert!(is_too_large(&[4, 2, 2, 2], &[(1, 1, 30)], &[]));
    // Power that stays where it is was not moved: what leaves is measured before the step, what enters after it.
    assert!(!is_too_large(&[40, 20, 20, 20], &[(1, 89, 1)], &[]));
    assert!(is_too_large(&[40, 20, 20, 20], &[(1, 90, 1)], &[]));
    assert!(!is_too_large(&[40, 20, 20, 20], &[(1, 7, 1)], &[]));
    assert!(is_too_large(&[40, 20, 20, 20], &[(1, 6, 1)], &[]));
    // Who left three may come back, and whoever is alone may grow.
    assert!(!is_too_large(&[1; 3], &[(4, 1, 4)], &[]));
    assert!(is_too_large(&[1; 3], &[], &[1]));
    assert!(!is_too_large(&[10], &[(2, 4, 2)], &[]));
    assert!(is_too_large(&[10], &[(2, 5, 2)], &[]));
}

// What is declared moves nothing, however many declare.
#[test]
fn labels_are_free() {
    let before = set(&[1, 1, 1, 1]);
    let ids = [(1, 1, 1), (2, 1, 2), (3, 1, 3)];
    let mut change = set_change(&chain(), &before, &ids, &[]);
    for entry in &mut change.entries {
        entry.validator.declared.site = "elsewhere".to_owned();
    }
    assert_eq!(powers(&change.apply(&before).unwrap()), powers(&before));
}

#[test]
fn a_step_has_one_encoding() {
    let before = set(&[1; 10]);
    let right = set_change(&chain(), &before, &[(8, 2, 8), (9, 2, 9)], &[2, 3]);
    let bytes = |change: &SetChange| hash::encode(change);
    assert_eq!(
        borsh::from_slice::<SetChange>(&bytes(&right)).unwrap(),
        right
    );
    let mut swapped = right.clone();
    swapped.entries.swap(0, 1);
    let mut twice = right.clone();
    twice.leaving = vec![ValidatorId::new(2); 2];
    let nobody = SetChange {
        entries: Vec::new(),
        leaving: Vec::new(),
        ..right
    };
    for wrong in [swapped, twice, nobody] {
        assert!(borsh::from_slice::<SetChange>(&bytes(&wrong)).is_err());
    }
}

proptest! {
    // Goal: whatever a step leads to, the power that it leaves alone is more than two thirds of all before it, and of all after it.
    #[test]
    fn more_than_two_thirds_stay_as_they_are(
        powers in prop::collection::vec(1_u64..50, 1..12),
        entries in prop::collection::btree_map(1_u32..15, (1_u64..50, any::<bool>()), 0..4),
        leaving in prop::collection::btree_set(1_u32..15, 0..3),
    ) {
        let before = set(&powers);
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(id, (power, rotates))| (id, power, u64::from(id) + if rotates { 100 } else { 0 }))
            .collect();
        let leaving: Vec<u32> = leaving.into_iter().collect();
        prop_assume!(!entries.is_empty() || !leaving.is_empty());
        if let Ok(after) = applied(&before, &entries, &leaving) {
            let kept: u128 = before.members().iter().map(|member| {
                let same = after.index_of_key(&member.key).and_then(|index| after.get(index));
                let same = same.filter(|same| same.id == member.id);
                u128::from(same.map_or(0, |same| same.power.get().min(member.power.get())))
            }).sum();
            prop_assert!(kept * 3 > before.total_power() * 2);
            prop_assert!(kept * 3 > after.total_power() * 2);
        }
    }
}
