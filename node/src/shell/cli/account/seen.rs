//! Accounts as the API tells of them, and as they are shown.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::shell::cli::Failure;
use crate::shell::cli::print::row;

/// What is shown of an account.
#[derive(Debug, Deserialize)]
pub(super) struct AccountSeen {
    id: String,
    participant: u32,
    currency: String,
    kind: String,
    posted: String,
    available: String,
    debits: String,
    credits: String,
    version: u64,
    controllers: Option<ControllersSeen>,
    opened_height: u64,
}

#[derive(Debug, Deserialize)]
struct ControllersSeen {
    threshold: u8,
    keys: Vec<Value>,
}

/// An answer about one account.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerSeen {
    pub(super) height: u64,
    pub(super) account: Option<AccountSeen>,
    pub(super) proof: Option<Value>,
}

/// A page of accounts.
#[derive(Debug, Deserialize)]
pub(super) struct PageSeen {
    pub(super) items: Vec<Value>,
    pub(super) next: Option<String>,
}

/// An account after a block.
pub(super) struct Held {
    pub(super) height: u64,
    pub(super) account: AccountSeen,
}

/// Reads an item of a page.
pub(super) fn of(item: &Value) -> Result<AccountSeen, Failure> {
    AccountSeen::deserialize(item).map_err(|error| Failure::new(Failure::UNAVAILABLE, error))
}

impl AccountSeen {
    /// One line of a list.
    pub(super) fn line(&self) -> String {
        let (id, kind) = (&self.id, &self.kind);
        let held = format!("{} {}", self.posted, self.currency);
        format!("{id}  {kind:<10} {held:>24}")
    }
}

impl Held {
    /// For programs.
    pub(super) fn balance(&self) -> Value {
        let account = &self.account;
        json!({
            "id": account.id, "height": self.height, "currency": account.currency,
            "posted": account.posted, "available": account.available,
        })
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let account = &self.account;
        let money = |units: &str| format!("{units} {}", account.currency);
        let controllers = match &account.controllers {
            None => format!("any key of participant {}", account.participant),
            Some(found) => format!("{} of {} keys", found.threshold, found.keys.len()),
        };
        vec![
            row("account", &account.id),
            row("participant", &account.participant.to_string()),
            row("kind", &account.kind),
            row("posted", &money(&account.posted)),
            row("available", &money(&account.available)),
            row("debits", &money(&account.debits)),
            row("credits", &money(&account.credits)),
            row("version", &account.version.to_string()),
            row("debit needs", &controllers),
            row("opened", &format!("at height {}", account.opened_height)),
            row(
                "as of",
                &format!("height {}, by this node's word", self.height),
            ),
        ]
    }
}
