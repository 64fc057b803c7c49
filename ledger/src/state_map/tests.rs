//! The map against a plain ordered map, through batches that split, join and empty its pages.

use std::collections::BTreeMap;

use falaj_consensus::hash::sha256;
use proptest::prelude::*;

use super::*;
use crate::state_root::root_by_definition;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn apply_to_model(model: &mut Model, changes: &WriteSet) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(key.to_vec(), value.to_vec()),
            None => model.remove(key),
        };
    }
}

fn assert_same(map: &StateMap, model: &Model) {
    assert_eq!(map.len(), model.len() as u64);
    assert!(
        map.iter()
            .eq(model.iter().map(|(k, v)| (k.as_slice(), v.as_slice())))
    );
    let hashes = model.iter().map(|(k, v)| (sha256(k), sha256(v))).collect();
    assert_eq!(map.root(), root_by_definition(&hashes));
}

/// Keys of one to three bytes of few letters, so that they are prefixes of one another; values up to more than a page.
fn write_set() -> impl Strategy<Value = WriteSet> {
    let key = proptest::collection::vec(0_u8..12, 1..4);
    let value = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => (4000_usize..9000).prop_map(|len| vec![7; len]),
    ];
    let change = (key, proptest::option::weighted(0.6, value));
    proptest::collection::vec(change, 0..120).prop_map(|changes| {
        let mut set = WriteSet::new();
        for (key, value) in changes {
            match value {
                Some(value) => set.put(key, value),
                None => set.delete(key),
            }
        }
        set
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    // After any batches the map is the plain map of the same batches, and old clones are the maps they were.
    #[test]
    fn any_batches_give_the_plain_map(batches in proptest::collection::vec(write_set(), 1..8)) {
        let (mut map, mut model) = (StateMap::new(), Model::new());
        let mut past = Vec::new();
        for batch in &batches {
            past.push((map.clone(), model.clone()));
            map.apply(batch);
            apply_to_model(&mut model, batch);
            assert_same(&map, &model);
        }
        for (map, model) in &past {
            assert_same(map, model);
        }
    }

    // Reading by key, from a key on and by prefix gives what the plain map gives.
    #[test]
    fn reads_agree_with_the_plain_map(set in write_set(), probes in proptest::collection::vec(proptest::collection::vec(0_u8..13, 0..4), 20)) {
        let (mut map, mut model) = (StateMap::new(), Model::new());
        map.apply(&set);
        apply_to_model(&mut model, &set);
        for probe in probes {
            prop_assert_eq!(map.get(&probe), model.get(&probe).map(Vec::as_slice));
            let from = model.range(probe.clone()..).map(|(k, v)| (k.as_slice(), v.as_slice()));
            prop_assert!(map.iter_from(&probe).eq(from.clone()));
            prop_assert!(map.iter_prefix(&probe).eq(from.filter(|(k, _)| k.starts_with(&probe))));
        }
    }
}

fn many(range: std::ops::Range<u32>, value: Option<&[u8]>) -> WriteSet {
    let mut set = WriteSet::new();
    for number in range {
        match value {
            Some(value) => set.put(number.to_be_bytes(), value),
            None => set.delete(number.to_be_bytes()),
        }
    }
    set
}

// Enough keys for three levels of forks, then away with most, then with all.
#[test]
fn a_deep_tree_grows_shrinks_and_vanishes() {
    let (mut map, mut model) = (StateMap::new(), Model::new());
    let steps = [
        many(0..60_000, Some(&[1; 300])),
        many(20_000..20_100, Some(&[2; 3000])),
        many(10..59_000, None),
        many(30_000..30_500, Some(b"back")),
        many(0..60_000, None),
    ];
    for step in &steps {
        map.apply(step);
        apply_to_model(&mut model, step);
        assert_same(&map, &model);
    }
    assert!(map.is_empty());
    assert_eq!(map.root(), StateMap::new().root());
}

// A proof from the map holds for the bytes it returns.
#[test]
fn a_proof_shows_the_value_that_get_returns() {
    let mut map = StateMap::new();
    map.apply(&many(0..1000, Some(b"held")));
    let key = 77_u32.to_be_bytes();
    let value = map.get(&key).unwrap();
    assert_eq!(
        map.prove(&key).verify_value(&map.root(), &key, value),
        Ok(())
    );
    assert_eq!(
        map.prove(b"none").verify_absent(&map.root(), b"none"),
        Ok(())
    );
}
