//! A flood of proposals: blocks that nobody needs, signed, for the round of its last own proposal and for its later turns.

use falaj_consensus::message::{Body, Proposal, Statement};
use falaj_consensus::types::Round;
use falaj_node::core::{Frame, Message, ProposalBundle};

use super::equivocator::empty_header;
use super::{FLOOD, Liar, Lie, beside};
use crate::chance::Site;
use crate::marks::Mark;
use crate::types::NodeIndex;

const PROPOSALS: Site = Site::new("byzantine/flood-proposals");

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let last = liar.plot.last(liar.place, |message| {
        let Message::Proposal(bundle) = message else {
            return None;
        };
        let proposal = &bundle.proposal;
        let is_own = proposal.proposer == liar.index_at(proposal.height());
        is_own.then(|| (**bundle).clone())
    });
    let (Some(_), Some(last)) = (liar.acts(PROPOSALS, 4), last) else {
        return vec![Lie::frame(to, frame)];
    };
    let first = liar.number * FLOOD;
    let lies = (first..first + FLOOD)
        .map(|number| another(liar, &last, number))
        .collect();
    beside(liar, Mark::FloodOfProposals, (to, frame), lies)
}

/// A block like the last but for its time and, each other time, its round.
fn another(liar: &mut Liar<'_>, last: &ProposalBundle, number: u64) -> Frame {
    let body = Body::default();
    let mut header = empty_header(&last.proposal.header, &body);
    header.time_us = header.time_us.saturating_add(number);
    let turns = u32::try_from(number % 2 * (number % 40)).unwrap_or_default();
    let round = last.proposal.round.get();
    let round = Round::new(round.saturating_add(turns * u32::from(liar.validators())));
    header.round = round;
    let statement = Statement::Proposal {
        height: header.height,
        round,
        id: header.id(),
        valid_round: None,
    };
    let signature = (liar.sign)(&statement);
    let proposal = Proposal {
        header,
        round,
        valid_round: None,
        signature,
        ..last.proposal.clone()
    };
    let bundle = ProposalBundle {
        proposal,
        body,
        polka: None,
        parent: None,
    };
    liar.says(Message::Proposal(Box::new(bundle)))
}
