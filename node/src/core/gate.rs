//! Refusing to pass: this program lacks a feature gate that the next height stands under.
//!
//! Invariant: a replica before a height that is shut to it stands at the height before: it says, signs, executes and takes nothing of that
//! height and above, serves reads, and goes on when a program that supports the gate is started.
//! Source: `docs/spec/consensus.md`, "Upgrades".

use falaj_consensus::types::Height;
use falaj_ledger::gate::Feature;
use std::fmt;

/// A height that is shut to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GatesLacking {
    /// The height.
    pub height: Height,
    /// Its features word.
    pub features: u64,
    /// The bits of it that are not supported.
    pub lacking: u64,
}

impl fmt::Display for GatesLacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits: Vec<String> = Feature::of_word(self.lacking)
            .map(|feature| feature.to_string())
            .collect();
        let bits = bits.join(", ");
        write!(
            f,
            "height {} needs feature {bits}, which this program lacks",
            self.height
        )
    }
}
