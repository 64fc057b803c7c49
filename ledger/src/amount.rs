//! Amounts of money: whole minor units, checked, with one decimal spelling per scale.
//!
//! Invariant: an [`Amount`] is at most [`AMOUNT_MAX`]; sums that may exceed it are [`Units`], in `u128`.
//! Units: minor units of the currency that stands beside the amount; a [`Scale`] says how many decimals that unit has.
//! Overflow: every operation is checked and gives `None`; nothing wraps, saturates or rounds.
//! Errors: [`AmountError`] maps to the codes 1009, 1015 and 1017.
//! Source: `docs/spec/ledger.md`, "Amounts".

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

use crate::rejection::{DecodeFault, Rejection};

/// The largest amount of a transfer, balance or limit: eighteen nines.
pub const AMOUNT_MAX: u64 = 999_999_999_999_999_999;
/// The most decimals a currency can have.
pub const SCALE_MAX: u8 = 5;

/// Minor units of one currency, `0..=AMOUNT_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize)]
pub struct Amount(u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(AMOUNT_MAX);

    /// Takes a number of minor units; `None` above [`AMOUNT_MAX`].
    #[must_use]
    pub const fn new(minor_units: u64) -> Option<Self> {
        if minor_units <= AMOUNT_MAX {
            Some(Self(minor_units))
        } else {
            None
        }
    }

    /// The number of minor units.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The amount in the wide type of sums.
    #[must_use]
    pub const fn units(self) -> Units {
        Units(self.0 as u128)
    }

    /// The sum, if it is an amount.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Self::new(sum),
            None => None,
        }
    }

    /// The difference, if it is not negative.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// Reads the canonical decimal spelling.
    ///
    /// # Errors
    /// [`AmountError`] for any other spelling.
    pub fn parse(text: &str, scale: Scale) -> Result<Self, AmountError> {
        Units::parse(text, scale)?
            .amount()
            .ok_or(AmountError::AboveMaximum)
    }

    /// The canonical decimal spelling, such as `12.50` at scale 2.
    #[must_use]
    pub fn to_decimal(self, scale: Scale) -> String {
        self.units().to_decimal(scale)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl BorshDeserialize for Amount {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let minor_units = u64::deserialize_reader(reader)?;
        Self::new(minor_units).ok_or_else(|| DecodeFault::AmountAboveMaximum.into())
    }
}

/// Minor units beyond what one amount can hold: supply, cumulative debits and credits, window sums.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Units(u128);

impl Units {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes a number of minor units.
    #[must_use]
    pub const fn new(minor_units: u128) -> Self {
        Self(minor_units)
    }

    /// The number of minor units.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The same as an amount, if it is at most [`AMOUNT_MAX`].
    #[must_use]
    pub fn amount(self) -> Option<Amount> {
        u64::try_from(self.0).ok().and_then(Amount::new)
    }

    /// The sum, if it fits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, if it is not negative.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// Reads the canonical decimal spelling: exactly the scale's decimals, no sign, blank, exponent or leading zero.
    ///
    /// # Errors
    /// [`AmountError`] for any other spelling.
    pub fn parse(text: &str, scale: Scale) -> Result<Self, AmountError> {
        let (whole, fraction) = split(text)?;
        if fraction.len() != usize::from(scale.0) {
            return Err(AmountError::Scale { expected: scale.0 });
        }
        whole
            .bytes()
            .chain(fraction.bytes())
            .try_fold(0_u128, |sum, digit| {
                sum.checked_mul(10)?
                    .checked_add(u128::from(digit.checked_sub(b'0')?))
            })
            .map(Self)
            .ok_or(AmountError::AboveMaximum)
    }

    /// The canonical decimal spelling, such as `12.50` at scale 2.
    #[must_use]
    pub fn to_decimal(self, scale: Scale) -> String {
        let decimals = usize::from(scale.0);
        let digits = format!("{:0>width$}", self.0, width = decimals.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
        if fraction.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{fraction}")
        }
    }
}

/// Splits a spelling into its digits before and after the point, and refuses what is not canonical at any scale.
fn split(text: &str) -> Result<(&str, &str), AmountError> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(AmountError::Malformed),
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || !digits(whole) || !digits(fraction) {
        return Err(AmountError::Malformed);
    }
    Ok((whole, fraction))
}

/// Decimals of a currency's minor unit, `0..=SCALE_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Scale(u8);

impl Scale {
    /// Takes a number of decimals; `None` above [`SCALE_MAX`].
    #[must_use]
    pub const fn new(decimals: u8) -> Option<Self> {
        if decimals <= SCALE_MAX {
            Some(Self(decimals))
        } else {
            None
        }
    }

    /// The number of decimals.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl BorshDeserialize for Scale {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let decimals = u8::deserialize_reader(reader)?;
        Self::new(decimals)
            .ok_or_else(|| DecodeFault::Encoding("a scale has at most 5 decimals").into())
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// A sign, blank, exponent, leading zero or anything but digits and one point.
    #[error("not a canonical decimal number")]
    Malformed,
    /// Canonical, but not with the currency's decimals.
    #[error("not exactly {expected} decimals")]
    Scale {
        /// Decimals of the currency.
        expected: u8,
    },
    /// More than [`AMOUNT_MAX`] minor units.
    #[error("above the maximum of {AMOUNT_MAX} minor units")]
    AboveMaximum,
}

impl AmountError {
    /// The stable code of the fault.
    #[must_use]
    pub const fn rejection(self) -> Rejection {
        match self {
            Self::Malformed => Rejection::MalformedNumber,
            Self::Scale { .. } => Rejection::ScaleMismatch,
            Self::AboveMaximum => Rejection::AmountAboveMaximum,
        }
    }
}

#[cfg(test)]
mod tests;
