//! Everything that can wake a signer, and everything it asks for.
//!
//! Invariant: effects are started in their order. When an [`Append`] of an intent is refused for want of space, the effects behind it
//! in the same outbox are dropped and [`Input::AppendRefused`] is given: the backend is not asked for what is not written.
//! Source: `docs/spec/guard.md`, "The signer".

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::Position;
use falaj_consensus::message::Statement;
use falaj_consensus::verify::{SignedStatement, Verified};

use super::{AttestRequest, Attested, RawSignRequest, RequestId, SignRequest, TwoOperators};
use crate::audit::AuditEntry;
use crate::backend::{BackendCall, BackendError, CallId};
use crate::error::Refusal;
use crate::guard::{AcceptedOutcome, HeightProof, Latch, Place};
use crate::purpose::Purpose;

/// What a host tells a signer.
#[derive(Clone, Debug)]
pub enum Input {
    /// The host begins to drive this signer; once, before everything else.
    Started,
    /// A statement to sign, answered by [`Output::Signed`].
    Sign(Box<SignRequest>),
    /// The same, from another process.
    RawSign(Box<RawSignRequest>),
    /// An attestation to sign, answered by [`Output::Attested`].
    Attest(Box<AttestRequest>),
    /// The backend answered a call.
    BackendDone {
        /// The call.
        call: CallId,
        /// What it gave.
        result: Result<Signature, BackendError>,
    },
    /// A call was never begun, because its deadline had passed.
    CallDropped {
        /// The call.
        call: CallId,
    },
    /// The intent at that position could not be written because the disk is full, and was withdrawn.
    AppendRefused {
        /// The position.
        position: Position,
    },
    /// A height was decided: the guard follows ahead of the next request.
    HeightProof(Box<HeightProof>),
    /// A statement with a right signature of our own key came from outside.
    OwnStatementSeen(Statement),
    /// Sign nothing from now on, answered by [`Output::Decided`].
    Latch(Latch),
    /// Sign again, answered by [`Output::Decided`].
    Unlatch(Unlatch),
    /// Two operators accept another outcome for a block of the guard's height, answered by [`Output::Decided`].
    AcceptOutcome {
        /// What they accept.
        accepted: AcceptedOutcome,
        /// Who they are.
        operators: TwoOperators,
    },
}

/// Why signing may go on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unlatch {
    /// This program computed the certified outcome; opens [`Latch::Diverged`] alone.
    Recomputed,
    /// Two operators answer for it; opens every latch.
    Operators(TwoOperators),
}

impl Unlatch {
    pub(super) const fn opens(&self, latch: Latch) -> bool {
        matches!(
            (self, latch),
            (Self::Operators(_), _) | (Self::Recomputed, Latch::Diverged)
        )
    }

    pub(super) fn operators(&self) -> Vec<&str> {
        match self {
            Self::Recomputed => Vec::new(),
            Self::Operators(operators) => operators.names().to_vec(),
        }
    }
}

/// What a signer asks its host to start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Append a record to the guard's log.
    Append(Append),
    /// Have the backend sign; answered by [`Input::BackendDone`].
    Backend(BackendCall),
    /// Enter something into the audit log; nothing waits for it.
    Audit(Box<AuditEntry>),
}

/// A record of the guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Append {
    /// The position it must have.
    pub position: Position,
    /// Its bytes.
    pub record: Vec<u8>,
    /// How soon it has to be on disk.
    pub urgency: AppendUrgency,
}

/// How soon a record has to be on disk, and what happens when the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppendUrgency {
    /// Write at once and sync: an answer waits for it. Withdrawn when the disk is full.
    Intent,
    /// With the next write; it can be made again.
    Lazy,
    /// Write and sync as soon as the disk allows; it holds in memory already, and is never withdrawn.
    Note,
}

/// What leaves a signer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// The answer to a statement.
    Signed {
        /// The request.
        id: RequestId,
        /// A checked signature whose intent is on disk, or why there is none.
        result: Result<Verified<SignedStatement>, Refusal>,
    },
    /// The answer to an attestation.
    Attested {
        /// The request.
        id: RequestId,
        /// A checked signature, or why there is none.
        result: Result<Attested, Refusal>,
    },
    /// A decision of people or of the replica is recorded, or does not apply.
    Decided {
        /// Which.
        decision: Decision,
        /// Whether it applied: something was latched, the latch opens that way, the outcome is of the guard's height.
        applied: bool,
    },
    /// Something that a person has to know.
    Alarm(Alarm),
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// To sign nothing.
    Latch,
    /// To sign again.
    Unlatch,
    /// To accept an outcome.
    AcceptOutcome,
}

impl Decision {
    /// The word in audit records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latch => "latch",
            Self::Unlatch => "unlatch",
            Self::AcceptOutcome => "accept_outcome",
        }
    }
}

/// Something that a person has to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// Two different statements were asked for at one place. The second was refused.
    DoubleSign {
        /// The place.
        place: Place,
        /// The statement that was refused.
        asked: Statement,
    },
    /// The backend gave a signature that does not verify. It was not released.
    WrongSignature {
        /// What it was for.
        purpose: Purpose,
        /// The bytes.
        bytes: Vec<u8>,
        /// What came back.
        signature: Signature,
    },
    /// Signing is latched off.
    Latched(Latch),
}
