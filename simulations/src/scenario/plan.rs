//! Where the scenarios of a campaign come from, and what it owes.
//!
//! Invariant: plan and seed give the scenario; nothing else does.

use std::ops::Range;

use serde_json::{Value, json};

use super::Scenario;
use super::file::File;
use crate::marks::Mark;
use crate::run::Verdict;

/// From how many random seeds on every mark that they can get to has to be hit.
pub const MARKS_FROM_SEEDS: u64 = 200;

/// Marks that scenario files alone lead to: in random scenarios nobody arrives late.
const OF_FILES: [Mark; 5] = [
    Mark::Joined,
    Mark::JoinResumed,
    Mark::SnapshotLie,
    Mark::SnapshotVanished,
    Mark::FellBack,
];

/// Where scenarios come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Each seed's random scenario.
    Swarm,
    /// A file's.
    File(Box<File>),
}

impl Plan {
    /// What people call it: the name of one that ships, or what it is.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Swarm => "random scenario",
            Self::File(file) => super::shipped::name_of(file).unwrap_or("own scenario"),
        }
    }

    /// What it shows, in a sentence.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Self::Swarm => "The random scenario of each seed.",
            Self::File(file) => &file.about,
        }
    }

    /// Everything that it says, with every default, for the record of what was run.
    #[must_use]
    pub fn expanded(&self) -> Value {
        match self {
            Self::Swarm => json!(self.name()),
            Self::File(file) => json!(file.expanded()),
        }
    }

    /// The seeds that are run if nobody says which: a file knows how many, random scenarios have none of their own.
    #[must_use]
    pub fn seeds(&self) -> Range<u64> {
        match self {
            Self::Swarm => 0..0,
            Self::File(file) => file.seeds(),
        }
    }

    /// The scenario of a seed.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        match self {
            Self::Swarm => Scenario::swarm(seed),
            Self::File(file) => file.scenario(seed),
        }
    }

    /// The marks that so many seeds have to hit; small campaigns owe nothing.
    #[must_use]
    pub fn owed(&self, seeds: u64) -> Vec<Mark> {
        match self {
            Self::Swarm if seeds >= MARKS_FROM_SEEDS => {
                let drawn = |mark: &&Mark| !OF_FILES.contains(mark);
                Mark::ALL.iter().filter(drawn).copied().collect()
            }
            Self::File(file) if seeds >= file.expect.seeds => {
                file.expect.marks.iter().copied().collect()
            }
            Self::Swarm | Self::File(_) => Vec::new(),
        }
    }

    /// The verdict that a campaign should come to.
    #[must_use]
    pub fn expected(&self) -> Verdict {
        match self {
            Self::Swarm => Verdict::SafeLive,
            Self::File(file) => file.expect.verdict,
        }
    }
}
