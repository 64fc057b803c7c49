//! Blocks and heights.

use falaj_consensus::message::{Body, CommitCertificate, Header, Polka};
use falaj_consensus::types::{Height, Round};
use falaj_consensus::verify::{Context, RealChecker};
use serde_json::{Value, json};

use super::chain::{Chain, Decided, read_transaction};
use super::look::Look;
use crate::shell::cli::{Failure, print};

/// Shows a decided block.
pub(super) fn show(look: &Look, height: Height) -> Result<(), Failure> {
    let chain = Chain::read(look)?;
    let block = chain
        .decided(height)?
        .ok_or_else(|| absent(&chain, height))?;
    let view = json!({
        "height": height.get(),
        "id": block.certificate.id.to_string(),
        "header": header(&block.header),
        "certificate": certificate(look, &block.header, &block.certificate),
        "batches": batches(&chain, &block.body),
        "transactions": transactions(&chain, &block.body)?,
        "records": {"block": block.body_at.get(), "certificate": block.certificate_at.get()},
    });
    if look.json {
        print::json(&view);
    } else {
        text(&view, 0);
    }
    Ok(())
}

/// Lists decided blocks, as far as they follow one another.
pub(super) fn list(look: &Look, from: u64, to: Option<u64>) -> Result<(), Failure> {
    let chain = Chain::read(look)?;
    let from = Height::new(from.max(1));
    chain.warn_of_floor(from);
    let mut height = from.max(chain.floor().next());
    while to.is_none_or(|to| height.get() <= to) {
        let Some(block) = chain.decided(height)? else {
            break;
        };
        line(look, &block);
        height = height.next();
    }
    Ok(())
}

fn line(look: &Look, block: &Decided) {
    let Decided {
        header,
        certificate,
        ..
    } = block;
    if look.json {
        print::json(&json!({
            "height": header.height.get(),
            "id": certificate.id.to_string(),
            "time_us": header.time_us,
            "round": certificate.round.get(),
            "transactions": header.transactions,
            "outcome": certificate.outcome.to_string(),
        }));
    } else {
        print::line(&format!(
            "{:>10}  {}  time {} µs  round {}  {} transactions",
            header.height.get(),
            certificate.id,
            header.time_us,
            certificate.round,
            header.transactions
        ));
    }
}

/// Shows what is recorded of a height.
pub(super) fn show_records(look: &Look, height: Height) -> Result<(), Failure> {
    let chain = Chain::read(look)?;
    let recorded = chain.recorded(height);
    let mut blocks = Vec::new();
    for (position, id) in &recorded.proposed {
        let (found, body) = chain.proposed(*position)?;
        blocks.push(json!({
            "record": position.get(), "id": id.to_string(), "header": header(&found), "batches": batches(&chain, &body),
        }));
    }
    let mut certificates = Vec::new();
    for position in &recorded.certificates {
        let found = chain.certificate(*position)?;
        certificates
            .push(json!({"record": position.get(), "certificate": plain_certificate(&found)}));
    }
    let mut polkas = Vec::new();
    for position in &recorded.polkas {
        let found = chain.polka(*position)?;
        polkas.push(json!({"record": position.get(), "polka": plain_polka(&found)}));
    }
    let mut conflicting = Vec::new();
    for position in &recorded.conflicting {
        let found = chain.certificate(*position)?;
        conflicting
            .push(json!({"record": position.get(), "certificate": plain_certificate(&found)}));
    }
    let state = state(&chain, height)?;
    let view = json!({
        "height": height.get(), "state": state, "blocks": blocks, "certificates": certificates,
        "polkas": polkas, "conflicting": conflicting,
    });
    if look.json {
        print::json(&view);
    } else {
        text(&view, 0);
    }
    if state == "absent" {
        return Err(Failure::new(Failure::CHECK, "the report says what is wrong").told());
    }
    Ok(())
}

/// `decided`, `open` with something recorded, or `absent`. A certificate whose block or batches a crash took leaves its height open.
fn state(chain: &Chain<'_>, height: Height) -> Result<&'static str, Failure> {
    let whole = chain.decided(height)?.is_some_and(|block| {
        let mut batches = block.body.batches.iter();
        batches.all(|reference| chain.has(reference.digest))
    });
    let recorded = chain.recorded(height);
    Ok(if whole {
        "decided"
    } else if recorded.is_empty() {
        "absent"
    } else {
        "open"
    })
}

fn absent(chain: &Chain<'_>, height: Height) -> Failure {
    let floor = chain.floor();
    if height > Height::new(0) && height <= floor {
        let text = format!(
            "height {height} is not here: this home began with the snapshot of height {floor}"
        );
        return Failure::new(Failure::CHECK, text)
            .fix("ask a node that has the chain from genesis");
    }
    let text = format!(
        "height {height} is not decided here; `falaj inspect height {height}` shows what is recorded of it"
    );
    Failure::new(Failure::CHECK, text)
}

fn header(header: &Header) -> Value {
    json!({
        "time_us": header.time_us,
        "round": header.round.get(),
        "proposer": header.proposer.get(),
        "parent_id": header.parent_id.to_string(),
        "parent_outcome": header.parent_outcome.to_string(),
        "set_hash": header.set_hash.to_hex(),
        "transactions": header.transactions,
        "transaction_bytes": header.transaction_bytes,
    })
}

fn plain_certificate(certificate: &CommitCertificate) -> Value {
    let signers = certificate.signers.iter().map(|index| index.get());
    json!({
        "round": certificate.round.get(),
        "id": certificate.id.to_string(),
        "outcome": certificate.outcome.to_string(),
        "signers": signers.collect::<Vec<_>>(),
    })
}

fn plain_polka(polka: &Polka) -> Value {
    let signers = polka.signers.iter().map(|index| index.get());
    json!({
        "round": polka.round.get(),
        "id": polka.id.to_string(),
        "valid_round": polka.valid_round.map(Round::get),
        "signers": signers.collect::<Vec<_>>(),
    })
}

/// A certificate, checked where the genesis names the set that signed it.
fn certificate(look: &Look, header: &Header, certificate: &CommitCertificate) -> Value {
    let set = &look.genesis.validators;
    let chain = look.genesis.chain();
    let context = Context {
        chain: &chain,
        set,
        checker: &RealChecker,
    };
    let known = header.set_hash == set.hash();
    let verified = known.then(|| context.certificate(certificate.clone()).is_ok());
    let mut view = plain_certificate(certificate);
    if let Value::Object(fields) = &mut view {
        fields.insert("verified".into(), json!(verified));
    }
    view
}

fn batches(chain: &Chain<'_>, body: &Body) -> Value {
    let views = body.batches.iter().map(|reference| {
        json!({
            "digest": reference.digest.to_string(),
            "author": reference.author.get(),
            "seq": reference.seq,
            "transactions": reference.transactions,
            "bytes": reference.bytes,
            "here": chain.has(reference.digest),
        })
    });
    views.collect::<Vec<_>>().into()
}

/// Each transaction by its key; null where a batch is missing.
fn transactions(chain: &Chain<'_>, body: &Body) -> Result<Value, Failure> {
    let Some(encoded) = chain.transactions(body)? else {
        return Ok(Value::Null);
    };
    let views = encoded.iter().zip(0_u32..).map(|(bytes, index)| {
        let key = read_transaction(bytes).map(|tx| tx.body.key());
        json!({
            "index": index,
            "participant": key.map(|key| key.participant.get()),
            "id": key.map(|key| key.id.to_string()),
            "bytes": bytes.len(),
        })
    });
    Ok(views.collect::<Vec<_>>().into())
}

/// A view for people: one field a line, what is inside indented.
pub(in crate::shell::cli) fn text(value: &Value, depth: usize) {
    let Value::Object(fields) = value else {
        return print::line(&format!("{:depth$}{}", "", word(value)));
    };
    for (name, value) in fields {
        match value {
            Value::Object(_) => {
                print::line(&format!("{:depth$}{name}", ""));
                text(value, depth.saturating_add(2));
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in items {
                    print::line(&format!("{:depth$}{name}", ""));
                    text(item, depth.saturating_add(2));
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                print::line(&format!("{:depth$}{name}: {}", "", word(value)));
            }
        }
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(" "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
