//! Feature gates, as the books have them.
//!
//! Source: `docs/spec/ledger.md`, "Feature gates".

use std::collections::BTreeMap;

use falaj_ledger::gate::GateChange;

use super::answer;

/// Heights between the block that schedules a gate and its first height, at least.
const NOTICE: u64 = 16;

/// The first height of each gate, by bit.
#[derive(Debug, Default)]
pub(super) struct Gates(BTreeMap<u8, u64>);

impl Gates {
    /// The features word of a height; right for those up to two above the last block.
    pub(super) fn word(&self, height: u64) -> u64 {
        let mut word = 0;
        for (bit, from) in &self.0 {
            if *from <= height {
                word |= 1 << bit;
            }
        }
        word
    }

    /// Whether the block of that height may change a gate so.
    pub(super) fn check(&self, height: u64, change: &GateChange) -> Result<(), u16> {
        let listed = self.0.get(&change.feature.get()).copied();
        let named = change.now.map(|from| from.get());
        if listed.is_some_and(|from| from <= height + 1) {
            Err(answer::GATE_IN_FORCE)
        } else if listed != named {
            Err(answer::GATE_MISMATCH)
        } else if change.then.is_some_and(|from| from.get() < height + NOTICE) {
            Err(answer::GATE_NOTICE)
        } else {
            Ok(())
        }
    }

    pub(super) fn decide(&mut self, change: &GateChange) {
        let bit = change.feature.get();
        match change.then {
            Some(from) => self.0.insert(bit, from.get()),
            None => self.0.remove(&bit),
        };
    }
}
