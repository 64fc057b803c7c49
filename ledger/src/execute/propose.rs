//! Propose: put an action before the authority that decides it.
//!
//! An issue is proposed in the authority's name by a member or the participant's own key, or by the controllers of the reserve
//! account; a redemption by those controllers alone, because it takes their money; other validators or parameters and gates in the
//! authority's name alone. Nobody who signed it can approve it.
//! Order of checks: authority 5001, entitlement 5001 and 5002, class 5001, reference 2005, reserve account 3002 or 3001, kind 5001, currency 1011;
//! of other validators or parameters and of gates those of their execution.
//! Source: `docs/spec/ledger.md`, "Issue and redeem".

use super::overlay::Overlay;
use super::refusal::Refusal;
use super::supply_change::Asked;
use super::{Call, entitle, gates, govern, supply_change};
use crate::authority::Authority;
use crate::dedup::us;
use crate::event::EventKind;
use crate::participant::Participant;
use crate::proposal::{Action, Proposal, ProposalId};
use crate::rejection::Rejection;
use crate::transaction::Propose;

pub(super) fn run(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    propose: &Propose,
) -> Result<(), Refusal> {
    let authority = overlay
        .authority(propose.authority)
        .ok_or(Refusal::Fail(Rejection::Role))?;
    check_proposers(overlay, call, submitter, &authority, propose)?;
    check(overlay, &authority, propose).map_err(Refusal::Entitled)?;
    let id = ProposalId::new(call.tx.content_hash().hash());
    let proposal = proposal(overlay, call, propose);
    overlay.put_proposal(id, proposal);
    overlay.record(
        call,
        EventKind::Proposed {
            proposal: id,
            authority: propose.authority,
        },
    );
    Ok(())
}

fn check_proposers(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
    submitter: &Participant,
    authority: &Authority,
    propose: &Propose,
) -> Result<(), Refusal> {
    let by_authority = entitle::members_or_keys(call, submitter, authority);
    match (&propose.action, by_authority) {
        (Action::Issue(_), Ok(())) => Ok(()),
        (Action::Parameters(_) | Action::Validators(_) | Action::Gate(_), by_authority) => {
            by_authority
        }
        (Action::Issue(change) | Action::Redeem(change), _) => {
            let account = overlay
                .account(change.account)
                .ok_or(Refusal::skip(Rejection::Role))?;
            entitle::controllers(call, submitter, account)
        }
    }
}

fn check(
    overlay: &mut Overlay<'_>,
    authority: &Authority,
    propose: &Propose,
) -> Result<(), Rejection> {
    if authority.class != propose.action.class() {
        return Err(Rejection::Role);
    }
    match &propose.action {
        Action::Issue(change) => check_supply(overlay, Asked::Issue(change)),
        Action::Redeem(change) => check_supply(overlay, Asked::Redeem(change)),
        Action::Parameters(change) => govern::check_parameters(overlay, change).map(|_| ()),
        Action::Validators(change) => govern::check_set(overlay, change).map(|_| ()),
        Action::Gate(change) => gates::check(overlay, change),
    }
}

fn check_supply(overlay: &mut Overlay<'_>, asked: Asked<'_>) -> Result<(), Rejection> {
    supply_change::check_reference(overlay, asked.change())?;
    supply_change::reserve_account(overlay, asked).map(|_| ())
}

fn proposal(overlay: &Overlay<'_>, call: Call<'_>, propose: &Propose) -> Proposal {
    let made_us = overlay.time_us();
    let life_us = us(overlay.state().chain().constants.proposal_life_ms);
    Proposal {
        authority: propose.authority,
        action: propose.action.clone(),
        participant: call.tx.body().participant,
        proposers: call.tx.tx().signers().cloned().collect(),
        made: call.place,
        made_us,
        expires_us: made_us.saturating_add(life_us),
        vetoed: false,
        approvals: Vec::new(),
    }
}
