//! A transfer's references in JSON; all of them optional.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a transfer carries for other systems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReferencesForm {
    /// Unique end-to-end transaction reference, a version 4 UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uetr: Option<String>,
    /// End-to-end id, at most 35 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_to_end: Option<String>,
    /// Purpose code of ISO 20022.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Id of the order the transfer acts under, 16 bytes in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Band of the submitter's own risk score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_band: Option<u8>,
    /// SHA-256 of the message that caused the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_message: Option<String>,
    /// Commitment to the KYC screening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kyc: Option<String>,
    /// Commitment to the travel-rule data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub travel_rule: Option<String>,
    /// Commitment to the AML screening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aml: Option<String>,
}

impl ReferencesForm {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
