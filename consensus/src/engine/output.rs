//! Everything that the engine asks of its host, in one enum.
//!
//! Invariant: an output says what must be durable before it takes effect outside; the engine itself knows no log.
//!
//! | output | may begin | must wait for |
//! |---|---|---|
//! | `Sign`, `Build`, `StartTimer`, `Fetch`, `Execute`, `Discard` | at once | nothing |
//! | `Publish` | | the guard's sync (that is what `OwnReleased` means); for a block, header and body in the block log and its batches in the batch log |
//! | `PushPolka`, `PullVotes`, `Answer` | | nothing that this height signed: they carry what was public already |
//! | `SendCertificate`, anything said at a later height | | body and commit certificate of that height in the block log |
//! | `Decided` | writing it at once | answers of finality: the same |
//!
//! Units: durations in nanoseconds of the monotonic clock.
//! Source: `docs/spec/consensus.md`, "The engine's face".

use super::input::{TimerId, VotesWanted};
use crate::message::{CommitCertificate, Evidence, Polka, Proposal, Statement, Vote};
use crate::round::{Locked, Step};
use crate::types::{BlockId, Height, OutcomeHash, Round, SignRefusal, ValidatorIndex};

/// What the engine asks of the host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Have the guard sign; answered by `OwnReleased` or `SignRefused`.
    Sign {
        /// What to sign.
        statement: Statement,
        /// What justifies it: of a re-proposal and of the prevote that answers one, the polka of its valid round;
        /// of a precommit for a block, the polka of its own round.
        polka: Option<Box<Polka>>,
    },
    /// Send an own message to every validator.
    Publish(Publication),
    /// Build a fresh block on the parent; answered by `Built`.
    Build {
        /// Height.
        height: Height,
        /// Round that the header names.
        round: Round,
    },
    /// Start a timer; it comes back as `Timer`, a stale one is ignored.
    StartTimer {
        /// Its name.
        id: TimerId,
        /// How long.
        duration_ns: u64,
    },
    /// Get a block that the height turns on and that the engine does not know.
    /// The host looks in its own store first, and answers each time with `Header` and `Body`, also when it told of the block before:
    /// the engine forgets blocks that no rule could use.
    Fetch {
        /// The block.
        id: BlockId,
        /// What is missing.
        part: BlockPart,
        /// Who must have it: the proposer or voters, in order of index.
        from: Vec<ValidatorIndex>,
    },
    /// Execute a block on a scratch overlay over the parent's state; answered by `Executed` or `ExecutionFailed`.
    /// At most two overlays are asked for at a time.
    Execute {
        /// The block.
        id: BlockId,
    },
    /// Drop that overlay; an outcome already told still counts.
    Discard {
        /// The block.
        id: BlockId,
    },
    /// Send a polka to every validator, as one certificate.
    PushPolka(Box<Polka>),
    /// Ask every validator for the votes that are missing.
    PullVotes(VotesWanted),
    /// Send one validator what it lacks.
    Answer {
        /// To whom.
        to: ValidatorIndex,
        /// A proposal of the round it is in, or of ours.
        proposal: Option<Box<Publication>>,
        /// Votes.
        votes: Vec<Vote>,
        /// Polkas, never split into votes.
        polkas: Vec<Polka>,
    },
    /// Send one validator the commit certificate of a decided height.
    SendCertificate {
        /// To whom.
        to: ValidatorIndex,
        /// Height.
        height: Height,
    },
    /// The height is decided; nothing of it is signed any more.
    Decided(Box<CommitCertificate>),
    /// Own execution of the decided block agrees with the certificate: the next height may be given.
    Confirmed {
        /// Height.
        height: Height,
        /// The decided block.
        id: BlockId,
        /// Its outcome.
        outcome: OutcomeHash,
    },
    /// Somebody broke the protocol, with proof; one for each offender, height and kind.
    Evidence(Box<Evidence>),
    /// Something that a person has to know.
    Alarm(Alarm),
    /// Something that happened, for traces and metrics.
    Event(Event),
}

/// An own message for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Publication {
    /// A proposal; with a valid round it travels with its polka.
    Proposal {
        /// The proposal.
        proposal: Box<Proposal>,
        /// The polka of its valid round.
        polka: Option<Box<Polka>>,
    },
    /// A prevote or precommit.
    Vote(Vote),
}

/// A part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockPart {
    /// The header (and with it the body).
    Header,
    /// Body or batches.
    Body,
}

/// Something that a person has to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// A commit certificate names a block that is invalid here. The height is halted.
    InvalidValueCertified {
        /// The certificate.
        certificate: Box<CommitCertificate>,
    },
    /// Two commit certificates of one height contradict each other. The height is halted.
    ConflictingCertificates {
        /// The one that came first.
        first: Box<CommitCertificate>,
        /// The other.
        second: Box<CommitCertificate>,
    },
    /// Own execution of the decided block differs from the certificate. The height is halted: sign nothing, serve reads.
    OutcomeDiverged {
        /// The decided block.
        id: BlockId,
        /// What a quorum computed.
        certified: OutcomeHash,
        /// What this node computed.
        own: OutcomeHash,
    },
    /// The height stands under feature gates that this program lacks: it stays shut. Sign nothing, serve reads.
    GatesLacking {
        /// The height.
        height: Height,
        /// Its features word.
        features: u64,
        /// The bits of it that are not supported.
        lacking: u64,
    },
    /// A quorum precommitted a block, but no outcome of it has a quorum.
    OutcomeSplit {
        /// Height, whose set the signers are members of.
        height: Height,
        /// Round.
        round: Round,
        /// The block.
        id: BlockId,
        /// Who signed which.
        signers: Vec<(OutcomeHash, Vec<ValidatorIndex>)>,
    },
    /// Execution gives another outcome for the locked block than the one precommitted.
    OutcomeChanged {
        /// The lock.
        locked: Locked,
        /// What execution gives now.
        now: OutcomeHash,
    },
    /// A quorum prevoted a block that is invalid here.
    InvalidValuePrevoted {
        /// Round.
        round: Round,
        /// The block.
        id: BlockId,
    },
    /// Executing a block failed.
    ExecutionFailed {
        /// The block.
        id: BlockId,
    },
    /// The host built a block that breaks the rules of a header; it is not proposed.
    BuiltInvalid {
        /// The block.
        id: BlockId,
    },
    /// A message signed by our own key that our guard does not know: latch signing off.
    OwnKeyElsewhere {
        /// What it says.
        statement: Statement,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A round was entered.
    RoundStarted {
        /// Height.
        height: Height,
        /// Round.
        round: Round,
        /// Whose turn it is.
        proposer: ValidatorIndex,
    },
    /// The idle wait of round 0 is over.
    RoundBegun {
        /// Height.
        height: Height,
    },
    /// The step changed.
    StepChanged {
        /// Height.
        height: Height,
        /// Round.
        round: Round,
        /// New step.
        step: Step,
    },
    /// The lock changed.
    Locked(Locked),
    /// The valid value changed.
    ValidValue {
        /// Round of its polka.
        round: Round,
        /// The block.
        id: BlockId,
    },
    /// A timer of a step acted.
    TimedOut(TimerId),
    /// The guard did not sign.
    SignRefused {
        /// What was asked.
        statement: Statement,
        /// Why not.
        reason: SignRefusal,
    },
    /// A message that no rule can use.
    Dropped {
        /// What it says.
        statement: Statement,
        /// Why.
        reason: DropReason,
    },
}

/// Why a verified message was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// More than one height ahead, or more rounds ahead than are kept for a sender.
    TooFarAhead,
    /// So many rounds behind that its votes are no longer counted one by one.
    TooFarBehind,
    /// A proposal by somebody whose turn it was not.
    NotTheProposer,
}
