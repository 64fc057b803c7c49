//! Approve: members of the authority put their names under a proposal, each signer once.
//!
//! Order of checks: open 5008, members 5001, not a proposer 5001, not vetoed 5007, not approved before 5008.
//! Source: `docs/spec/ledger.md`, "Proposals".

use std::sync::Arc;

use super::overlay::Overlay;
use super::refusal::Refusal;
use super::{Call, entitle};
use crate::authority::Authority;
use crate::event::EventKind;
use crate::proposal::{Proposal, ProposalId};
use crate::rejection::Rejection;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    id: ProposalId,
) -> Result<(), Refusal> {
    let (mut proposal, authority) = open_proposal(overlay, id)?;
    entitle::members(call, &authority)?;
    check(call, &proposal).map_err(Refusal::Entitled)?;
    proposal.approvals.extend(call.tx.tx().signers().cloned());
    let approvals =
        u8::try_from(proposal.approvals.len()).expect("an authority has at most 32 members");
    overlay.put_proposal(id, proposal);
    overlay.record(
        call,
        EventKind::Approved {
            proposal: id,
            approvals,
        },
    );
    Ok(())
}

fn check(call: Call<'_>, proposal: &Proposal) -> Result<(), Rejection> {
    let any_signer_in = |keys: &[_]| call.tx.tx().signers().any(|key| keys.contains(key));
    if any_signer_in(&proposal.proposers) {
        Err(Rejection::Role)
    } else if proposal.vetoed {
        Err(Rejection::Vetoed)
    } else if any_signer_in(&proposal.approvals) {
        Err(Rejection::StaleApproval)
    } else {
        Ok(())
    }
}

/// A proposal that has not expired, with the authority it is before.
pub(super) fn open_proposal(
    overlay: &mut Overlay<'_>,
    id: ProposalId,
) -> Result<(Proposal, Arc<Authority>), Refusal> {
    let time_us = overlay.time_us();
    let proposal = overlay
        .proposal(id)
        .filter(|proposal| !proposal.is_expired_at(time_us));
    let proposal = proposal
        .cloned()
        .ok_or(Refusal::Fail(Rejection::StaleApproval))?;
    let authority = overlay.authority(proposal.authority);
    Ok((
        proposal,
        authority.expect("a proposal is before an authority of the state"),
    ))
}
