//! Decimals of a file and of the API to minor units and back, exactly.
//!
//! Invariant: a number is taken only if its value is a whole number of minor units; nothing is rounded, and no float is ever made.
//! Shapes and units: minor units of a currency with two decimals; balances of an issuance account are negative.
//! Source: `docs/spec/ledger.md`, "Amounts". This is the reader of a client: it shares no code with the ledger's.

use thiserror::Error;

use crate::economy::SCALE;

/// The greatest amount, in minor units.
pub(super) const UNITS_MAX: u64 = 999_999_999_999_999_999;
const DECIMALS: usize = SCALE as usize;

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NumberFault {
    /// A sign, a blank, an exponent, a leading zero, or no digit where one must be.
    #[error("not a number of digits with at most one point between them")]
    Malformed,
    /// More decimals than the currency has.
    #[error("more than {DECIMALS} decimals")]
    Decimals,
    /// More than one amount can be.
    #[error("above the greatest amount")]
    AboveMaximum,
}

/// Minor units of a text such as `12`, `12.5` or `12.50`.
///
/// # Errors
/// [`NumberFault`] for anything else.
pub(super) fn units(text: &str) -> Result<u64, NumberFault> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !is_number(whole) || !is_digits(fraction) {
        return Err(NumberFault::Malformed);
    }
    if fraction.len() > DECIMALS {
        return Err(NumberFault::Decimals);
    }
    let missing = std::iter::repeat_n(b'0', DECIMALS - fraction.len());
    let digits = whole.bytes().chain(fraction.bytes()).chain(missing);
    let units = digits.into_iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    units
        .filter(|units| *units <= UNITS_MAX)
        .ok_or(NumberFault::AboveMaximum)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    is_digits(text) && (text == "0" || !text.starts_with('0'))
}

/// Minor units of a balance as the API tells it: exactly two decimals, and a sign if it is below zero.
#[must_use]
pub(super) fn balance(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.')?;
    if !is_number(whole) || !is_digits(fraction) || fraction.len() != DECIMALS {
        return None;
    }
    let units: i128 = [whole, fraction].concat().parse().ok()?;
    units.checked_mul(sign)
}

/// The text of a balance, with two decimals.
#[must_use]
pub(super) fn text(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = DECIMALS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - DECIMALS);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Goal: what a data set of two decimals can hold is taken to the last unit.
    #[test]
    fn decimals_are_taken_exactly() {
        for (text, expected) in [
            ("0", 0),
            ("0.0", 0),
            ("0.01", 1),
            ("181.0", 18_100),
            ("9839.64", 983_964),
            ("170136", 17_013_600),
            ("0.29", 29),
            ("1.1", 110),
            ("9999999999999999.99", UNITS_MAX),
        ] {
            assert_eq!(units(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn more_than_two_decimals_are_refused() {
        for text in ["0.001", "1.100", "3.14159"] {
            assert_eq!(units(text), Err(NumberFault::Decimals), "{text}");
        }
    }

    #[test]
    fn exponents_signs_blanks_and_odd_spellings_are_refused() {
        for text in [
            "", ".", "1.", ".5", "1e7", "1E7", "1.0E7", "-1", "+1", " 1", "1 ", "1,5", "01",
            "00.1", "0x1", "NaN", "inf", "1.2.3", "١",
        ] {
            assert_eq!(units(text), Err(NumberFault::Malformed), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_an_amount_is_refused() {
        for text in [
            "10000000000000000.00",
            "10000000000000000",
            "99999999999999999999999999999999999999999",
        ] {
            assert_eq!(units(text), Err(NumberFault::AboveMaximum), "{text}");
        }
    }

    #[test]
    fn balances_read_as_they_are_told() {
        for (told, expected) in [
            ("0.00", Some(0)),
            ("-0.01", Some(-1)),
            ("12.50", Some(1_250)),
            ("12.5", None),
            ("12", None),
            ("--1.00", None),
            ("", None),
        ] {
            assert_eq!(balance(told), expected, "{told}");
        }
    }

    proptest! {
        // Goal: no value changes on the way to text and back.
        #[test]
        fn texts_read_back(amount in 0..=UNITS_MAX, below in any::<bool>()) {
            prop_assert_eq!(units(&text(i128::from(amount))), Ok(amount));
            let signed = if below { -i128::from(amount) } else { i128::from(amount) };
            prop_assert_eq!(balance(&text(signed)), Some(signed));
        }

        // Goal: no bytes of a file make it panic.
        #[test]
        fn any_text_is_a_number_or_a_fault(any in ".{0,40}") {
            let _: Result<u64, NumberFault> = units(&any);
            let _: Option<i128> = balance(&any);
        }
    }
}
