//! Every random decision of a run, as a keyed hash of (seed, site, place, counter).
//!
//! Invariant: a draw depends on nothing but these four, so leaving one fault out leaves every other where it was.
//! Shape: a [`Site`] names what is decided, a place where (a node, a link), the counter which time. One draw gives
//! [`WORDS`] independent words, so that the decisions about one message cost one hash and still do not disturb each other.
//! Units: integers throughout; there is no floating point, so debug and release builds and all machines agree.
//! Errors: none.
//! Source: BLAKE3, keyed mode with extended output (the simulator alone uses it; nothing here is certified or signed).

use std::fmt;

use crate::types::Ppm;

/// Words of one draw: one BLAKE3 output block.
pub const WORDS: usize = 8;

/// For how many places a draw has bits.
pub const BIT_PLACES: u16 = 128;

const KEY_CONTEXT: &str = "falaj simulations chance 1";
const BLOCK_BYTES: usize = WORDS * 8;

/// What is being decided, such as `network/message`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(&'static str);

impl Site {
    /// Names a kind of decision.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

/// The chance of one run.
#[derive(Clone, Copy)]
pub struct Chance {
    key: [u8; 32],
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl Chance {
    /// The chance that belongs to a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            key: blake3::derive_key(KEY_CONTEXT, &seed.to_le_bytes()),
        }
    }

    /// The draws for one site at one place.
    #[must_use]
    pub fn draws(&self, site: Site, place: u64) -> Draws {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&place.to_le_bytes());
        hasher.update(site.0.as_bytes());
        Draws {
            blocks: hasher.finalize_xof(),
            counter: 0,
        }
    }

    /// 32 bytes for one site at one place: a key, not a decision.
    #[must_use]
    pub fn key(&self, site: Site, place: u64) -> [u8; 32] {
        let mut key = [0_u8; 32];
        self.draws(site, place).blocks.fill(&mut key);
        key
    }
}

/// The draws for one site at one place, by counter.
#[derive(Clone, Debug)]
pub struct Draws {
    blocks: blake3::OutputReader,
    counter: u64,
}

impl Draws {
    /// The draw of the next counter.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so it is no iterator"
    )]
    pub fn next(&mut self) -> Draw {
        let draw = self.at(self.counter);
        self.counter += 1;
        draw
    }

    /// The draw of that counter; draws can be had in any order.
    #[must_use]
    pub fn at(&self, counter: u64) -> Draw {
        let mut reader = self.blocks.clone();
        reader.set_position(counter * BLOCK_BYTES as u64);
        let mut block = [0_u8; BLOCK_BYTES];
        reader.fill(&mut block);
        Draw { block }
    }

    /// How many draws [`Draws::next`] has given.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.counter
    }
}

/// The outcome of one draw.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    block: [u8; BLOCK_BYTES],
}

impl Draw {
    /// One of the [`WORDS`] independent words.
    ///
    /// # Panics
    /// When there is no such word.
    #[must_use]
    pub fn word(&self, index: usize) -> Word {
        let (words, _) = self.block.as_chunks::<8>();
        Word(u64::from_le_bytes(words[index]))
    }

    /// A bit for each of [`BIT_PLACES`] places: of this word for the first 64, of the fourth after it for the others.
    ///
    /// # Panics
    /// When there is no such word or place.
    #[must_use]
    pub fn bit(&self, index: usize, place: u16) -> bool {
        assert!(place < BIT_PLACES, "there are bits for {BIT_PLACES} places");
        let word = self.word(index + 4 * usize::from(place / 64));
        word.get() >> (place % 64) & 1 == 1
    }
}

/// 64 random bits, and the ways to use them; use each word once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(u64);

impl Word {
    /// These 64 bits.
    #[must_use]
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits themselves.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Uniform below `bound`, 0 when the bound is 0; the bias is at most `bound` in 2^64.
    #[must_use]
    pub const fn below(self, bound: u64) -> u64 {
        high(self.0 as u128 * bound as u128)
    }

    /// Uniform from `low` to `high`, both included.
    ///
    /// # Panics
    /// When `high` is below `low`.
    #[must_use]
    pub const fn within(self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an interval has its ends in order");
        match (high - low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.0,
        }
    }

    /// Whether something of that probability happens.
    #[must_use]
    pub const fn happens(self, probability: Ppm) -> bool {
        self.below(Ppm::ALWAYS.get() as u64) < probability.get() as u64
    }

    /// Log-uniform from `low` to `high`, both included: each octave is as likely as any other, uniform inside it,
    /// in steps of 2^-32 of an octave (exact below 2^32).
    ///
    /// # Panics
    /// When `low` is 0 or `high` is below it.
    #[must_use]
    pub const fn log_uniform(self, low: u64, high: u64) -> u64 {
        assert!(low > 0, "a logarithm starts above zero");
        let drawn = exponential(self.within(logarithm(low), logarithm(high)));
        if drawn < low {
            low
        } else if drawn > high {
            high
        } else {
            drawn
        }
    }

    /// At least `min`, at most `cap`, with a heavy tail: more than `min` times 2^k in one of 4^k.
    #[must_use]
    pub const fn heavy_tail(self, min: u64, cap: u64) -> u64 {
        let doublings = (self.0 >> 32 << 32 | 1 << 31).leading_zeros() / 2;
        let octave = (min as u128) << doublings;
        let drawn = octave + ((octave * (self.0 & 0xffff_ffff) as u128) >> 32);
        if drawn < cap as u128 { low(drawn) } else { cap }
    }
}

/// Binary logarithm in steps of 2^-32, linear inside an octave.
const fn logarithm(value: u64) -> u64 {
    let octave = value.ilog2();
    let mantissa = value ^ 1 << octave;
    (octave as u64) << 32 | low((mantissa as u128) << 32 >> octave)
}

/// The number whose [`logarithm`] is this, rounded down.
const fn exponential(logarithm: u64) -> u64 {
    let octave = logarithm >> 32;
    let mantissa = logarithm & 0xffff_ffff | 1 << 32;
    low((mantissa as u128) << octave >> 32)
}

const fn high(product: u128) -> u64 {
    (product >> 64) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers shift or bound it into 64 bits"
)]
const fn low(value: u128) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests;
