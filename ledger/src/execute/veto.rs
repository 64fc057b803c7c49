//! Veto: any vetoer of the authority stops a proposal for good.
//!
//! Order of checks: open 5008, vetoers 5001, not vetoed before 5007.
//! Source: `docs/spec/ledger.md`, "Proposals".

use super::approve::open_proposal;
use super::overlay::Overlay;
use super::refusal::Refusal;
use super::{Call, entitle};
use crate::event::EventKind;
use crate::proposal::ProposalId;
use crate::rejection::Rejection;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    id: ProposalId,
) -> Result<(), Refusal> {
    let (mut proposal, authority) = open_proposal(overlay, id)?;
    entitle::vetoers(call, &authority)?;
    if proposal.vetoed {
        return Err(Refusal::Entitled(Rejection::Vetoed));
    }
    proposal.vetoed = true;
    overlay.put_proposal(id, proposal);
    overlay.record(call, EventKind::Vetoed { proposal: id });
    Ok(())
}
