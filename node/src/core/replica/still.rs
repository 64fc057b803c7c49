//! Standing still: on a full disk until there is room, before a slow store until it has caught up, after a divergence until a program
//! computes what a quorum certified, and before a height under a feature gate that the program lacks.
//!
//! Invariant: a replica that stands still admits nothing, closes and takes no batches and fetches nothing, so that neither its records nor
//! its outputs pile up. On a full disk, and before a slow store, it also lets peers' messages go and holds its timers: peers say again what
//! they want heard, and what was under way comes to its end. So of decided blocks no more than [`STORE_BEHIND_MAX`], and the few
//! that were under way, wait for the store in memory.
//! Source: `docs/spec/durable.md`, "A full disk"; `docs/spec/storage.md`, "A slow store"; `docs/spec/consensus.md`, "Divergence" and "Upgrades".

use falaj_consensus::durable::LogId;
use falaj_consensus::engine;
use falaj_consensus::types::{BlockId, Height, Now, OutcomeHash};

use super::{Replica, Step};
use crate::core::divergence::Divergence;
use crate::core::effect::{Effect, Event};
use crate::core::gate::GatesLacking;

/// Blocks that the store may be behind; beyond them nothing more is decided here. Each may be a whole block with its checked transactions.
pub(super) const STORE_BEHIND_MAX: u64 = 32;

impl Replica {
    /// Whether no new work is taken.
    pub(super) fn stands_still(&self) -> bool {
        self.is_full() || self.diverged.is_some() || self.shut.is_some()
    }

    /// Whether there is no room for what is decided: in a log, or before the store.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.full.is_empty() || self.store_behind
    }

    /// Whether the store has enough to do, so that no more blocks are fetched for it: catching up runs at its pace.
    pub(super) fn is_store_busy(&self) -> bool {
        self.store_lag() > STORE_BEHIND_MAX / 2
    }

    fn store_lag(&self) -> u64 {
        self.height().get().saturating_sub(self.persisted.get())
    }

    /// A block was decided, and the store has one more to write.
    pub(super) fn note_store_lag(&mut self, step: &mut Step) {
        if !self.store_behind && self.store_lag() > STORE_BEHIND_MAX {
            self.store_behind = true;
            let (height, persisted) = (self.height(), self.persisted);
            Self::event(Event::StoreBehind { height, persisted }, step);
        }
    }

    /// Half of what may wait is written before anything more is taken, so that a store at its limit is not met with every block.
    pub(super) fn on_persisted(&mut self, now: Now, height: Height, step: &mut Step) {
        self.persisted = self.persisted.max(height);
        if self.store_behind && !self.is_store_busy() {
            self.store_behind = false;
            self.take_up_timers(now, step);
        }
    }

    pub(super) fn on_disk_full(&mut self, log: LogId) {
        self.full.insert(log);
    }

    /// Once every log has room, the timers that ran out meanwhile are due, in their order.
    pub(super) fn on_disk_room(&mut self, now: Now, log: LogId, step: &mut Step) {
        self.full.remove(&log);
        self.take_up_timers(now, step);
    }

    fn take_up_timers(&mut self, now: Now, step: &mut Step) {
        if self.is_full() {
            return;
        }
        for timer in std::mem::take(&mut self.held) {
            self.on_timer(now, timer, step);
        }
    }

    /// The engine has halted at this height; the overlay of the decided block is dropped, and what a quorum certified is left to readers.
    pub(super) fn on_diverged(
        &mut self,
        id: BlockId,
        certified: OutcomeHash,
        own: OutcomeHash,
        step: &mut Step,
    ) {
        let height = self.open_height();
        let divergence = Divergence {
            height,
            id,
            own,
            certified,
        };
        self.diverged = Some(divergence);
        Self::event(Event::Diverged(divergence), step);
        self.discard_overlay(&id);
        step.start.push(Effect::LatchSigning);
    }

    /// The engine keeps the open height shut, so nothing of it is ever signed or executed here.
    pub(super) fn on_gates_lacking(&mut self, lacking: GatesLacking, step: &mut Step) {
        self.shut = Some(lacking);
        Self::event(Event::GatesLacking(lacking), step);
    }

    /// A restart whose replay parts from a quorum halts the engine before anything else.
    pub(super) fn take_up_divergence(&mut self, divergence: &Divergence) {
        let Divergence {
            id, certified, own, ..
        } = *divergence;
        self.engine_inputs
            .push_back(engine::Input::Diverged { id, certified, own });
    }

    /// Everything decided up to the guard's own height was computed as certified, so the latch of an earlier divergence opens.
    /// A height that parted and whose certificate was lost with it is decided and compared again before anything is signed above it.
    pub(super) fn open_latch(&mut self, step: &mut Step) {
        let open = self.open_height();
        if self.latched.take_if(|last| *last <= open).is_some() {
            step.start.push(Effect::OpenLatch);
        }
    }
}
