//! A change of a feature gate, in the form of the API.

use falaj_consensus::types::Height;
use falaj_ledger::gate::{Feature, GateChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::FormError;

/// Another first height for a feature gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateForm {
    /// Which gate: a bit of the features word, 0 to 63.
    pub feature: u8,
    /// The first height that it is scheduled for now; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
    /// The first height that it is to be scheduled for; absent if it is withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<u64>,
}

impl GateForm {
    pub(super) fn of(change: &GateChange) -> Self {
        Self {
            feature: change.feature.get(),
            now: change.now.map(Height::get),
            then: change.then.map(Height::get),
        }
    }

    pub(super) fn change(&self) -> Result<GateChange, FormError> {
        let feature = Feature::new(self.feature);
        let feature = feature.ok_or_else(|| FormError::new("feature", "0 to 63 is needed"))?;
        if self.now == self.then {
            return Err(FormError::new("then", "another height than now is needed"));
        }
        Ok(GateChange {
            feature,
            now: self.now.map(Height::new),
            then: self.then.map(Height::new),
        })
    }
}
