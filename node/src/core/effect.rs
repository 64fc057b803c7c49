//! Everything that the replica asks of its host: effects that may begin at once, outputs that wait for the disk.
//!
//! Invariant: what others can see (`Send`, `Answer`, `Committed`) and what is written elsewhere (`Persist`) is an [`Output`],
//! which the host can reach only by the proof that the records it depends on are on disk.
//! Source: `docs/ARCHITECTURE.md`, "Durable before disclosed"; `docs/spec/durable.md`.

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine;
use falaj_consensus::message::{Body, CommitCertificate, Evidence, Header, Kind, Statement};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorId};
use falaj_hsm::SignRequest;
use falaj_ledger::execute::Executed;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::validate::CheckedTx;
use std::sync::Arc;

use super::divergence::Divergence;
use super::input::{FindFor, Peer, ReadFor, Ticket, Timer};
use super::job::{ExecuteJob, VerifyJob};
use super::wire::Class;

/// What the host starts at once.
#[derive(Debug)]
pub enum Effect {
    /// Have the signer sign; answered by `Signed`.
    Sign(Box<SignRequest>),
    /// Have the signer refuse everything: this node computes another outcome than a quorum.
    LatchSigning,
    /// Open the latch of a divergence: this node has computed what a quorum certified.
    OpenLatch,
    /// Tell the signer that a statement signed by our own key came from outside.
    OwnStatementSeen(Statement),
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
        what: &'static str,
    },
    /// A peer asked for or sent more than it may.
    PeerLimited {
        /// Who.
        peer: Peer,
        /// What was not taken.
        what: &'static str,
    },
}
