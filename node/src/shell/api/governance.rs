//! Authorities and what is before them.

use axum::Json;
use axum::extract::State;
use falaj_consensus::types::Hash32;
use falaj_ledger::authority::{Authority, AuthorityId};
use falaj_ledger::proposal::{Proposal, ProposalId};
use falaj_ledger::state::State as Ledger;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::context::Api;
use super::problem::Problem;
use super::request::Named;
use super::views::{KeyView, Page, decimal};
use crate::shell::form::ActionForm;

/// An authority.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AuthorityView {
    /// Its number.
    id: u32,
    /// What it decides: `issue`, `redeem`, `parameters` or `validators`.
    class: &'static str,
    /// Of which currency, if it moves money.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// The participant in whose name its members submit.
    participant: u32,
    /// One key a person.
    members: Vec<KeyView>,
    /// How many members must approve.
    threshold: u8,
    /// The most it may move within a day, if it moves money.
    #[serde(skip_serializing_if = "Option::is_none")]
    rolling_cap: Option<String>,
    /// How long after a proposal it may be executed, in milliseconds.
    delay_ms: u64,
    /// Keys any of which can veto.
    vetoers: Vec<KeyView>,
}

/// A proposal that is open or vetoed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ProposalView {
    /// Its id.
    id: String,
    /// The authority that decides.
    authority: u32,
    /// What is proposed.
    action: ActionForm,
    /// The participant in whose name it was submitted.
    participant: u32,
    /// The keys that proposed it.
    proposers: Vec<KeyView>,
    /// The keys that approved it, in order.
    approvals: Vec<KeyView>,
    /// How many approvals it needs; absent if the authority is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<u8>,
    /// Whether it was stopped.
    vetoed: bool,
    /// Height of the block that made it.
    made_height: u64,
    /// Block time when it was made, in microseconds since the Unix epoch.
    made_us: u64,
    /// Block time from which it is stale.
    expires_us: u64,
}

/// All authorities, in order of number.
#[utoipa::path(
    get,
    path = "/v1/authorities",
    tag = "governance",
    responses((status = 200, description = "All of them.", body = Page<AuthorityView>)),
)]
pub(super) async fn authorities(State(api): State<Arc<Api>>) -> Json<Page<AuthorityView>> {
    let snapshot = api.snapshot();
    let state = &snapshot.state;
    Json(Page {
        height: snapshot.height().get(),
        items: state
            .authorities()
            .map(|found| authority_view(state, &found))
            .collect(),
        next: None,
    })
}

/// An authority.
#[utoipa::path(
    get,
    path = "/v1/authorities/{id}",
    tag = "governance",
    params(("id" = u32, Path, description = "Its number.")),
    responses((status = 200, description = "The authority.", body = AuthorityView)),
)]
pub(super) async fn authority(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
) -> Result<Json<AuthorityView>, Problem> {
    let snapshot = api.snapshot();
    let id = id.parse().ok().map(AuthorityId::new);
    let found = id.and_then(|id| snapshot.state.authority(id));
    let found = found.ok_or_else(|| Problem::not_found("there is no such authority"))?;
    Ok(Json(authority_view(&snapshot.state, &found)))
}

/// All proposals that are open, or vetoed and not yet expired.
#[utoipa::path(
    get,
    path = "/v1/proposals",
    tag = "governance",
    responses((status = 200, description = "All of them.", body = Page<ProposalView>)),
)]
pub(super) async fn proposals(State(api): State<Arc<Api>>) -> Json<Page<ProposalView>> {
    let snapshot = api.snapshot();
    let rows = snapshot.state.proposals();
    Json(Page {
        height: snapshot.height().get(),
        items: rows
            .map(|(id, found)| proposal_view(&api, &snapshot.state, id, &found))
            .collect(),
        next: None,
    })
}

/// A proposal. One that was executed or has expired is no longer in the state; its transactions are found by their ids.
#[utoipa::path(
    get,
    path = "/v1/proposals/{id}",
    tag = "governance",
    params(("id" = String, Path, description = "Its id, 64 hexadecimal digits.")),
    responses((status = 200, description = "The proposal.", body = ProposalView)),
)]
pub(super) async fn proposal(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
) -> Result<Json<ProposalView>, Problem> {
    let hash = Hash32::from_hex(&id)
        .ok_or_else(|| Problem::bad_parameter("id", "64 small hexadecimal digits are needed"))?;
    let (id, snapshot) = (ProposalId::new(hash), api.snapshot());
    let found = snapshot.state.proposal(id);
    let found = found.ok_or_else(|| Problem::not_found("no such proposal is open"))?;
    Ok(Json(proposal_view(&api, &snapshot.state, id, &found)))
}

fn authority_view(state: &Ledger, found: &Authority) -> AuthorityView {
    let code = found.class.currency();
    AuthorityView {
        id: found.id.get(),
        class: found.class.name(),
        currency: code.map(|code| code.to_string()),
        participant: found.participant.get(),
        members: found.members.iter().map(KeyView::of).collect(),
        threshold: found.threshold,
        rolling_cap: code.map(|code| decimal(state, code, found.rolling_cap)),
        delay_ms: found.delay_ms,
        vetoers: found.vetoers.iter().map(KeyView::of).collect(),
    }
}

fn proposal_view(api: &Api, state: &Ledger, id: ProposalId, found: &Proposal) -> ProposalView {
    ProposalView {
        id: id.to_string(),
        authority: found.authority.get(),
        action: ActionForm::of(&found.action, &api.node.genesis),
        participant: found.participant.get(),
        proposers: found.proposers.iter().map(KeyView::of).collect(),
        approvals: found.approvals.iter().map(KeyView::of).collect(),
        threshold: state
            .authority(found.authority)
            .map(|authority| authority.threshold),
        vetoed: found.vetoed,
        made_height: found.made.height.get(),
        made_us: found.made_us,
        expires_us: found.expires_us,
    }
}
