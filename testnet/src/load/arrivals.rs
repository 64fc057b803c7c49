//! When transfers are meant to be sent, from a seed.
//!
//! Invariant: the same seed gives the same arrivals and the same payments.

use std::time::Duration;

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrivals {
    /// By chance, without memory, as many independent payers do.
    Poisson,
    /// At equal distances.
    Fixed,
}

impl Arrivals {
    /// Time from one arrival to the next.
    #[must_use]
    pub fn gap(self, rate: f64, chance: &mut Chance) -> Duration {
        let mean_s = rate.recip();
        Duration::from_secs_f64(match self {
            Self::Poisson => -mean_s * (1.0 - chance.unit()).ln(),
            Self::Fixed => mean_s,
        })
    }
}

/// Chance from a seed: `SplitMix64`.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Begins from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Sixty-four bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, and without, a bound above zero. The bias of a remainder is far below what a load could show.
    ///
    /// # Panics
    /// For a bound of zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a usize has at most 64 bits");
        usize::try_from(self.next() % bound).expect("below a usize")
    }

    /// A number from 0 up to, and without, 1.
    pub fn unit(&mut self) -> f64 {
        let bits = self.next() >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_s(arrivals: Arrivals, count: u32) -> f64 {
        let mut chance = Chance::new(1);
        (0..count)
            .map(|_| arrivals.gap(100.0, &mut chance).as_secs_f64())
            .sum()
    }

    // Goal: the rate asked for is the rate that comes.
    #[test]
    fn gaps_have_the_mean_of_the_rate() {
        assert!((sum_s(Arrivals::Fixed, 10_000) - 100.0).abs() < 1e-3);
        assert!((sum_s(Arrivals::Poisson, 10_000) - 100.0).abs() < 3.0);
    }

    // Goal: the generator is the published one.
    #[test]
    fn chance_is_splitmix64() {
        let mut chance = Chance::new(1_234_567);
        assert_eq!(chance.next(), 6_457_827_717_110_365_317);
        assert_eq!(chance.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_seed_repeats() {
        let draw = || {
            let mut chance = Chance::new(9);
            (0..8).map(|_| chance.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!(draw().iter().all(|number| *number < 7));
    }
}
