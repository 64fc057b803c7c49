//! Everything that can wake the engine, in one enum.
//!
//! Invariant: messages of others arrive as [`Verified`], so the engine never meets a signature, a member or a shape that is wrong.
//! Messages about any height may be given: what is below the height is answered, what is one above is kept, what is higher is dropped.
//! Units: wall time in microseconds since the Unix epoch.
//! Source: `docs/spec/consensus.md`, "The engine's face".

use std::sync::Arc;

use crate::message::{
    CommitCertificate, Header, Kind, Polka, PrecommitValue, Proposal, Statement, Vote,
};
use crate::params::Parameters;
use crate::proposer::Bench;
use crate::types::{BlockId, Height, OutcomeHash, Round, SignRefusal, ValidatorIndex};
use crate::validator_set::{Bitmap, ValidatorSet};
use crate::verify::Verified;

/// What the host tells the engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A proposal came, of this height or the next.
    Proposal {
        /// The proposal.
        proposal: Box<Verified<Proposal>>,
        /// Own wall clock when its bytes arrived, for the time check of line 22.
        received_us: u64,
    },
    /// A prevote or precommit came, of this height or the next.
    Vote(Verified<Vote>),
    /// A polka came, as one certificate.
    Polka(Verified<Polka>),
    /// A commit certificate came, of this height or the next.
    Certificate(Verified<CommitCertificate>),
    /// A peer asks for votes that it lacks.
    VotesWanted {
        /// Who asks.
        from: ValidatorIndex,
        /// What it has.
        wanted: VotesWanted,
    },
    /// A header became known that an [`Output::Fetch`](super::Output::Fetch) or a message named by id.
    Header(Box<Header>),
    /// Body and batches of a block are held and verified, and were judged.
    Body {
        /// The block.
        id: BlockId,
        /// Whether the body keeps the rules that depend on the parent.
        verdict: BodyVerdict,
    },
    /// Execution of a block finished.
    Executed {
        /// The block.
        id: BlockId,
        /// What it gave.
        outcome: OutcomeHash,
    },
    /// Execution of a block failed (a caught panic): it has no outcome and is never precommitted.
    ExecutionFailed {
        /// The block.
        id: BlockId,
    },
    /// The block that [`Output::Build`](super::Output::Build) asked for. Its body is given by [`Input::Body`] as any other's.
    Built {
        /// Round that it was asked for.
        round: Round,
        /// Its header.
        header: Box<Header>,
    },
    /// The guard released a signature of ours; it counts from now on.
    OwnReleased(Own),
    /// The guard refused, or no signature came in time; the step goes on without this statement.
    SignRefused {
        /// What was to be signed.
        statement: Statement,
        /// Why not.
        reason: SignRefusal,
    },
    /// A timer of [`Output::StartTimer`](super::Output::StartTimer) ran out.
    Timer(TimerId),
    /// Round 0 need not wait any longer: there is something to order that its proposer holds or was sent.
    WorkDue,
    /// A restart found that our own execution of this height's decided block gives another outcome than a quorum certified.
    Diverged {
        /// The decided block.
        id: BlockId,
        /// What a quorum computed.
        certified: OutcomeHash,
        /// What this node computes.
        own: OutcomeHash,
    },
    /// The height after the decided one, once its own execution agreed with the certificate.
    NextHeight(Box<HeightStart>),
}

/// Whether a body keeps the rules of its ledger and header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BodyVerdict {
    /// It does.
    Valid,
    /// It does not, for every node alike.
    Invalid,
}

/// A statement of ours with its signature, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Own {
    /// A proposal.
    Proposal(Box<Verified<Proposal>>),
    /// A prevote or precommit.
    Vote(Verified<Vote>),
}

impl Own {
    /// What was signed.
    #[must_use]
    pub fn statement(&self) -> Statement {
        match self {
            Self::Proposal(proposal) => proposal.get().statement(),
            Self::Vote(vote) => vote.get().statement(),
        }
    }
}

/// Which votes of a round a node holds, asked with so that others send what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VotesWanted {
    /// Height.
    pub height: Height,
    /// Round the node is in.
    pub round: Round,
    /// Whether it holds a proposal of that round.
    pub proposal: bool,
    /// Whose prevotes of that round it holds.
    pub prevotes: Bitmap,
    /// Whose precommits of that round it holds.
    pub precommits: Bitmap,
}

/// Which timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId {
    /// Height it was started in.
    pub height: Height,
    /// Round it was started in; 0 for those that belong to the height.
    pub round: Round,
    /// What it is for.
    pub kind: TimerKind,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// 57: ends the wait for a proposal.
    Propose,
    /// 61: ends the wait for a polka.
    Prevote,
    /// 65: ends the round.
    Precommit,
    /// Pushes the polka and pulls missing votes.
    Tick,
    /// Ends the idle wait of round 0.
    Heartbeat,
}

/// All that a height stands on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeightStart {
    /// The height.
    pub height: Height,
    /// Its validator set.
    pub set: Arc<ValidatorSet>,
    /// Which member of it we are, with a key that we hold; `None` for whoever only follows.
    pub own: Option<ValidatorIndex>,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its features word.
    pub features: u64,
    /// The bench in the state after the height before.
    pub bench: Bench,
    /// The block before.
    pub parent: Parent,
    /// Where the guard stands relative to this height: after a restart `Above` until the guard's own height is reached, there `Here`.
    pub guard: GuardPosition,
}

/// The block before a height, as its certificate names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parent {
    /// Its id; 32 zero bytes before the first block.
    pub id: BlockId,
    /// Its certified outcome; genesis' before the first block.
    pub outcome: OutcomeHash,
    /// Its block time.
    pub time_us: u64,
}

/// Where the guard's highest record stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GuardPosition {
    /// Below this height: nothing of it was ever signed.
    Below,
    /// In this height: go on after it.
    Here(Box<Resume>),
    /// Above this height, because a log of blocks was lost: follow without signing anything new.
    /// What the guard still knows to have recorded of this height is asked for again, since the quorum may lack it.
    Above(Vec<Statement>),
}

/// What the guard knows of an open height after a restart. It is loaded, nothing is replayed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resume {
    /// Round of the highest record.
    pub round: Round,
    /// Kind of the highest record.
    pub kind: Kind,
    /// The lock, if there is one.
    pub lock: Option<ResumedLock>,
    /// Every recorded statement of this height, signed or not.
    pub statements: Vec<Statement>,
    /// Those that are signed, as messages; re-sent and counted. A proposal whose header is lost is left out.
    pub own: Vec<Own>,
    /// The one that is recorded without a signature; signed as it stands, a proposal only once its block is there.
    pub intent: Option<Statement>,
    /// Whether `statements` are all that was ever signed in this height, and not merely the newest part.
    pub complete: bool,
}

/// The lock as the guard's record holds it, with the polka that justifies it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResumedLock {
    /// Block and outcome of the precommit.
    pub value: PrecommitValue,
    /// Polka of the lock's round; valid round, height and round are its own.
    pub polka: Polka,
}
