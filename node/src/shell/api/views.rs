//! Blocks, accounts and the rest of the ledger as JSON.
//!
//! Invariant: amounts are canonical decimal strings beside their currency, hashes and keys small hexadecimal, ids their text form;
//! heights, indexes and times are numbers below 2^53 for a thousand years to come.

use data_encoding::HEXLOWER;
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use serde::Serialize;

/// A final block.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BlockView {
    pub(super) height: u64,
    pub(super) id: String,
    pub(super) time_us: u64,
    /// Round of the header's first proposal.
    pub(super) header_round: u32,
    /// Round in which it was decided.
    pub(super) round: u32,
    /// Index of the proposer in the set of the height.
    pub(super) proposer: u16,
    pub(super) parent_id: String,
    pub(super) transactions: u32,
    pub(super) transaction_bytes: u64,
    pub(super) outcome: OutcomeView,
    /// Indexes in the set of the height of those who signed the certificate: a quorum, not always everybody who voted.
    pub(super) signers: Vec<u16>,
}

/// What executing a block gave.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OutcomeView {
    pub(super) hash: String,
    pub(super) state_root: String,
    pub(super) receipts_root: String,
    pub(super) events_root: String,
    pub(super) events: u64,
    /// Supply in minor units by currency.
    pub(super) supply: Vec<SupplyView>,
    pub(super) set_hash: String,
    pub(super) parameters_hash: String,
}

/// Supply of one currency.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SupplyView {
    pub(super) currency: String,
    /// Minor units, as a decimal string.
    pub(super) minor_units: String,
}

impl BlockView {
    pub(super) fn of(header: &Header, outcome: &Outcome, certificate: &CommitCertificate) -> Self {
        Self {
            height: header.height.get(),
            id: certificate.id.to_string(),
            time_us: header.time_us,
            header_round: header.round.get(),
            round: certificate.round.get(),
            proposer: header.proposer.get(),
            parent_id: header.parent_id.to_string(),
            transactions: header.transactions,
            transaction_bytes: header.transaction_bytes,
            outcome: OutcomeView::of(outcome),
            signers: certificate
                .signers
                .iter()
                .map(|index| index.get())
                .collect(),
        }
    }
}

impl OutcomeView {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let supply = outcome.supply.iter().map(|entry| SupplyView {
            currency: entry
                .currency
                .iter()
                .map(|letter| char::from(*letter))
                .collect(),
            minor_units: entry.minor_units.to_string(),
        });
        Self {
            hash: outcome.hash().to_string(),
            state_root: outcome.state_root.to_hex(),
            receipts_root: outcome.receipts_root.to_hex(),
            events_root: outcome.events_root.to_hex(),
            events: outcome.events,
            supply: supply.collect(),
            set_hash: outcome.set_hash.to_hex(),
            parameters_hash: outcome.parameters_hash.to_hex(),
        }
    }
}

/// Small hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}
