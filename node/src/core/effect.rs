//! Everything that the replica asks of its host: effects that may begin at once, outputs that wait for the disk.
//!
//! Invariant: what others can see (`Send`, `Answer`, `Committed`) and what is written elsewhere (`Persist`) is an [`Output`],
//! which the host can reach only by the proof that the records it depends on are on disk.
//! Source: `docs/spec/durable.md`, "The rule".

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine;
use falaj_consensus::message::{Body, CommitCertificate, Evidence, Header, Kind, Statement};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorId};
use falaj_hsm::{HeightProof, SignRequest};
use falaj_ledger::execute::Executed;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::validate::CheckedTx;
use std::sync::Arc;

use super::divergence::Divergence;
use super::gate::GatesLacking;
use super::input::{FindFor, Peer, ReadFor, Ticket, Timer};
use super::job::{ExecuteJob, VerifyJob};
use super::snapshots::SnapshotPart;
use super::wire::Class;

/// What the host starts at once.
#[derive(Debug)]
pub enum Effect {
    /// Have the signer of a key sign; answered by `Signed`.
    Sign {
        /// The key that our validator has at the height of the statement.
        key: PublicKey,
        /// What to sign.
        request: Box<SignRequest>,
    },
    /// Have every signer refuse everything: this node computes another outcome than a quorum.
    LatchSigning,
    /// Open the latch of a divergence in every signer: this node has computed what a quorum certified.
    OpenLatch,
    /// Tell the signer of a key that a statement signed by that key came from outside.
    OwnStatementSeen {
        /// The key that our validator has at the height of the statement.
        key: PublicKey,
        /// The statement.
        statement: Statement,
    },
    /// Show every signer a height that fixed another validator set: only so does its guard follow where it signs nothing.
    SetDecided(Box<HeightProof>),
    /// Check signatures; answered by `Verified`.
    Verify(Box<VerifyJob>),
    /// Execute a block; answered by `Executed`.
    Execute(Box<ExecuteJob>),
    /// Append a record to the block or batch log, and sync it soon; answered by `Synced`.
    Append {
        /// Which log.
        log: LogId,
        /// The record.
        record: Vec<u8>,
    },
    /// Read batches back from their log; answered by `Read`.
    Read {
        /// Which records.
        positions: Vec<Position>,
        /// What for.
        purpose: ReadFor,
    },
    /// Find decided heights in the block log; answered by `Found`.
    Find {
        /// The first.
        from: Height,
        /// How many at most.
        count: u16,
        /// What for.
        purpose: FindFor,
    },
    /// Read a part of a snapshot that the host has taken, for a peer; answered by `SnapshotRead`.
    ReadSnapshot {
        /// Who asked.
        to: Peer,
        /// What for.
        part: SnapshotPart,
    },
    /// Start a timer; answered by `Timer`.
    Timer {
        /// Its name.
        id: Timer,
        /// How long, in nanoseconds.
        after_ns: u64,
    },
}

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipients {
    /// Every peer.
    All,
    /// These.
    Some(Vec<Peer>),
}

/// The answer to a submission. Only a certificate is final: this says whether the transaction was taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// It waits to be ordered.
    Admitted,
    /// It was not taken; nothing was recorded.
    Refused(Rejection),
}

/// A block that is final, with all that a reader needs.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its name.
    pub id: BlockId,
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Arc<Body>,
    /// Its certificate.
    pub certificate: CommitCertificate,
    /// Its transactions in the order of execution of their receipts.
    pub transactions: Vec<Arc<CheckedTx>>,
    /// State after it, receipts, events, outcome.
    pub executed: Arc<Executed>,
}

/// What leaves the node when its records are on disk.
#[derive(Debug)]
pub enum Output {
    /// A frame for peers.
    Send {
        /// To whom.
        to: Recipients,
        /// On which stream.
        class: Class,
        /// Its bytes.
        frame: Arc<[u8]>,
    },
    /// An answer to a client.
    Answer {
        /// Which.
        ticket: Ticket,
        /// What.
        answer: Admission,
    },
    /// A block is final: write it to the ledger's store, serve it to readers, answer who waits for its transactions.
    Committed(Arc<Committed>),
    /// Something that happened, for traces, metrics and people.
    Event(Event),
    /// Cut the link to a peer and make no new one before [`Output::Admit`]; nothing that it says is heard.
    Shun {
        /// Whom.
        peer: Peer,
        /// What it sent.
        fault: PeerFault,
        /// How long, in nanoseconds, unless a quorum needs it sooner.
        for_ns: u64,
    },
    /// Let a peer connect again.
    Admit(Peer),
}

/// What no correct node sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerFault {
    /// Bytes that are no frame of their stream.
    Frame,
    /// Votes of several heights in one message.
    Heights,
    /// A vote that its validator did not sign.
    Vote,
    /// A polka whose signatures are wrong or no quorum.
    Polka,
    /// A certificate whose signatures are wrong or no quorum.
    Certificate,
    /// A proposal that its proposer did not sign, or one beside a wrong polka.
    Proposal,
    /// A decided block that is not its certificate's.
    Block,
    /// A batch that is malformed or holds a wrongly signed transaction.
    Batch,
    /// Evidence that proves nothing, or whose signatures are wrong.
    Evidence,
    /// A manifest or a chunk that is not the one of a certified state.
    Snapshot,
}

impl PeerFault {
    /// Its name in metrics and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Heights => "heights",
            Self::Vote => "vote",
            Self::Polka => "polka",
            Self::Certificate => "certificate",
            Self::Proposal => "proposal",
            Self::Block => "block",
            Self::Batch => "batch",
            Self::Evidence => "evidence",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What of a peer was not taken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    /// A message of consensus: too much of the peer is being checked.
    MessageChecks,
    /// A batch: too much of the peer is being checked.
    BatchChecks,
    /// A batch: the sender's quota is full.
    BatchQuota,
    /// A batch whose every id's life is over.
    BatchDead,
    /// A batch of an author that is no member, or of our own that another sends.
    BatchForeign,
    /// A batch: this node stands still.
    StandingStill,
    /// A request for batches: too many wait already.
    BatchesAsked,
    /// A request for decided blocks or a certificate: one is being looked for.
    HeightsAsked,
    /// A request for what is in memory: the peer had its share until the next tick.
    MemoryAsked,
    /// Evidence: the sender's quota is full.
    EvidenceQuota,
    /// A request for a part of a snapshot: one is being read.
    SnapshotAsked,
}

impl Dropped {
    /// Its name in metrics and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MessageChecks => "message_checks",
            Self::BatchChecks => "batch_checks",
            Self::BatchQuota => "batch_quota",
            Self::BatchDead => "batch_dead",
            Self::BatchForeign => "batch_foreign",
            Self::StandingStill => "standing_still",
            Self::BatchesAsked => "batches_asked",
            Self::HeightsAsked => "heights_asked",
            Self::MemoryAsked => "memory_asked",
            Self::EvidenceQuota => "evidence_quota",
            Self::SnapshotAsked => "snapshot_asked",
        }
    }
}

/// A vote that was checked, another's when it came or our own when it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteSeen {
    /// Its height: the open one or the next.
    pub height: Height,
    /// Its round.
    pub round: Round,
    /// Whose.
    pub validator: ValidatorId,
    /// Prevote or precommit.
    pub kind: Kind,
    /// Whether it names no block.
    pub is_nil: bool,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// In the engine.
    Consensus(engine::Event),
    /// A vote was seen; one that comes again is told again.
    Voted(VoteSeen),
    /// Something that a person has to know.
    Alarm(engine::Alarm),
    /// Our execution of a decided block gives another outcome than a quorum certified.
    Diverged(Divergence),
    /// The next height stands under a feature gate that this program lacks; it is not passed.
    GatesLacking(GatesLacking),
    /// Proof that a validator broke the protocol.
    Evidence(Box<Evidence>),
    /// The ledger's store is so far behind that this node stands still until it has caught up.
    StoreBehind {
        /// The last decided height.
        height: Height,
        /// The last height in the store.
        persisted: Height,
    },
    /// A peer sent what it must not.
    PeerFault {
        /// Who.
        peer: Peer,
        /// What it sent.
        fault: PeerFault,
        /// Whether this begins a strike; what follows in it does not.
        is_news: bool,
    },
    /// A peer asked for or sent more than it may.
    PeerLimited {
        /// Who.
        peer: Peer,
        /// What was not taken.
        dropped: Dropped,
    },
}
