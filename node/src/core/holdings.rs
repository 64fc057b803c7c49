//! What a replica holds for its peers and clients, counted, so that somebody outside can hold it against its bounds.
//!
//! Invariant: plain numbers; nothing here decides anything.
//! Units: bytes are those of encoded transactions, batches and frames.
//! Errors: none.
//! Source: `docs/spec/dissemination.md`, "Bounds"; `docs/spec/consensus.md`, "Bounds".

use falaj_consensus::engine;
use falaj_consensus::message::Lane;
use falaj_consensus::types::{Height, ValidatorId};
use falaj_ledger::participant::ParticipantNumber;

use super::input::Peer;

/// Some things, and how long they are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Load {
    /// The load of things of these lengths.
    pub(super) fn of(lengths: impl Iterator<Item = u64>) -> Self {
        lengths.fold(Self::default(), |load, bytes| Self {
            count: load.count.saturating_add(1),
            bytes: load.bytes.saturating_add(bytes),
        })
    }
}

/// Everything that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// What consensus keeps.
    pub consensus: engine::Holdings,
    /// Blocks of the open height that were written to the block log.
    pub blocks_recorded: usize,
    /// Blocks of the open height that were not.
    pub blocks_unrecorded: usize,
    /// The heights of the blocks that are kept ahead.
    pub blocks_ahead: Vec<Height>,
    /// Blocks of the next height that came early.
    pub blocks_early: usize,
    /// Transactions that wait to be batched, by lane and participant.
    pub mempool: Vec<(Lane, ParticipantNumber, Load)>,
    /// Transactions that our own undecided blocks carry inline.
    pub inline: Load,
    /// Submissions that wait to be checked.
    pub submitted: Load,
    /// Jobs of submissions that run.
    pub submission_jobs: u32,
    /// Batches that no block ordered, by whose quota they take.
    pub batches: Vec<(Quota, BatchLoad)>,
    /// Places of ordered and dead batches in the log.
    pub batch_places: usize,
    /// Numbers that are remembered of an author above those that it has without a gap.
    pub batch_numbers: Vec<(ValidatorId, usize)>,
    /// Batches that were asked for.
    pub batches_fetched: usize,
    /// Pieces of evidence that wait to be carried, by who told them: a peer, or nobody.
    pub evidence: Vec<(Option<Peer>, usize)>,
    /// What peers have under way here.
    pub peers: Vec<(Peer, PeerLoad)>,
    /// Statements that the signer has.
    pub signing: usize,
}

/// Whose quota a batch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// Of its author, which sent it.
    Author(ValidatorId),
    /// Of a validator that passed another's on.
    Relay(ValidatorId),
    /// Of nobody: it was in the log at the start.
    Log,
}

/// The batches of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchLoad {
    /// Those that are here.
    pub held: Load,
    /// Bytes that count as waiting.
    pub waiting_bytes: u64,
    /// Bytes that count as died.
    pub died_bytes: u64,
}

/// What a peer has under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerLoad {
    /// Messages of consensus that are being checked.
    pub messages: Load,
    /// Batches that are being checked.
    pub batches: Load,
    /// Searches for blocks and for a certificate.
    pub searches: usize,
    /// Reads of batches, and searches for their places.
    pub reads: u32,
    /// Batches that wait to be read.
    pub waiting: usize,
    /// What was sent from memory since the last tick, in bytes.
    pub sent_bytes: u64,
}
