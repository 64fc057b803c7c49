//! The dedup map: every id that was executed or pinned, until it can never be valid again.
//!
//! Invariant (I7, I21): a key is in the map from the block that executed or pinned it, at least while block time ≤ id time + `ID_LIFE`;
//! later than that the id is refused by its time alone, so what has left the map can never be executed.
//! Shapes and units: entries are ordered by the minute of the id, so the oldest leave first; ids in milliseconds, blocks in microseconds.
//! A block drops at most twice as many entries as it may hold transactions, the rest in the next, so the map cannot outgrow its budget.
//! Source: `docs/spec/ledger.md`, "Replay".

use borsh::{BorshDeserialize, BorshSerialize};

use crate::account::Place;
use crate::genesis::Constants;
use crate::reference::Uetr;
use crate::rejection::Rejection;
use crate::transaction::{ContentHash, TxId};

/// How far an id may lie ahead of block time.
pub const ID_AHEAD_MS: u64 = 60_000;
const MINUTE_MS: u64 = 60_000;

/// What became of the first transaction of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// What it asked, window and signatures left out.
    pub content: ContentHash,
    /// Where it is.
    pub place: Place,
    /// Why it failed, if it did.
    pub pinned: Option<Rejection>,
    /// The UETR it holds for as long as this entry lives.
    pub uetr: Option<Uetr>,
}

/// The minute of an id, by which the map is ordered.
#[must_use]
pub const fn minute_of(id: TxId) -> u64 {
    id.time_ms() / MINUTE_MS
}

/// Milliseconds as block time, in microseconds; beyond every block time where that does not fit.
pub(crate) const fn us(ms: u64) -> u64 {
    ms.saturating_mul(1_000)
}

/// The last block time at which an id is looked at: id time + `ID_LIFE`.
#[must_use]
pub const fn last_us(constants: &Constants, id: TxId) -> u64 {
    us(id.time_ms().saturating_add(constants.id_life_ms()))
}

/// Whether no id of a minute can be valid at a block time.
#[cfg(feature = "std")]
pub(crate) const fn is_over(constants: &Constants, minute: u64, time_us: u64) -> bool {
    let newest_ms = minute
        .saturating_mul(MINUTE_MS)
        .saturating_add(MINUTE_MS.saturating_sub(1));
    time_us > us(newest_ms.saturating_add(constants.id_life_ms()))
}
