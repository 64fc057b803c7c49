//! What a restart loads from the guard; nothing is replayed.
//!
//! Invariant: every signature here was made by this key, is recorded, and was checked again.
//! Source: `docs/spec/consensus.md`, "Lock, guard and restart"; `docs/spec/guard.md`, "Restart".

use falaj_consensus::message::Statement;
use falaj_consensus::types::Hash32;
use falaj_consensus::verify::{SignedStatement, Verified};

use crate::guard::{AcceptedOutcome, Latch, Lock, Place, Witness};

/// What the guard knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recovered {
    /// The highest place; a floor if nothing was signed since.
    pub last: Place,
    /// The lock of that height, with its polka.
    pub lock: Option<Lock>,
    /// The outcome that operators accepted at that height.
    pub accepted_outcome: Option<AcceptedOutcome>,
    /// Why nothing is signed, if so.
    pub latch: Option<Latch>,
    /// The last 64 statements recorded, of whatever height, in order. One without a signature in the record may have left all the same:
    /// a power cut takes the record of a signature that was already sent.
    pub statements: Vec<Statement>,
    /// Those of that height that have their signatures, in order.
    pub own: Vec<Verified<SignedStatement>>,
    /// The highest statement, if it has no signature yet: to be signed as it stands.
    pub intent: Option<Statement>,
    /// Whether `statements` has all that was ever released at that height.
    pub complete: bool,
    /// Hash over the validator sets the guard stands on.
    pub sets_hash: Hash32,
    /// What the node should remember of this guard elsewhere.
    pub witness: Witness,
}
