//! What peers are being served: how much of our reading and sending each of them has in hand.
//!
//! Invariant: of a peer's requests for batches, for blocks, for certificates and for parts of a snapshot at most one of each is being read at a time; batches that wait
//! behind it are named once and are at most [`WAITING_MAX`]; what goes out from memory stays within [`SENT_BYTES_PER_TICK`] and one message.
//! So a peer that asks without end takes its own turn and nobody else's. What is beyond is not answered, and whoever needs it asks again.
//! Units: bytes of frames; ticks are the replica's.
//! Errors: none; the caller tells what was not taken.
//! Source: `docs/spec/dissemination.md`, "Serving".

use falaj_consensus::types::{BatchDigest, Height};
use std::collections::{BTreeMap, BTreeSet};

use super::holdings::PeerLoad;
use super::input::Peer;
use super::wire::BATCHES_REQUESTED_MAX;

/// Most batches that wait to be read for one peer: two blocks' worth at the default limits.
pub(super) const WAITING_MAX: usize = 512;
/// Bytes after which a peer gets nothing more from memory until the next tick: a block's worth of batches at the default limits.
pub(super) const SENT_BYTES_PER_TICK: usize = 8 * 1024 * 1024;

/// What is looked for in the block log or read of a snapshot, one of each at a time for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sought {
    /// Decided blocks.
    Blocks,
    /// A commit certificate.
    Certificate,
    /// A part of a snapshot.
    Snapshot,
}

/// Everything that peers are being served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Serving {
    peers: BTreeMap<Peer, Served>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Served {
    sought: BTreeSet<Sought>,
    /// Reads and finds of the request for batches that is under way.
    reading: u32,
    /// Batches that are read next, with the height of the block that names them.
    waiting: BTreeSet<(Height, BatchDigest)>,
    /// What left from memory since the last tick.
    sent_bytes: usize,
}

impl Serving {
    /// Begins a search for a peer; false if one of its kind is under way.
    pub(super) fn begin(&mut self, peer: Peer, sought: Sought) -> bool {
        self.served(peer).sought.insert(sought)
    }

    /// A search has ended.
    pub(super) fn end(&mut self, peer: Peer, sought: Sought) {
        self.served(peer).sought.remove(&sought);
    }

    /// Has a batch wait to be read for a peer; false if there is no room.
    pub(super) fn wait(&mut self, peer: Peer, height: Height, digest: BatchDigest) -> bool {
        let waiting = &mut self.served(peer).waiting;
        let batch = (height, digest);
        let fits = waiting.contains(&batch) || waiting.len() < WAITING_MAX;
        if fits {
            waiting.insert(batch);
        }
        fits
    }

    /// The batches of one height that are to be read for a peer now, if none are being read.
    pub(super) fn next_batches(&mut self, peer: Peer) -> Option<(Height, Vec<BatchDigest>)> {
        let served = self.served(peer);
        if served.reading > 0 {
            return None;
        }
        let height = served.waiting.first()?.0;
        let named = served.waiting.iter().take_while(|batch| batch.0 == height);
        let digests: Vec<_> = named
            .map(|(_, digest)| *digest)
            .take(BATCHES_REQUESTED_MAX)
            .collect();
        for digest in &digests {
            served.waiting.remove(&(height, *digest));
        }
        Some((height, digests))
    }

    /// A read or find of batches has begun for a peer.
    pub(super) fn reading_begun(&mut self, peer: Peer) {
        let served = self.served(peer);
        served.reading = served.reading.saturating_add(1);
    }

    /// A read or find of batches has ended.
    pub(super) fn reading_ended(&mut self, peer: Peer) {
        let served = self.served(peer);
        served.reading = served.reading.saturating_sub(1);
    }

    /// Whether a peer may get more from memory before the next tick.
    pub(super) fn may_send(&self, peer: Peer) -> bool {
        let sent = self.peers.get(&peer).map_or(0, |served| served.sent_bytes);
        sent < SENT_BYTES_PER_TICK
    }

    /// A frame left for a peer from memory.
    pub(super) fn sent(&mut self, peer: Peer, bytes: usize) {
        let served = self.served(peer);
        served.sent_bytes = served.sent_bytes.saturating_add(bytes);
    }

    /// Nobody waits for these answers any more; what is being read ends by itself.
    pub(super) fn down(&mut self, peer: Peer) {
        self.served(peer).waiting.clear();
    }

    /// A tick passed.
    pub(super) fn tick(&mut self) {
        for served in self.peers.values_mut() {
            served.sent_bytes = 0;
        }
        self.peers.retain(|_, served| *served != Served::default());
    }

    /// What every peer is being served.
    pub(super) fn holdings(&self) -> BTreeMap<Peer, PeerLoad> {
        let load = |(peer, served): (&Peer, &Served)| {
            let load = PeerLoad {
                searches: served.sought.len(),
                reads: served.reading,
                waiting: served.waiting.len(),
                sent_bytes: served.sent_bytes as u64,
                ..PeerLoad::default()
            };
            (*peer, load)
        };
        self.peers.iter().map(load).collect()
    }

    fn served(&mut self, peer: Peer) -> &mut Served {
        self.peers.entry(peer).or_default()
    }
}
