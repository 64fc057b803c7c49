//! The checks that every transaction passes first: duplicate, window, submitter.
//!
//! Invariant: the duplicate check is the very first, so an answer once given is given again whatever has changed since.
//! Source: `docs/spec/ledger.md`, "Checks of every transaction".

use std::sync::Arc;

use super::Call;
use super::overlay::Overlay;
use super::refusal::Refusal;
use crate::dedup::{self, ID_AHEAD_MS, us};
use crate::participant::Participant;
use crate::receipt::Original;
use crate::rejection::Rejection;

/// Admits a transaction, and gives its submitter.
pub(super) fn admit(
    overlay: &mut Overlay<'_>,
    call: Call<'_>,
) -> Result<Arc<Participant>, Refusal> {
    check_duplicate(overlay, call)?;
    check_window(overlay, call)?;
    let number = call.tx.body().participant;
    overlay
        .participant(number)
        .ok_or(Refusal::skip(Rejection::Role))
}

fn check_duplicate(overlay: &mut Overlay<'_>, call: Call<'_>) -> Result<(), Refusal> {
    let Some(first) = overlay.remembered(call.tx.key()) else {
        return Ok(());
    };
    let code = if first.content != call.tx.content_hash() {
        Rejection::ExistsDifferent
    } else if first.pinned.is_some() {
        Rejection::FailedBefore
    } else {
        Rejection::Exists
    };
    let original = Original {
        place: first.place,
        code: first.pinned,
    };
    Err(Refusal::Skip {
        code,
        original: Some(original),
    })
}

/// Ids and windows are in milliseconds and compare, times a thousand, with block time.
fn check_window(overlay: &Overlay<'_>, call: Call<'_>) -> Result<(), Refusal> {
    let (time_us, body) = (overlay.time_us(), call.tx.body());
    let constants = &overlay.state().chain().constants;
    let too_old = time_us > dedup::last_us(constants, body.id);
    let too_new = us(body.id.time_ms()) > time_us.saturating_add(us(ID_AHEAD_MS));
    if too_old || too_new {
        Err(Refusal::skip(Rejection::IdOutsideWindow))
    } else if time_us < us(body.valid_from_ms) {
        Err(Refusal::skip(Rejection::NotYetValid))
    } else if time_us > us(body.valid_until_ms) {
        Err(Refusal::skip(Rejection::Expired))
    } else {
        Ok(())
    }
}
