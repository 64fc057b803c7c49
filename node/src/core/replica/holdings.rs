//! Counting what is held.
//!
//! Invariant: looking changes nothing.
//! Who calls it: a host that shows it to whoever watches. Source: `docs/spec/dissemination.md`, "Bounds".

use std::collections::BTreeMap;

use super::Replica;
use crate::core::checks::Work;
use crate::core::holdings::{Holdings, Load, PeerLoad};
use crate::core::input::Peer;

impl Replica {
    /// What is held for peers and clients.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        let unrecorded = self.candidates.unrecorded();
        let inline = self.inline.iter().map(|tx| u64::from(tx.encoded_bytes()));
        Holdings {
            consensus: self.engine.holdings(),
            blocks_recorded: self.candidates.len().saturating_sub(unrecorded),
            blocks_unrecorded: unrecorded,
            blocks_ahead: self.sync.heights_ahead().collect(),
            blocks_early: self.early.len(),
            mempool: self.mempool.holdings(),
            inline: Load::of(inline),
            submitted: Load::of(self.submitted.iter().map(|(_, bytes)| bytes.len() as u64)),
            submission_jobs: self.submissions_in_flight,
            batches: self.batches.holdings(),
            batch_places: self.batches.places(),
            batch_numbers: self.batches.numbers_beyond().collect(),
            batches_fetched: self.fetching.len(),
            evidence: self.evidence.holdings().into_iter().collect(),
            peers: self.peer_loads().into_iter().collect(),
            signing: self.signing.len(),
        }
    }

    fn peer_loads(&self) -> BTreeMap<Peer, PeerLoad> {
        let mut loads = self.serving.holdings();
        for (peer, work, load) in self.checks.holdings() {
            let of_peer = loads.entry(peer).or_default();
            match work {
                Work::Consensus => of_peer.messages = load,
                Work::Batches => of_peer.batches = load,
            }
        }
        loads
    }
}
