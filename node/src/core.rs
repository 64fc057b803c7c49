//! The replica without a world: pure, synchronous, owned by one caller.
//!
//! Bytes of peers and clients go in, effects and outputs come out; see [`Replica::step`].
//! Nothing here names tokio, libp2p, sled, a file or a clock.
//! Source: `docs/ARCHITECTURE.md`.

mod batches;
mod candidates;
mod checks;
mod decided_set;
mod divergence;
mod effect;
mod evidence;
mod faults;
mod fetching;
mod floor;
mod gate;
mod guard_position;
mod holdings;
mod input;
mod job;
mod joining;
mod mempool;
mod replica;
mod serving;
mod snapshots;
mod sync;
mod wire;

pub use batches::{CheckedBatch, Numbers, ORDERED_MAX, UNORDERED_BYTES_MAX, are_dead};
pub use candidates::Proposed;
pub use decided_set::decided_set;
pub use divergence::Divergence;
pub use effect::{
    Admission, Committed, Dropped, Effect, Event, Output, PeerFault, Recipients, VoteSeen,
};
pub use floor::floor_at;
pub use gate::GatesLacking;
pub use holdings::{BatchLoad, Holdings, Load, PeerLoad, Quota};
pub use input::{FindFor, Input, Peer, ReadFor, Sent, Ticket, Timer};
pub use job::{ExecuteJob, ExecuteResult, HeightContext, JobTools, VerifyJob, VerifyResult};
pub use joining::{
    CheckPiece, CheckedPiece, FallBack, JoinEffect, JoinEnd, JoinEvent, JoinInput, JoinRules,
    Joining, Piece, Verdict,
};
pub use mempool::{Full, Mempool, MempoolLimits};
pub use replica::{
    Cause, Missing, OwnCause, Recovered, RecoveredBatches, RecoveredBlock, Replica, ReplicaConfig,
    UnorderedBatch, Why,
};
pub use snapshots::{
    MANIFEST_PIECE_BYTES, ShelfInMemory, SnapshotAnswer, SnapshotName, SnapshotPart, SnapshotShelf,
    answer_from, piece_of,
};
pub use sync::{AHEAD_MAX, Reach, Sync};
pub use wire::{Ack, Class, DecidedBlock, Frame, Message, ProposalBundle};
