//! Transaction ids: `UUIDv7`, unique per submitting participant.
//!
//! Invariant: version and variant bits are those of a version 7 UUID; the first 48 bits are Unix milliseconds.
//! Source: RFC 9562 §5.7; `docs/spec/ledger.md`, "Ids".

use alloc::string::ToString;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::cmp::Ordering;
use core::fmt;

use crate::decode::DecodeFault;
use crate::participant::ParticipantNumber;

/// A transaction's id: a `UUIDv7` of the submitter's choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize)]
pub struct TxId([u8; 16]);

impl Ord for TxId {
    /// The order of the bytes, compared as one number.
    fn cmp(&self, other: &Self) -> Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for TxId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TxId {
    /// Takes the bytes of a `UUIDv7`; `None` for any other version or variant.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        if bytes[6] >> 4 == 7 && bytes[8] >> 6 == 0b10 {
            Some(Self(bytes))
        } else {
            None
        }
    }

    /// Composes an id of a time and ten bytes of chance, of which six bits give way to version and variant.
    ///
    /// `None` if the time does not fit 48 bits.
    #[must_use]
    pub fn new(time_ms: u64, chance: [u8; 10]) -> Option<Self> {
        let [0, 0, time @ ..] = time_ms.to_be_bytes() else {
            return None;
        };
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&time);
        bytes[6..].copy_from_slice(&chance);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Some(Self(bytes))
    }

    /// Reads the text form: 32 small hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.replace('-', "");
        let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).ok()?;
        let id = Self::from_bytes(<[u8; 16]>::try_from(bytes).ok()?)?;
        (id.to_string() == text).then_some(id)
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The time in the id, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn time_ms(&self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            let dash = if matches!(position, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl BorshDeserialize for TxId {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = <[u8; 16]>::deserialize_reader(reader)?;
        Self::from_bytes(bytes).ok_or_else(|| DecodeFault::BadId.into())
    }
}

/// The ledger's key of a transaction: nobody can occupy another participant's id.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct TxKey {
    /// Who submits.
    pub participant: ParticipantNumber,
    /// Under which id.
    pub id: TxId,
}
