//! What a checked bundle proves, in words and for programs.
//!
//! Invariant: nothing is said that the certificate does not cover; what a bundle leaves open is said too.

use falaj_ledger::account::Account;
use falaj_ledger::amount::Amount;
use falaj_ledger::bundle::{
    VerifiedAccount, VerifiedBundle, VerifiedEvent, VerifiedLogExtension, VerifiedNoExecution,
    VerifiedReceipt,
};
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::event::EventKind;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::receipt::Verdict;
use falaj_ledger::rejection::Rejection;
use serde_json::{Map, Value, json};

use super::Proof;
use crate::shell::cli::names::{money, of_account, of_key};
use crate::shell::cli::print::row;
use crate::shell::cli::time::utc;

pub(super) fn lines(proof: &Proof<'_>) -> Vec<String> {
    let (at, genesis) = (proof.at(), proof.genesis);
    let mut lines = match &proof.verified {
        VerifiedBundle::Receipt(found) => receipt(found),
        VerifiedBundle::NoExecution(found) => no_execution(found),
        VerifiedBundle::Account(found) => account(proof, found),
        VerifiedBundle::Event(found) => event(proof, found),
        VerifiedBundle::LogExtension(found) => log_extension(found),
    };
    let block = format!("height {}, at {}", at.height, utc(at.time_us));
    let (signers, all) = (at.signers, at.validators);
    lines.push(row("block", &block));
    lines.push(row(
        "certified",
        &format!("by {signers} of {all} validators"),
    ));
    lines.push(row(
        "under",
        &format!("genesis {} of {}", genesis.hash(), genesis.chain_id),
    ));
    lines
}

fn receipt(found: &VerifiedReceipt) -> Vec<String> {
    let receipt = &found.receipt;
    let said = match receipt.verdict {
        Verdict::Executed => "was executed".to_owned(),
        Verdict::Failed { code, pinned: true } => {
            format!("failed, finally for this id: {code}")
        }
        Verdict::Failed {
            code,
            pinned: false,
        } => {
            format!("failed in this block, and its id may still be used: {code}")
        }
        Verdict::Skipped { code, original } => {
            let where_first = original.map(|first| {
                let place = first.place;
                format!(
                    "; the first of this id is at height {}, index {}",
                    place.height, place.index
                )
            });
            format!(
                "was passed over in this block: {code}{}",
                where_first.unwrap_or_default()
            )
        }
    };
    vec![
        row(
            "proven",
            &format!("transaction {} {said}", of_key(receipt.key)),
        ),
        row("index", &receipt.place.index.to_string()),
        row("body hash", &receipt.body_hash.hash().to_hex()),
    ]
}

fn no_execution(found: &VerifiedNoExecution) -> Vec<String> {
    let of_which = match found.valid_until_ms {
        None => "whatever its window".to_owned(),
        Some(until_ms) => format!(
            "if its window ends at {} or before; compare that with the transaction",
            utc(until_ms.saturating_mul(1_000))
        ),
    };
    let key = of_key(found.key);
    vec![row(
        "proven",
        &format!("transaction {key} was not executed and never will be, {of_which}"),
    )]
}

fn account(proof: &Proof<'_>, found: &VerifiedAccount) -> Vec<String> {
    let id = of_account(found.id, proof.genesis);
    let Some(account) = &found.account else {
        let text = format!("there was no account {id} after this block");
        return vec![row("proven", &text)];
    };
    let posted = money(account.posted(), account.currency, proof.genesis);
    let text =
        format!("account {id} held {posted} after this block; later blocks may have changed it");
    let of = format!(
        "participant {}, {}, version {}",
        account.participant.get(),
        account.kind.name(),
        account.version
    );
    vec![row("proven", &text), row("account", &of)]
}

fn event(proof: &Proof<'_>, found: &VerifiedEvent) -> Vec<String> {
    let event = &found.event;
    let place = event.place;
    let text = format!(
        "event {}: {}",
        event.sequence,
        what(&event.kind, proof.genesis)
    );
    let cause = match event.cause {
        Some(cause) => format!("transaction {}", of_key(cause)),
        None => "the block".to_owned(),
    };
    let by = format!("{cause} at height {}, index {}", place.height, place.index);
    vec![row("proven", &text), row("caused by", &by)]
}

/// What happened, in a line.
fn what(kind: &EventKind, genesis: &Genesis) -> String {
    let account = |id| of_account(id, genesis);
    match kind {
        EventKind::AccountOpened {
            account: id,
            currency,
            kind,
        } => format!(
            "account {} was opened, {} in {currency}",
            account(*id),
            kind.name()
        ),
        EventKind::Transferred {
            debit,
            credit,
            currency,
            amount,
        } => {
            let (debit, credit) = (account(*debit), account(*credit));
            format!(
                "{} went from {debit} to {credit}",
                money_of(*amount, *currency, genesis)
            )
        }
        EventKind::Proposed {
            proposal,
            authority,
        } => format!(
            "proposal {proposal} was made to authority {}",
            authority.get()
        ),
        EventKind::Approved {
            proposal,
            approvals,
        } => format!("proposal {proposal} has {approvals} approvals"),
        EventKind::Issued { proposal, change } => {
            let amount = money_of(change.amount, change.currency, genesis);
            format!(
                "{amount} was issued to {} by proposal {proposal}",
                account(change.account)
            )
        }
        EventKind::Vetoed { proposal } => format!("proposal {proposal} was vetoed"),
        EventKind::Redeemed { proposal, change } => {
            let amount = money_of(change.amount, change.currency, genesis);
            format!(
                "{amount} was redeemed from {} by proposal {proposal}",
                account(change.account)
            )
        }
        EventKind::ValidatorsChanged {
            proposal,
            from,
            set,
        } => format!("from height {from} on the validators are {set}, by proposal {proposal}"),
        EventKind::ParametersChanged {
            proposal,
            from,
            parameters,
        } => {
            format!("from height {from} on the parameters are {parameters}, by proposal {proposal}")
        }
        EventKind::OffenceProven {
            evidence,
            height,
            validator,
            kind,
        } => format!(
            "evidence {evidence} proves {} by validator {validator} at height {height}",
            kind.name()
        ),
        EventKind::GateScheduled {
            proposal,
            feature,
            from,
        } => format!("feature {feature} comes into force at height {from}, by proposal {proposal}"),
        EventKind::GateWithdrawn { proposal, feature } => {
            format!("feature {feature} does not come into force, by proposal {proposal}")
        }
    }
}

fn money_of(amount: Amount, currency: CurrencyCode, genesis: &Genesis) -> String {
    money(i128::from(amount.get()), currency, genesis)
}

fn log_extension(found: &VerifiedLogExtension) -> Vec<String> {
    let (earlier, later) = (found.earlier.height, found.at.height);
    let text = format!(
        "the {} events up to height {later} begin with the {} events up to height {earlier}",
        found.events, found.earlier_events
    );
    vec![row("proven", &text)]
}

pub(super) fn json(proof: &Proof<'_>) -> Value {
    let (at, genesis) = (proof.at(), proof.genesis);
    let mut fields = Map::new();
    let common = json!({
        "verified": true, "kind": proof.kind, "chain": genesis.chain_id, "genesis_hash": genesis.hash().to_hex(),
        "height": at.height.get(), "time_us": at.time_us, "signers": at.signers,
        "validators": at.validators,
    });
    let own = match &proof.verified {
        VerifiedBundle::Receipt(found) => receipt_json(found),
        VerifiedBundle::NoExecution(found) => json!({
            "transaction": of_key(found.key), "state": "never-executed", "valid_until_ms": found.valid_until_ms,
        }),
        VerifiedBundle::Account(found) => account_json(proof, found),
        VerifiedBundle::Event(found) => json!({
            "sequence": found.event.sequence, "transaction": found.event.cause.map(of_key),
            "event_height": found.event.place.height.get(), "index": found.event.place.index,
            "event": what(&found.event.kind, genesis),
        }),
        VerifiedBundle::LogExtension(found) => json!({
            "earlier_height": found.earlier.height.get(), "earlier_events": found.earlier_events,
            "events": found.events,
        }),
    };
    for value in [common, own] {
        if let Value::Object(more) = value {
            fields.extend(more);
        }
    }
    Value::Object(fields)
}

fn receipt_json(found: &VerifiedReceipt) -> Value {
    let receipt = &found.receipt;
    let (state, is_final) = match receipt.verdict {
        Verdict::Executed => ("executed", true),
        Verdict::Failed { pinned, .. } => ("failed", pinned),
        Verdict::Skipped { .. } => ("skipped", false),
    };
    let rejection = receipt.verdict.rejection();
    json!({
        "transaction": of_key(receipt.key), "state": state, "final": is_final, "index": receipt.place.index,
        "code": rejection.map(Rejection::code), "name": rejection.map(Rejection::name),
        "body_hash": receipt.body_hash.hash().to_hex(),
    })
}

fn account_json(proof: &Proof<'_>, found: &VerifiedAccount) -> Value {
    let id = of_account(found.id, proof.genesis);
    let held = found.account.as_ref().map(|account: &Account| {
        json!({
            "participant": account.participant.get(), "kind": account.kind.name(), "currency": account.currency.to_string(),
            "posted_minor_units": account.posted().to_string(), "version": account.version,
        })
    });
    json!({"account": id, "held": held})
}
