//! The hashes that an update has to compute: gathered first, then done a level at a time.
//!
//! Invariant: a hash is computed after those it is made of, as these lie deeper.
//! Shapes and units: a level is a depth; a source is a hash that is known, or the place of one that is to be computed.

use falaj_consensus::types::Hash32;

use super::node::{Leaf, split};
use super::pair_hash;

/// Where a hash comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// It is there.
    Known(Hash32),
    /// It is the result at this place.
    Computed(usize),
}

impl Source {
    /// The hash, once those it needs are computed.
    pub(super) fn hash(&self, results: &[Hash32]) -> Hash32 {
        match self {
            Self::Known(hash) => *hash,
            Self::Computed(place) => results[*place],
        }
    }
}

/// All pairs to hash, and what came of them.
#[derive(Default)]
pub(super) struct Work {
    pairs: Vec<(Source, Source)>,
    /// For each depth, the places of its pairs.
    levels: Vec<Vec<usize>>,
    results: Vec<Hash32>,
}

impl Work {
    /// The node over two subtrees.
    pub(super) fn fork(&mut self, left: Source, right: Source, depth: usize) -> Source {
        let place = self.pairs.len();
        self.pairs.push((left, right));
        if self.levels.len() <= depth {
            self.levels.resize(depth.saturating_add(1), Vec::new());
        }
        self.levels[depth].push(place);
        Source::Computed(place)
    }

    /// The top of a subtree of these leaves.
    pub(super) fn subtree(&mut self, leaves: &[Leaf], depth: usize) -> Source {
        match leaves {
            [] => Source::Known(Hash32::ZERO),
            [leaf] => Source::Known(leaf.hash),
            several => {
                let (left, right) = split(several, depth);
                let below = depth.saturating_add(1);
                let left = self.subtree(left, below);
                let right = self.subtree(right, below);
                self.fork(left, right, depth)
            }
        }
    }

    /// Computes everything, from the deepest level up.
    pub(super) fn hashes(&mut self) -> &[Hash32] {
        self.results.resize(self.pairs.len(), Hash32::ZERO);
        for level in self.levels.iter().rev().filter(|level| !level.is_empty()) {
            let pairs: Vec<pair_hash::Pair> = level
                .iter()
                .map(|place| pair(self.pairs[*place], &self.results))
                .collect();
            for (place, hash) in level.iter().zip(pair_hash::many(&pairs)) {
                self.results[*place] = hash;
            }
        }
        &self.results
    }

    /// Forgets everything but the memory it took.
    pub(super) fn clear(&mut self) {
        self.pairs.clear();
        self.results.clear();
        self.levels.iter_mut().for_each(Vec::clear);
    }
}

fn pair((left, right): (Source, Source), results: &[Hash32]) -> pair_hash::Pair {
    pair_hash::pair(&left.hash(results), &right.hash(results))
}
