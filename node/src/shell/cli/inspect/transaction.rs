//! A transaction by its id: what it asks, where it stands, and, if asked, what became of it.

use falaj_consensus::types::{BatchDigest, Height};
use falaj_ledger::receipt::{Receipt, Verdict};
use falaj_ledger::transaction::{SignedTx, TxId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::block::text;
use super::chain::{Chain, read_transaction};
use super::look::Look;
use super::replay::Replay;
use crate::shell::cli::{Failure, print};
use crate::shell::form::SignedForm;

/// What is looked for.
struct Wanted {
    id: TxId,
    participant: Option<u32>,
}

/// Where it stands in a decided block.
struct Place {
    height: Height,
    index: u32,
    tx: SignedTx,
}

impl Wanted {
    fn matches(&self, tx: &SignedTx) -> bool {
        let participant = tx.body.participant.get();
        tx.body.id == self.id && self.participant.is_none_or(|wanted| wanted == participant)
    }

    fn find(&self, transactions: &[Vec<u8>]) -> Option<(u32, SignedTx)> {
        let mut read = (0_u32..).zip(transactions.iter().map(|bytes| read_transaction(bytes)));
        read.find_map(|(index, tx)| Some((index, tx?)).filter(|(_, tx)| self.matches(tx)))
    }
}

/// Shows a transaction.
pub(super) fn show(
    look: &Look,
    id: &str,
    participant: Option<u32>,
    execute: bool,
) -> Result<(), Failure> {
    let id = TxId::parse(id).ok_or_else(|| {
        Failure::new(
            Failure::USAGE,
            format!("{id} is no transaction id: a version 7 UUID in small letters is needed"),
        )
    })?;
    let wanted = Wanted { id, participant };
    let chain = Chain::read(look)?;
    let waiting = waiting(&chain, &wanted)?;
    let places = places(&chain, &wanted, &waiting)?;
    let tx = places
        .first()
        .map(|place| place.tx.clone())
        .or_else(|| waiting.first().map(|(_, tx)| tx.clone()))
        .ok_or_else(|| {
            Failure::new(
                Failure::CHECK,
                format!("no transaction {id} is recorded here"),
            )
        })?;
    let mut stands = Vec::new();
    for place in &places {
        let receipt = match execute {
            true => Some(receipt(&chain, place)?),
            false => None,
        };
        stands.push(json!({
            "height": place.height.get(),
            "index": place.index,
            "participant": place.tx.body.participant.get(),
            "result": receipt.as_ref().map(result),
        }));
    }
    let view = json!({
        "transaction": SignedForm::of(&tx, &look.genesis),
        "body_hash": tx.body.body_hash().hash().to_hex(),
        "state": if places.is_empty() { "not ordered" } else { "decided" },
        "places": stands,
        "batches": waiting.iter().map(|(digest, _)| digest.to_string()).collect::<Vec<_>>(),
    });
    if look.json {
        print::json(&view);
    } else {
        text(&view, 0);
    }
    Ok(())
}

/// The batches that hold it, ordered or not.
fn waiting(chain: &Chain<'_>, wanted: &Wanted) -> Result<Vec<(BatchDigest, SignedTx)>, Failure> {
    let mut found = Vec::new();
    for batch in chain.batches() {
        let (digest, batch) = batch?;
        if let Some((_, tx)) = wanted.find(&batch.transactions) {
            found.push((digest, tx));
        }
    }
    Ok(found)
}

/// The decided blocks that hold it, by one of those batches or inline.
fn places(
    chain: &Chain<'_>,
    wanted: &Wanted,
    batches: &[(BatchDigest, SignedTx)],
) -> Result<Vec<Place>, Failure> {
    let batches: BTreeSet<_> = batches.iter().map(|(digest, _)| *digest).collect();
    let mut places = Vec::new();
    for height in chain.heights() {
        let Some(block) = chain.decided(height)? else {
            continue;
        };
        let mut named = block.body.batches.iter();
        let here = named.any(|reference| batches.contains(&reference.digest))
            || wanted.find(&block.body.inline).is_some();
        if !here {
            continue;
        }
        let found = chain.transactions(&block.body)?;
        if let Some((index, tx)) = found.and_then(|all| wanted.find(&all)) {
            places.push(Place { height, index, tx });
        }
    }
    Ok(places)
}

fn receipt(chain: &Chain<'_>, place: &Place) -> Result<Receipt, Failure> {
    let receipts = Replay::from_genesis(chain)?.receipts_at(place.height)?;
    let index = usize::try_from(place.index).unwrap_or(usize::MAX);
    receipts
        .get(index)
        .copied()
        .ok_or_else(|| Failure::new(70, "a block has one receipt a transaction"))
}

fn result(receipt: &Receipt) -> Value {
    let (state, is_final) = match receipt.verdict {
        Verdict::Executed => ("executed", true),
        Verdict::Failed { pinned, .. } => ("failed", pinned),
        Verdict::Skipped { .. } => ("skipped", false),
    };
    let rejection = receipt.verdict.rejection();
    json!({
        "state": state,
        "final": is_final,
        "code": rejection.map(falaj_ledger::rejection::Rejection::code),
        "name": rejection.map(falaj_ledger::rejection::Rejection::name),
        "meaning": rejection.map(falaj_ledger::rejection::Rejection::meaning),
        "time_us": receipt.time_us,
    })
}
