//! Numbers on the command line that must be above zero.
//!
//! Invariant: what is read is finite, so no rate and no length is without end.

/// Above it nothing is a rate or a length of a run.
const MAX: f64 = 1e9;

/// Reads a rate or a length.
pub(super) fn above_zero(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    let number = number.filter(|number| *number > 0.0 && *number <= MAX);
    number.ok_or_else(|| format!("a number above zero, at most {MAX}, is needed"))
}

/// Reads a count.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.parse().ok();
    let number = number.filter(|number| *number > 0);
    number.ok_or_else(|| "a whole number above zero is needed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_above_zero_are_read() {
        assert_eq!(above_zero("0.5"), Ok(0.5));
        assert_eq!(above_zero("1e9"), Ok(1e9));
        for text in ["0", "-1", "nan", "inf", "1e300", "", "x"] {
            assert!(above_zero(text).is_err(), "{text}");
        }
        assert_eq!(at_least_one("1"), Ok(1));
        for text in ["0", "-1", "1.5", ""] {
            assert!(at_least_one(text).is_err(), "{text}");
        }
    }
}
