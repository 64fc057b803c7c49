//! Why something was not signed, and why a guard cannot be used.
//!
//! Invariant: every refusal has a code that never changes its meaning; codes are metric labels, audit fields and words for operators.
//! None of these is a panic, and none ends the signer.
//! Source: `docs/spec/guard.md`, "The order".

use falaj_consensus::durable::{LogError, Position};
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round, SignRefusal};

use crate::backend::Fault;
use crate::guard::{Latch, LockFault, Place, ProofError};
use crate::purpose::ShapeError;

/// A request was not signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Signing is latched off.
    #[error("signing is latched off: {latch:?}")]
    Latched {
        /// Why.
        latch: Latch,
    },
    /// The bytes are of another chain.
    #[error("the bytes are of another chain")]
    WrongChain,
    /// The request is for another key.
    #[error("the request is for another key")]
    WrongKey,
    /// The bytes are of a kind that is never signed.
    #[error("the bytes are of no kind that is signed")]
    UnknownKind,
    /// The bytes are not the one encoding of what they say, or say what nobody may say.
    #[error("the bytes are not canonical")]
    NonCanonical,
    /// The key has no place in the validator set of that height.
    #[error("the key is not in the validator set of height {height}")]
    NotAMember {
        /// The height.
        height: Height,
    },
    /// The height is decided: nothing of it is signed any more.
    #[error("height {height} is decided")]
    Closed {
        /// The height.
        height: Height,
    },
    /// A height above the record without proof of the one before.
    #[error("no way from {last} to height {asked}")]
    HeightJump {
        /// The highest record.
        last: Place,
        /// The height asked for.
        asked: Height,
        /// What is wrong with what was shown.
        #[source]
        proof: ProofError,
    },
    /// Something else was recorded at that place.
    #[error("something else was signed at {place}")]
    DoubleSign {
        /// The place.
        place: Place,
    },
    /// The place is below the highest record.
    #[error("{asked} is below the highest record, {last}")]
    Regression {
        /// The highest record, from which a round can be chosen.
        last: Place,
        /// The place asked for.
        asked: Place,
    },
    /// It would break the lock.
    #[error("the lock rule does not allow it")]
    Lock {
        /// Round of the lock, if there is one.
        locked: Option<Round>,
        /// What is missing.
        #[source]
        fault: LockFault,
    },
    /// The block was precommitted with another outcome.
    #[error("block {id:?} was signed with another outcome")]
    Outcome {
        /// The block.
        id: BlockId,
        /// The outcome that may be signed.
        signed: OutcomeHash,
        /// The one that was asked for.
        asked: OutcomeHash,
    },
    /// There is no guard to sign under.
    #[error("the guard cannot be used")]
    Guard(#[source] GuardProblem),
    /// The request was older than its use.
    #[error("the request came after its deadline")]
    Stale,
    /// More calls are at the backend than a signer keeps.
    #[error("too many calls wait for the backend")]
    Busy,
    /// The guard's disk is full; the backend was not asked.
    #[error("the disk of the guard is full")]
    DiskFull,
    /// The backend gave no signature.
    #[error("the backend gave no signature")]
    Backend {
        /// Its kind of failure.
        #[source]
        fault: Fault,
        /// The device's return value, where there was one.
        device_code: Option<u64>,
    },
    /// An attestation that has no sign-bytes.
    #[error("the attestation has no form")]
    Shape(#[source] ShapeError),
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Latched { .. } => "latched",
            Self::WrongChain => "wrong_chain",
            Self::WrongKey => "wrong_key",
            Self::UnknownKind => "unknown_kind",
            Self::NonCanonical => "non_canonical",
            Self::NotAMember { .. } => "not_a_member",
            Self::Closed { .. } => "closed",
            Self::HeightJump { .. } => "height_jump",
            Self::DoubleSign { .. } => "double_sign",
            Self::Regression { .. } => "regression",
            Self::Lock { .. } => "lock",
            Self::Outcome { .. } => "outcome",
            Self::Guard(problem) => problem.code(),
            Self::Stale => "stale",
            Self::Busy => "busy",
            Self::DiskFull => "disk_full",
            Self::Backend { fault, .. } => fault.code(),
            Self::Shape(_) => "shape",
        }
    }

    /// What consensus can tell apart.
    #[must_use]
    pub const fn consensus_reason(&self) -> SignRefusal {
        match self {
            Self::Latched { .. } => SignRefusal::Latched,
            Self::HeightJump { .. } => SignRefusal::HeightJump,
            Self::DoubleSign { .. } => SignRefusal::DoubleSign,
            Self::Regression { .. } | Self::Closed { .. } => SignRefusal::Regression,
            Self::Lock { .. } => SignRefusal::Lock,
            Self::Outcome { .. } => SignRefusal::Outcome,
            Self::WrongChain
            | Self::WrongKey
            | Self::UnknownKind
            | Self::NonCanonical
            | Self::NotAMember { .. }
            | Self::Guard(_)
            | Self::Stale
            | Self::Busy
            | Self::DiskFull
            | Self::Backend { .. }
            | Self::Shape(_) => SignRefusal::Unavailable,
        }
    }
}

/// Why a guard's log cannot be signed under. Only people can answer it; nothing ever starts over at height 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GuardProblem {
    /// There is no record, not even the first one.
    #[error("the guard is lost: there is no record")]
    Lost,
    /// The log cannot be read back whole.
    #[error("the guard is damaged: {what}")]
    Damaged {
        /// What is wrong and where.
        what: String,
    },
    /// A record contradicts the ones before it.
    #[error("the guard is damaged: record {} {fault}", position.get())]
    BadRecord {
        /// The record.
        position: Position,
        /// What is wrong with it.
        #[source]
        fault: RecordFault,
    },
    /// The log is provably an old copy.
    #[error("the guard is an older copy: {evidence}")]
    Older {
        /// What proves it.
        #[source]
        evidence: AgeEvidence,
    },
    /// The log belongs to another chain or key.
    #[error("the guard belongs to another chain or key")]
    Foreign,
    /// The validator sets that the last record names are not known here.
    #[error("the validator sets of height {height} are not known")]
    SetsUnknown {
        /// The height.
        height: Height,
    },
    /// The disk failed while the log was read.
    #[error("the guard cannot be read: {what}")]
    Unreadable {
        /// What the disk said.
        what: String,
    },
}

impl GuardProblem {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Lost => "guard_lost",
            Self::Damaged { .. } | Self::BadRecord { .. } => "guard_damaged",
            Self::Older { .. } => "guard_older",
            Self::Foreign => "guard_foreign",
            Self::SetsUnknown { .. } => "guard_sets_unknown",
            Self::Unreadable { .. } => "guard_unreadable",
        }
    }

    /// What an error of the log means for the guard in it.
    #[must_use]
    pub fn from_log(error: &LogError) -> Self {
        match error {
            LogError::Missing { .. } => Self::Lost,
            LogError::OtherGenesis { .. } | LogError::OtherKind { .. } => Self::Foreign,
            LogError::Damaged { .. }
            | LogError::SegmentMissing { .. }
            | LogError::OtherVersion { .. }
            | LogError::NoRecord { .. }
            | LogError::RecordSize { .. } => Self::Damaged {
                what: error.to_string(),
            },
            LogError::Disk { source, .. } => Self::Unreadable {
                what: source.to_string(),
            },
            LogError::Poisoned { .. } | LogError::Exists { .. } => Self::Unreadable {
                what: error.to_string(),
            },
        }
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordFault {
    /// Its bytes are not the one encoding of a record.
    #[error("is not the encoding of a record")]
    Encoding,
    /// Its number is not its position.
    #[error("has another number")]
    Number,
    /// It does not name the hash of the record before.
    #[error("does not follow the one before")]
    Chain,
    /// Its instance differs, or its fence epoch is lower.
    #[error("is of another instance or an older epoch")]
    Instance,
    /// It is the first one and no floor, or a floor later on.
    #[error("is a floor in the wrong place")]
    Floor,
    /// Its sign-bytes do not fit its place or its state.
    #[error("contradicts its own sign-bytes")]
    Statement,
    /// It stands at or below a place already taken.
    #[error("stands at or below an earlier one")]
    Order,
    /// Its lock is not the one that follows from the records before.
    #[error("carries another lock")]
    Lock,
}

/// What proves that a guard is an old copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AgeEvidence {
    /// The node remembers another instance.
    #[error("the node remembers another instance")]
    Instance,
    /// The node remembers a later fence epoch.
    #[error("the node remembers fence epoch {0}")]
    FenceEpoch(u64),
    /// The node remembers a later place.
    #[error("the node remembers {0}")]
    Place(Place),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fixture::{block, outcome};

    const PLACE: Place = Place::GENESIS;

    fn all() -> Vec<Refusal> {
        let (height, latch) = (Height::new(1), Latch::Operator);
        let guard = [
            GuardProblem::Lost,
            GuardProblem::Damaged {
                what: String::new(),
            },
            GuardProblem::Older {
                evidence: AgeEvidence::Instance,
            },
            GuardProblem::Foreign,
            GuardProblem::SetsUnknown { height },
            GuardProblem::Unreadable {
                what: String::new(),
            },
        ];
        let mut all = vec![
            Refusal::Latched { latch },
            Refusal::WrongChain,
            Refusal::WrongKey,
            Refusal::UnknownKind,
            Refusal::NonCanonical,
            Refusal::NotAMember { height },
            Refusal::Closed { height },
            Refusal::HeightJump {
                last: PLACE,
                asked: height,
                proof: ProofError::Missing,
            },
            Refusal::DoubleSign { place: PLACE },
            Refusal::Regression {
                last: PLACE,
                asked: PLACE,
            },
            Refusal::Lock {
                locked: None,
                fault: LockFault::NoPolka,
            },
            Refusal::Outcome {
                id: block(1),
                signed: outcome(1),
                asked: outcome(2),
            },
            Refusal::Stale,
            Refusal::Busy,
            Refusal::DiskFull,
            Refusal::Shape(ShapeError::TransportKey(0)),
        ];
        all.extend(guard.map(Refusal::Guard));
        all.extend(Fault::ALL.map(|fault| Refusal::Backend {
            fault,
            device_code: None,
        }));
        all
    }

    // A code stands for one thing, is a metric label, and is on the page of the specification.
    #[test]
    fn codes_are_distinct_and_documented() {
        let page = include_str!("../../docs/spec/guard.md");
        let codes: BTreeSet<_> = all().iter().map(Refusal::code).collect();
        assert_eq!(codes.len(), all().len());
        for code in codes {
            assert!(
                code.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{code}"
            );
            assert!(
                page.contains(&format!("`{code}`")),
                "{code} is not documented"
            );
        }
    }
}
