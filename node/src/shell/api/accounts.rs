//! Accounts: what they hold after the last final block, or one of the last few, alone or with the proof of it.
//!
//! Invariant: one answer is of one snapshot, named by its height; a cursor keeps that height, so pages that are read over several blocks are
//! pages of one state, or say that it is gone.
//! An older state is never computed: it is one that is still whole in memory, so that it is proven like the newest, or it is gone.
//! Source: `docs/spec/api.md`, "As of a height".

use axum::Json;
use axum::extract::State;
use falaj_ledger::account::{Account, AccountId, Controllers, NetworkPrefix};
use falaj_ledger::bundle::{AccountBundle, Bundle};
use falaj_ledger::state::{self, decode_record, key};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

use super::context::Api;
use super::problem::Problem;
use super::request::{self, Asked, Named};
use super::transaction::BundleView;
use super::views::{KeyView, Page, decimal, page_length, signed};
use crate::shell::view::Snapshot;

/// An account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AccountView {
    /// Its id.
    id: String,
    /// The participant that serves it.
    participant: u32,
    /// Its currency.
    currency: String,
    /// What it is for.
    kind: &'static str,
    /// Credits minus debits; negative for an issuance account alone.
    posted: String,
    /// What can be debited.
    available: String,
    /// Debits since it was opened.
    debits: String,
    /// Credits since it was opened.
    credits: String,
    /// How many transactions have changed it.
    version: u64,
    /// Whose signatures a debit needs; absent: any key of the participant.
    #[serde(skip_serializing_if = "Option::is_none")]
    controllers: Option<ControllersView>,
    /// Height of the block that opened it; 0 for genesis.
    opened_height: u64,
    /// Commitment to the owner's screening.
    #[serde(skip_serializing_if = "Option::is_none")]
    kyc: Option<String>,
}

/// Keys of which a threshold must sign.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ControllersView {
    /// How many must sign.
    threshold: u8,
    /// The keys.
    keys: Vec<KeyView>,
}

/// An account after a block.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AccountAnswer {
    /// Height of the block.
    height: u64,
    /// Its time in microseconds since the Unix epoch.
    time_us: u64,
    /// The account; absent if there is none, which only the proof shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView>,
    /// The proof, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<BundleView>,
}

/// `?proof=&height=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WithProof {
    /// Give the proof against the certificate of the height too, also that there is no such account.
    #[serde(default)]
    proof: bool,
    /// As it was after the block of this height; the last final one if absent. Only the last few are kept.
    height: Option<u64>,
}

/// `?participant=&after=&limit=&height=&cursor=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Accounts {
    /// Accounts whose ids begin with this participant's number.
    participant: Option<u32>,
    /// Begin after this id.
    after: Option<String>,
    /// Most entries: 100 if absent, at most 1,000.
    limit: Option<usize>,
    /// As they were after the block of this height; the last final one if absent. Only the last few are kept.
    height: Option<u64>,
    /// `next` of the page before, in place of `after` and `height`: the list goes on as it was after the same block.
    cursor: Option<String>,
}

/// Where a page begins, in the state after which block.
struct Begin {
    height: Option<u64>,
    after: Option<AccountId>,
}

/// An account after the last final block, or one of the last few.
///
/// 410 once the state after that block is no longer kept.
#[utoipa::path(
    get,
    path = "/v1/accounts/{id}",
    operation_id = "account",
    tag = "accounts",
    params(("id" = String, Path, description = "Its id, bech32m of this network."), WithProof),
    responses((status = 200, description = "The account.", body = AccountAnswer)),
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    Asked(WithProof { proof, height }): Asked<WithProof>,
) -> Result<Json<AccountAnswer>, Problem> {
    let id = request::account(&id, &api.node.genesis.network)?;
    let snapshot = api.snapshot_at(height)?;
    let account = snapshot.state.account(id);
    let height = snapshot.height().get();
    if account.is_none() && !proof {
        return Err(Problem::not_found("there is no such account").at_height(height));
    }
    let proof = if proof {
        Some(prove(&api, &snapshot, id)?)
    } else {
        None
    };
    Ok(Json(AccountAnswer {
        height,
        time_us: snapshot.state.time_us(),
        account: account.map(|account| view(&snapshot.state, &api, id, &account)),
        proof,
    }))
}

/// Accounts in order of id, a page at a time; all pages of a cursor are of one block.
///
/// 410 once the state after that block is no longer kept: the list begins anew.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    operation_id = "accounts",
    tag = "accounts",
    params(Accounts),
    responses((status = 200, description = "A page.", body = Page<AccountView>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<Accounts>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let network = &api.node.genesis.network;
    let Begin { height, after } = begin(&asked, network)?;
    let limit = page_length(asked.limit);
    let snapshot = api.snapshot_at(height)?;
    let prefix = asked.participant.map(u32::to_be_bytes).unwrap_or_default();
    let start = after.unwrap_or_else(|| first_of(prefix));
    let wanted = |id: &AccountId| asked.participant.is_none() || id.bytes().starts_with(&prefix);
    let mut rows = from(&snapshot.state, start)
        .filter(|(id, _)| Some(*id) != after)
        .take_while(|(id, _)| wanted(id));
    let page: Vec<_> = rows.by_ref().take(limit).collect();
    let more = rows.next().is_some();
    let height = snapshot.height().get();
    let last = page.last().filter(|_| more);
    Ok(Json(Page {
        height,
        items: page
            .iter()
            .map(|(id, account)| view(&snapshot.state, &api, *id, account))
            .collect(),
        next: last.map(|(id, _)| format!("{height}.{}", id.to_text(network))),
    }))
}

fn begin(asked: &Accounts, network: &NetworkPrefix) -> Result<Begin, Problem> {
    let account = |id| request::account(id, network);
    let Some(cursor) = &asked.cursor else {
        let (height, after) = (asked.height, asked.after.as_deref());
        let after = after.map(account).transpose()?;
        return Ok(Begin { height, after });
    };
    let alone = asked.after.is_none() && asked.height.is_none();
    let both = cursor.split_once('.').filter(|_| alone);
    let detail = "`next` of a page, without `after` and `height`";
    let (height, after) = both.ok_or_else(|| Problem::bad_parameter("cursor", detail))?;
    Ok(Begin {
        height: Some(request::number(height, "cursor")?),
        after: Some(account(after)?),
    })
}

fn first_of(prefix: [u8; 4]) -> AccountId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&prefix);
    AccountId::from_bytes(bytes)
}

/// Accounts from an id on, that id included.
fn from(state: &state::State, start: AccountId) -> impl Iterator<Item = (AccountId, Account)> + '_ {
    let entries = state.map().iter_from(&key::account(start));
    entries.map_while(|(key, value)| {
        let id = <[u8; 16]>::try_from(key.strip_prefix(key::ACCOUNTS)?).ok()?;
        Some((AccountId::from_bytes(id), decode_record(value)?))
    })
}

fn prove(api: &Api, snapshot: &Snapshot, id: AccountId) -> Result<BundleView, Problem> {
    let bundle = AccountBundle {
        certified: api.certified(snapshot)?,
        id,
        account: snapshot.state.account(id),
        path: snapshot.state.prove(&key::account(id)),
    };
    Ok(BundleView::of(&Bundle::Account(bundle)))
}

fn view(state: &state::State, api: &Api, id: AccountId, account: &Account) -> AccountView {
    let code = account.currency;
    let controllers = match &account.controllers {
        Controllers::Participant => None,
        Controllers::Keys(keys) => Some(ControllersView {
            threshold: keys.threshold(),
            keys: keys.keys().iter().map(KeyView::of).collect(),
        }),
    };
    AccountView {
        id: id.to_text(&api.node.genesis.network),
        participant: account.participant.get(),
        currency: code.to_string(),
        kind: account.kind.name(),
        posted: signed(state, code, account.posted()),
        available: decimal(state, code, account.available().units()),
        debits: decimal(state, code, account.debits),
        credits: decimal(state, code, account.credits),
        version: account.version,
        controllers,
        opened_height: account.opened.height.get(),
        kyc: account.kyc.map(|commitment| commitment.hash().to_hex()),
    }
}
