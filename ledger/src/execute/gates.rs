//! Feature gates: scheduled for a height, moved or withdrawn as long as they are not in force.
//!
//! Invariant: a block changes the features word of no height below its own plus two, which is as far as every node has fixed it.
//! Order of checks: in force 5022, the height that it is scheduled for 5020, notice 5021.
//! Source: `docs/spec/ledger.md`, "Feature gates".

use super::Call;
use super::overlay::Overlay;
use crate::event::EventKind;
use crate::gate::{GATE_NOTICE, GateChange};
use crate::proposal::ProposalId;
use crate::rejection::Rejection;

/// Whether a gate may be changed so now.
pub(super) fn check(overlay: &mut Overlay<'_>, change: &GateChange) -> Result<(), Rejection> {
    let now = overlay.gate(change.feature);
    if now.is_some_and(|from| from < overlay.decides()) {
        return Err(Rejection::GateInForce);
    }
    if now != change.now {
        return Err(Rejection::GateMismatch);
    }
    let soonest = overlay.height().get().saturating_add(GATE_NOTICE);
    if change.then.is_some_and(|from| from.get() < soonest) {
        return Err(Rejection::GateNotice);
    }
    Ok(())
}

pub(super) fn write(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    proposal: ProposalId,
    change: &GateChange,
) {
    let GateChange { feature, then, .. } = *change;
    overlay.put_gate(feature, then);
    let kind = match then {
        Some(from) => EventKind::GateScheduled {
            proposal,
            feature,
            from,
        },
        None => EventKind::GateWithdrawn { proposal, feature },
    };
    overlay.record(call, kind);
}
