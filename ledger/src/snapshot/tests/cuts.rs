//! Cuts of any map at all: whatever its entries, they fold into its root, and each chunk stands for itself.

use super::super::{chunk, parts};
use super::*;
use crate::state_map::StateMap;
use crate::write_set::WriteSet;
use proptest::prelude::*;

fn map() -> impl Strategy<Value = StateMap> {
    let key = proptest::collection::vec(any::<u8>(), 1..40);
    let value = proptest::collection::vec(any::<u8>(), 0..200);
    proptest::collection::btree_map(key, value, 0..60).prop_map(|entries| {
        let mut writes = WriteSet::new();
        for (key, value) in entries {
            writes.put(key, value);
        }
        let mut map = StateMap::new();
        map.apply(&writes);
        map
    })
}

/// A way in which somebody lies about a chunk's entries.
#[derive(Clone, Copy, Debug)]
enum Lie {
    Flip { at: usize, bit: u8 },
    Drop(usize),
    Twice(usize),
    Swap(usize),
    More,
}

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        (any::<usize>(), 0_u8..8).prop_map(|(at, bit)| Lie::Flip { at, bit }),
        any::<usize>().prop_map(Lie::Drop),
        any::<usize>().prop_map(Lie::Twice),
        any::<usize>().prop_map(Lie::Swap),
        Just(Lie::More),
    ]
}

/// The bytes after the lie; `None` if there is nothing to lie about.
fn told(bytes: &[u8], lie: Lie) -> Option<Vec<u8>> {
    let mut entries = chunk::decode(bytes).unwrap();
    let count = entries.len();
    match lie {
        Lie::Flip { at, bit } => {
            let mut bytes = bytes.to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            return Some(bytes);
        }
        Lie::Drop(_) | Lie::Twice(_) if count == 0 => return None,
        Lie::Swap(_) if count < 2 => return None,
        Lie::Drop(at) => drop(entries.remove(at % count)),
        Lie::Twice(at) => entries.insert(at % count, entries[at % count]),
        Lie::Swap(at) => entries.swap(at % (count - 1), at % (count - 1) + 1),
        Lie::More => entries.push((b"one more", b"entry")),
    }
    Some(chunk::encode(entries.into_iter()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    // Any map, in chunks of any size: the parts fold into its root, every chunk is proven in its own place and in no other,
    // and all of them together are the map.
    #[test]
    fn any_map_is_the_sum_of_its_chunks(map in map(), bytes_max in 1_usize..4_000) {
        let cut = Cut::within(&map, bytes_max).unwrap();
        let listed: Vec<Part> = cut.parts().collect();
        let (prefixes, root) = parts::fold(&listed).unwrap();
        prop_assert_eq!(root, map.root());
        let chunks: Vec<_> = (0..listed.len()).map(|at| cut.chunk(at).unwrap()).collect();
        prop_assert!(cut.chunk(listed.len()).is_none());
        let mut all = Vec::new();
        for (index, bytes) in chunks.iter().enumerate() {
            let entries = chunk::decode(bytes).unwrap();
            prop_assert!(bytes.len() <= bytes_max + HEAD_BYTES || entries.len() == 1);
            all.extend(entries);
            for (other, (part, prefix)) in listed.iter().zip(&prefixes).enumerate() {
                let fits = chunk::check(other, part, prefix, bytes).is_ok();
                let alike = *bytes == chunks[other];
                prop_assert_eq!(fits, other == index || alike);
            }
        }
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(map.iter()));
    }

    // Any lie about any chunk is found at that chunk.
    #[test]
    fn any_lie_is_found_at_its_chunk(map in map(), bytes_max in 1_usize..4_000, at in any::<usize>(), lie in lie()) {
        let cut = Cut::within(&map, bytes_max).unwrap();
        let listed: Vec<Part> = cut.parts().collect();
        let (prefixes, _) = parts::fold(&listed).unwrap();
        let index = at % listed.len();
        if let Some(bytes) = told(&cut.chunk(index).unwrap(), lie) {
            let error = chunk::check(index, &listed[index], &prefixes[index], &bytes).unwrap_err();
            prop_assert!(matches!(error.code(), "snapshot-chunk" | "snapshot-chunk-form"));
        }
    }

    // Bytes that nobody made are refused and do no harm.
    #[test]
    fn foreign_bytes_are_no_chunk(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let part = Part { depth: 0, entries: 0, root: Hash32::new([7; 32]) };
        let (prefixes, _) = parts::fold(&[part]).unwrap();
        prop_assert!(chunk::check(0, &part, &prefixes[0], &bytes).is_err());
        prop_assert!(Manifest::from_bytes(&bytes).is_err());
    }
}

// One entry may be longer than a chunk, several may not; a count that promises more than there is takes no memory.
#[test]
fn chunks_are_bounded() {
    let long = vec![7; VALUE_BYTES_MAX];
    let one = chunk::encode([(&b"a"[..], long.as_slice())].into_iter());
    assert!(chunk::decode(&one).is_ok());
    let two = chunk::encode([(&b"a"[..], long.as_slice()), (b"b", b"")].into_iter());
    assert!(chunk::decode(&two).is_err());
    let longer = vec![7; VALUE_BYTES_MAX + 1];
    let longer = chunk::encode([(&b"a"[..], longer.as_slice())].into_iter());
    assert!(chunk::decode(&longer).is_err());
    let promise = [&1_u16.to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
    assert_eq!(chunk::decode(&promise), Err("it is cut short"));
    let no_key = chunk::encode([(&b""[..], &b""[..])].into_iter());
    assert!(chunk::decode(&no_key).is_err());
    let other_version = [&2_u16.to_le_bytes()[..], &0_u32.to_le_bytes()].concat();
    assert_eq!(chunk::decode(&other_version), Err("its version is unknown"));
}
