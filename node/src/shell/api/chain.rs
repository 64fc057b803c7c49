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
use crate::shell::form::ParameterValues;

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
    parameters: ParameterValues,
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
    ParametersView {
        height,
        hash: found.hash().to_hex(),
        parameters: ParameterValues::of(found),
    }
}
