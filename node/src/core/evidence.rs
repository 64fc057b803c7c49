//! Evidence that waits to be carried by a block: what this node has proven, and what peers told it.
//!
//! Invariant: every piece was verified under the set of its height; one is kept a (height, validator, kind), the first.
//! Bounds: [`OWN_MAX`] of our own proofs; of peers' [`TOLD_MAX`] in all and [`OF_PEER_MAX`] of one, so that no peer takes another's room.
//! Kept in memory alone: what a restart loses, peers that hold it tell again once they are connected.
//! Source: `docs/spec/dissemination.md`, "Evidence".

use falaj_consensus::message::{Evidence, EvidenceKey};
use std::collections::BTreeMap;

use super::input::Peer;

/// Most pieces of our own.
pub(super) const OWN_MAX: usize = 512;
/// Most pieces of all peers.
pub(super) const TOLD_MAX: usize = 512;
/// Most pieces of one peer, and most that one is told at once.
pub(super) const OF_PEER_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    evidence: Evidence,
    /// Who told it; nobody if we have proven it ourselves.
    giver: Option<Peer>,
}

/// The pieces, in the order in which a block carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EvidencePool {
    pieces: BTreeMap<EvidenceKey, Piece>,
}

impl EvidencePool {
    /// Whether an offence is known here.
    pub(super) fn contains(&self, key: &EvidenceKey) -> bool {
        self.pieces.contains_key(key)
    }

    /// Who told of an offence; nobody if we have proven it ourselves, or do not know of it.
    pub(super) fn giver(&self, key: &EvidenceKey) -> Option<Peer> {
        self.pieces.get(key).and_then(|piece| piece.giver)
    }

    /// Whether a piece of this giver finds room.
    pub(super) fn has_room(&self, giver: Option<Peer>) -> bool {
        let of = |giver: Option<Peer>| {
            let pieces = self.pieces.values();
            pieces.filter(|piece| piece.giver == giver).count()
        };
        let own = of(None);
        match giver {
            None => own < OWN_MAX,
            Some(_) => of(giver) < OF_PEER_MAX && self.pieces.len().saturating_sub(own) < TOLD_MAX,
        }
    }

    /// Takes a verified piece in. Whether it is new and found room.
    pub(super) fn insert(&mut self, evidence: Evidence, giver: Option<Peer>) -> bool {
        let key = evidence.key();
        let is_taken = !self.contains(&key) && self.has_room(giver);
        if is_taken {
            self.pieces.insert(key, Piece { evidence, giver });
        }
        is_taken
    }

    /// Forgets the offences that no later block may carry.
    pub(super) fn retain(&mut self, is_open: impl Fn(EvidenceKey) -> bool) {
        self.pieces.retain(|key, _| is_open(*key));
    }

    /// The pieces that a block may carry now, in its order.
    pub(super) fn takable(
        &self,
        takes: impl Fn(EvidenceKey) -> bool,
    ) -> impl Iterator<Item = &Evidence> {
        let pieces = self.pieces.iter().filter(move |(key, _)| takes(**key));
        pieces.map(|(_, piece)| &piece.evidence)
    }

    /// All pieces, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Evidence> {
        self.pieces.values().map(|piece| &piece.evidence)
    }

    /// How many there are of each giver.
    pub(super) fn holdings(&self) -> BTreeMap<Option<Peer>, usize> {
        let mut held = BTreeMap::<_, usize>::new();
        for piece in self.pieces.values() {
            let count = held.entry(piece.giver).or_default();
            *count = count.saturating_add(1);
        }
        held
    }
}

#[cfg(test)]
mod tests;
