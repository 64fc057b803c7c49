//! Execute: carry out a proposal that has its quorum, once.
//!
//! Approvals are counted here, with the members and threshold in force now, and never those of a proposer.
//! Order of checks: open 5008, entitlement 5001, veto 5007, quorum 5002, delay 5004, then those of the action.
//! Once: an executed proposal leaves the state, so a second execution finds none (5008).
//! Source: `docs/spec/ledger.md`, "Proposals".

use super::approve::open_proposal;
use super::overlay::Overlay;
use super::refusal::Refusal;
use super::supply_change::Asked;
use super::{Call, entitle, gates, govern, supply_change};
use crate::authority::Authority;
use crate::dedup::us;
use crate::participant::Participant;
use crate::proposal::{Action, Proposal, ProposalId};
use crate::rejection::Rejection;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    id: ProposalId,
) -> Result<(), Refusal> {
    let (proposal, authority) = open_proposal(overlay, id)?;
    check_signers(call, submitter, &proposal, &authority)?;
    check(overlay, &proposal, &authority).map_err(Refusal::Entitled)?;
    match &proposal.action {
        Action::Issue(change) => supply(overlay, call, id, Asked::Issue(change), &authority)?,
        Action::Redeem(change) => supply(overlay, call, id, Asked::Redeem(change), &authority)?,
        Action::Parameters(change) => {
            let parameters =
                govern::check_parameters(overlay, change).map_err(Refusal::Entitled)?;
            govern::write_parameters(overlay, call, id, parameters);
        }
        Action::Validators(change) => {
            let set = govern::check_set(overlay, change).map_err(Refusal::Entitled)?;
            govern::write_set(overlay, call, id, set);
        }
        Action::Gate(change) => {
            gates::check(overlay, change).map_err(Refusal::Entitled)?;
            gates::write(overlay, call, id, change);
        }
    }
    overlay.delete_proposal(proposal.expires_us, id);
    Ok(())
}

fn supply(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    id: ProposalId,
    asked: Asked<'_>,
    authority: &Authority,
) -> Result<(), Refusal> {
    let change = supply_change::check(overlay, asked, authority).map_err(Refusal::Entitled)?;
    supply_change::write(overlay, call, id, asked, change);
    Ok(())
}

/// Anybody who could have proposed or approved it may ask for it to be done.
fn check_signers(
    call: Call<'_>,
    submitter: &Participant,
    proposal: &Proposal,
    authority: &Authority,
) -> Result<(), Refusal> {
    if submitter.number == authority.participant {
        entitle::members_or_keys(call, submitter, authority)
    } else if submitter.number == proposal.participant {
        entitle::submitter_keys(call, submitter)
    } else {
        Err(Refusal::skip(Rejection::Role))
    }
}

fn check(
    overlay: &Overlay<'_>,
    proposal: &Proposal,
    authority: &Authority,
) -> Result<(), Rejection> {
    if proposal.vetoed {
        return Err(Rejection::Vetoed);
    }
    let counted = |key| authority.has_member(key) && !proposal.proposers.contains(key);
    let approvals = proposal
        .approvals
        .iter()
        .filter(|key| counted(*key))
        .count();
    if approvals < usize::from(authority.threshold) {
        return Err(Rejection::Quorum);
    }
    if overlay.time_us() < proposal.made_us.saturating_add(us(authority.delay_ms)) {
        return Err(Rejection::Delay);
    }
    Ok(())
}
