//! A stream of values that depends on its seed alone: SHA-256 of (seed, count), both `u64` little endian.

use falaj_consensus::hash;
use falaj_consensus::types::Hash32;

pub(super) struct Dice {
    seed: u64,
    count: u64,
}

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    pub(super) fn hash(&mut self) -> Hash32 {
        self.count += 1;
        hash::sha256(&[self.seed.to_le_bytes(), self.count.to_le_bytes()].concat())
    }

    pub(super) fn number(&mut self) -> u64 {
        let hash = self.hash();
        let word = hash.bytes().first_chunk().expect("a digest has 32 bytes");
        u64::from_le_bytes(*word)
    }

    /// Below `bound`, which is at most 256 and not 0.
    pub(super) fn below(&mut self, bound: u64) -> u8 {
        u8::try_from(self.number() % bound).expect("the bound is at most 256")
    }

    pub(super) fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    pub(super) fn bytes(&mut self, length: u8) -> Vec<u8> {
        (0..length).map(|_| self.below(256)).collect()
    }

    /// As many values as one roll below `bound` says.
    pub(super) fn list<T>(&mut self, bound: u64, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(bound)).map(|_| one(self)).collect()
    }

    pub(super) fn option<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flip() { Some(one(self)) } else { None }
    }
}
