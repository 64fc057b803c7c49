//! From JSON to the bytes to sign, and a try without consequence.
//!
//! Invariant: neither changes anything; what `:encode` gives is a function of its input, the genesis and, for a missing id, the clock and chance.
//! Source: `docs/spec/api.md`, "Transactions in JSON".

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use data_encoding::BASE64;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::execute::precheck;
use falaj_ledger::transaction::{SignedTx, TxId, sign_bytes};
use falaj_ledger::validate::check;
use ring::rand::SecureRandom as _;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::body::WholeBody;
use super::context::Api;
use super::problem::Problem;
use super::request::{self, Form};
use super::submit::Submission;
use crate::shell::form::{ApprovalForm, DraftForm, SignedForm, TransactionForm};

/// The bytes of a transaction.
#[derive(Serialize, ToSchema)]
pub(super) struct Encoded {
    /// The same in JSON, with everything that was left open filled in.
    transaction: TransactionForm,
    /// The body in borsh and base64.
    body: String,
    /// Hash of the body, as its receipt will state it.
    body_hash: String,
    /// What each approval signs, in base64.
    sign_bytes: String,
    /// The whole transaction in base64, to submit; absent without approvals.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
}

/// What would become of a transaction.
#[derive(Serialize, ToSchema)]
pub(super) struct Simulated {
    /// Whether it would be executed.
    executed: bool,
    /// Why not: the stable number.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// The code's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// The code's meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'static str>,
    /// Height of the state it was tried on.
    height: u64,
    /// The transaction in JSON, if its bytes are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<SignedForm>,
}

/// Gives the bytes to sign for a transaction in JSON, and with approvals the bytes to submit.
#[utoipa::path(
    post,
    path = "/v1/transactions:encode",
    tag = "transactions",
    request_body = DraftForm,
    responses((status = 200, description = "The bytes.", body = Encoded)),
)]
pub(super) async fn encode(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Encoded>, Problem> {
    let whole = api.bodies.read(&headers, body).await?;
    let DraftForm {
        transaction,
        approvals,
    } = request::json(&whole.bytes)?;
    let genesis = &api.node.genesis;
    let body = transaction.to_body(genesis, fresh_id(&api)?)?;
    let approvals = approvals
        .iter()
        .map(ApprovalForm::to_approval)
        .collect::<Result<Vec<_>, _>>()?;
    let signed = if approvals.is_empty() {
        None
    } else {
        let wrong = || Problem::malformed("approvals", "1 to 16 of distinct keys are needed");
        let signed = SignedTx::new(body.clone(), approvals).ok_or_else(wrong)?;
        Some(BASE64.encode(&signed.to_bytes()))
    };
    Ok(Json(Encoded {
        transaction: TransactionForm::of(&body, genesis),
        body: BASE64.encode(&falaj_consensus::hash::encode(&body)),
        body_hash: body.body_hash().hash().to_hex(),
        sign_bytes: BASE64.encode(&sign_bytes(&genesis.chain(), &body)),
        signed,
    }))
}

/// Tries a signed transaction on the last final state; nothing is decided or recorded by it.
#[utoipa::path(
    post,
    path = "/v1/transactions:simulate",
    tag = "transactions",
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (Submission = "application/json"),
    )),
    responses((status = 200, description = "What would become of it.", body = Simulated)),
)]
pub(super) async fn simulate(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Simulated>, Problem> {
    let WholeBody { bytes, room } = api.bodies.read(&headers, body).await?;
    let bytes = match request::form(&headers)? {
        Form::Octets => bytes,
        Form::Json => request::json::<Submission>(&bytes)?.bytes()?,
    };
    let (snapshot, now_us) = (api.snapshot(), api.node.clock.now().wall_us);
    let height = snapshot.height().get();
    let verdict = api.aside(move || {
        let tx = check(&snapshot.state.rules(), &RealChecker, &bytes);
        let verdict = tx
            .and_then(|tx| precheck(&snapshot.state, &tx, now_us))
            .err();
        (verdict, borsh::from_slice::<SignedTx>(&bytes).ok())
    });
    let (rejection, tx) = verdict.await?;
    drop(room);
    Ok(Json(Simulated {
        executed: rejection.is_none(),
        code: rejection.map(falaj_ledger::rejection::Rejection::code),
        name: rejection.map(falaj_ledger::rejection::Rejection::name),
        meaning: rejection.map(falaj_ledger::rejection::Rejection::meaning),
        height,
        transaction: tx.map(|tx| SignedForm::of(&tx, &api.node.genesis)),
    }))
}

fn fresh_id(api: &Api) -> Result<TxId, Problem> {
    let mut chance = [0; 10];
    let drawn = ring::rand::SystemRandom::new().fill(&mut chance).ok();
    let now_ms = api.node.clock.now().wall_us / 1_000;
    let id = drawn.and_then(|()| TxId::new(now_ms, chance));
    id.ok_or_else(|| Problem::internal("the system gives no random bytes"))
}
