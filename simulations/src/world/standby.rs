//! A failover to a standby whose guard is an older copy: the counter lags behind what the key has signed.
//!
//! Invariant: the standby has logs and state of the node that it follows, and the guard as it was when it was copied. Where it has the
//! data folder's memory of the guard too, it finds out at its start; else a statement of its own key from outside tells.
//! Source: `docs/spec/guard.md`, "Loading" and "Witness".

use super::World;
use crate::disk::{DiskDials, SimDisk};
use crate::types::NodeIndex;

/// Sets the draws of an empty disk apart from those of all others; it makes none.
const NO_PLACE: u64 = u64::MAX;

impl World {
    /// The standby takes a copy of a node's guard, as far as it is on disk.
    pub(super) fn copy_guard(&mut self, place: NodeIndex) {
        let node = &mut self.nodes[place.position()];
        node.guard_copy = Some(node.disks.guard.durable_image());
    }

    /// The standby takes the node's place, if it has a copy.
    pub(super) fn fail_over(&mut self, place: NodeIndex, remembers: bool) {
        let Some(copy) = self.nodes[place.position()].guard_copy.take() else {
            return;
        };
        self.crash(place);
        let chance = self.shared.chance;
        let node = &mut self.nodes[place.position()];
        node.disks.guard.restore(&copy);
        if !remembers {
            let empty = SimDisk::new(&chance, NO_PLACE, DiskDials::CALM);
            node.disks.witness.restore(&empty);
        }
        node.guard_may_lag = true;
        self.start(place);
    }
}
