//! What people do: they unlock a PIN or bring a key back, and start the process anew that had switched its token off.
//!
//! Invariant: a backend that met what only a person can judge asks its token no more; a new process is the only way back.
//! Source: `docs/spec/hsm.md`, "Escalation".

use super::World;
use super::signing::SignerDevice;
use crate::marks::Mark;
use crate::types::NodeIndex;

impl World {
    /// Puts a token right.
    pub(super) fn mend_token(&mut self, place: NodeIndex) {
        let node = &mut self.nodes[place.position()];
        node.token.set_unfit(None);
        let process = node.process.as_ref();
        if process.is_some_and(|process| process.signers.iter().any(SignerDevice::is_switched_off))
        {
            node.mended = true;
            self.crash(place);
            self.start(place);
        }
    }

    /// A signature of a node left: whether it is the first since a person came.
    pub(super) fn mark_mended(&mut self, place: NodeIndex) {
        let mended = std::mem::take(&mut self.nodes[place.position()].mended);
        self.marks.hit_if(mended, Mark::TokenMended);
    }
}
