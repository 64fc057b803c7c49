//! How much checking each peer has open: what was handed out and has not come back.
//!
//! Invariant: of each kind of work a peer has at most [`OPEN_MAX`] checks open, and at most [`OPEN_BYTES_MAX`] bytes of frames in them. So what
//! peers send without end takes bounded memory, and however many batches one has waiting, its votes have room of their own.
//! Units: bytes of the frames that the checked things came in.
//! Errors: none; the caller tells what was not taken.
//! Source: `docs/spec/dissemination.md`, "Jobs".

use falaj_consensus::mutated;
use std::collections::BTreeMap;

use super::holdings::Load;
use super::input::{Peer, Sent};

/// Checks of one kind that a peer may have open.
pub(super) const OPEN_MAX: u32 = 1024;
/// Bytes of one kind that a peer may have open: as many as the batches that are fetched ahead of one peer, half of a sender's quota.
pub(super) const OPEN_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Work {
    /// Messages of consensus.
    Consensus,
    /// Batches.
    Batches,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Open {
    count: u32,
    bytes: u64,
}

/// All peers' open checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Checks {
    open: BTreeMap<(Peer, Work), Open>,
}

impl Checks {
    /// Opens a check; false if its sender has too much open.
    pub(super) fn begin(&mut self, work: Work, sent: Sent) -> bool {
        let open = self.open.entry((sent.by, work)).or_default();
        let bytes = open.bytes.saturating_add(sent.bytes);
        let fits = open.count < OPEN_MAX && bytes <= OPEN_BYTES_MAX;
        if fits {
            open.count = open.count.saturating_add(1);
            open.bytes = bytes;
        }
        fits
    }

    /// What every peer has open, of each kind.
    pub(super) fn holdings(&self) -> impl Iterator<Item = (Peer, Work, Load)> + '_ {
        self.open.iter().map(|((peer, work), open)| {
            let (count, bytes) = (u64::from(open.count), open.bytes);
            (*peer, *work, Load { count, bytes })
        })
    }

    /// A check came back. Gives its sender.
    pub(super) fn end(&mut self, work: Work, sent: Sent) -> Peer {
        if let Some(open) = self.open.get_mut(&(sent.by, work))
            && !mutated!(ChecksNeverEnd)
        {
            open.count = open.count.saturating_sub(1);
            open.bytes = open.bytes.saturating_sub(sent.bytes);
        }
        sent.by
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::ValidatorId;

    fn sent(by: u32, bytes: u64) -> Sent {
        let by = Peer::of(ValidatorId::new(by)).unwrap();
        Sent { by, bytes }
    }

    /// How many of one length a peer can open.
    fn room(checks: &mut Checks, work: Work, sent: Sent) -> u64 {
        (0..).take_while(|_| checks.begin(work, sent)).count() as u64
    }

    // docs/spec/dissemination.md, "Jobs": open checks are bounded by their number and by their bytes, and come back when they end.
    #[test]
    fn open_checks_are_bounded_by_count_and_by_bytes() {
        let mut checks = Checks::default();
        let (short, long) = (sent(1, 100), sent(2, OPEN_BYTES_MAX / 8));
        assert_eq!(room(&mut checks, Work::Batches, short), u64::from(OPEN_MAX));
        assert_eq!(room(&mut checks, Work::Batches, long), 8);
        checks.end(Work::Batches, long);
        assert_eq!(room(&mut checks, Work::Batches, long), 1);
        checks.end(Work::Batches, short);
        assert_eq!(room(&mut checks, Work::Batches, short), 1);
    }

    // Goal: whoever has all its batches waiting is heard when it votes, and takes nobody else's room.
    #[test]
    fn a_peers_batches_leave_room_for_its_votes_and_for_others() {
        let mut checks = Checks::default();
        assert_eq!(room(&mut checks, Work::Batches, sent(1, OPEN_BYTES_MAX)), 1);
        assert!(!checks.begin(Work::Batches, sent(1, 1)));
        assert!(checks.begin(Work::Consensus, sent(1, 1)));
        assert!(checks.begin(Work::Batches, sent(2, 1)));
    }
}
