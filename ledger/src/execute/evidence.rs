//! Evidence that a block carries: recorded before anything else, as an event and in the state.
//!
//! Invariant: the place of its event is that of the piece among those of the block.
//! Source: `docs/spec/ledger.md`, "Evidence".

use super::overlay::Overlay;
use crate::account::Place;
use crate::event::EventKind;
use crate::evidence::{Ages, EvidenceSeen, Mark, Offence};
use crate::state::{State, Tip};

/// A piece whose height has no such validator, or no validators yet, proves nothing and is passed over; no valid block carries one.
pub(super) fn record(overlay: &mut Overlay<'_>, offences: &[Offence]) {
    let block = overlay.height();
    for (Offence { key, evidence }, index) in offences.iter().zip(0_u32..) {
        let (height, kind, evidence) = (key.height, key.kind, *evidence);
        let set = overlay.state().validators_if_decided(height);
        let member = set.as_ref().and_then(|set| set.get(key.validator));
        let Some(validator) = member.map(|member| member.id) else {
            continue;
        };
        overlay.put_evidence((height, validator, kind), EvidenceSeen { evidence, block });
        let place = Place {
            height: block,
            index,
        };
        let kind = EventKind::OffenceProven {
            evidence,
            height,
            validator,
            kind,
        };
        overlay.append(None, place, kind);
    }
}

/// The ages of the heights after a block, where they changed.
pub(super) fn ages_after(state: &State, tip: Tip) -> Option<Ages> {
    let ages = state.ages();
    let mark = Mark {
        height: tip.height,
        time_us: tip.time_us,
    };
    let after = ages.after(mark, &state.parameters_at(tip.height));
    (after != ages).then_some(after)
}
