//! Taking transactions: one with its answer, or many with a result each.
//!
//! Invariant: admission decides nothing; only a receipt is an answer, and a request whose outcome this node does not know is a 202 that says
//! where to look, never a 5xx. The id is the idempotency key: the same content gives the first result again, other content is refused.
//! Source: `docs/spec/api.md`, "Submitting"; `docs/spec/ledger.md`, "What an answer is".

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::transaction::{TxBody, TxId, TxKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

use super::body::WholeBody;
use super::conflict::{self, Refused};
use super::context::Api;
use super::health::parted;
use super::known::{Known, known};
use super::problem::Problem;
use super::request::{self, Asked, Form};
use super::transaction::TransactionView;
use super::wait::{Wait, until_final};
use super::why::signer_trouble;
use crate::core::Admission;
use crate::shell::runtime::LogHealth;
use crate::shell::view::body_of;

/// Most transactions of one batch.
pub(super) const BATCH_TRANSACTIONS_MAX: usize = 8_192;
/// A node further behind than this would judge by a state that is gone.
const BEHIND_MAX: u64 = 16;
/// Longest wait for the replica's word.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(5);

/// `{"transaction": base64}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// The encoded signed transaction.
    transaction: String,
}

impl Submission {
    /// The bytes of the transaction.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Problem> {
        request::base64(&self.transaction, "transaction")
    }
}

/// `{"transactions": [base64, …]}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchSubmission {
    /// The encoded signed transactions.
    transactions: Vec<String>,
}

/// Results in the order of the transactions.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchAnswer {
    results: Vec<BatchResult>,
}

/// What became of one transaction of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct BatchResult {
    /// Who submitted it; absent where the bytes do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    participant: Option<u32>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// `admitted`, `refused` or `unknown`.
    state: &'static str,
    /// Why it was refused: the stable number.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    /// The code's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// The field that is wrong, or under 2002 the first that differs, where this node knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

/// Takes a signed transaction: 202 and where to look, or with `wait=final` its receipt.
///
/// The id is the idempotency key: the same content again gives the first result with `replay`; 409 (2004) while it is under way,
/// 422 (2002) for other content, with the first `field` that differs as long as this node has the first transaction in memory.
/// A wait that runs out is a 202.
#[utoipa::path(
    post,
    path = "/v1/transactions",
    operation_id = "submit_transaction",
    tag = "transactions",
    params(Wait, ("Idempotency-Key" = Option<String>, Header, description = "Must be the transaction's id.")),
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (Submission = "application/json"),
    )),
    responses(
        (status = 200, description = "What became of it, with the receipt.", body = TransactionView),
        (status = 202, description = "It is open; look at Location.", body = TransactionView),
    ),
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Asked(wait): Asked<Wait>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let WholeBody { bytes, room } = api.bodies.read(&headers, body).await?;
    let bytes = match request::form(&headers)? {
        Form::Octets => bytes,
        Form::Json => request::json::<Submission>(&bytes)?.bytes()?,
    };
    let key = peek(&bytes)?;
    check_idempotency_key(&headers, key)?;
    let patience = wait.patience()?;
    // Whoever waits begins before the transaction can become final.
    let waiting = patience.and_then(|_| api.node.view.wait_for(key, body_of(&bytes)));
    let given = give(&api, key, bytes).await;
    // Whoever waits for finality has no body any more.
    drop(room);
    match given? {
        Given::Admitted => {}
        Given::Refused(why) => return refused(&api, key, why).await,
        Given::Unanswered => return Ok(TransactionView::unknown(key).into_answer()),
    }
    let admitted = TransactionView::admitted(key, api.node.clock.now().wall_us);
    let Some((patience, waiting)) = patience.zip(waiting) else {
        return Ok(admitted.into_answer());
    };
    let reached = until_final(&api, waiting, patience).await?;
    Ok(reached.unwrap_or(admitted).into_answer())
}

/// Takes many signed transactions, and says of each whether it was admitted.
///
/// Octets are the borsh encoding of a list of byte strings.
#[utoipa::path(
    post,
    path = "/v1/transactions:batch",
    operation_id = "submit_transactions",
    tag = "transactions",
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (BatchSubmission = "application/json"),
    )),
    responses(
        (status = 200, description = "A result for each, in their order.", body = BatchAnswer),
    ),
)]
pub(super) async fn many(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let WholeBody { bytes, room } = api.bodies.read(&headers, body).await?;
    let transactions = match request::form(&headers)? {
        Form::Octets => borsh::from_slice::<Vec<Vec<u8>>>(&bytes)
            .map_err(|_| Problem::malformed("body", "not a borsh list of byte strings"))?,
        Form::Json => {
            let batch: BatchSubmission = request::json(&bytes)?;
            let texts = batch.transactions.iter();
            texts
                .map(|text| request::base64(text, "transactions"))
                .collect::<Result<_, _>>()?
        }
    };
    if transactions.len() > BATCH_TRANSACTIONS_MAX {
        let detail = format!("a batch has at most {BATCH_TRANSACTIONS_MAX} transactions");
        return Err(Problem::of(Rejection::TooLarge).because(detail));
    }
    // The transactions stand for it from here on.
    drop(bytes);
    check_open(&api)?;
    let given = transactions.into_iter().map(|bytes| {
        let api = Arc::clone(&api);
        async move { batch_result(&api, bytes).await }
    });
    let results = futures::future::join_all(given).await;
    drop(room);
    Ok((StatusCode::OK, Json(BatchAnswer { results })).into_response())
}

async fn batch_result(api: &Arc<Api>, bytes: Vec<u8>) -> BatchResult {
    let result = |key: Option<TxKey>, state, why: Option<Refused>| BatchResult {
        participant: key.map(|key| key.participant.get()),
        id: key.map(|key| key.id.to_string()),
        state,
        code: why.map(|why| why.code.code()),
        name: why.map(|why| why.code.name()),
        field: why.and_then(|why| why.field),
    };
    let because = |code| Some(Refused::of(code));
    let Ok(key) = peek(&bytes) else {
        return result(None, "refused", because(Rejection::BadEncoding));
    };
    match give(api, key, bytes).await {
        Ok(Given::Admitted) => result(Some(key), "admitted", None),
        Ok(Given::Refused(why)) => result(Some(key), "refused", Some(why)),
        Ok(Given::Unanswered) | Err(_) => {
            result(Some(key), "unknown", because(Rejection::OutcomeUnknown))
        }
    }
}

/// What the replica said.
enum Given {
    Admitted,
    Refused(Refused),
    /// It did not say anything in time.
    Unanswered,
}

/// Hands a transaction to the replica.
async fn give(api: &Arc<Api>, key: TxKey, bytes: Vec<u8>) -> Result<Given, Problem> {
    check_open(api)?;
    let table = api.node.view.in_flight();
    if let Some(first) = table.get(key) {
        return Ok(Given::Refused(conflict::with_waiting(&first.bytes, &bytes)));
    }
    let noted: Arc<[u8]> = bytes.as_slice().into();
    table.begin(key, &noted, api.node.clock.now());
    let not_admitted = |code| {
        table.refused(key, &noted);
        api.node.watch.not_admitted(code);
        let field = (code == Rejection::ExistsDifferent)
            .then(|| conflict::with_final(&api.node.view, &noted))
            .flatten();
        Ok(Given::Refused(Refused { code, field }))
    };
    let Some(answer) = api.node.answers.submit(&api.node.core, bytes) else {
        return not_admitted(Rejection::MempoolFull);
    };
    match tokio::time::timeout(ADMISSION_TIMEOUT, answer).await {
        Ok(Ok(Admission::Admitted)) => {
            table.admitted(key, &noted);
            Ok(Given::Admitted)
        }
        Ok(Ok(Admission::Refused(rejection))) => not_admitted(rejection),
        // It may have been admitted, so it stays noted.
        Ok(Err(_)) | Err(_) => {
            table.admitted(key, &noted);
            Ok(Given::Unanswered)
        }
    }
}

/// Refuses before anything is handed over, so that a 503 decides nothing.
fn check_open(api: &Arc<Api>) -> Result<(), Problem> {
    if api.node.disks.iter().any(LogHealth::is_full) {
        return Err(Problem::of(Rejection::ReadOnly).because("the disk is full"));
    }
    if let Some(why) = parted(api) {
        return Err(Problem::of(Rejection::ReadOnly).because(why));
    }
    let signer = api.node.watch.signer();
    if signer.needs_a_person() {
        let why = signer_trouble(&signer).unwrap_or_default();
        return Err(Problem::of(Rejection::HsmUnavailable).because(why));
    }
    let behind = api.behind();
    if behind > BEHIND_MAX {
        let detail = format!("{behind} heights behind its peers");
        return Err(Problem::of(Rejection::NotSynced).because(detail));
    }
    Ok(())
}

/// A refusal; of a transaction that has its receipt already, that receipt.
async fn refused(api: &Api, key: TxKey, why: Refused) -> Result<Response, Problem> {
    let problem = why.problem().at_height(api.snapshot().height().get());
    if !matches!(why.code, Rejection::Exists | Rejection::FailedBefore) {
        return Err(problem);
    }
    match known(api, key).await? {
        Known::Receipt(bundle) => Ok(TransactionView::of(*bundle).replayed().into_answer()),
        Known::InFlight(_) | Known::Nothing => Err(problem),
    }
}

/// Reads submitter and id from where every version of a body has them: after version and genesis hash.
fn peek(bytes: &[u8]) -> Result<TxKey, Problem> {
    let version = bytes.first_chunk::<2>().copied().map(u16::from_le_bytes);
    if version.is_some_and(|version| version != TxBody::VERSION) {
        return Err(Problem::of(Rejection::UnknownVersion).in_field("transaction"));
    }
    let malformed = || Problem::of(Rejection::BadEncoding).in_field("transaction");
    let rest = bytes.get(2 + 32..).ok_or_else(malformed)?;
    let (participant, rest) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
    let id = rest.first_chunk::<16>().ok_or_else(malformed)?;
    let participant = ParticipantNumber::new(u32::from_le_bytes(*participant));
    let id = TxId::from_bytes(*id).ok_or_else(|| Problem::of(Rejection::BadId).in_field("id"))?;
    Ok(TxKey { participant, id })
}

fn check_idempotency_key(headers: &HeaderMap, key: TxKey) -> Result<(), Problem> {
    let Some(stated) = headers.get("idempotency-key") else {
        return Ok(());
    };
    // The draft standard has the key as a quoted string; many clients send it bare.
    let stated = stated.to_str().unwrap_or_default().trim_matches('"');
    if stated == key.id.to_string() {
        return Ok(());
    }
    let status = StatusCode::BAD_REQUEST;
    let title = "the Idempotency-Key is not the transaction's id";
    Err(Problem::new(status, "idempotency-key", title).in_field("Idempotency-Key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_name_no_transaction_are_refused_by_code() {
        let mut bytes = vec![0; 54];
        bytes[0] = 1;
        assert!(format!("{:?}", peek(&bytes).unwrap_err()).contains("1007"));
        bytes[44] = 0x70;
        bytes[46] = 0x80;
        assert_eq!(peek(&bytes).unwrap().participant.get(), 0);
        for length in 0..54 {
            assert!(format!("{:?}", peek(&bytes[..length]).unwrap_err()).contains("1001"));
        }
        bytes[0] = 2;
        assert!(format!("{:?}", peek(&bytes).unwrap_err()).contains("1002"));
    }
}
