//! The published vectors, and every proof of every tree up to a size.

use super::*;

/// The eight leaves of the Certificate Transparency reference implementation.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots over the first one, two … eight of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn published_leaves() -> Vec<Hash32> {
    LEAVES.iter().map(|data| leaf_hash(data)).collect()
}

fn hash(text: &str) -> Hash32 {
    Hash32::from_hex(text).unwrap()
}

fn numbered_leaves(count: u64) -> Vec<Hash32> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// The root straight from the recursive definition of RFC 9162, section 2.1.1.
fn root_by_definition(leaves: &[Hash32]) -> Hash32 {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        several => {
            let mut half = 1;
            while half * 2 < several.len() {
                half *= 2;
            }
            node_hash(
                &root_by_definition(&several[..half]),
                &root_by_definition(&several[half..]),
            )
        }
    }
}

// RFC 9162 and the reference implementation: the empty tree and the roots of one to eight leaves.
#[test]
fn roots_match_the_published_vectors() {
    let leaves = published_leaves();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(root(&[]), hash(empty));
    for (count, expected) in (1..).zip(ROOTS) {
        assert_eq!(root(&leaves[..count]), hash(expected));
    }
}

// The frontier gives the root by definition at every size, and reads back.
#[test]
fn a_frontier_gives_the_root_by_definition_at_every_size() {
    let leaves = numbered_leaves(130);
    let mut frontier = Frontier::new();
    for size in 0..=leaves.len() {
        assert_eq!(frontier.root(), root_by_definition(&leaves[..size]));
        let bytes = borsh::to_vec(&frontier).unwrap();
        assert_eq!(borsh::from_slice::<Frontier>(&bytes).unwrap(), frontier);
        if let Some(leaf) = leaves.get(size) {
            frontier.append(*leaf);
        }
    }
}

fn hashes(path: &[&str]) -> Vec<Hash32> {
    path.iter().map(|text| hash(text)).collect()
}

// The reference implementation's audit paths: leaf, tree size, path.
#[test]
fn inclusion_paths_match_the_published_vectors() {
    let leaves = published_leaves();
    let check = |index: u64, size: usize, path: &[&str]| {
        let proof = prove_inclusion(&leaves[..size], index).unwrap();
        assert_eq!(proof.path(), hashes(path));
    };
    check(0, 1, &[]);
    check(
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    check(
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    check(
        2,
        3,
        &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    );
    check(
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
}

// The reference implementation's consistency proofs: old size, new size, path.
#[test]
fn consistency_paths_match_the_published_vectors() {
    let leaves = published_leaves();
    let check = |old: u64, new: usize, path: &[&str]| {
        let proof = prove_consistency(&leaves[..new], old).unwrap();
        assert_eq!(proof.path(), hashes(path));
    };
    check(1, 1, &[]);
    check(
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    check(
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    check(
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
    check(
        6,
        7,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
}

// Each leaf of each tree has a proof, which holds for that leaf, place and size alone.
#[test]
fn every_inclusion_proof_holds_for_its_leaf_place_and_size_alone() {
    let leaves = numbered_leaves(33);
    for size in 1..=leaves.len() {
        let tree = root_by_definition(&leaves[..size]);
        for (index, leaf) in (0_u64..).zip(&leaves[..size]) {
            let proof = prove_inclusion(&leaves[..size], index).unwrap();
            assert_eq!(proof.verify_leaf(&tree, leaf), Ok(()));
            assert_eq!(proof.verify(&tree, &index.to_be_bytes()), Ok(()));
            assert!(proof.verify(&tree, b"another").is_err());
            let elsewhere = InclusionProof::new(index ^ 1, proof.size(), proof.path().to_vec());
            assert!(size == 1 || elsewhere.verify_leaf(&tree, leaf).is_err());
            let bytes = borsh::to_vec(&proof).unwrap();
            assert_eq!(borsh::from_slice::<InclusionProof>(&bytes).unwrap(), proof);
        }
        assert_eq!(prove_inclusion(&leaves[..size], size as u64), None);
    }
}

// Each tree is consistent with each of its own beginnings, and with no other root.
#[test]
fn every_consistency_proof_holds_for_its_own_roots_alone() {
    let leaves = numbered_leaves(33);
    for new in 0..=leaves.len() {
        let new_root = root_by_definition(&leaves[..new]);
        for old in 0..=new {
            let old_root = root_by_definition(&leaves[..old]);
            let proof = prove_consistency(&leaves[..new], old as u64).unwrap();
            assert_eq!(proof.verify(&old_root, &new_root), Ok(()), "{old} to {new}");
            let other = leaf_hash(b"another");
            assert!(proof.verify(&other, &new_root).is_err(), "{old} to {new}");
            assert!(
                old == 0 || proof.verify(&old_root, &other).is_err(),
                "{old} to {new}"
            );
            let bytes = borsh::to_vec(&proof).unwrap();
            assert_eq!(
                borsh::from_slice::<ConsistencyProof>(&bytes).unwrap(),
                proof
            );
        }
        assert_eq!(prove_consistency(&leaves[..new], new as u64 + 1), None);
    }
}

// A log whose past was rewritten has no proof, whichever past leaf it was.
#[test]
fn a_rewritten_past_is_not_consistent() {
    let leaves = numbered_leaves(21);
    for old in 1..=leaves.len() {
        let old_root = root_by_definition(&leaves[..old]);
        for changed in 0..old {
            let mut rewritten = leaves.clone();
            rewritten[changed] = leaf_hash(b"rewritten");
            let proof = prove_consistency(&rewritten, old as u64).unwrap();
            assert!(
                proof
                    .verify(&old_root, &root_by_definition(&rewritten))
                    .is_err()
            );
        }
    }
}

// Any flipped bit, any cut and any tail of a proof is refused.
#[test]
fn damaged_proofs_are_refused() {
    let leaves = numbered_leaves(13);
    let (old, new) = (
        root_by_definition(&leaves[..6]),
        root_by_definition(&leaves),
    );
    let inclusion = borsh::to_vec(&prove_inclusion(&leaves, 4).unwrap()).unwrap();
    let consistency = borsh::to_vec(&prove_consistency(&leaves, 6).unwrap()).unwrap();
    let holds = |bytes: &[u8]| {
        borsh::from_slice::<InclusionProof>(bytes).is_ok_and(|p| {
            (p.index(), p.size()) == (4, 13) && p.verify_leaf(&new, &leaves[4]).is_ok()
        })
    };
    let extends = |bytes: &[u8]| {
        borsh::from_slice::<ConsistencyProof>(bytes)
            .is_ok_and(|p| (p.old_size(), p.new_size()) == (6, 13) && p.verify(&old, &new).is_ok())
    };
    assert!(holds(&inclusion) && extends(&consistency));
    assert_every_damage_is_refused(&inclusion, holds);
    assert_every_damage_is_refused(&consistency, extends);
}

fn assert_every_damage_is_refused(bytes: &[u8], holds: impl Fn(&[u8]) -> bool) {
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&bad), "bit {bit}");
    }
    for cut in 0..bytes.len() {
        assert!(!holds(&bytes[..cut]), "cut at {cut}");
    }
    assert!(!holds(&[bytes, &[0]].concat()));
}

// A root alone does not fix size and position: the last of three leaves also passes as the last of two.
#[test]
fn size_and_position_need_a_certified_size() {
    let leaves = numbered_leaves(3);
    let (tree, path) = (
        root_by_definition(&leaves),
        prove_inclusion(&leaves, 2).unwrap().path().to_vec(),
    );
    assert_eq!(
        InclusionProof::new(1, 2, path).verify_leaf(&tree, &leaves[2]),
        Ok(())
    );
}

// Sizes at the end of the range neither overflow nor take long.
#[test]
fn the_largest_sizes_are_handled() {
    assert_eq!(inclusion_path(u64::MAX - 1, u64::MAX).unwrap().len(), 63);
    assert_eq!(inclusion_path(0, u64::MAX).unwrap().len(), 64);
    assert!(consistency_path(u64::MAX - 1, u64::MAX).unwrap().len() <= 65);
    let proof = InclusionProof::new(0, u64::MAX, Vec::new());
    let expected = LogProofError::PathLength {
        found: 0,
        expected: 64,
    };
    assert_eq!(proof.verify(&Hash32::ZERO, b""), Err(expected));
    let outside = InclusionProof::new(5, 5, Vec::new());
    assert_eq!(
        outside.verify(&Hash32::ZERO, b""),
        Err(LogProofError::OutsideTree { index: 5, size: 5 })
    );
    let shrinks = ConsistencyProof::new(6, 5, Vec::new());
    let expected = LogProofError::Shrinks {
        old_size: 6,
        new_size: 5,
    };
    assert_eq!(shrinks.verify(&Hash32::ZERO, &Hash32::ZERO), Err(expected));
}
