//! What executing a block gave, as one hash that a precommit signs.
//!
//! Invariant: supply is in strictly increasing order of currency, so one result has one hash.
//! Source: `docs/spec/encoding.md`, "Outcome".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::bounded;
use crate::hash::{self, Tag};
use crate::types::{Hash32, OutcomeHash};

/// The most currencies of one chain.
pub const SUPPLY_ENTRIES_MAX: usize = 64;

const OUTCOME_TAG: Tag = Tag::new("falaj/outcome/1");

/// Supply of one currency: issued minus redeemed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Supply {
    /// Currency code, three capital letters of ISO 4217 or private.
    pub currency: [u8; 3],
    /// Minor units in circulation.
    pub minor_units: u128,
}

/// The result of a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Outcome {
    /// Version of this layout: 1.
    #[borsh(deserialize_with = "read_version")]
    pub version: u16,
    /// Root of the whole state after the block.
    pub state_root: Hash32,
    /// RFC 9162 root over the block's receipts.
    pub receipts_root: Hash32,
    /// RFC 9162 root over all events since genesis.
    pub events_root: Hash32,
    /// Events since genesis.
    pub events: u64,
    /// Supply by currency, in order of code.
    #[borsh(deserialize_with = "read_supply")]
    pub supply: Vec<Supply>,
    /// Hash of the validator set two heights on.
    pub set_hash: Hash32,
    /// Hash of the parameters two heights on.
    pub parameters_hash: Hash32,
}

impl Outcome {
    /// The version that this build writes and reads.
    pub const VERSION: u16 = 1;

    /// The hash that precommits and the next header name.
    #[must_use]
    pub fn hash(&self) -> OutcomeHash {
        OutcomeHash::new(hash::tagged_borsh(OUTCOME_TAG, self))
    }

    /// Whether version, number and order of the supply entries are as the layout asks.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.version == Self::VERSION
            && self.supply.len() <= SUPPLY_ENTRIES_MAX
            && is_ordered(&self.supply)
    }
}

fn is_ordered(supply: &[Supply]) -> bool {
    supply.is_sorted_by(|a, b| a.currency < b.currency)
}

fn read_version<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    bounded::version(reader, Outcome::VERSION)
}

fn read_supply<R: io::Read>(reader: &mut R) -> io::Result<Vec<Supply>> {
    let supply = bounded::list(reader, SUPPLY_ENTRIES_MAX)?;
    if is_ordered(&supply) {
        Ok(supply)
    } else {
        Err(bounded::invalid("a supply is out of order"))
    }
}
