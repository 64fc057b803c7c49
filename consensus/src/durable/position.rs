//! Which log, how far, and the proof that it is on disk.
//!
//! Invariant: a [`Durable`] exists only after a successful sync of the log it names, and covers every record up to its position.
//! Unit: a [`Position`] counts records since the log was created; pruning never changes it.
//! Errors: none.
//! Source: `docs/spec/durable.md`, "Positions and proofs".

/// One of a node's framed logs.
///
/// The number is the `kind` in the header of each segment: it is on disk and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum LogId {
    /// The signing guard: what a key may have signed, with lock and polka.
    Guard = 1,
    /// Headers, bodies and commit certificates.
    Block = 2,
    /// Batches of transactions.
    Batch = 3,
    /// Every signature and refusal of the signer, for auditors.
    Audit = 4,
}

impl LogId {
    /// The kind number in a segment's header.
    #[must_use]
    pub const fn kind(self) -> u16 {
        self as u16
    }

    /// The first part of the names of this log's files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Block => "block",
            Self::Batch => "batch",
            Self::Audit => "audit",
        }
    }
}

/// How many records a log has held since it was created.
///
/// The first record of a log has position 1; [`Position::START`] lies before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first record.
    pub const START: Self = Self(0);

    /// The position of the `count`-th record.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self(count)
    }

    /// The number of records up to here.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position of the record after this one.
    ///
    /// # Panics
    /// After 2^64 records, which no disk holds.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(
            self.0
                .checked_add(1)
                .expect("a log holds fewer than 2^64 records"),
        )
    }
}

/// Proof that a log's records up to a position are on disk, file and directory both.
///
/// Only [`FramedLog::sync`](super::FramedLog::sync) makes one:
/// ```compile_fail,E0451
/// use falaj_consensus::durable::{Durable, LogId, Position};
/// let forged = Durable { log: LogId::Guard, upto: Position::new(7) };
/// ```
/// ```compile_fail,E0624
/// use falaj_consensus::durable::{Durable, LogId, Position};
/// let forged = Durable::after_sync(LogId::Guard, Position::new(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a proof releases what waits for it"]
pub struct Durable {
    log: LogId,
    upto: Position,
}

impl Durable {
    /// Called by [`FramedLog::sync`](super::FramedLog::sync) alone.
    pub(super) const fn after_sync(log: LogId, upto: Position) -> Self {
        Self { log, upto }
    }

    /// The log that was synced.
    #[must_use]
    pub const fn log(&self) -> LogId {
        self.log
    }

    /// The last record that is on disk.
    #[must_use]
    pub const fn upto(&self) -> Position {
        self.upto
    }

    /// Whether the record at `position` of `log` is on disk by this proof.
    #[must_use]
    pub fn covers(&self, log: LogId, position: Position) -> bool {
        self.log == log && position <= self.upto
    }
}
