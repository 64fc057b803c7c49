//! Feature gates: rules that come into force at a height, for those whose program knows them.
//!
//! Invariant: the word of a height never changes once it can be in a header; a gate that is in force stays in force.
//! Shapes and units: a gate is a bit of the header's features word, 0 to 63; the state keeps one record for each that is scheduled.
//! Source: `docs/spec/ledger.md`, "Feature gates".

use borsh::{BorshDeserialize, BorshSerialize, io};
use core::fmt;
use falaj_consensus::types::Height;

use crate::decode::DecodeFault;

/// The number of bits in a features word.
pub const GATES_MAX: u8 = 64;

/// The least number of heights between the block that schedules a gate and its first height.
pub const GATE_NOTICE: u64 = 16;

/// A bit of the features word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Feature(u8);

impl Feature {
    /// Takes a number below [`GATES_MAX`].
    #[must_use]
    pub const fn new(bit: u8) -> Option<Self> {
        if bit < GATES_MAX {
            Some(Self(bit))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The word in which it stands alone.
    #[must_use]
    pub fn mask(self) -> u64 {
        1_u64.checked_shl(u32::from(self.0)).unwrap_or_default()
    }

    /// The bits of a word, ascending.
    pub fn of_word(word: u64) -> impl Iterator<Item = Self> {
        let bits = (0..GATES_MAX).map(Self);
        bits.filter(move |bit| word & bit.mask() != 0)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl BorshDeserialize for Feature {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bit = u8::deserialize_reader(reader)?;
        Self::new(bit).ok_or_else(|| DecodeFault::Encoding("a feature is a bit below 64").into())
    }
}

/// When a gate comes into force, as the state holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Gate {
    /// The first height whose header has the bit.
    pub from: Height,
}

/// Another first height for a gate: scheduled, moved or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct GateChange {
    /// Which gate.
    pub feature: Feature,
    /// The first height that it is scheduled for now, if it is.
    pub now: Option<Height>,
    /// The first height that it is to be scheduled for, if it is to be.
    pub then: Option<Height>,
}

impl BorshDeserialize for GateChange {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let change = Self {
            feature: Feature::deserialize_reader(reader)?,
            now: Option::deserialize_reader(reader)?,
            then: Option::deserialize_reader(reader)?,
        };
        if change.now != change.then {
            return Ok(change);
        }
        Err(DecodeFault::Encoding("a change of a gate changes its height").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_a_word_are_its_features() {
        let bits: Vec<u8> = Feature::of_word(1 | 1 << 5 | 1 << 63)
            .map(Feature::get)
            .collect();
        assert_eq!(bits, [0, 5, 63]);
        assert_eq!(Feature::new(64), None);
    }

    // docs/spec/ledger.md, "Feature gates": what is no gate, or no change of one, has no encoding.
    #[test]
    fn only_a_change_of_a_gate_decodes() {
        let height = |height| Some(Height::new(height));
        let bytes = |feature: u8, now: Option<Height>, then: Option<Height>| {
            borsh::to_vec(&(feature, now, then)).unwrap()
        };
        let reads = |bytes: &[u8]| borsh::from_slice::<GateChange>(bytes).is_ok();
        assert!(reads(&bytes(63, None, height(9))));
        assert!(reads(&bytes(0, height(9), None)));
        assert!(!reads(&bytes(64, None, height(9))));
        assert!(!reads(&bytes(1, None, None)));
        assert!(!reads(&bytes(1, height(9), height(9))));
    }
}
