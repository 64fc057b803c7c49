//! A failover to a standby whose guard is an older copy: the counter lags behind what the key has signed.
//!
//! Invariant: the guard is as it was when it was copied. Where the standby has the node's own data folder, the memory of the guard in it
//! tells at the start; where it has a copy of that too, a statement of its own key from outside does.
//! Source: `docs/spec/guard.md`, "Loading", "Witness" and "Latch and acceptance".

use super::World;
use super::node::{Disks, Stored};
use crate::disk::SimDisk;
use crate::types::NodeIndex;

/// What a standby has of a node: folders as they were when they were copied.
pub(super) struct Copied {
    guard: SimDisk,
    data: [SimDisk; 3],
    stored: Stored,
}

/// The data folder, without the guard's and its audit log.
const fn data(disks: &Disks) -> [&SimDisk; 3] {
    [&disks.block, &disks.batch, &disks.witness]
}

impl World {
    /// The standby takes a copy of a node's folders, as far as they are on disk.
    pub(super) fn copy_guard(&mut self, place: NodeIndex) {
        let node = &mut self.nodes[place.position()];
        node.copied = Some(Copied {
            guard: node.disks.guard.durable_image(),
            data: data(&node.disks).map(SimDisk::durable_image),
            stored: node.stored.clone(),
        });
    }

    /// The standby takes the node's place, if it has a copy: with the node's own data folder, or with all as it was copied.
    pub(super) fn fail_over(&mut self, place: NodeIndex, remembers: bool) {
        let Some(copied) = self.nodes[place.position()].copied.take() else {
            return;
        };
        self.crash(place);
        let node = &mut self.nodes[place.position()];
        node.disks.guard.restore(&copied.guard);
        if !remembers {
            for (disk, image) in data(&node.disks).into_iter().zip(&copied.data) {
                disk.restore(image);
            }
            node.stored = copied.stored;
        }
        node.guard_may_lag = true;
        self.start(place);
    }
}
