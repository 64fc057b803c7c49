//! What this node knows of a transaction: that it is on its way, or its receipt with all that proves it.
//!
//! Order of sources: the dedup map of the state, which has what is final for a key as long as its id lives; what this node admitted;
//! the history in the store. Nothing known is no statement about the transaction: only a certificate is.

use falaj_ledger::account::Place;
use falaj_ledger::bundle::{CertifiedOutcome, ReceiptBundle};
use falaj_ledger::proof::ReceiptProof;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::store::StoreError;
use falaj_ledger::transaction::TxKey;

use super::context::Api;
use super::problem::Problem;
use crate::shell::history::History;
use crate::shell::view::{Final, RecentBlock, Waiting, receipt_tree};

/// What is known of a key.
pub(super) enum Known {
    /// Nothing.
    Nothing,
    /// This node admitted it.
    InFlight(Waiting),
    /// It has a receipt.
    Receipt(Box<ReceiptBundle>),
}

/// Looks a transaction up.
pub(super) async fn known(api: &Api, key: TxKey) -> Result<Known, Problem> {
    let snapshot = api.snapshot();
    if let Some(entry) = snapshot.state.dedup(key) {
        let bundle = at(api, entry.place).await?;
        return Ok(Known::Receipt(Box::new(bundle)));
    }
    if let Some(waiting) = api.node.view.in_flight().get(key) {
        return Ok(Known::InFlight(waiting));
    }
    let life_ms = snapshot.state.chain().constants.id_life_ms();
    let last = snapshot.height();
    let found = api
        .history(move |history| match history.find(key, life_ms, last)? {
            Some((height, index)) => from_store(&history, Place { height, index }),
            None => Ok(None),
        })
        .await?;
    let Some(bundle) = found else {
        return Ok(Known::Nothing);
    };
    Ok(Known::Receipt(Box::new(proven(api, bundle)?)))
}

/// The receipt at a place of the chain.
pub(super) async fn at(api: &Api, place: Place) -> Result<ReceiptBundle, Problem> {
    if let Some(recent) = api.node.view.recent().get(place.height) {
        return from_recent(api, &recent, place.index);
    }
    api.expect_begun(place.height).map_err(|problem| {
        let height = place.height;
        problem.because(format!(
            "it is final since block {height}, which is not here: a node that has that block has its receipt"
        ))
    })?;
    let found = api
        .history(move |history| from_store(&history, place))
        .await?;
    proven(api, found.ok_or_else(unreadable)?)
}

/// The receipt of a transaction that just became final.
pub(super) fn of_final(api: &Api, reached: &Final) -> Result<ReceiptBundle, Problem> {
    from_recent(api, &reached.block, reached.index)
}

fn from_recent(api: &Api, recent: &RecentBlock, index: u32) -> Result<ReceiptBundle, Problem> {
    let block = &recent.block;
    let (header, outcome) = (block.header.clone(), block.executed.outcome.clone());
    let certified = CertifiedOutcome::new(header, outcome, &block.certificate);
    let both = certified.zip(recent.prove(index));
    let (certified, answer) = both.ok_or_else(unreadable)?;
    proven(api, ReceiptBundle { certified, answer })
}

fn proven(api: &Api, bundle: ReceiptBundle) -> Result<ReceiptBundle, Problem> {
    let certified = api.proven(bundle.certified)?;
    Ok(ReceiptBundle {
        certified,
        ..bundle
    })
}

fn from_store(history: &History<'_>, place: Place) -> Result<Option<ReceiptBundle>, StoreError> {
    let Some(page) = history.block(place.height)? else {
        return Ok(None);
    };
    let receipts = history.receipts(place.height)?;
    let certified = CertifiedOutcome::new(page.header, page.outcome, &page.certificate);
    Ok(certified
        .zip(prove(&receipts, place.index))
        .map(|(certified, answer)| ReceiptBundle { certified, answer }))
}

fn prove(receipts: &[Receipt], index: u32) -> Option<ReceiptProof> {
    let receipt = *receipts.get(usize::try_from(index).ok()?)?;
    let inclusion = receipt_tree(receipts).prove_inclusion(u64::from(index))?;
    Some(ReceiptProof { receipt, inclusion })
}

fn unreadable() -> Problem {
    Problem::internal("the block is final and its receipts cannot be read here").retry_after(1)
}
