//! `falaj account`: accounts as a node has them, with their proofs, and their ids.
//!
//! Invariant: what a node says of a balance is shown as its word; `falaj account proof` gives what needs no trust.
//! Source: `docs/spec/api.md`; `docs/spec/ledger.md`, "Account".

mod id;
mod seen;

use clap::{Args, Subcommand};
use falaj_ledger::bundle::VerifiedBundle;
use serde_json::Value;
use std::path::PathBuf;

use super::client::Client;
use super::endpoint::Endpoint;
use super::genesis::GenesisArgs;
use super::proof::Proof;
use super::{Failure, Scene, names, print, proof, receipt};
use seen::{AccountSeen, AnswerSeen, PageSeen};

/// Entries that a page of the API holds at most.
const PAGE: u64 = 1_000;

/// Looks at accounts.
#[derive(Subcommand)]
pub(super) enum Account {
    /// Show an account after the last final block.
    Show(One),
    /// Show what accounts hold, a line each.
    Balance(Many),
    /// List accounts in order of id.
    List(List),
    /// Get an account with the proof of it, or that there is none, as a file that stands for itself.
    Proof(Prove),
    /// Make or read an account's id; no node is asked.
    Id(id::Id),
}

/// An account.
#[derive(Args)]
pub(super) struct One {
    /// The account's id.
    id: String,
    #[command(flatten)]
    endpoint: Endpoint,
}

/// Some accounts.
#[derive(Args)]
pub(super) struct Many {
    /// The accounts' ids.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    endpoint: Endpoint,
}

/// Accounts in order.
#[derive(Args)]
pub(super) struct List {
    /// Accounts whose ids begin with this participant's number.
    #[arg(long)]
    participant: Option<u32>,
    /// Begin after this id.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Most accounts to list.
    #[arg(long, default_value_t = 100)]
    limit: u64,
    #[command(flatten)]
    endpoint: Endpoint,
}

/// An account's proof.
#[derive(Args)]
pub(super) struct Prove {
    /// The account's id.
    id: String,
    /// The file to make; without it, the bundle is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    endpoint: Endpoint,
    #[command(flatten)]
    genesis: GenesisArgs,
}

impl Account {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Show(one) => one.run(scene),
            Self::Balance(many) => many.run(scene),
            Self::List(list) => list.run(scene),
            Self::Proof(prove) => prove.run(scene),
            Self::Id(id) => id.run(scene),
        }
    }
}

impl One {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let (raw, seen) = ask(&self.endpoint.client(scene)?, &self.id)?;
        if scene.json {
            print::json(&raw);
        } else {
            seen.lines().iter().for_each(|line| print::line(line));
        }
        Ok(())
    }
}

impl Many {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let client = self.endpoint.client(scene)?;
        for id in &self.ids {
            let (_, seen) = ask(&client, id)?;
            if scene.json {
                print::json(&seen.balance());
            } else {
                print::line(&seen.account.line());
            }
        }
        Ok(())
    }
}

impl List {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let client = self.endpoint.client(scene)?;
        self.after.as_deref().map(segment).transpose()?;
        let (mut left, mut cursor) = (self.limit, None);
        while left > 0 {
            let page: PageSeen = client.get(&self.path(left, cursor.as_deref()))?.json()?;
            left = left.saturating_sub(u64::try_from(page.items.len()).unwrap_or(u64::MAX));
            for item in &page.items {
                show(scene, item)?;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// The next page: of the state that the cursor keeps, or the first one.
    fn path(&self, left: u64, cursor: Option<&str>) -> String {
        let participant = self
            .participant
            .map(|number| format!("&participant={number}"));
        let begin = match (cursor, &self.after) {
            (Some(cursor), _) => format!("&cursor={cursor}"),
            (None, Some(id)) => format!("&after={id}"),
            (None, None) => String::new(),
        };
        let limit = left.min(PAGE);
        format!(
            "/v1/accounts?limit={limit}{}{begin}",
            participant.unwrap_or_default(),
        )
    }
}

fn show(scene: &Scene, item: &Value) -> Result<(), Failure> {
    if scene.json {
        print::json(item);
    } else {
        let seen: AccountSeen = seen::of(item)?;
        print::line(&seen.line());
    }
    Ok(())
}

impl Prove {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let client = self.endpoint.client(scene)?;
        let path = format!("/v1/accounts/{}?proof=true", segment(&self.id)?);
        let AnswerSeen { proof, .. } = client.get(&path)?.json()?;
        let proof = proof.unwrap_or_default();
        let bundle = proof::of_api(&proof)?;
        let is_asked = |proof: &Proof<'_>| {
            let VerifiedBundle::Account(found) = &proof.verified else {
                return false;
            };
            names::of_account(found.id, proof.genesis) == self.id
        };
        receipt::keep(scene, &self.genesis, &bundle, self.out.as_deref(), is_asked)
    }
}

fn ask(client: &Client, id: &str) -> Result<(Value, seen::Held), Failure> {
    let answer = client.get(&format!("/v1/accounts/{}", segment(id)?))?;
    let raw: Value = answer.json()?;
    let AnswerSeen {
        height, account, ..
    } = answer.json()?;
    let account =
        account.ok_or_else(|| proof::other("not-found", format!("there is no account {id}")))?;
    Ok((raw, seen::Held { height, account }))
}

/// An id as a part of a path: bech32m has letters and digits alone.
fn segment(id: &str) -> Result<&str, Failure> {
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(id);
    }
    Err(Failure::new(
        Failure::USAGE,
        format!("{id:?} is no account id: letters and digits are needed"),
    ))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        list: List,
    }

    // docs/spec/api.md, "As of a height": the pages after the first are of its block, whatever id the list began after.
    #[test]
    fn a_list_goes_on_with_the_cursor_alone() {
        let typed = Typed::parse_from(["list", "--participant", "2", "--after", "a"]);
        let first = typed.list.path(2_000, None);
        assert_eq!(first, "/v1/accounts?limit=1000&participant=2&after=a");
        let second = typed.list.path(3, Some("7.b"));
        assert_eq!(second, "/v1/accounts?limit=3&participant=2&cursor=7.b");
    }
}
