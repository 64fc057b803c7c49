//! The logs themselves: files, records, torn tails, damage.
//!
//! Invariant: every log is judged, also after a damaged one; the exit code is that of the first that is not whole.
//! A torn tail is what a crash leaves and the next start cuts off: it is told, and is no damage.

use clap::ValueEnum;
use falaj_consensus::durable::{LogError, LogId, Position};
use falaj_hsm::audit::AuditChain;
use serde_json::{Value, json};

use super::look::{Look, View};
use crate::shell::cli::{Failure, print};

/// A log, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::shell::cli) enum Name {
    /// Headers, bodies, certificates.
    Block,
    /// Batches of transactions.
    Batch,
    /// The signing guard.
    Guard,
    /// Signatures and refusals of the signer.
    Audit,
}

impl Name {
    const fn id(self) -> LogId {
        match self {
            Self::Block => LogId::Block,
            Self::Batch => LogId::Batch,
            Self::Guard => LogId::Guard,
            Self::Audit => LogId::Audit,
        }
    }
}

/// Judges one log or all that this node has.
pub(super) fn show(look: &Look, only: Option<Name>) -> Result<(), Failure> {
    let signs = look.config.validator.is_some();
    let mut failed = None;
    for name in Name::value_variants() {
        let log = name.id();
        let of_signer = matches!(log, LogId::Guard | LogId::Audit);
        if only.map_or(of_signer && !signs, |only| only != *name) {
            continue;
        }
        let judged = judge(look, log);
        let (view, failure) = match judged {
            Ok(view) => (view, None),
            Err(failure) => {
                let state = if failure.code() == Failure::DATA {
                    "damaged"
                } else {
                    "unreadable"
                };
                let view = json!({"log": log.name(), "state": state, "problem": failure.words(), "exit_code": failure.code()});
                (view, Some(failure.code()))
            }
        };
        if look.json {
            print::json(&view);
        } else {
            line(&view);
        }
        failed = failed.or(failure);
    }
    failed.map_or(Ok(()), |code| {
        Err(Failure::new(code, "the report says what is wrong").told())
    })
}

/// One log in a line for people.
fn line(view: &Value) {
    let word = |name: &str| {
        let text = view[name].as_str().map(str::to_owned);
        text.unwrap_or_else(|| view[name].to_string())
    };
    let (log, state) = (word("log"), word("state"));
    if view.get("problem").is_some() {
        return print::line(&format!("{log:<6} {state}: {}", word("problem")));
    }
    let (first, last, folder) = (word("first"), word("last"), word("folder"));
    print::line(&format!(
        "{log:<6} {state}: records {first} to {last} in {folder}"
    ));
    if let Some(Value::Object(torn)) = view.get("torn") {
        let (bytes, file, offset) = (&torn["bytes"], &torn["file"], &torn["offset"]);
        let whose = if torn["in_use"] == true {
            "a node works there and may be writing them"
        } else {
            "the next start cuts them off"
        };
        print::line(&format!(
            "       {bytes} bytes of {file} behind byte {offset} are no whole frame; {whose}"
        ));
    }
}

fn judge(look: &Look, log: LogId) -> Result<Value, Failure> {
    let view = look.log(log).map_err(|error| look.failed(log, error))?;
    if log == LogId::Audit {
        check_audit(look, &view)?;
    }
    let files = view.segments().into_iter().map(|segment| {
        json!({
            "file": segment.file, "first": segment.first.get(), "records": segment.records, "bytes": segment.bytes,
        })
    });
    let torn = view.torn().map(|torn| {
        json!({"file": torn.file, "offset": torn.offset, "bytes": torn.bytes, "in_use": look.is_in_use(log)})
    });
    Ok(json!({
        "log": log.name(),
        "state": if torn.is_some() { "torn" } else { "whole" },
        "folder": look.folder(log),
        "first": view.first().get(),
        "last": view.last().get(),
        "torn": torn,
        "files": files.collect::<Vec<_>>(),
    }))
}

/// The audit log's records are chained by hash.
fn check_audit(look: &Look, view: &View) -> Result<(), Failure> {
    let records: Result<Vec<_>, LogError> = view.iter_from(Position::START).collect();
    let records = records.map_err(|error| look.failed(LogId::Audit, error))?;
    AuditChain::verify(records)
        .map(drop)
        .map_err(|fault| Failure::new(Failure::DATA, fault))
}
