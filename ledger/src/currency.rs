//! Currencies: code, scale, and what was issued and redeemed of each.
//!
//! Invariant: issued is never below redeemed, and their difference, the supply, never above the cap.
//! Units: minor units in [`Units`]; the scale is fixed at genesis, at least the ISO 4217 minor unit where ISO lists the code.
//! Source: `docs/spec/ledger.md`, "Currency"; ISO 4217:2015, list one.

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

use crate::account::AccountId;
use crate::amount::{Scale, Units};
use crate::decode::DecodeFault;

mod iso4217;

/// Three capital letters: a code of ISO 4217, or a private one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// Takes three capital letters of ASCII.
    #[must_use]
    pub fn new(letters: [u8; 3]) -> Option<Self> {
        letters
            .iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(letters))
    }

    /// Reads the text form, which is the letters themselves.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .and_then(Self::new)
    }

    /// The letters.
    #[must_use]
    pub const fn bytes(&self) -> [u8; 3] {
        self.0
    }

    /// Decimals of the minor unit by ISO 4217; 0 for a code that ISO does not list.
    #[must_use]
    pub fn scale_min(self) -> u8 {
        iso4217::minor_unit(self.0)
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl BorshDeserialize for CurrencyCode {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let letters = <[u8; 3]>::deserialize_reader(reader)?;
        Self::new(letters)
            .ok_or_else(|| DecodeFault::Encoding("a currency code is three capital letters").into())
    }
}

/// Whether a currency is in use.
///
/// The discriminant is part of the encoding; 2 is kept for a currency that is being wound up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum CurrencyStatus {
    /// In use.
    Active = 1,
}

/// One currency of the ledger, as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Currency {
    /// Its code.
    pub code: CurrencyCode,
    /// Decimals of its minor unit.
    pub scale: Scale,
    /// In use or not.
    pub status: CurrencyStatus,
    /// The one account whose debits are issues and whose credits are redemptions.
    pub issuance_account: AccountId,
    /// The most that may be in circulation.
    pub cap: Units,
    /// The most that may be issued within any [`crate::window::WINDOW_US`].
    pub rolling_cap: Units,
    /// Issued so far, genesis included.
    pub issued: Units,
    /// Redeemed so far.
    pub redeemed: Units,
}

impl Currency {
    /// In circulation: issued minus redeemed.
    ///
    /// # Panics
    /// If more was redeemed than issued, which no sequence of executed blocks gives.
    #[must_use]
    pub fn supply(&self) -> Units {
        self.issued
            .checked_sub(self.redeemed)
            .expect("no more is redeemed than was issued")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_three_capital_letters() {
        assert_eq!(CurrencyCode::parse("AED").unwrap().to_string(), "AED");
        for text in ["", "AE", "AEDX", "aed", "A1D", "ÄED"] {
            assert_eq!(CurrencyCode::parse(text), None, "{text}");
        }
        assert!(borsh::from_slice::<CurrencyCode>(b"aed").is_err());
    }

    #[test]
    fn scales_of_the_standard() {
        for (code, scale) in [
            ("AED", 2),
            ("BHD", 3),
            ("JPY", 0),
            ("CLF", 4),
            ("EUR", 2),
            ("XTS", 0),
            ("ZZZ", 0),
        ] {
            assert_eq!(
                CurrencyCode::parse(code).unwrap().scale_min(),
                scale,
                "{code}"
            );
        }
    }
}
