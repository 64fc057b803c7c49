//! The words of a simulation: virtual time, nodes, probabilities.
//!
//! Invariant: each is a type of its own; time never runs backwards because only the queue moves it.
//! Overflow: virtual time ends after 584 years, which no run reaches; reaching it is a panic.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A point in virtual time, in nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

impl SimTime {
    /// The start of the run.
    pub const START: Self = Self(0);

    /// So many nanoseconds after the start.
    #[must_use]
    pub const fn new(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The time `ns` later.
    ///
    /// # Panics
    /// After 584 years.
    #[must_use]
    pub const fn after_ns(self, ns: u64) -> Self {
        Self(
            self.0
                .checked_add(ns)
                .expect("a run ends long before 584 years"),
        )
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09} s",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000
        )
    }
}

/// A process of the simulated network: a validator, a second instance of one, an observer, a client.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct NodeIndex(u16);

impl NodeIndex {
    /// The process of that number.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Its number as a position in a slice.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize
    }

    /// The two without a direction: the lower first.
    #[must_use]
    pub fn pair(self, other: Self) -> (Self, Self) {
        (self.min(other), self.max(other))
    }
}

impl fmt::Display for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// A probability, in parts per million.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Ppm(#[schemars(range(max = 1_000_000))] u32);

impl<'de> Deserialize<'de> for Ppm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = u32::deserialize(deserializer)?;
        if parts > Self::ALWAYS.0 {
            let text = format!("{parts} parts per million are more than one");
            return Err(serde::de::Error::custom(text));
        }
        Ok(Self(parts))
    }
}

impl Ppm {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000);

    /// So many in a million.
    ///
    /// # Panics
    /// Above one million.
    #[must_use]
    pub const fn new(parts: u32) -> Self {
        assert!(parts <= Self::ALWAYS.0, "a probability is at most one");
        Self(parts)
    }

    /// Whether it never happens.
    #[must_use]
    pub const fn is_never(&self) -> bool {
        self.0 == 0
    }

    /// How many in a million.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}
