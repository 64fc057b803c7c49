//! A number of a scenario file: fixed, or drawn anew for each seed.
//!
//! Invariant: what is drawn is one of the numbers that were written or lies between them, both ends included.
//! Shapes and units: `3`, `{ uniform = [1, 5] }`, `{ log_uniform = [1, 500] }`, `{ one_of = [4, 7] }`; durations are milliseconds with up
//! to six places, held in nanoseconds.
//! Errors: a drawn number without a range is refused by [`Dial::check`].

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chance::Word;

const NS_PER_MS: u64 = 1_000_000;
const NS_PER_MS_DECIMAL: f64 = 1_000_000.0;
/// A day: so far six decimal places of a millisecond survive being read and written.
const MS_MAX: f64 = 86_400_000.0;

/// What a dial turns.
pub trait Unit: Copy + Ord + fmt::Display {
    /// The number in its smallest unit.
    fn raw(self) -> u64;
    /// The same back.
    fn of_raw(raw: u64) -> Self;
}

impl Unit for u64 {
    fn raw(self) -> u64 {
        self
    }

    fn of_raw(raw: u64) -> Self {
        raw
    }
}

/// A duration of a scenario file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct Ms(#[schemars(with = "f64", range(min = 0.0, max = MS_MAX))] u64);

impl Ms {
    /// So many nanoseconds.
    #[must_use]
    pub const fn of_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// So many milliseconds.
    #[must_use]
    pub const fn new(ms: u64) -> Self {
        Self(ms * NS_PER_MS)
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn ns(self) -> u64 {
        self.0
    }
}

impl Unit for Ms {
    fn raw(self) -> u64 {
        self.0
    }

    fn of_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / NS_PER_MS, self.0 % NS_PER_MS);
        if rest == 0 {
            return write!(f, "{whole} ms");
        }
        let digits = format!("{rest:06}");
        write!(f, "{whole}.{} ms", digits.trim_end_matches('0'))
    }
}

impl Serialize for Ms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(NS_PER_MS) {
            return serializer.serialize_u64(self.0 / NS_PER_MS);
        }
        let ns = u32::try_from(self.0 % NS_PER_MS).unwrap_or_default();
        let whole = u32::try_from(self.0 / NS_PER_MS).unwrap_or(u32::MAX);
        serializer.serialize_f64(f64::from(whole) + f64::from(ns) / NS_PER_MS_DECIMAL)
    }
}

impl<'de> Deserialize<'de> for Ms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ms = f64::deserialize(deserializer)?;
        if !(0.0..=MS_MAX).contains(&ms) {
            let text = format!("{ms} ms is not a duration between 0 and a day");
            return Err(D::Error::custom(text));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it lies between zero and a day of nanoseconds"
        )]
        let ns = (ms * NS_PER_MS_DECIMAL).round() as u64;
        Ok(Self(ns))
    }
}

/// A number that is fixed or drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Dial<T> {
    /// The same for every seed.
    Fixed(T),
    /// Drawn for each seed.
    Drawn(Range<T>),
}

/// From what a number is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Range<T> {
    /// Any from the first to the second, as likely as any other.
    Uniform([T; 2]),
    /// Any from the first to the second, each octave as likely as any other; the first is above zero.
    LogUniform([T; 2]),
    /// One of these.
    OneOf(Vec<T>),
}

/// Why a dial cannot be turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// There is nothing to draw from.
    #[error("there is nothing to draw from")]
    Empty,
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    Reversed,
    /// A logarithm of zero.
    #[error("a logarithmic range begins above zero")]
    Zero,
}

impl<T: Unit> Dial<T> {
    /// The number that this word stands for.
    ///
    /// # Panics
    /// When [`Dial::check`] refuses the dial.
    #[must_use]
    pub fn value(&self, word: Word) -> T {
        match self {
            Self::Fixed(value) => *value,
            Self::Drawn(Range::Uniform([low, high])) => {
                T::of_raw(word.within(low.raw(), high.raw()))
            }
            Self::Drawn(Range::LogUniform([low, high])) => {
                T::of_raw(word.log_uniform(low.raw(), high.raw()))
            }
            Self::Drawn(Range::OneOf(values)) => {
                let place = word.below(values.len() as u64);
                values[usize::try_from(place).expect("it is below a length")]
            }
        }
    }

    /// The least and the greatest number that it can give.
    #[must_use]
    pub fn ends(&self) -> Option<(T, T)> {
        match self {
            Self::Fixed(value) => Some((*value, *value)),
            Self::Drawn(Range::Uniform([low, high]) | Range::LogUniform([low, high])) => {
                Some((*low, *high))
            }
            Self::Drawn(Range::OneOf(values)) => {
                Some((*values.iter().min()?, *values.iter().max()?))
            }
        }
    }

    /// Whether it can be turned; gives its ends.
    ///
    /// # Errors
    /// [`DialError`] when there is nothing to draw from.
    pub fn check(&self) -> Result<(T, T), DialError> {
        let (low, high) = self.ends().ok_or(DialError::Empty)?;
        if low > high {
            return Err(DialError::Reversed);
        }
        if matches!(self, Self::Drawn(Range::LogUniform(_))) && low.raw() == 0 {
            return Err(DialError::Zero);
        }
        Ok((low, high))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Dial<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DialVisitor(PhantomData))
    }
}

/// Reads a dial by hand, so that an error names the key at fault and not a type of ours.
struct DialVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for DialVisitor<T> {
    type Value = Dial<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number, { uniform = [a, b] }, { log_uniform = [a, b] } or { one_of = [...] }",
        )
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Dial::Fixed)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Dial::Fixed)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        T::deserialize(value.into_deserializer()).map(Dial::Fixed)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Range::deserialize(MapAccessDeserializer::new(map)).map(Dial::Drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held {
        dial: Dial<Ms>,
    }

    fn read(text: &str) -> Result<Dial<Ms>, toml::de::Error> {
        toml::from_str::<Held>(&format!("dial = {text}")).map(|held| held.dial)
    }

    /// Goal: a duration is read to the nanosecond, and what is written reads as the same.
    #[test]
    fn a_duration_keeps_its_nanoseconds() {
        for (text, ns) in [
            ("20", 20_000_000),
            ("0.05", 50_000),
            ("1234.567891", 1_234_567_891),
            ("86399999.999999", 86_399_999_999_999),
        ] {
            let dial = read(text).unwrap();
            assert_eq!(dial, Dial::Fixed(Ms::of_ns(ns)), "{text}");
            let again: Held = toml::from_str(&toml::to_string(&Held { dial }).unwrap()).unwrap();
            assert_eq!(again.dial, Dial::Fixed(Ms::of_ns(ns)), "{text}");
        }
        assert_eq!(Ms::of_ns(50_000).to_string(), "0.05 ms");
        assert!(read("-1").is_err());
        assert!(read("86400001").is_err());
        assert!(read("nan").is_err());
    }

    /// Goal: each form of a drawn number stays between its ends.
    #[test]
    fn what_is_drawn_lies_between_the_ends() {
        for text in [
            "{ uniform = [2, 9] }",
            "{ log_uniform = [2, 9] }",
            "{ one_of = [9, 2, 4] }",
        ] {
            let dial = read(text).unwrap();
            let (low, high) = dial.check().unwrap();
            assert_eq!((low, high), (Ms::new(2), Ms::new(9)), "{text}");
            for bits in [0, 1, u64::MAX / 3, u64::MAX] {
                let value = dial.value(Word::new(bits));
                assert!((low..=high).contains(&value), "{text}");
            }
        }
    }

    /// Goal: a number without a range is refused for its reason.
    #[test]
    fn a_range_without_numbers_is_refused() {
        for (text, error) in [
            ("{ uniform = [9, 2] }", DialError::Reversed),
            ("{ log_uniform = [0, 2] }", DialError::Zero),
            ("{ one_of = [] }", DialError::Empty),
        ] {
            assert_eq!(read(text).unwrap().check(), Err(error), "{text}");
        }
    }
}
