//! A framer: its blocks accuse somebody of a second vote that was never signed.

use falaj_consensus::message::{Evidence, Vote, VoteValue};
use falaj_node::core::{Frame, Message};

use super::invalid_block::sign_again;
use super::{Liar, Lie, own_fresh_proposal};
use crate::marks::Mark;
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let heard = liar.plot.heard_vote();
    let heard = heard.filter(|vote| vote.validator != liar.index_at(vote.height));
    let heard = heard.cloned();
    let (Some(bundle), Some(heard)) = (own_fresh_proposal(liar, &frame), heard) else {
        return vec![Lie::frame(to, frame)];
    };
    let mut lie = bundle.clone();
    lie.body.evidence = vec![accusation(heard)];
    lie.proposal.header.evidence_root = lie.body.evidence_root();
    sign_again(liar, &mut lie.proposal);
    liar.marks.hit(Mark::ForgedEvidence);
    let message = Some(Message::Proposal(Box::new(lie)));
    vec![Lie::frame(to, Frame { message, ..frame })]
}

/// Nil has the place before any block, so it comes first where order is asked for.
fn accusation(vote: Vote) -> Evidence {
    match vote.value {
        VoteValue::Prevote(_) => {
            let value = VoteValue::Prevote(None);
            Evidence::DoublePrevote(
                Vote {
                    value,
                    ..vote.clone()
                },
                vote,
            )
        }
        VoteValue::Precommit(_) => {
            let value = VoteValue::Precommit(None);
            Evidence::DoublePrecommit(
                Vote {
                    value,
                    ..vote.clone()
                },
                vote,
            )
        }
    }
}
