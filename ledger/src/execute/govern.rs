//! Other validators and other parameters: decided by a block, in force two heights later.
//!
//! Invariant: of each at most one change is on its way; what a change starts from is what it names.
//! Order of checks: the last change is in force 5012, base and result 5010, the limits of a step 5011.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use falaj_consensus::params::Parameters;
use falaj_consensus::validator_set::ValidatorSet;

use super::Call;
use super::overlay::Overlay;
use crate::event::EventKind;
use crate::proposal::{ParametersChange, ProposalId};
use crate::rejection::Rejection;
use crate::set_change::{SetChange, SetChangeError};

/// The set that a change leads to, if it may be made now.
pub(super) fn check_set(
    overlay: &Overlay<'_>,
    change: &SetChange,
) -> Result<ValidatorSet, Rejection> {
    let set = overlay.settled_set().ok_or(Rejection::ChangeUnderWay)?;
    change.apply(&set).map_err(|error| match error {
        SetChangeError::TooLarge { .. } => Rejection::StepTooLarge,
        SetChangeError::Base
        | SetChangeError::NoChange(_)
        | SetChangeError::NoMember(_)
        | SetChangeError::Possession(_)
        | SetChangeError::Set => Rejection::ChangeMismatch,
    })
}

pub(super) fn write_set(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    proposal: ProposalId,
    set: ValidatorSet,
) {
    let kind = EventKind::ValidatorsChanged {
        proposal,
        from: overlay.decides(),
        set: set.hash(),
    };
    overlay.put_set(set);
    overlay.record(call, kind);
}

/// The parameters that a change leads to, if it may be made now. How long a transaction may be is never changed, because a batch is
/// judged by its bytes alone.
pub(super) fn check_parameters(
    overlay: &Overlay<'_>,
    change: &ParametersChange,
) -> Result<Parameters, Rejection> {
    let now = overlay
        .settled_parameters()
        .ok_or(Rejection::ChangeUnderWay)?;
    let ParametersChange { base, parameters } = *change;
    let fits = base == now.hash()
        && parameters != now
        && parameters.check().is_ok()
        && parameters.outgrow()
        && parameters.limits.transaction_bytes_max == now.limits.transaction_bytes_max;
    fits.then_some(parameters).ok_or(Rejection::ChangeMismatch)
}

pub(super) fn write_parameters(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    proposal: ProposalId,
    parameters: Parameters,
) {
    let kind = EventKind::ParametersChanged {
        proposal,
        from: overlay.decides(),
        parameters: parameters.hash(),
    };
    overlay.put_parameters(parameters);
    overlay.record(call, kind);
}
