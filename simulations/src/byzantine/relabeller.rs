//! A relabeller: votes that it passes on carry another validator's name, or another round, over the signature that they had.

use falaj_consensus::types::ValidatorIndex;
use falaj_node::core::{Frame, Message};

use super::{Liar, Lie, beside};
use crate::chance::Site;
use crate::marks::Mark;
use crate::types::NodeIndex;

const RELABEL: Site = Site::new("byzantine/relabel");

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let (Some(draw), Some(Message::Votes(votes))) = (liar.acts(RELABEL, 2), &frame.message) else {
        return vec![Lie::frame(to, frame)];
    };
    let mut votes = votes.clone();
    for vote in &mut votes {
        if draw.word(1).below(2) == 0 {
            let other = (vote.validator.get() + 1) % liar.validators();
            vote.validator = ValidatorIndex::new(other);
        } else {
            vote.round = vote.round.next();
        }
    }
    let lie = liar.says(Message::Votes(votes));
    beside(liar, Mark::RelabelledVotes, (to, frame), vec![lie])
}
