//! Whether the keys under a transaction may ask for it.
//!
//! Invariant: every signer must be entitled, not only enough of them, so that nothing can be added to somebody's transaction.
//! Errors: a key that does not speak here is skipped (5001); too few of those that do fail (5002); neither is ever pinned.
//! Source: `docs/spec/ledger.md`, "Entitlement".

use falaj_consensus::crypto::PublicKey;

use super::refusal::Refusal;
use super::{Call, height};
use crate::account::{Account, Controllers};
use crate::authority::Authority;
use crate::participant::Participant;
use crate::rejection::Rejection;

/// All signers are keys that speak for the submitter at this height.
pub(super) fn submitter_keys(call: Call<'_>, submitter: &Participant) -> Result<(), Refusal> {
    all_signers(call, |key| submitter.has_key_at(key, height(call)))
}

/// Whether any signer is a key that speaks for the submitter at this height.
pub(super) fn has_submitter_key(call: Call<'_>, submitter: &Participant) -> bool {
    call.tx
        .tx()
        .signers()
        .any(|key| submitter.has_key_at(key, height(call)))
}

/// The submitter serves the account, and its controllers have signed.
pub(super) fn controllers(
    call: Call<'_>,
    submitter: &Participant,
    account: &Account,
) -> Result<(), Refusal> {
    if account.participant != submitter.number {
        return Err(Refusal::skip(Rejection::Role));
    }
    match &account.controllers {
        Controllers::Participant => submitter_keys(call, submitter),
        Controllers::Keys(keys) => {
            all_signers(call, |key| keys.keys().contains(key))?;
            let reached = call.tx.tx().approvals.len() >= usize::from(keys.threshold());
            if reached {
                Ok(())
            } else {
                Err(Refusal::Fail(Rejection::Quorum))
            }
        }
    }
}

/// The submitter is the authority's participant, and all signers are its members.
pub(super) fn members(call: Call<'_>, authority: &Authority) -> Result<(), Refusal> {
    in_the_name_of(call, authority)?;
    all_signers(call, |key| authority.has_member(key))
}

/// The submitter is the authority's participant, and all signers are its vetoers.
pub(super) fn vetoers(call: Call<'_>, authority: &Authority) -> Result<(), Refusal> {
    in_the_name_of(call, authority)?;
    all_signers(call, |key| authority.has_vetoer(key))
}

/// The submitter is the authority's participant, and all signers are its members or the participant's own keys.
pub(super) fn members_or_keys(
    call: Call<'_>,
    submitter: &Participant,
    authority: &Authority,
) -> Result<(), Refusal> {
    in_the_name_of(call, authority)?;
    all_signers(call, |key| {
        authority.has_member(key) || submitter.has_key_at(key, height(call))
    })
}

fn in_the_name_of(call: Call<'_>, authority: &Authority) -> Result<(), Refusal> {
    if call.tx.body().participant == authority.participant {
        Ok(())
    } else {
        Err(Refusal::skip(Rejection::Role))
    }
}

fn all_signers(call: Call<'_>, entitled: impl Fn(&PublicKey) -> bool) -> Result<(), Refusal> {
    if call.tx.tx().signers().all(entitled) {
        Ok(())
    } else {
        Err(Refusal::skip(Rejection::Role))
    }
}
