//! Other validators and other parameters, in the form of the API.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::Signature;
use falaj_consensus::params::{Limits, Parameters, Timeouts};
use falaj_consensus::types::{Hash32, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator};
use falaj_ledger::proposal::ParametersChange;
use falaj_ledger::set_change::{Entry, SetChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::FormError;
use super::operation::KeyForm;
use super::{read, write};

/// A step from one validator set to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatorsForm {
    /// Hash of the set that it changes.
    pub base: String,
    /// Who enters or changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryForm>,
    /// Who leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<u32>,
}

/// A member as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryForm {
    /// Its name for life.
    pub id: u32,
    /// Its share of the votes.
    pub power: u64,
    /// Its key.
    pub key: KeyForm,
    /// Legal operator.
    #[serde(default)]
    pub operator: String,
    /// Site or data centre.
    #[serde(default)]
    pub site: String,
    /// Vendor of the HSM.
    #[serde(default)]
    pub hsm_vendor: String,
    /// Cloud provider.
    #[serde(default)]
    pub cloud: String,
    /// Country of residency.
    #[serde(default)]
    pub residency: String,
    /// The new key's proof of possession in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possession: Option<String>,
}

/// Other parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParametersForm {
    /// Hash of the parameters that they replace.
    pub base: String,
    /// All of them, as they are to be.
    pub parameters: ParameterValues,
}

/// Every parameter of consensus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Parameters")]
pub struct ParameterValues {
    pub propose_ms: u32,
    pub prevote_ms: u32,
    pub precommit_ms: u32,
    pub growth_ms: u32,
    pub growth_rounds_max: u32,
    pub tick_ms: u32,
    pub heartbeat_ms: u32,
    pub block_transactions_max: u32,
    pub block_bytes_max: u32,
    pub block_batches_max: u32,
    pub transaction_bytes_max: u32,
    pub block_evidence_max: u32,
    pub precision_us: u64,
    pub delay_us: u64,
    pub delay_growth_us: u64,
    pub evidence_age_heights: u64,
    pub evidence_age_ms: u64,
}

impl ParameterValues {
    /// The values of parameters.
    #[must_use]
    pub const fn of(found: &Parameters) -> Self {
        let (timeouts, limits) = (found.timeouts, found.limits);
        Self {
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

    fn parameters(&self) -> Result<Parameters, FormError> {
        let parameters = Parameters {
            version: Parameters::VERSION,
            timeouts: Timeouts {
                propose_ms: self.propose_ms,
                prevote_ms: self.prevote_ms,
                precommit_ms: self.precommit_ms,
                growth_ms: self.growth_ms,
                growth_rounds_max: self.growth_rounds_max,
                tick_ms: self.tick_ms,
                heartbeat_ms: self.heartbeat_ms,
            },
            limits: Limits {
                block_transactions_max: self.block_transactions_max,
                block_bytes_max: self.block_bytes_max,
                block_batches_max: self.block_batches_max,
                transaction_bytes_max: self.transaction_bytes_max,
                block_evidence_max: self.block_evidence_max,
            },
            precision_us: self.precision_us,
            delay_us: self.delay_us,
            delay_growth_us: self.delay_growth_us,
            evidence_age_heights: self.evidence_age_heights,
            evidence_age_ms: self.evidence_age_ms,
        };
        let wrong = |error: falaj_consensus::params::ParameterError| {
            FormError::new("parameters", error.to_string())
        };
        parameters.check().map_err(wrong)?;
        Ok(parameters)
    }
}

impl ParametersForm {
    pub(super) fn of(change: &ParametersChange) -> Self {
        Self {
            base: change.base.to_hex(),
            parameters: ParameterValues::of(&change.parameters),
        }
    }

    pub(super) fn change(&self) -> Result<ParametersChange, FormError> {
        Ok(ParametersChange {
            base: base(&self.base)?,
            parameters: self.parameters.parameters()?,
        })
    }
}

impl ValidatorsForm {
    /// The form of a change.
    #[must_use]
    pub fn of(change: &SetChange) -> Self {
        Self {
            base: change.base.to_hex(),
            entries: change.entries.iter().map(EntryForm::of).collect(),
            leaving: change.leaving.iter().map(|id| id.get()).collect(),
        }
    }

    /// The change, in order of id however the form has them.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn change(&self) -> Result<SetChange, FormError> {
        let entries = self.entries.iter().map(EntryForm::entry);
        let mut entries: Vec<Entry> = entries.collect::<Result<_, _>>()?;
        entries.sort_by_key(|entry| entry.validator.id);
        let mut leaving = self.leaving.clone();
        leaving.sort_unstable();
        let change = SetChange {
            base: base(&self.base)?,
            entries,
            leaving: leaving.into_iter().map(ValidatorId::new).collect(),
        };
        if change.is_canonical() {
            return Ok(change);
        }
        let why = "somebody has to enter, change or leave, and nobody twice";
        Err(FormError::new("action", why))
    }
}

impl EntryForm {
    fn of(entry: &Entry) -> Self {
        let Validator {
            id,
            power,
            key,
            declared,
        } = entry.validator.clone();
        let possession = entry.possession.as_ref();
        Self {
            id: id.get(),
            power: power.get(),
            key: write::key(&key),
            operator: declared.operator,
            site: declared.site,
            hsm_vendor: declared.hsm_vendor,
            cloud: declared.cloud,
            residency: declared.residency,
            possession: possession.map(|signature| HEXLOWER.encode(signature.bytes())),
        }
    }

    fn entry(&self) -> Result<Entry, FormError> {
        let declared = Declared {
            operator: self.operator.clone(),
            site: self.site.clone(),
            hsm_vendor: self.hsm_vendor.clone(),
            cloud: self.cloud.clone(),
            residency: self.residency.clone(),
        };
        let possession = self.possession.as_deref().map(signature).transpose()?;
        Ok(Entry {
            validator: Validator {
                id: ValidatorId::new(self.id),
                power: VotingPower::new(self.power),
                key: read::key(&self.key)?,
                declared,
            },
            possession,
        })
    }
}

fn signature(text: &str) -> Result<Signature, FormError> {
    let wrong = || {
        FormError::new(
            "possession",
            "a signature in small hexadecimal digits is needed",
        )
    };
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| wrong())?;
    Signature::new(bytes).ok_or_else(wrong)
}

fn base(text: &str) -> Result<Hash32, FormError> {
    let wrong = || FormError::new("base", "64 small hexadecimal digits are needed");
    Hash32::from_hex(text).ok_or_else(wrong)
}
