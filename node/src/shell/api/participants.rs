//! Participants and currencies.

use axum::Json;
use axum::extract::State;
use falaj_ledger::currency::{Currency, CurrencyCode};
use falaj_ledger::participant::Participant;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::context::Api;
use super::problem::Problem;
use super::request::{self, Named};
use super::views::{KeyView, Page};

/// An institution.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ParticipantView {
    /// Its number.
    number: u32,
    /// Hash of its LEI or BIC.
    identity: String,
    /// What it may be.
    roles: Vec<&'static str>,
    /// The institution through which it takes part.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u32>,
    /// Country of residency.
    residency: String,
    /// The most pinned failures that the dedup map may hold of it.
    quota: u32,
    /// The keys that speak for it.
    keys: Vec<ParticipantKeyView>,
}

/// A key that speaks for a participant, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ParticipantKeyView {
    /// The key.
    key: KeyView,
    /// First height at which it speaks.
    valid_from: u64,
    /// Last height, if there is an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<u64>,
}

/// A currency and its supply.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CurrencyView {
    /// Its code.
    code: String,
    /// Decimals of its minor unit.
    scale: u8,
    /// In circulation: issued minus redeemed.
    supply: String,
    /// Issued so far, genesis included.
    issued: String,
    /// Redeemed so far.
    redeemed: String,
    /// The most that may be in circulation.
    cap: String,
    /// The most that may be issued within a day.
    rolling_cap: String,
    /// The account whose debits are issues.
    issuance_account: String,
}

/// All participants, in order of number.
#[utoipa::path(
    get,
    path = "/v1/participants",
    tag = "participants",
    responses((status = 200, description = "All of them.", body = Page<ParticipantView>)),
)]
pub(super) async fn participants(State(api): State<Arc<Api>>) -> Json<Page<ParticipantView>> {
    let snapshot = api.snapshot();
    Json(Page {
        height: snapshot.height().get(),
        items: snapshot
            .state
            .participants()
            .map(|found| participant_view(&found))
            .collect(),
        next: None,
    })
}

/// A participant.
#[utoipa::path(
    get,
    path = "/v1/participants/{number}",
    tag = "participants",
    params(("number" = u32, Path, description = "Its number.")),
    responses((status = 200, description = "The participant.", body = ParticipantView)),
)]
pub(super) async fn participant(
    State(api): State<Arc<Api>>,
    Named(number): Named<String>,
) -> Result<Json<ParticipantView>, Problem> {
    let found = api
        .snapshot()
        .state
        .participant(request::participant(&number)?);
    let found = found.ok_or_else(|| Problem::not_found("there is no such participant"))?;
    Ok(Json(participant_view(&found)))
}

/// All currencies with their supply, in order of code.
#[utoipa::path(
    get,
    path = "/v1/currencies",
    tag = "currencies",
    responses((status = 200, description = "All of them.", body = Page<CurrencyView>)),
)]
pub(super) async fn currencies(State(api): State<Arc<Api>>) -> Json<Page<CurrencyView>> {
    let snapshot = api.snapshot();
    Json(Page {
        height: snapshot.height().get(),
        items: snapshot
            .state
            .currencies()
            .map(|found| currency_view(&api, &found))
            .collect(),
        next: None,
    })
}

/// A currency with its supply.
#[utoipa::path(
    get,
    path = "/v1/currencies/{code}",
    tag = "currencies",
    params(("code" = String, Path, description = "Three capital letters.")),
    responses((status = 200, description = "The currency.", body = CurrencyView)),
)]
pub(super) async fn currency(
    State(api): State<Arc<Api>>,
    Named(code): Named<String>,
) -> Result<Json<CurrencyView>, Problem> {
    let found = CurrencyCode::parse(&code).and_then(|code| api.snapshot().state.currency(code));
    let found = found.ok_or_else(|| Problem::not_found("there is no such currency"))?;
    Ok(Json(currency_view(&api, &found)))
}

fn participant_view(found: &Participant) -> ParticipantView {
    ParticipantView {
        number: found.number.get(),
        identity: found.identity.to_hex(),
        roles: found.roles.names().collect(),
        parent: found
            .parent
            .map(falaj_ledger::participant::ParticipantNumber::get),
        residency: found.residency.to_string(),
        quota: found.quota,
        keys: found
            .keys
            .iter()
            .map(|held| ParticipantKeyView {
                key: KeyView::of(&held.key),
                valid_from: held.valid_from.get(),
                valid_until: held.valid_until.map(falaj_consensus::types::Height::get),
            })
            .collect(),
    }
}

fn currency_view(api: &Api, found: &Currency) -> CurrencyView {
    let decimal = |units: falaj_ledger::amount::Units| units.to_decimal(found.scale);
    CurrencyView {
        code: found.code.to_string(),
        scale: found.scale.get(),
        supply: decimal(found.supply()),
        issued: decimal(found.issued),
        redeemed: decimal(found.redeemed),
        cap: decimal(found.cap),
        rolling_cap: decimal(found.rolling_cap),
        issuance_account: found.issuance_account.to_text(&api.node.genesis.network),
    }
}
