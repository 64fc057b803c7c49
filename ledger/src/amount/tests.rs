//! One spelling per amount and scale; sums and differences never leave the range.

use super::*;
use proptest::prelude::*;

fn scale(decimals: u8) -> Scale {
    Scale::new(decimals).unwrap()
}

// 1009: everything that is a number to somebody, but not in the one canonical spelling.
#[test]
fn malformed_number() {
    let texts = [
        "", " ", "+1.00", "-1.00", "1,00", "1e2", "1.0e2", "01.00", "00.00", ".50", "1.", "1.00 ",
        " 1.00", "1.0.0", "0x10", "１.00", "1_000.00", "NaN", "inf", "--", ".",
    ];
    for text in texts {
        assert_eq!(
            Amount::parse(text, scale(2)),
            Err(AmountError::Malformed),
            "{text:?}"
        );
    }
    assert_eq!(
        AmountError::Malformed.rejection(),
        Rejection::MalformedNumber
    );
}

// 1015: canonical, but with another currency's decimals.
#[test]
fn scale_mismatch() {
    for (text, decimals) in [("1", 2), ("1.0", 2), ("1.000", 2), ("1.0", 0), ("1", 5)] {
        let error = Amount::parse(text, scale(decimals)).unwrap_err();
        assert_eq!(error, AmountError::Scale { expected: decimals }, "{text}");
        assert_eq!(error.rejection(), Rejection::ScaleMismatch);
    }
}

// 1017: one minor unit above the maximum, and numbers beyond any integer.
#[test]
fn amount_above_maximum() {
    assert_eq!(
        Amount::parse("9999999999999999.99", scale(2)),
        Ok(Amount::MAX)
    );
    for text in [
        "10000000000000000.00",
        "99999999999999999999999999999999999999999999999999.00",
    ] {
        assert_eq!(
            Amount::parse(text, scale(2)),
            Err(AmountError::AboveMaximum)
        );
    }
    assert_eq!(Amount::new(AMOUNT_MAX + 1), None);
    let fault = borsh::from_slice::<Amount>(&(AMOUNT_MAX + 1).to_le_bytes()).unwrap_err();
    assert_eq!(
        DecodeFault::of(&fault).rejection(),
        Rejection::AmountAboveMaximum
    );
}

#[test]
fn spellings_at_every_scale() {
    for (units, decimals, text) in [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (5, 2, "0.05"),
        (50, 2, "0.50"),
        (1250, 2, "12.50"),
        (7, 0, "7"),
        (1, 5, "0.00001"),
        (AMOUNT_MAX, 3, "999999999999999.999"),
    ] {
        let amount = Amount::new(units).unwrap();
        assert_eq!(amount.to_decimal(scale(decimals)), text);
        assert_eq!(Amount::parse(text, scale(decimals)), Ok(amount));
    }
}

#[test]
fn sums_and_differences_stay_in_range() {
    let one = Amount::new(1).unwrap();
    assert_eq!(Amount::MAX.checked_add(one), None);
    assert_eq!(Amount::ZERO.checked_sub(one), None);
    assert_eq!(Amount::MAX.checked_sub(Amount::MAX), Some(Amount::ZERO));
    assert_eq!(Units::new(u128::MAX).checked_add(one.units()), None);
    assert_eq!(Units::new(u128::from(AMOUNT_MAX) + 1).amount(), None);
}

proptest! {
    // Whatever parses, prints as it was read; whatever is printed, parses back.
    #[test]
    fn one_spelling_per_amount(units in 0..=AMOUNT_MAX, decimals in 0..=SCALE_MAX, text in "[0-9.+ e-]{0,22}") {
        let amount = Amount::new(units).unwrap();
        prop_assert_eq!(Amount::parse(&amount.to_decimal(scale(decimals)), scale(decimals)), Ok(amount));
        if let Ok(read) = Amount::parse(&text, scale(decimals)) {
            prop_assert_eq!(read.to_decimal(scale(decimals)), text);
        }
    }
}
