//! A proposer of blocks that no correct validator may prevote: time, parent, outcome, set, counts or contents are not what they must be.

use falaj_consensus::message::{Body, Header, Proposal, Statement};
use falaj_consensus::types::{BlockId, Hash32, OutcomeHash};
use falaj_node::core::{Frame, Message};

use super::{Liar, Lie, own_fresh_proposal};
use crate::chance::{Draw, Site};
use crate::marks::Mark;
use crate::types::NodeIndex;

const INVALID: Site = Site::new("byzantine/invalid-block");
const HOUR_US: u64 = 3_600_000_000;
const NONSENSE_BYTES: usize = 200;
/// A hash of nothing.
const NONE: Hash32 = Hash32::new([7; 32]);

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let draw = liar.draw(INVALID);
    let Some(bundle) = own_fresh_proposal(liar, &frame) else {
        return vec![Lie::frame(to, frame)];
    };
    let mut lie = bundle.clone();
    spoil(&draw, &mut lie.proposal.header, &mut lie.body);
    sign_again(liar, &mut lie.proposal);
    liar.marks.hit(Mark::InvalidBlock);
    let message = Some(Message::Proposal(Box::new(lie)));
    vec![Lie::frame(to, Frame { message, ..frame })]
}

fn spoil(draw: &Draw, header: &mut Header, body: &mut Body) {
    match draw.word(0).below(7) {
        0 => header.time_us = 1,
        1 => header.time_us = header.time_us.saturating_add(HOUR_US),
        2 => header.parent_id = BlockId::new(NONE),
        3 => header.parent_outcome = OutcomeHash::new(NONE),
        4 => header.set_hash = NONE,
        5 => header.transactions = header.transactions.wrapping_add(1),
        _ => {
            body.inline.push(vec![0xa5; NONSENSE_BYTES]);
            header.body_root = body.root();
            header.transactions = header.transactions.saturating_add(1);
            header.transaction_bytes += NONSENSE_BYTES as u64;
        }
    }
}

/// The liar's signature under what its proposal says now.
pub(super) fn sign_again(liar: &mut Liar<'_>, proposal: &mut Proposal) {
    let statement = Statement::Proposal {
        height: proposal.height(),
        round: proposal.round,
        id: proposal.id(),
        valid_round: proposal.valid_round,
    };
    proposal.signature = (liar.sign)(&statement);
}
