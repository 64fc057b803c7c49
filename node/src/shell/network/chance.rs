//! Chance for waits. Nothing decided in consensus ever sees it, and nobody is harmed by guessing it.
//!
//! Source: the seed is the standard library's per-process hash seed; the sequence is xorshift64* (Vigna, 2016).

use std::hash::{BuildHasher, RandomState};

#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one("chance") | 1)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
