//! Everything that can wake the replica, in one enum.
//!
//! Invariant: whatever was slow comes back here; nothing is called back and nothing is awaited.
//! Source: `docs/ARCHITECTURE.md`, "Bird's-eye view".

use falaj_consensus::durable::{Durable, LogId, Position};
use falaj_consensus::engine;
use falaj_consensus::message::Lane;
use falaj_consensus::types::{BatchDigest, Height, ValidatorId};
use falaj_consensus::verify::{SignedStatement, Verified};
use falaj_hsm::{Refusal, RequestId};
use std::sync::Arc;

use super::job::{ExecuteResult, VerifyResult};
use super::snapshots::SnapshotAnswer;
use super::wire::Class;
use crate::storage::DecidedRecord;

/// Another node: a validator by its id, or a node without a vote by a local number of at least 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(u32);

impl Peer {
    const FOLLOWERS: u32 = 1 << 31;

    /// The node of a validator; `None` for an id in the range of nodes without a vote.
    #[must_use]
    pub const fn of(validator: ValidatorId) -> Option<Self> {
        if validator.get() < Self::FOLLOWERS {
            Some(Self(validator.get()))
        } else {
            None
        }
    }

    /// The validator behind it, if it has a vote.
    #[must_use]
    pub const fn validator(self) -> Option<ValidatorId> {
        if self.0 < Self::FOLLOWERS {
            Some(ValidatorId::new(self.0))
        } else {
            None
        }
    }
}

/// What counts against a peer while it is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sent {
    /// Who sent it.
    pub by: Peer,
    /// The length of the frame that it came in; 0 of what is kept within other bounds.
    pub bytes: u64,
}

/// The host's name for a client that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Which timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// One of the engine's.
    Engine(engine::TimerId),
    /// Closes our open batch of a lane.
    CloseBatch(Lane),
    /// Repeats what was not answered.
    Tick,
}

/// Why batches were read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReadFor {
    /// For a peer.
    ServeBatches {
        /// Who asked.
        to: Peer,
    },
    /// An ordered batch that a proposal names again.
    NamedAgain,
}

impl ReadFor {
    /// Most bytes of records that are read at once, but for one record; a peer asks for the rest again.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        match self {
            Self::ServeBatches { .. } => 8 * 1024 * 1024,
            Self::NamedAgain => usize::MAX,
        }
    }
}

/// Why decided heights were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FindFor {
    /// The blocks, for a peer.
    ServeBlocks {
        /// Who asked.
        to: Peer,
    },
    /// The commit certificate, for a peer.
    ServeCertificate {
        /// Who is behind.
        to: Peer,
    },
    /// The places of batches of the height, for a peer.
    ServeBatches {
        /// Who asked.
        to: Peer,
        /// Which.
        digests: Vec<BatchDigest>,
    },
}

/// What the host tells the replica.
#[derive(Debug)]
pub enum Input {
    /// Bytes from a peer.
    Received {
        /// Who.
        from: Peer,
        /// On which stream.
        class: Class,
        /// One frame.
        bytes: Arc<[u8]>,
    },
    /// A peer can be reached.
    PeerUp(Peer),
    /// A peer cannot be reached any more.
    PeerDown(Peer),
    /// A client sent a transaction.
    Submit {
        /// Who waits for the answer.
        ticket: Ticket,
        /// An encoded signed transaction.
        transaction: Vec<u8>,
    },
    /// The signer answered.
    Signed {
        /// The request.
        id: RequestId,
        /// A signature that was checked and whose intent is on disk, or why there is none.
        result: Result<Verified<SignedStatement>, Refusal>,
    },
    /// A verification ended.
    Verified(VerifyResult),
    /// An execution ended.
    Executed(ExecuteResult),
    /// A timer ran out.
    Timer(Timer),
    /// A log was synced.
    Synced(Durable),
    /// A log finds no room for its records, which it keeps and tries again.
    DiskFull(LogId),
    /// A log has written what it had no room for.
    DiskRoom(LogId),
    /// The ledger's store holds this height.
    Persisted(Height),
    /// Batches that were read; those that are gone are missing.
    Read {
        /// What for.
        purpose: ReadFor,
        /// Position and bytes.
        records: Vec<(Position, Vec<u8>)>,
    },
    /// A part of a snapshot that was read.
    SnapshotRead {
        /// Who asked.
        to: Peer,
        /// What there is of it.
        answer: Box<SnapshotAnswer>,
    },
    /// Decided heights that were found, in a row from the one asked for; it ends where one is missing.
    Found {
        /// What for.
        purpose: FindFor,
        /// The heights.
        heights: Vec<DecidedRecord>,
    },
}
