//! The tree against its definition, and proofs against everything they must not show.

use std::collections::BTreeMap;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::Hash32;
use proptest::prelude::*;

use super::*;

/// A small space of keys, so that updates meet, replace and delete one another.
fn key(number: u16) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn value(number: u16) -> Vec<u8> {
    format!("value {number}").into_bytes()
}

fn changes(batch: &BTreeMap<u16, Option<u16>>) -> Vec<LeafChange> {
    let mut changes: Vec<LeafChange> = batch
        .iter()
        .map(|(k, v)| (sha256(&key(*k)), v.map(|v| sha256(&value(v)))))
        .collect();
    changes.sort();
    changes
}

fn tree_of(numbers: impl IntoIterator<Item = u16>) -> StateTree {
    let mut tree = StateTree::new();
    tree.update(&changes(
        &numbers.into_iter().map(|n| (n, Some(n))).collect(),
    ));
    tree
}

fn batches() -> impl Strategy<Value = Vec<BTreeMap<u16, Option<u16>>>> {
    let change = proptest::option::weighted(0.7, 0_u16..1000);
    proptest::collection::vec(
        proptest::collection::btree_map(0_u16..80, change, 0..40),
        0..8,
    )
}

proptest! {
    // Whatever the batches, the root is that of the definition over what is left, and an old copy stays as it was.
    #[test]
    fn any_batches_give_the_root_by_definition(batches in batches()) {
        let (mut tree, mut model) = (StateTree::new(), BTreeMap::new());
        for batch in &batches {
            let (before, root_before) = (tree.clone(), tree.root());
            tree.update(&changes(batch));
            for (k, v) in changes(batch) {
                match v {
                    Some(v) => model.insert(k, v),
                    None => model.remove(&k),
                };
            }
            prop_assert_eq!(tree.root(), root_by_definition(&model));
            prop_assert_eq!(before.root(), root_before);
        }
    }

    // For every key there is exactly one true statement, and its proof holds for nothing else.
    #[test]
    fn a_proof_holds_for_its_own_statement_alone(batches in batches()) {
        let mut tree = StateTree::new();
        let mut model = BTreeMap::new();
        for batch in batches {
            tree.update(&changes(&batch));
            model.extend(batch);
        }
        let root = tree.root();
        for number in 0..100_u16 {
            let proof = tree.prove(&key(number));
            let decoded: Proof = borsh::from_slice(&borsh::to_vec(&proof).unwrap()).unwrap();
            prop_assert_eq!(&decoded, &proof);
            match model.get(&number).copied().flatten() {
                Some(v) => {
                    prop_assert_eq!(proof.verify_value(&root, &key(number), &value(v)), Ok(()));
                    prop_assert!(proof.verify_value(&root, &key(number), &value(v + 1)).is_err());
                    prop_assert_eq!(proof.verify_absent(&root, &key(number)), Err(ProofError::ShowsValue));
                    prop_assert!(proof.verify_value(&root, &key(number + 1), &value(v)).is_err());
                }
                None => {
                    prop_assert_eq!(proof.verify_absent(&root, &key(number)), Ok(()));
                    let claim = proof.verify_value(&root, &key(number), &value(0));
                    prop_assert_eq!(claim, Err(ProofError::ShowsAbsence));
                }
            }
        }
    }
}

// The empty tree, and a tree of one leaf, have the roots that the definition gives them.
#[test]
fn empty_is_zero_and_one_leaf_is_the_root() {
    assert_eq!(StateTree::new().root(), Hash32::ZERO);
    let tree = tree_of([7]);
    assert_eq!(
        tree.root(),
        hash::leaf_hash(&sha256(&key(7)), &sha256(&value(7)))
    );
    assert_eq!(
        tree.prove(&key(7))
            .verify_value(&tree.root(), &key(7), &value(7)),
        Ok(())
    );
    assert_eq!(
        StateTree::new()
            .prove(&key(7))
            .verify_absent(&Hash32::ZERO, &key(7)),
        Ok(())
    );
}

// Deleting all keys but one collapses every fork again.
#[test]
fn deleting_to_one_leaf_gives_the_tree_of_that_leaf() {
    let mut tree = tree_of(0..60);
    tree.update(&changes(&(1..60).map(|n| (n, None)).collect()));
    assert_eq!(tree.root(), tree_of([0]).root());
    tree.update(&changes(&BTreeMap::from([(0, None)])));
    assert_eq!(tree.root(), Hash32::ZERO);
}

// A flipped bit anywhere in a proof makes it fail.
#[test]
fn any_flipped_bit_of_a_proof_is_refused() {
    let tree = tree_of(0..200);
    for (k, v) in [(3, Some(3)), (500, None), (900, None)] {
        let bytes = borsh::to_vec(&tree.prove(&key(k))).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let refused = borsh::from_slice::<Proof>(&bad).map_or(true, |proof| {
                proof
                    .verify(&tree.root(), &key(k), v.map(|v| sha256(&value(v))).as_ref())
                    .is_err()
            });
            assert!(refused, "bit {bit} of the proof for key {k}");
        }
    }
}

// Foreign bytes are bounded before anything is read, and every cut or tail is refused.
#[test]
fn oversized_truncated_and_trailing_proofs_are_refused() {
    let tree = tree_of(0..50);
    let mut bytes = borsh::to_vec(&tree.prove(&key(1))).unwrap();
    for cut in 0..bytes.len() {
        assert!(borsh::from_slice::<Proof>(&bytes[..cut]).is_err());
    }
    bytes.push(0);
    assert!(borsh::from_slice::<Proof>(&bytes).is_err());
    let mut long = vec![0, 1, 1];
    long.resize(3 + 257 * 32, 0);
    assert!(borsh::from_slice::<Proof>(&long).is_err());
    assert!(borsh::from_slice::<Proof>(&[3, 0, 0]).is_err());
}

// Changes that are not sorted would build another tree, so they are refused at once.
#[test]
#[should_panic(expected = "in order of the key's hash")]
fn unsorted_changes_are_a_broken_belief() {
    let mut sorted = changes(&BTreeMap::from([(1, None), (2, None)]));
    sorted.reverse();
    StateTree::new().update(&sorted);
}
