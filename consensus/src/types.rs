//! The words every crate shares: heights, rounds, validators, power, hashes and the time that is given.
//!
//! Invariant: each is its own type without `From`, `Deref` or implicit arithmetic, so a height is never added to a round.
//! Overflow: `next` panics at the end of the range, which at one step a nanosecond is centuries away; nothing saturates.

use alloc::string::String;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize,
        )]
        pub struct $name($inner);

        impl $name {
            /// Wraps a number.
            #[must_use]
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The number after this one.
            ///
            /// # Panics
            /// At the end of the range.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.checked_add(1).expect("no counter of ours reaches the end of its range"))
            }

            /// The number before this one, if there is one.
            #[must_use]
            pub const fn previous(self) -> Option<Self> {
                match self.0.checked_sub(1) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number!(
    /// Position of a block in the chain; genesis is 0, the first block 1.
    Height, u64
);
number!(
    /// Attempt to decide within a height, from 0.
    Round, u32
);
number!(
    /// Position of a validator in the set of one height, in order of id.
    ValidatorIndex, u16
);
number!(
    /// Name of a validator for its whole life, across sets and keys.
    ValidatorId, u32
);
number!(
    /// Voting power of a validator; sums are taken in `u128`.
    VotingPower, u64
);

impl ValidatorIndex {
    /// The index as a position in a slice.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize
    }
}

/// A SHA-256 digest.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize,
)]
pub struct Hash32([u8; 32]);

impl Hash32 {
    /// 32 zero bytes: the parent of the first block and the root of an empty map.
    pub const ZERO: Self = Self([0; 32]);

    /// Wraps a digest.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hexadecimal, 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        }
        text
    }

    /// Reads 64 lower-case hexadecimal characters, the only accepted text form.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut out = [0_u8; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(out))
    }

    /// The first four bytes in hexadecimal, for logs.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_hex();
        text.truncate(8);
        text
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

impl fmt::Debug for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

impl fmt::Display for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_hex())
    }
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize,
        )]
        pub struct $name(Hash32);

        impl $name {
            /// Gives a digest this meaning.
            #[must_use]
            pub const fn new(hash: Hash32) -> Self {
                Self(hash)
            }

            /// The digest.
            #[must_use]
            pub const fn hash(&self) -> Hash32 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.short())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

digest!(
    /// Name of a block: the tagged hash of its header. The paper's value id.
    BlockId
);
digest!(
    /// Name of what executing a block gave: the tagged hash of its [`crate::message::Outcome`].
    OutcomeHash
);
digest!(
    /// Name of a batch of transactions: the tagged hash of its encoding.
    BatchDigest
);

/// The time a pure machine is given with each input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Now {
    /// Monotonic nanoseconds since an arbitrary start of the process; for timers and deadlines.
    pub mono_ns: u64,
    /// Microseconds since the Unix epoch by the host's clock; for a proposer's block time alone.
    pub wall_us: u64,
}

/// Why a statement was not signed. The guard's own answer is richer; this is what consensus can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignRefusal {
    /// Something else was signed at that position.
    DoubleSign,
    /// The position is below the guard's record.
    Regression,
    /// The guard lacks the certificate of the height before.
    HeightJump,
    /// It would break the lock.
    Lock,
    /// It names another outcome than an earlier precommit.
    Outcome,
    /// Signing is latched off.
    Latched,
    /// HSM, disk or guard gave no signature in time.
    Unavailable,
}

/// The longest chain id, in bytes.
pub const CHAIN_ID_BYTES_MAX: usize = 32;

/// Network identity under every signature: a human name and the hash of the genesis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChainContext {
    /// Chain id of the genesis, 1 to 32 bytes of `a-z 0-9 -`.
    pub chain_id: String,
    /// Hash of the canonical genesis.
    pub genesis_hash: Hash32,
}

#[cfg(test)]
mod tests {
    use super::*;

    // Hexadecimal has one spelling; everything else is refused.
    #[test]
    fn hex_reads_back_and_refuses_other_spellings() {
        let hash = Hash32::new(std::array::from_fn(|i| u8::try_from(i * 7).unwrap()));
        assert_eq!(Hash32::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(Hash32::from_hex(&hash.to_hex().to_uppercase()), None);
        assert_eq!(Hash32::from_hex(&hash.to_hex()[1..]), None);
        assert_eq!(Hash32::from_hex(&format!("{}g", &hash.to_hex()[1..])), None);
    }
}
