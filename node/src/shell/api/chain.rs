//! The chain itself: genesis, validators, parameters.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use falaj_consensus::params::Parameters;
use falaj_consensus::validator_set::Validator;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::context::Api;
use super::views::KeyView;

/// Who may certify the next height.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ValidatorsAnswer {
    /// The height they are of.
    height: u64,
    /// Hash of the set.
    set_hash: String,
    /// Power of all.
    total_power: String,
    /// Least power that is a quorum.
    quorum_power: String,
    /// The members, in order of id.
    validators: Vec<ValidatorView>,
}

/// A member of a set.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ValidatorView {
    /// Its position in the set.
    index: u16,
    /// Its id for life.
    id: u32,
    /// Its share of the votes.
    power: u64,
    /// Its consensus key.
    key: KeyView,
    /// Legal operator, as declared.
    operator: String,
    /// Site, as declared.
    site: String,
    /// Vendor of the HSM, as declared.
    hsm_vendor: String,
    /// Cloud provider, as declared; empty if none.
    cloud: String,
    /// Country of residency, as declared.
    residency: String,
}

/// Consensus parameters of the next height.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ParametersView {
    height: u64,
    hash: String,
    propose_ms: u32,
    prevote_ms: u32,
    precommit_ms: u32,
    growth_ms: u32,
    growth_rounds_max: u32,
    tick_ms: u32,
    heartbeat_ms: u32,
    block_transactions_max: u32,
    block_bytes_max: u32,
    block_batches_max: u32,
    transaction_bytes_max: u32,
    block_evidence_max: u32,
    precision_us: u64,
    delay_us: u64,
    delay_growth_us: u64,
    evidence_age_heights: u64,
    evidence_age_ms: u64,
}

/// The genesis file, with which everything else is verified.
#[utoipa::path(
    get,
    path = "/v1/genesis",
    tag = "chain",
    responses((status = 200, description = "The file.", body = String, content_type = "application/json")),
)]
pub(super) async fn genesis(State(api): State<Arc<Api>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, api.node.genesis.to_json()).into_response()
}

/// The validators of the next height.
#[utoipa::path(
    get,
    path = "/v1/validators",
    tag = "chain",
    responses((status = 200, description = "The set.", body = ValidatorsAnswer)),
)]
pub(super) async fn validators(State(api): State<Arc<Api>>) -> Json<ValidatorsAnswer> {
    let snapshot = api.snapshot();
    let height = snapshot.height().next();
    let set = snapshot.state.validators_at(height);
    let quorum = set.total_power() * 2 / 3 + 1;
    Json(ValidatorsAnswer {
        height: height.get(),
        set_hash: set.hash().to_hex(),
        total_power: set.total_power().to_string(),
        quorum_power: quorum.to_string(),
        validators: (0..)
            .zip(set.members())
            .map(|(index, member)| view(index, member))
            .collect(),
    })
}

/// The parameters of the next height.
#[utoipa::path(
    get,
    path = "/v1/parameters",
    tag = "chain",
    responses((status = 200, description = "The parameters.", body = ParametersView)),
)]
pub(super) async fn parameters(State(api): State<Arc<Api>>) -> Json<ParametersView> {
    let snapshot = api.snapshot();
    let height = snapshot.height().next();
    Json(parameters_view(
        height.get(),
        &snapshot.state.parameters_at(height),
    ))
}

fn view(index: u16, member: &Validator) -> ValidatorView {
    ValidatorView {
        index,
        id: member.id.get(),
        power: member.power.get(),
        key: KeyView::of(&member.key),
        operator: member.declared.operator.clone(),
        site: member.declared.site.clone(),
        hsm_vendor: member.declared.hsm_vendor.clone(),
        cloud: member.declared.cloud.clone(),
        residency: member.declared.residency.clone(),
    }
}

fn parameters_view(height: u64, found: &Parameters) -> ParametersView {
    let (timeouts, limits) = (found.timeouts, found.limits);
    ParametersView {
        height,
        hash: found.hash().to_hex(),
        propose_ms: timeouts.propose_ms,
        prevote_ms: timeouts.prevote_ms,
        precommit_ms: timeouts.precommit_ms,
        growth_ms: timeouts.growth_ms,
        growth_rounds_max: timeouts.growth_rounds_max,
        tick_ms: timeouts.tick_ms,
        heartbeat_ms: timeouts.heartbeat_ms,
        block_transactions_max: limits.block_transactions_max,
        block_bytes_max: limits.block_bytes_max,
        block_batches_max: limits.block_batches_max,
        transaction_bytes_max: limits.transaction_bytes_max,
        block_evidence_max: limits.block_evidence_max,
        precision_us: found.precision_us,
        delay_us: found.delay_us,
        delay_growth_us: found.delay_growth_us,
        evidence_age_heights: found.evidence_age_heights,
        evidence_age_ms: found.evidence_age_ms,
    }
}
