//! Keys that come into use after genesis: a validator's next one, and the first one of who is not in genesis.
//!
//! Invariant: the guard of a key is made once, by a person, before the ledger hears of the key; a process knows of it from its next start.
//! Source: `docs/spec/guard.md`, "Records"; `docs/spec/consensus.md`, "The key of a height".

use super::World;
use super::start::enrol;
use crate::economy::key_of;
use crate::fault::Fault;
use crate::hsm::KeyIndex;
use crate::types::NodeIndex;

impl World {
    /// Each of these gets a guard for its other key, and the authority is asked to put that key in the place of the one before.
    pub(super) fn rotate(&mut self, side: &[NodeIndex]) {
        for place in side.iter().copied() {
            let second = self.shared.second_key(place);
            if second.is_some_and(|second| self.bring_in(place, second)) {
                let side = vec![place];
                self.ask_authority(Fault::Rotate { side });
            }
        }
    }

    /// Each of these gets a guard for its first key, and the authority is asked that it be a validator.
    pub(super) fn join(&mut self, side: &[NodeIndex]) {
        for place in side.iter().copied() {
            if self.bring_in(place, key_of(place)) {
                let side = vec![place];
                self.ask_authority(Fault::Return { side });
            }
        }
    }

    /// Makes the guard of a key and starts the process anew, so that it has it; whether there is one. Without room or power there is none.
    fn bring_in(&mut self, place: NodeIndex, key: KeyIndex) -> bool {
        let node = &self.nodes[place.position()];
        if node.is_elsewhere || enrol(node, &self.shared, key).is_err() {
            return false;
        }
        let node = &mut self.nodes[place.position()];
        let has = if key == key_of(place) {
            &mut node.has_first_key
        } else {
            &mut node.has_second_key
        };
        if !std::mem::replace(has, true) && node.is_up() {
            self.kill(place);
            self.start(place);
        }
        true
    }

    pub(super) fn ask_authority(&mut self, step: Fault) {
        let step = self.workload.govern(self.now(), step);
        self.take_up(step.into_iter().collect());
    }
}
