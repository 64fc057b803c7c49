//! The committed roots and proofs, which another program computed from the specification.
//!
//! Goal: a root, proof or frontier that changes by accident fails here by name.

use falaj_consensus::hash::{encode, sha256};
use falaj_consensus::types::Hash32;

use super::Proof;
use super::hash::leaf_hash;
use crate::log_tree::{self, Frontier, prove_consistency, prove_inclusion};
use crate::state_map::StateMap;
use crate::write_set::WriteSet;

const FILE: &str = include_str!("../../tests/vectors/state-root.txt");

fn committed(name: &str) -> String {
    let mut lines = FILE.lines().filter_map(|line| line.split_once(' '));
    let line = lines.find(|(found, _)| *found == name);
    line.unwrap_or_else(|| panic!("no vector {name}"))
        .1
        .to_owned()
}

fn assert_bytes(name: &str, found: &[u8]) {
    let hex: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, committed(name), "{name}");
}

fn numbered(count: u32) -> StateMap {
    let mut set = WriteSet::new();
    for number in 0..count {
        set.put(format!("key {number}"), format!("value {number}"));
    }
    let mut map = StateMap::new();
    map.apply(&set);
    map
}

fn numbered_leaves(count: u32) -> Vec<Hash32> {
    (0..count)
        .map(|number| log_tree::leaf_hash(format!("leaf {number}").as_bytes()))
        .collect()
}

#[test]
fn vectors_of_roots() {
    assert_bytes(
        "leaf",
        leaf_hash(&sha256(b"key 0"), &sha256(b"value 0")).bytes(),
    );
    for count in [0, 1, 2, 3, 10, 1000] {
        assert_bytes(&format!("map.{count}.root"), numbered(count).root().bytes());
    }
}

#[test]
fn vectors_of_proofs() {
    let names = FILE
        .lines()
        .filter_map(|line| line.split_once(' ')?.0.strip_prefix("map."));
    let proofs: Vec<(&str, &str)> = names
        .filter_map(|name| name.split_once(".proof.key-"))
        .collect();
    assert_eq!(proofs.len(), 4);
    for (count, number) in proofs {
        let map = numbered(count.parse().unwrap());
        let (key, value) = (format!("key {number}"), format!("value {number}"));
        let proof = map.prove(key.as_bytes());
        let bytes = encode(&proof);
        assert_bytes(&format!("map.{count}.proof.key-{number}"), &bytes);
        let read: Proof = borsh::from_slice(&bytes).unwrap();
        let there = map.contains_key(key.as_bytes());
        let claim = there.then(|| sha256(value.as_bytes()));
        assert_eq!(
            read.verify(&map.root(), key.as_bytes(), claim.as_ref()),
            Ok(())
        );
    }
}

#[test]
fn vector_of_many_batches() {
    let (mut map, mut roots) = (StateMap::new(), Vec::new());
    for batch in 0..200 {
        let mut set = WriteSet::new();
        for step in 0..batch % 17 {
            let hash = sha256(format!("batch {batch} step {step}").as_bytes());
            let key = format!("key {}", hash.bytes()[0] % 64);
            if hash.bytes()[1].is_multiple_of(3) {
                set.delete(key)
            } else {
                set.put(key, *hash.bytes())
            }
        }
        map.apply(&set);
        roots.extend_from_slice(map.root().bytes());
    }
    assert_bytes("map.batches.x200", sha256(&roots).bytes());
}

#[test]
fn vectors_of_log_trees() {
    for count in [0, 1, 2, 7, 1000] {
        assert_bytes(
            &format!("log.{count}.root"),
            log_tree::root(&numbered_leaves(count)).bytes(),
        );
    }
    for count in [0, 7, 1000] {
        let mut frontier = Frontier::new();
        numbered_leaves(count)
            .into_iter()
            .for_each(|leaf| frontier.append(leaf));
        assert_bytes(&format!("log.{count}.frontier"), &encode(&frontier));
    }
    let (seven, thousand) = (numbered_leaves(7), numbered_leaves(1000));
    assert_bytes(
        "log.7.inclusion.4",
        &encode(&prove_inclusion(&seven, 4).unwrap()),
    );
    assert_bytes(
        "log.1000.inclusion.999",
        &encode(&prove_inclusion(&thousand, 999).unwrap()),
    );
    assert_bytes(
        "log.7.consistency.4",
        &encode(&prove_consistency(&seven, 4).unwrap()),
    );
    assert_bytes(
        "log.1000.consistency.777",
        &encode(&prove_consistency(&thousand, 777).unwrap()),
    );
}
