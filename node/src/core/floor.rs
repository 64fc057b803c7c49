//! Where the guard of a key begins that comes into use after genesis.
//!
//! Invariant: it begins below the key's first height. Until then the key is in no set, so that its guard refuses it (`not_a_member`),
//! however long that takes; and it stands on sets that the ledger has decided.
//! Who calls it: `falaj keys possession`, with the home's own ledger; the simulator.
//! Source: `docs/spec/guard.md`, "Records".

use falaj_consensus::message::Kind;
use falaj_consensus::types::{Height, Round};
use falaj_hsm::{Floor, Place, SetWindow};
use falaj_ledger::state::State;

/// The floor at the last height that a ledger has decided. Nothing of it or below is ever signed with the key.
#[must_use]
pub fn floor_at(state: &State, instance: [u8; 16]) -> Floor {
    let height = state.height();
    let next = state.validators_at(height.next());
    let (place, window) = match height.previous() {
        None => (Place::GENESIS, SetWindow::genesis(&next)),
        Some(before) => {
            let current = state.validators_at(height);
            let previous = if before == Height::default() {
                current.clone()
            } else {
                state.validators_at(before)
            };
            let place = Place {
                height,
                round: Round::new(u32::MAX),
                step: Kind::Precommit,
            };
            let window = SetWindow::new(height, [&previous, &current, &next]);
            (place, window)
        }
    };
    Floor {
        place,
        instance,
        fence_epoch: 0,
        window,
    }
}
