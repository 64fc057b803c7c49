//! Blocks, accounts and the rest of the ledger as JSON.
//!
//! Invariant: amounts are canonical decimal strings beside their currency, hashes and keys small hexadecimal, ids their text form;
//! heights, indexes and times are numbers below 2^53 for a thousand years to come.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_ledger::amount::Units;
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::state::State;
use serde::Serialize;
use utoipa::ToSchema;

/// A final block.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BlockView {
    /// Its height.
    pub(super) height: u64,
    /// Its id.
    pub(super) id: String,
    /// Its time in microseconds since the Unix epoch.
    pub(super) time_us: u64,
    /// Round of the header's first proposal.
    pub(super) header_round: u32,
    /// Round in which it was decided.
    pub(super) round: u32,
    /// Index of the proposer in the set of the height.
    pub(super) proposer: u16,
    /// The block before.
    pub(super) parent_id: String,
    /// How many transactions it has.
    pub(super) transactions: u32,
    /// Their bytes.
    pub(super) transaction_bytes: u64,
    /// What executing it gave.
    pub(super) outcome: OutcomeView,
    /// Indexes in the set of the height of those who signed the certificate: a quorum, not always everybody who voted.
    pub(super) signers: Vec<u16>,
}

/// What executing a block gave.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OutcomeView {
    /// What precommits and the next header name.
    pub(super) hash: String,
    /// Root of the state.
    pub(super) state_root: String,
    /// Root over the block's receipts.
    pub(super) receipts_root: String,
    /// Root over all events.
    pub(super) events_root: String,
    /// Events since genesis.
    pub(super) events: u64,
    /// Supply in minor units by currency.
    pub(super) supply: Vec<SupplyView>,
    /// Validator set two heights on.
    pub(super) set_hash: String,
    /// Parameters two heights on.
    pub(super) parameters_hash: String,
}

/// Supply of one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SupplyView {
    /// Its code.
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

/// A public key.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct KeyView {
    /// Its algorithm.
    pub(super) algorithm: &'static str,
    /// Its bytes in small hexadecimal.
    pub(super) public_key: String,
}

impl KeyView {
    pub(super) fn of(key: &PublicKey) -> Self {
        Self {
            algorithm: key.algorithm().name(),
            public_key: HEXLOWER.encode(key.bytes()),
        }
    }
}

/// Units as a decimal of their currency; of a currency that the ledger does not have, minor units.
pub(super) fn decimal(state: &State, code: CurrencyCode, units: Units) -> String {
    match state.currency(code) {
        Some(currency) => units.to_decimal(currency.scale),
        None => units.get().to_string(),
    }
}

/// The same with a sign, for issuance accounts.
pub(super) fn signed(state: &State, code: CurrencyCode, units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    format!(
        "{sign}{}",
        decimal(state, code, Units::new(units.unsigned_abs()))
    )
}

/// Entries of a page if none is stated, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// How many entries a page has at most, by what was asked for.
pub(super) fn page_length(asked: Option<usize>) -> usize {
    asked.unwrap_or(PAGE).clamp(1, PAGE_MAX)
}

/// One page of a list, and where the next begins.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// Height of the state that was read.
    pub(super) height: u64,
    /// The entries, in order.
    pub(super) items: Vec<T>,
    /// What to give as `cursor` for the next page of the same state; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}
