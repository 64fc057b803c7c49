//! What execution is given: a decided or proposed block, already decoded and checked.
//!
//! Invariant: every transaction passed [`crate::validate`]; order is that of the block, batches first, then the inline tail;
//! every piece of evidence was verified, and [`crate::state::State::takes_evidence`] says that it may be carried.
//! Units: block time in microseconds since the Unix epoch, strictly after the parent's.
//! Source: `docs/spec/ledger.md`, "Inside a block".

use falaj_consensus::message::{Body, Header};
use falaj_consensus::types::{Height, Round, ValidatorIndex};
use std::sync::Arc;

use crate::evidence::Offence;
use crate::validate::CheckedTx;

/// A block to execute. Of consensus it holds what the bench needs, and nothing of any certificate.
#[derive(Clone, Debug)]
pub struct BlockInput {
    /// Height, one above the state's.
    pub height: Height,
    /// Block time of the header.
    pub time_us: u64,
    /// Round of the header, that of its first proposal.
    pub header_round: Round,
    /// Proposer of the header.
    pub proposer: ValidatorIndex,
    /// The transactions in order.
    pub transactions: Vec<Arc<CheckedTx>>,
    /// The offences that it carries the proofs of, in order.
    pub offences: Vec<Offence>,
}

impl BlockInput {
    /// Takes what execution needs of a header and body, beside the transactions that the body names.
    #[must_use]
    pub fn new(header: &Header, body: &Body, transactions: Vec<Arc<CheckedTx>>) -> Self {
        Self {
            height: header.height,
            time_us: header.time_us,
            header_round: header.round,
            proposer: header.proposer,
            transactions,
            offences: body.evidence.iter().map(Offence::of).collect(),
        }
    }
}
