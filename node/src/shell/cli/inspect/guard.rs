//! The signing guard: where it stands, what it is locked on, what it wrote last.
//!
//! Invariant: the guard is folded from its records as the signer does it, so what is shown is what it would sign under; a guard that the
//! signer would refuse is shown as far as it can be read, with the reason.

use data_encoding::HEXLOWER;
use falaj_consensus::durable::{LogError, LogId, Position};
use falaj_consensus::verify::RealChecker;
use falaj_hsm::guard::{Record, RecordKind, StatementState};
use falaj_hsm::{GuardProblem, Identity, Latch, Place, Signer};
use serde_json::{Value, json};
use std::sync::Arc;

use super::block::text;
use super::look::Look;
use crate::shell::cli::{Failure, print};
use crate::shell::home::key_of_member;

/// Shows the guard and its last records.
pub(super) fn show(look: &Look, last: usize) -> Result<(), Failure> {
    let identity = identity(look)?;
    let view = look
        .log(LogId::Guard)
        .map_err(|error| look.failed(LogId::Guard, error))?;
    let records: Result<Vec<_>, LogError> = view.iter_from(Position::START).collect();
    let records = records.map_err(|error| look.failed(LogId::Guard, error))?;
    let shown = records.get(records.len().saturating_sub(last)..);
    let shown: Vec<Value> = shown.unwrap_or_default().iter().map(entry).collect();
    let (count, signer) = (records.len(), load(look, identity, records));
    let problem = signer.guard().err();
    let state = signer.guard().ok().map(|guard| {
        json!({
            "place": place(guard.last()),
            "latched": guard.latched().map(latch),
            "lock": guard.lock().map(|lock| json!({
                "round": lock.round.get(), "id": lock.value.id.to_string(), "outcome": lock.value.outcome.to_string(),
            })),
            "accepted_outcome": guard.accepted_outcome().map(|accepted| json!({
                "height": accepted.height.get(), "id": accepted.id.to_string(), "outcome": accepted.outcome.to_string(),
            })),
            "instance": HEXLOWER.encode(&guard.witness().instance),
            "fence_epoch": guard.witness().fence_epoch,
            "head": guard.head().to_hex(),
        })
    });
    let shown = json!({
        "key": signer_key(look)?.fingerprint().to_hex(),
        "records": {"first": view.first().get(), "last": view.last().get(), "count": count},
        "torn_bytes": view.torn().map(|torn| torn.bytes),
        "guard": state,
        "problem": problem.as_ref().map(|problem| json!({"code": problem.code(), "what": problem.to_string()})),
        "last_records": shown,
    });
    if look.json {
        print::json(&shown);
    } else {
        text(&shown, 0);
    }
    problem.map_or(Ok(()), |problem| {
        Err(Failure::new(code_of(&problem), "the report says what is wrong").told())
    })
}

fn signer_key(look: &Look) -> Result<falaj_consensus::crypto::PublicKey, Failure> {
    let validator = look.config.validator.as_ref();
    let id = validator
        .map(|validator| validator.id)
        .ok_or_else(|| Failure::new(Failure::CONFIG, "this node only follows: it has no guard"))?;
    Ok(key_of_member(&look.genesis, id)?.clone())
}

fn identity(look: &Look) -> Result<Identity, Failure> {
    Ok(Identity {
        chain: look.genesis.chain(),
        key: signer_key(look)?,
    })
}

/// The signer as a start would load it, under the set of the genesis.
fn load(look: &Look, identity: Identity, records: Vec<(Position, Vec<u8>)>) -> Signer {
    let set = Arc::new(look.genesis.validators.clone());
    Signer::load(identity, Arc::new(RealChecker), Ok(records), &[set], None)
}

/// A guard of validator sets that are not in the genesis is not damaged; only the node can judge it.
const fn code_of(problem: &GuardProblem) -> u8 {
    match problem {
        GuardProblem::Foreign => Failure::CONFIG,
        GuardProblem::SetsUnknown { .. } => Failure::CHECK,
        GuardProblem::Unreadable { .. } => Failure::DISK,
        GuardProblem::Lost
        | GuardProblem::Damaged { .. }
        | GuardProblem::BadRecord { .. }
        | GuardProblem::Older { .. } => Failure::DATA,
    }
}

fn entry((position, bytes): &(Position, Vec<u8>)) -> Value {
    let Ok(record) = Record::decode(bytes) else {
        return json!({"record": position.get(), "what": "not a record of this version"});
    };
    json!({
        "record": position.get(),
        "what": match record.kind {
            RecordKind::Floor => "floor",
            RecordKind::Statement => match record.state {
                Some(StatementState::Intent) => "intent",
                Some(StatementState::Signed) | None => "signed",
            },
            RecordKind::Latch => "latch",
            RecordKind::Unlatch => "unlatch",
            RecordKind::Accept => "accept",
        },
        "place": place(record.place()),
        "latched": record.latch.map(latch),
        "locked_round": record.locked_round.map(falaj_consensus::types::Round::get),
        "locked_value": record.locked_value.map(|id| id.to_string()),
    })
}

fn place(place: Place) -> Value {
    json!({"height": place.height.get(), "round": place.round.get(), "step": place.step.name()})
}

const fn latch(latch: Latch) -> &'static str {
    match latch {
        Latch::OwnKeyElsewhere => "own_key_elsewhere",
        Latch::GuardOlder => "guard_older",
        Latch::Diverged => "diverged",
        Latch::Operator => "operator",
    }
}
