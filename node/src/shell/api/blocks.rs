//! Final blocks, their receipts and certificates, by height.

use axum::Json;
use axum::extract::State;
use data_encoding::{BASE64, HEXLOWER};
use falaj_consensus::hash;
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::Height;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::rejection::Rejection;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::context::Api;
use super::problem::Problem;
use super::request::{self, Named};
use super::views::BlockView;

/// What became of the transactions of a block.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ReceiptsAnswer {
    /// Height of the block.
    height: u64,
    /// Its time in microseconds since the Unix epoch.
    time_us: u64,
    /// The receipts, in block order.
    receipts: Vec<ReceiptView>,
}

/// What became of one transaction.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ReceiptView {
    /// Who submitted it.
    participant: u32,
    /// Its id.
    id: String,
    /// Hash of its body.
    body_hash: String,
    /// 0 for executed, else the stable number.
    code: u16,
    /// The receipt's leaf in borsh and base64.
    leaf: String,
}

/// A commit certificate, with what it certifies.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CertificateView {
    /// Height.
    height: u64,
    /// Round in which a quorum precommitted.
    round: u32,
    /// The block.
    id: String,
    /// What executing it gave.
    outcome: String,
    /// Who signed, by position in the set of the height, with their signatures in hexadecimal.
    signatures: Vec<SignatureView>,
    /// The certificate in borsh and base64.
    certificate: String,
    /// The header in borsh and base64.
    header: String,
}

/// A validator's signature.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SignatureView {
    /// Position of the validator in the set of the height.
    index: u16,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    validator: Option<u32>,
    /// The signature.
    signature: String,
}

/// A final block as it is read.
pub(super) struct Found {
    pub(super) header: Header,
    outcome: Outcome,
    certificate: CommitCertificate,
    pub(super) receipts: Vec<Receipt>,
}

impl Found {
    pub(super) fn view(&self) -> BlockView {
        BlockView::of(&self.header, &self.outcome, &self.certificate)
    }
}

/// A final block.
#[utoipa::path(
    get,
    path = "/v1/blocks/{height}",
    tag = "blocks",
    params(("height" = String, Path, description = "Its height, or `latest`.")),
    responses((status = 200, description = "The block.", body = BlockView)),
)]
pub(super) async fn block(
    State(api): State<Arc<Api>>,
    Named(height): Named<String>,
) -> Result<Json<BlockView>, Problem> {
    let found = find(&api, &height).await?;
    Ok(Json(found.view()))
}

/// What became of a block's transactions.
#[utoipa::path(
    get,
    path = "/v1/blocks/{height}/receipts",
    tag = "blocks",
    params(("height" = String, Path, description = "Its height, or `latest`.")),
    responses((status = 200, description = "The receipts.", body = ReceiptsAnswer)),
)]
pub(super) async fn receipts(
    State(api): State<Arc<Api>>,
    Named(height): Named<String>,
) -> Result<Json<ReceiptsAnswer>, Problem> {
    let found = find(&api, &height).await?;
    Ok(Json(ReceiptsAnswer {
        height: found.header.height.get(),
        time_us: found.header.time_us,
        receipts: found.receipts.iter().map(view).collect(),
    }))
}

/// The commit certificate of a block, with its header.
#[utoipa::path(
    get,
    path = "/v1/certificates/{height}",
    tag = "blocks",
    params(("height" = String, Path, description = "Its height, or `latest`.")),
    responses((status = 200, description = "The certificate.", body = CertificateView)),
)]
pub(super) async fn certificate(
    State(api): State<Arc<Api>>,
    Named(height): Named<String>,
) -> Result<Json<CertificateView>, Problem> {
    let Found {
        header,
        certificate,
        ..
    } = find(&api, &height).await?;
    let set = api.snapshot().state.validators_at(certificate.height);
    let signed = certificate.signers.iter().zip(&certificate.signatures);
    let signatures = signed.map(|(index, signature)| SignatureView {
        index: index.get(),
        validator: set.get(index).map(|member| member.id.get()),
        signature: HEXLOWER.encode(signature.bytes()),
    });
    Ok(Json(CertificateView {
        height: certificate.height.get(),
        round: certificate.round.get(),
        id: certificate.id.to_string(),
        outcome: certificate.outcome.to_string(),
        signatures: signatures.collect(),
        certificate: BASE64.encode(&hash::encode(&certificate)),
        header: BASE64.encode(&hash::encode(&header)),
    }))
}

fn view(receipt: &Receipt) -> ReceiptView {
    ReceiptView {
        participant: receipt.key.participant.get(),
        id: receipt.key.id.to_string(),
        body_hash: receipt.body_hash.hash().to_hex(),
        code: receipt.verdict.rejection().map_or(0, Rejection::code),
        leaf: BASE64.encode(&receipt.to_leaf()),
    }
}

pub(super) async fn find(api: &Api, text: &str) -> Result<Found, Problem> {
    let last = api.snapshot().height();
    let height = if text == "latest" {
        last
    } else {
        request::height(text)?
    };
    if height == Height::new(0) || height > last {
        let detail = format!("heights 1 to {last} are final; genesis has no block");
        return Err(Problem::not_found(detail).at_height(last.get()));
    }
    api.expect_begun(height)?;
    let missing = || Problem::internal("the block is final and not in the store").retry_after(1);
    read(api, height).await?.ok_or_else(missing)
}

/// A final block from memory or from the store; `None` for one that has left memory before the store has it, which passes.
pub(super) async fn read(api: &Api, height: Height) -> Result<Option<Found>, Problem> {
    if let Some(recent) = api.node.view.recent().get(height) {
        return Ok(Some(Found {
            header: recent.block.header.clone(),
            outcome: recent.block.executed.outcome.clone(),
            certificate: recent.block.certificate.clone(),
            receipts: recent.receipts().to_vec(),
        }));
    }
    let found = api.history(move |history| {
        let Some(page) = history.block(height)? else {
            return Ok(None);
        };
        Ok(Some(Found {
            header: page.header,
            outcome: page.outcome,
            certificate: page.certificate,
            receipts: history.receipts(height)?,
        }))
    });
    found.await
}
