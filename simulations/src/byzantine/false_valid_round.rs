//! A proposer that claims a valid round it has not seen: the round before its own, or its own.

use falaj_consensus::message::{Proposal, Statement};
use falaj_node::core::{Frame, Message, ProposalBundle};

use super::{Liar, Lie, own_fresh_proposal};
use crate::marks::Mark;
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(bundle) = own_fresh_proposal(liar, &frame) else {
        return vec![Lie::frame(to, frame)];
    };
    let lie = claimed(liar, bundle);
    liar.marks.hit(Mark::FalseValidRound);
    let message = Some(Message::Proposal(Box::new(lie)));
    vec![Lie::frame(to, Frame { message, ..frame })]
}

fn claimed(liar: &mut Liar<'_>, bundle: &ProposalBundle) -> ProposalBundle {
    let truth = &bundle.proposal;
    let valid_round = Some(truth.round.previous().unwrap_or(truth.round));
    let statement = Statement::Proposal {
        height: truth.height(),
        round: truth.round,
        id: truth.id(),
        valid_round,
    };
    let signature = (liar.sign)(&statement);
    let proposal = Proposal {
        valid_round,
        signature,
        ..truth.clone()
    };
    ProposalBundle {
        proposal,
        ..bundle.clone()
    }
}
