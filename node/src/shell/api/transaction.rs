//! A transaction as the API tells of it.
//!
//! Invariant: `final` is true only beside a certificate: executed, or failed for ever under this id.
//! `included` is advice: a block that is not final carries it.
//! A receipt whose failure is not pinned, or that was skipped, says what happened in that block; the id may still be used.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use falaj_ledger::bundle::{Bundle, ReceiptBundle};
use falaj_ledger::receipt::{Original, Verdict};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::transaction::TxKey;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::Proposed;
use crate::shell::view::Waiting;

/// What is known of a transaction.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct TransactionView {
    /// Who submitted it.
    pub(super) participant: u32,
    /// Its id.
    pub(super) id: String,
    /// `admitted`, `included`, `executed`, `failed`, `skipped` or `unknown`.
    pub(super) state: &'static str,
    /// Whether this can no longer change.
    #[serde(rename = "final")]
    pub(super) is_final: bool,
    /// Whether this is the answer to an earlier request with the same content; absent for no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(super) replay: bool,
    /// Why it was not executed: the stable number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u16>,
    /// The code's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'static str>,
    /// The code's meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) meaning: Option<&'static str>,
    /// Height of its block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) height: Option<u64>,
    /// Its position in the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
    /// Block time in microseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time_us: Option<u64>,
    /// Hash of its body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body_hash: Option<String>,
    /// The first transaction of this key, if this is not it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) original: Option<OriginalView>,
    /// What happened to it as far as this node knows, oldest first.
    pub(super) history: Vec<StepView>,
    /// The receipt with its proof, as a file that `falaj verify` reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proof: Option<BundleView>,
}

/// Where the first transaction of a key is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OriginalView {
    /// Height of its block.
    pub(super) height: u64,
    /// Its position in the block.
    pub(super) index: u32,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u16>,
}

/// A step of a transaction's life.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct StepView {
    /// `admitted`, `included`, `final`, `failed` or `skipped`.
    pub(super) state: &'static str,
    /// When, in microseconds since the Unix epoch: this node's clock for `admitted`, block time for the rest.
    pub(super) time_us: u64,
    /// Height of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) height: Option<u64>,
}

/// A bundle in its text form.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BundleView {
    /// What it proves.
    pub(super) kind: &'static str,
    /// Version of the form: 1.
    pub(super) version: u16,
    /// The bytes in base64.
    pub(super) bundle: String,
}

impl BundleView {
    pub(super) fn of(bundle: &Bundle) -> Self {
        Self {
            kind: bundle.kind(),
            version: 1,
            bundle: bundle.to_base64(),
        }
    }
}

impl OriginalView {
    fn of(original: &Original) -> Self {
        Self {
            height: original.place.height.get(),
            index: original.place.index,
            code: original.code.map(Rejection::code),
        }
    }
}

impl TransactionView {
    fn open(key: TxKey, state: &'static str, history: Vec<StepView>) -> Self {
        Self {
            participant: key.participant.get(),
            id: key.id.to_string(),
            state,
            is_final: false,
            replay: false,
            code: None,
            name: None,
            meaning: None,
            height: None,
            index: None,
            time_us: None,
            body_hash: None,
            original: None,
            history,
            proof: None,
        }
    }

    /// It was admitted just now.
    pub(super) fn admitted(key: TxKey, time_us: u64) -> Self {
        Self::open(key, "admitted", vec![step("admitted", time_us, None)])
    }

    /// It was admitted before.
    pub(super) fn waiting(key: TxKey, waiting: &Waiting) -> Self {
        Self::admitted(key, waiting.came.wall_us)
    }

    /// A block that is not final carries it; another may be decided in its place. It may have been admitted elsewhere.
    pub(super) fn included(key: TxKey, waiting: Option<&Waiting>, block: &Proposed) -> Self {
        let admitted = waiting.map(|waiting| step("admitted", waiting.came.wall_us, None));
        let included = step("included", block.time_us, Some(block.height.get()));
        let history = admitted.into_iter().chain([included]).collect();
        Self::open(key, "included", history)
    }

    /// It was handed over and no answer came.
    pub(super) fn unknown(key: TxKey) -> Self {
        Self::open(key, "unknown", Vec::new()).rejected(Some(Rejection::OutcomeUnknown))
    }

    /// It has a receipt.
    pub(super) fn of(bundle: ReceiptBundle) -> Self {
        let receipt = bundle.answer.receipt;
        let (state, is_final, original) = match &receipt.verdict {
            Verdict::Executed => ("executed", true, None),
            Verdict::Failed { pinned, .. } => ("failed", *pinned, None),
            Verdict::Skipped { original, .. } => ("skipped", false, original.as_ref()),
        };
        let reached = if state == "executed" { "final" } else { state };
        let height = receipt.place.height.get();
        let history = vec![step(reached, receipt.time_us, Some(height))];
        let view = Self {
            is_final,
            height: Some(height),
            index: Some(receipt.place.index),
            time_us: Some(receipt.time_us),
            body_hash: Some(receipt.body_hash.hash().to_hex()),
            original: original.map(OriginalView::of),
            proof: Some(BundleView::of(&Bundle::Receipt(bundle))),
            ..Self::open(receipt.key, state, history)
        };
        view.rejected(receipt.verdict.rejection())
    }

    fn rejected(self, rejection: Option<Rejection>) -> Self {
        Self {
            code: rejection.map(Rejection::code),
            name: rejection.map(Rejection::name),
            meaning: rejection.map(Rejection::meaning),
            ..self
        }
    }

    /// The same as the answer to a repeated request.
    pub(super) fn replayed(self) -> Self {
        Self {
            replay: true,
            ..self
        }
    }

    /// Where it is found.
    pub(super) fn location(&self) -> String {
        format!("/v1/transactions/{}/{}", self.participant, self.id)
    }

    /// 200 with a receipt, 202 and where to look without.
    pub(super) fn into_answer(self) -> Response {
        let status = if self.proof.is_some() {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        let location = HeaderValue::from_str(&self.location());
        let open = self.proof.is_none();
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        if let Ok(location) = location {
            headers.insert(header::LOCATION, location);
        }
        if open {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
        }
        response
    }
}

const fn step(state: &'static str, time_us: u64, height: Option<u64>) -> StepView {
    StepView {
        state,
        time_us,
        height,
    }
}
